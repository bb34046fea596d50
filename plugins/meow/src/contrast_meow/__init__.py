"""MEOW: heterogeneous graph contrastive learning (arXiv:2212.13847)."""
