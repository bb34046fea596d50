"""MEOW and AdaMEOW on the four published graphs, five seeds each; a GPU is used where there is one.

    python benchmarks/meow_published.py
    python benchmarks/meow_published.py trainer.max_epochs=50 --data imdb --methods meow --seeds 0

Each run has a folder of its own. A finished one is not made again and a stopped one is resumed, so
that the command may be given until all 40 are there; the table shows those that are.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from kept_runs import finish, metrics

METRICS = ("macro_f1/20", "macro_f1/40", "macro_f1/60", "nmi", "ari")


def main() -> None:
    """Seed by seed, so that every graph has its first figures early."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--runs", type=Path, default=Path("runs/meow-published"))
    asked.add_argument("--data", nargs="+", default=["imdb", "acm", "dblp", "aminer"])
    asked.add_argument("--methods", nargs="+", default=["meow", "adameow"])
    asked.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    asked.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    words = asked.parse_args()
    pairs = [(method, data) for data in words.data for method in words.methods]
    for seed in words.seeds:
        for method, data in pairs:
            given = [f"method={method}", f"data={data}", f"seed={seed}", *words.overrides]
            finish("meow", words.runs / f"{method}-{data}-{seed}", given)
        show(words.runs, pairs)


def show(runs: Path, pairs: list[tuple[str, str]]) -> None:
    """Mean and deviation over the seeds that are there."""
    for method, data in pairs:
        scores = [s for s in map(metrics, sorted(runs.glob(f"{method}-{data}-*"))) if s]
        cells = [spread([each[metric] for each in scores]) for metric in METRICS]
        print(f"{method} {data}, {len(scores)} seeds: " + " / ".join(cells))


def spread(values: list[float]) -> str:
    """Mean and deviation, of one value the value."""
    around = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{around}"


if __name__ == "__main__":
    main()
