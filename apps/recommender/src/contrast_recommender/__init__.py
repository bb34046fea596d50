"""A local page over a finished recommender run: what was taken, what comes next, what is near."""
