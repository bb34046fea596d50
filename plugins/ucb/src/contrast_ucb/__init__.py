"""Contrastive UCB (arXiv:2207.14800): exploration by learnt features, with exact regret."""
