"""`python -m contrast_graph_explorer RUN`."""

from contrast_graph_explorer.command import main

main()
