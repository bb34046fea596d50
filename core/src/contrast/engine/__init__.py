"""The engine: one loop, checkpoints, distribution and randomness for every recipe."""
