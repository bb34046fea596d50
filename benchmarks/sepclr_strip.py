"""SepCLR on two digits side by side: what leaks, and which estimator keeps the spaces apart.

    OMP_NUM_THREADS=1 python benchmarks/sepclr_strip.py [mnist] [sweep] [terms]
    OMP_NUM_THREADS=1 python benchmarks/sepclr_strip.py --table       # from the recorded runs

mnist: five seeds, with the leakage term, without, and in the setting that the sweep found.
sweep: settings on MNIST, two seeds, judged on a fifth of the training images; the test is not seen.
terms: every estimator on scikit-learn's digits, three seeds; at another weight than k-JEM's, one.

2000 + 2000 images to learn from, 1000 + 1000 to test on, from disjoint sets of digits. A run is a
line of the results file; what stands there is not run again. Seconds are process CPU of training.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from sepclr_runs import Outcome, Run, finish, read, spread, values

RESULTS = Path(__file__).with_suffix(".jsonl")
MEASURES = {
    "left from common": "left_digit/common",
    "right from common": "right_digit/common",
    "left from salient": "left_digit/salient",
    "right from salient": "right_digit/salient",
    "target? from common": "target_or_background/common",
    "s": "seconds",
}
SEEDS, VALID_SEEDS, TERM_SEEDS = range(5), (10, 11), range(3)
MNIST, SKLEARN = ("data.digits=mnist",), ("data.digits=sklearn",)
HELD_OUT = "data.judged_on=valid"
WEIGHT = "objective.leakage_weight="
SETTINGS = {
    "default": (),
    "without the leakage term": (WEIGHT + "0",),
    "60 epochs, λ = 20": (WEIGHT + "20", "trainer.max_epochs=60"),
    "60 epochs, without": (WEIGHT + "0", "trainer.max_epochs=60"),
}
SWEEP = (
    (),
    *((WEIGHT + weight,) for weight in ("20", "40", "100")),
    *(
        (WEIGHT + "20", other)
        for other in (
            "trainer.max_epochs=30",
            "trainer.max_epochs=60",
            "encoder.common_width=16",
            "encoder.common_width=8",
            "objective.tau=0.25",
            "objective.tau=1.0",
            "objective.salient_weight=3",
            "objective.informationless_weight=1",
            "objective.informationless_weight=100",
            "objective.uniform_factor=1",
            "sampler.batch_size=128",
            "encoder.noise=0.3",
        )
    ),
)
TERMS = {
    "jem": ("10",),
    "none": ("0",),
    "kmi": ("10", "1"),
    "mmd": ("10", "100"),
    "vclub": ("10", "1"),
    "vub": ("10", "1"),
    "vl1out": ("10", "1"),
    "tc": ("10", "100"),
}


def settings() -> Iterator[Run]:
    """Every setting with every seed."""
    for each in SETTINGS.values():
        for seed in SEEDS:
            yield Run((*MNIST, *each), seed)


def sweep() -> Iterator[Run]:
    """Every candidate on held-out training images."""
    for each in SWEEP:
        for seed in VALID_SEEDS:
            yield Run((*MNIST, HELD_OUT, *each), seed)


def estimators() -> dict[str, tuple[str, ...]]:
    """The settings of every estimator by name and weight."""
    rows = {
        f"`{name}`, {weight}": (*SKLEARN, WEIGHT + weight, f"objective.mi_term={name}")
        for name, weights in TERMS.items()
        for weight in weights
    }
    known = {"`jem`, 10": "default", "`none`, 0": "without the leakage term"}
    return rows | {name: (*SKLEARN, *SETTINGS[setting]) for name, setting in known.items()}


def terms() -> Iterator[Run]:
    """Every estimator with every seed, those at a weight of their own with the first."""
    own = WEIGHT + "1", WEIGHT + "100"
    for seed in TERM_SEEDS:
        for each in estimators().values():
            if seed == TERM_SEEDS[0] or not set(own) & set(each):
                yield Run(each, seed)


def show(title: str, rows: dict[str, tuple[str, ...]], found: dict[Run, Outcome]) -> None:
    """A table of the settings by name that have been run."""
    print(
        f"\n{title}\n\n|  | {' | '.join(MEASURES)} | seeds |\n|---|{'---|' * (len(MEASURES) + 1)}"
    )
    for name, each in rows.items():
        cells = [values(found, each, metric) for metric in MEASURES.values()]
        if cells[0]:
            print(f"| {name} | {' | '.join(map(spread, cells))} | {len(cells[0])} |")


def tables(found: dict[Run, Outcome]) -> None:
    """All three."""
    show("MNIST digits", {k: (*MNIST, *v) for k, v in SETTINGS.items()}, found)
    candidates = {" ".join(each) or "default": (*MNIST, HELD_OUT, *each) for each in SWEEP}
    show("MNIST digits, held-out training images", candidates, found)
    show("Estimators, scikit-learn digits", estimators(), found)


def main() -> None:
    """Make what is missing of the parts asked for, and show all there is."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = {"mnist": settings, "sweep": sweep, "terms": terms}
    asked.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts) + "; or all")
    asked.add_argument("--table", action="store_true", help="run nothing")
    asked.add_argument("--results", type=Path, default=RESULTS)
    words = asked.parse_args()
    if unknown := set(words.parts) - parts.keys():
        asked.error(f"there is no part {', '.join(sorted(unknown))}, only {', '.join(parts)}")
    if not words.table:
        for part in words.parts or parts:
            finish(words.results, parts[part]())
    tables(read(words.results))


if __name__ == "__main__":
    main()
