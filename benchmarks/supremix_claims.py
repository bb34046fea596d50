"""Two of the paper's claims on a table: SupReMix under imbalance, and its features elsewhere.

    python benchmarks/supremix_claims.py FOLDER imbalance
    python benchmarks/supremix_claims.py FOLDER transfer

FOLDER holds `concrete.csv`. Five seeds, all methods on the same rows.

imbalance: of the training rows in the upper half of strengths one in eight stays; errors on
held-out rows of the lower half (frequent) and of the upper half (rare).
transfer: features are learnt on concrete of up to 28 days; a head is fitted on 60 rows of older
concrete and judged on the rest of it. A network without contrast gives its features likewise.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from contrast.engine.randomness import generator
from contrast_supremix.comparison import CONTRASTS, compare, contrast
from contrast_supremix.data import rows_of
from contrast_supremix.objective import SupReMix
from contrast_supremix.split import Split, draw_split
from contrast_supremix.training import Budget, Stack, network, pretrain, probe, tune

SEEDS = range(5)
KEEP, HEAD_ROWS, YOUNG_DAYS = 8, 60, 28


def imbalance(folder: Path) -> None:
    """Print MAE of frequent and of rare targets for every method."""
    frame = pd.read_csv(folder / "concrete.csv")
    rows = rows_of(frame, frame.columns[-1], "concrete")
    middle = np.median(rows.y)
    splits = []
    for seed in SEEDS:
        split = draw_split(rows.units, 0.2, 0.133, generator(seed, "split"))
        train = np.random.default_rng(seed).permutation(split.train)
        high = train[rows.y[train] > middle]
        kept = np.sort(np.concatenate([train[rows.y[train] <= middle], high[: len(high) // KEEP]]))
        splits.append(replace(split, train=kept))
    tried = compare(rows.x, rows.y, splits, SEEDS, budget=Budget(), supremix=SupReMix())
    for name, each in tried.items():
        parts = [[], []]
        for split, p in zip(splits, each.predicted, strict=True):
            error = np.abs(p - rows.y)[split.held]
            rare = rows.y[split.held] > middle
            parts[0].append(error[~rare].mean())
            parts[1].append(error[rare].mean())
        _print(name, *parts)


def transfer(folder: Path) -> None:
    """Print MAE on old concrete of heads on features from young concrete."""
    frame = pd.read_csv(folder / "concrete.csv")
    rows = rows_of(frame, frame.columns[-1], "concrete")
    young = frame["age_days"].to_numpy() <= YOUNG_DAYS
    source, heads = [], []
    for seed in SEEDS:
        draw = np.random.default_rng(seed)
        near, far = (draw.permutation(np.flatnonzero(own)) for own in (young, ~young))
        cut = len(near) * 4 // 5
        source.append(Split(near[:cut], near[cut:], far))
        third = HEAD_ROWS // 3
        heads.append(
            Split(far[: HEAD_ROWS - third], far[HEAD_ROWS - third : HEAD_ROWS], far[HEAD_ROWS:])
        )
    stack = Stack.of(rows.x, rows.y, source, SEEDS)
    there = replace(
        stack,
        train=torch.from_numpy(np.stack([split.train for split in heads])),
        valid=torch.from_numpy(np.stack([split.valid for split in heads])),
    )
    budget = Budget()
    nets = {n: pretrain(stack, contrast(n, SupReMix(), SEEDS), budget, n) for n in CONTRASTS}
    plain = network(stack, budget.width, "vanilla")
    l1 = ["l1"] * len(stack)
    nets["network, l1"] = tune(stack, plain, l1, budget.pretrain_epochs, budget, "vanilla").net
    nets["untrained features"] = plain
    for name, net in nets.items():
        fitted = probe(there, net, budget, "there")
        found = []
        for i, split in enumerate(heads):
            p = stack.scales[i].target(fitted.predicted[i].double().numpy())
            found.append(np.abs(p - rows.y)[split.held].mean())
        _print(name, found)


def _print(name: str, *columns: list[float]) -> None:
    cells = [f"{np.mean(each):.3f} ± {np.std(each):.3f}" for each in columns]
    print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"imbalance": imbalance, "transfer": transfer}[sys.argv[2]](Path(sys.argv[1]))
