"""A local page over a finished Contrastive UCB run: its plans, and an episode to play."""
