"""`python -m contrast_contrastive_analysis RUN`."""

from contrast_contrastive_analysis.command import main

main()
