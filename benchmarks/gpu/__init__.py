"""The pair primitives on a GPU: first right, then fast. `python -m benchmarks.gpu --help`."""
