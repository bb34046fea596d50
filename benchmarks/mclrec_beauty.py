"""Amazon Beauty on a CPU: MCLRec and what it is compared with, about an hour of training each.

    OMP_NUM_THREADS=1 python benchmarks/mclrec_beauty.py [--runs FOLDER] [--methods sasrec cl4srec]
    python benchmarks/mclrec_beauty.py --methods --figure FILE     # from the runs that are there

The presets with the published patience, seed 0, and as many epochs at most as an hour holds on one
thread. A finished run is not made again and a stopped one is resumed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from kept_runs import finish, metrics

from contrast.reporting import read_metrics

EPOCHS = {"sasrec": 60, "cl4srec": 28, "mclrec": 18}
METRICS = ("hr/10", "hr/20", "ndcg/10", "ndcg/20")


def main() -> None:
    """One method after the other; then what they found."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--runs", type=Path, default=Path("runs/mclrec-beauty"))
    asked.add_argument("--methods", nargs="*", choices=EPOCHS, default=list(EPOCHS))
    asked.add_argument("--figure", type=Path, help="write the learning curves as SVG")
    words = asked.parse_args()
    folders = {method: words.runs / f"{method}-beauty-seed0" for method in EPOCHS}
    for method in words.methods:
        given = [f"method={method}", "data=beauty", f"trainer.max_epochs={EPOCHS[method]}"]
        finish("mclrec", folders[method], given)
    done = {method: folder for method, folder in folders.items() if metrics(folder)}
    for method, folder in done.items():
        show(method, folder)
    if words.figure:
        figure(done, words.figure)


def curve(folder: Path, metric: str) -> list[float]:
    """A metric on validation, epoch by epoch."""
    return [row["validation"][metric] for row in read_metrics(folder) if "validation" in row]


def show(method: str, folder: Path) -> None:
    """The test at the best epoch, and how far training went."""
    found, watched = metrics(folder), curve(folder, "mrr/10")
    scores = "  ".join(f"{name} {found[name]:.4f}" for name in METRICS)
    best = watched.index(max(watched)) + 1
    print(f"{method}: {scores}  best epoch {best} of {len(watched)}")


def figure(runs: dict[str, Path], path: Path) -> None:
    """NDCG@20 on validation over the epochs, a line a method."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from contrast.reporting.palette import SERIES_LIGHT

    with mpl.rc_context({"svg.hashsalt": "contrast", "font.size": 9}):
        picture = Figure(figsize=(6, 3.4), layout="constrained")
        axes = picture.subplots()
        for (method, folder), color in zip(runs.items(), SERIES_LIGHT, strict=False):
            heights = curve(folder, "ndcg/20")
            epochs = range(1, len(heights) + 1)
            axes.plot(epochs, heights, marker=".", color=color, label=method)
        axes.set_xlabel("epoch")
        axes.set_ylabel("NDCG@20, validation")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right")
        picture.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
