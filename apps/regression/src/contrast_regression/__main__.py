"""`python -m contrast_regression`."""

from contrast_regression.command import main

main()
