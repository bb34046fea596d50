"""Objectives: what a comparison should come out as. `catalogue` lists them without torch."""
