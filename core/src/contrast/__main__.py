"""`python -m contrast`, which is what `torchrun -m contrast` starts."""

from contrast.cli import main

main()
