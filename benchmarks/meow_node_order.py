"""The node-order finding: MEOW on ACM under four rules among ties, as a table and a figure.

    contrast run plugin=meow data=acm trainer.max_epochs=95 seed=0,1,2,3,4 \\
        sampler.ties=random,official,larger_index,next_index --multirun --runs runs/order
    python benchmarks/meow_node_order.py runs/order docs/assets/meow-node-order.svg

Reads the evaluations of finished runs; trains nothing.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import matplotlib
import numpy as np
from rich.console import Console
from rich.table import Table

RULES = {
    "random": "random permutation",
    "larger_index": "larger index",
    "next_index": "next in cyclic order",
    "official": "official sort",
}
COLUMNS = ("macro_f1/20", "macro_f1/40", "macro_f1/60", "auc/20", "nmi", "ari")
SPLITS = ("20", "40", "60")


def main() -> None:
    """Print the table and draw the figure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("runs", type=Path)
    asked.add_argument("figure", type=Path)
    words = asked.parse_args()
    found = collect(words.runs)
    table = Table("ties", "seeds", "hubs by class", *COLUMNS)
    for rule, runs in found.items():
        values = [[run["metrics"][name] for run in runs] for name in COLUMNS]
        spread = [f"{np.mean(v):.1f} ± {np.std(v, ddof=1):.1f}" for v in values]
        table.add_row(rule, str(len(runs)), "; ".join(sorted({hubs(r) for r in runs})), *spread)
    Console(width=200).print(table)
    draw(found, words.figure)


def collect(root: Path) -> dict[str, list[dict]]:
    """The evaluations by rule, in the order of RULES."""
    found = defaultdict(list)
    for path in sorted(root.rglob("evaluation/train.json")):
        config = json.loads((path.parents[1] / "config.json").read_text())
        rule = next(entry["value"] for entry in config if entry["key"] == "sampler.ties")
        found[rule].append(json.loads(path.read_text()))
    return {rule: found[rule] for rule in RULES if found[rule]}


def hubs(evaluation: dict) -> str:
    """Whom the largest subject hears, by class."""
    table = next(t for t in evaluation["tables"] if t["title"] == "Ties in the cut")
    return table["rows"][-1][2]


def draw(found: dict[str, list[dict]], to: Path) -> None:
    """A dot a seed and a bar at the mean, by rule and split."""
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "meow"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    colours = ("#4477AA", "#CCBB44", "#228833", "#EE6677")
    for at, (rule, runs) in enumerate(found.items()):
        for i, split in enumerate(SPLITS):
            scores = [run["metrics"][f"macro_f1/{split}"] for run in runs]
            x = i + 0.19 * (at - 1.5)
            axes.plot([x] * len(scores), scores, "o", color=colours[at], alpha=0.6, markersize=4)
            label = RULES[rule] if i == 0 else None
            axes.hlines(
                np.mean(scores), x - 0.07, x + 0.07, colours[at], linewidth=2.5, label=label
            )
    axes.set_xticks(range(len(SPLITS)), [f"{split} labels a class" for split in SPLITS])
    axes.set_ylabel("macro-F1, percent")
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title="ties go to", frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(to, metadata={"Date": None, "Title": "MEOW on ACM by the rule among ties"})


if __name__ == "__main__":
    main()
