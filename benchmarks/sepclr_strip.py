"""SepCLR on two digits side by side: what leaks, and which estimator keeps the spaces apart.

    OMP_NUM_THREADS=1 python benchmarks/sepclr_strip.py [mnist] [sklearn] [sweep] [terms]
    OMP_NUM_THREADS=1 python benchmarks/sepclr_strip.py --table       # from the recorded runs

mnist, sklearn: five seeds, with the leakage term, without, and in the setting that the sweep found.
sweep: settings on MNIST, two seeds, judged on a fifth of the training images; the test is not seen.
terms: every estimator on scikit-learn's digits, three seeds; its weight is that of 1, 10 and 100 of
the least `delta_total` on held-out training images.

2000 + 2000 images to learn from, 1000 + 1000 to test on, from disjoint sets of digits. A run is a
line of the results file; what stands there is not run again. Seconds are process CPU of training.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

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
CHOSEN = (WEIGHT + "20", "trainer.max_epochs=60")
SETTINGS = {
    "default": (),
    "without the leakage term": (WEIGHT + "0",),
    "60 epochs, λ = 20": CHOSEN,
    "60 epochs, without": (WEIGHT + "0", "trainer.max_epochs=60"),
}
SWEEP = (
    (),
    (WEIGHT + "10", "trainer.max_epochs=60"),
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
TERMS = ("jem", "none", "kmi", "mmd", "vclub", "vub", "vl1out", "tc")
WEIGHTS = ("10", "1", "100")  # the first where none has been tried


def strips(digits: tuple[str, ...]) -> Iterator[Run]:
    """Every setting with every seed."""
    for settings in SETTINGS.values():
        for seed in SEEDS:
            yield Run((*digits, *settings), seed)


def sweep() -> Iterator[Run]:
    """Every candidate on held-out training images."""
    for settings in SWEEP:
        for seed in VALID_SEEDS:
            yield Run((*MNIST, HELD_OUT, *settings), seed)


def term(name: str, weight: str) -> tuple[str, ...]:
    """The settings of an estimator; k-JEM at 10 and none of them are those of the other tables."""
    if name == "none":
        return SETTINGS["without the leakage term"]
    return () if (name, weight) == ("jem", "10") else (WEIGHT + weight, f"objective.mi_term={name}")


def weighing() -> Iterator[Run]:
    """Every estimator at every weight on held-out training images."""
    for name in TERMS:
        for weight in WEIGHTS[:1] if name == "none" else WEIGHTS:
            yield Run((*SKLEARN, HELD_OUT, *term(name, weight)), VALID_SEEDS[0])


def weighed(found: dict[Run, Outcome], name: str) -> str:
    """The weight of the least `delta_total`."""

    def gap(weight: str) -> float:
        settings = (*SKLEARN, HELD_OUT, *term(name, weight))
        return fmean(values(found, settings, "delta_total") or [float("inf")])

    return min(WEIGHTS, key=gap)


def judged(found: dict[Run, Outcome]) -> Iterator[Run]:
    """Every estimator at its weight."""
    for seed in TERM_SEEDS:
        for name in TERMS:
            yield Run((*SKLEARN, *term(name, weighed(found, name))), seed)


def show(title: str, rows: dict[str, tuple[str, ...]], found: dict[Run, Outcome]) -> None:
    """A table of the settings by name that have been run."""
    print(
        f"\n{title}\n\n|  | {' | '.join(MEASURES)} | seeds |\n|---|{'---|' * (len(MEASURES) + 1)}"
    )
    for name, settings in rows.items():
        cells = [values(found, settings, metric) for metric in MEASURES.values()]
        if cells[0]:
            print(f"| {name} | {' | '.join(map(spread, cells))} | {len(cells[0])} |")


def tables(found: dict[Run, Outcome]) -> None:
    """All four."""
    for name, digits in (("MNIST", MNIST), ("scikit-learn", SKLEARN)):
        show(f"{name} digits", {k: (*digits, *v) for k, v in SETTINGS.items()}, found)
    candidates = {" ".join(each) or "default": (*MNIST, HELD_OUT, *each) for each in SWEEP}
    show("MNIST digits, held-out training images", candidates, found)
    weights = {name: weighed(found, name) for name in TERMS}
    rows = {
        name if name == "none" else f"{name}, {weight}": (*SKLEARN, *term(name, weight))
        for name, weight in weights.items()
    }
    show("Estimators, scikit-learn digits", rows, found)


def main() -> None:
    """Make what is missing of the parts asked for, and show all there is."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = ("mnist", "sklearn", "sweep", "terms")
    asked.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts) + "; or all")
    asked.add_argument("--table", action="store_true", help="run nothing")
    asked.add_argument("--results", type=Path, default=RESULTS)
    words = asked.parse_args()
    if unknown := set(words.parts) - set(parts):
        asked.error(f"there is no part {', '.join(sorted(unknown))}, only {', '.join(parts)}")
    if not words.table:
        for part in words.parts or parts:
            runs = {
                "mnist": lambda: strips(MNIST),
                "sklearn": lambda: strips(SKLEARN),
                "sweep": sweep,
                "terms": weighing,
            }[part]
            found = finish(words.results, runs())
            if part == "terms":
                finish(words.results, judged(found))
    tables(read(words.results))


if __name__ == "__main__":
    main()
