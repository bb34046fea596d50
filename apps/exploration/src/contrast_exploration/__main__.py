"""`python -m contrast_exploration RUN`."""

from contrast_exploration.command import main

main()
