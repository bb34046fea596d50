"""SepCLR: common and salient representations of a background and a target (arXiv:2402.11928)."""
