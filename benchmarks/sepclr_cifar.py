"""SepCLR on MNIST over CIFAR-10, with the leakage term and without, three seeds.

    OMP_NUM_THREADS=1 python benchmarks/sepclr_cifar.py          # a size for a CPU
    python benchmarks/sepclr_cifar.py --paper                    # the paper's protocol, for a GPU
    python benchmarks/sepclr_cifar.py --table [--paper]          # from the recorded runs

The size for a CPU: 2000 + 2000 images to learn from and 500 + 500 to test on, four-layer networks,
batch 256, Adam at 1e-3, 12 epochs. The paper's: 25,000 + 25,000 images, two ResNet-18, batch 512,
Adam at 3e-4, 250 epochs. Weights and views are the paper's in both. A run is a line of the results
file; what stands there is not run again. Seconds are process CPU of training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sepclr_runs import Run, finish, read, spread, values

RESULTS = Path(__file__).with_suffix(".jsonl")
PAPER = ("data=cifar",)
SMALL = (
    *PAPER,
    "data.train=2000",
    "encoder=conv",
    "encoder.crop_side=24",
    "sampler.batch_size=256",
    "trainer.lr=1e-3",
    "trainer.max_epochs=12",
)
MEASURES = {
    "object from common": "object/common",
    "digit from common": "digit/common",
    "object from salient": "object/salient",
    "digit from salient": "digit/salient",
    "target? from common": "target_or_background/common",
    "target? from salient": "target_or_background/salient",
    "s": "seconds",
}
SEEDS, WEIGHTS = range(3), ("10", "0")


def main() -> None:
    """Make what is missing, and show all there is."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--paper", action="store_true", help="the paper's protocol")
    asked.add_argument("--table", action="store_true", help="run nothing")
    asked.add_argument("--results", type=Path, default=RESULTS)
    words = asked.parse_args()
    size = PAPER if words.paper else SMALL
    settings = {weight: (*size, f"objective.leakage_weight={weight}") for weight in WEIGHTS}
    if not words.table:
        finish(words.results, [Run(settings[w], seed) for seed in SEEDS for w in WEIGHTS])
    found = read(words.results)
    print(f"| λ | {' | '.join(MEASURES)} |\n|---|{'---|' * len(MEASURES)}")
    for weight, each in settings.items():
        cells = (spread(values(found, each, metric)) for metric in MEASURES.values())
        print(f"| {weight} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
