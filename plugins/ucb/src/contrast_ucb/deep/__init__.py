"""Contrastive UCB with networks, for environments whose states are not counted."""
