"""`python -m contrast_preference_studio RUN`."""

from contrast_preference_studio.command import main

main()
