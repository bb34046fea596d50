"""SIRL: robot features from human similarity (arXiv:2301.00810)."""
