"""`python -m contrast_recommender RUN`."""

from contrast_recommender.command import main

main()
