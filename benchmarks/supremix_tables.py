"""SupReMix, SupCon, Rank-N-Contrast and what needs no contrast, on the eight tables.

    python benchmarks/supremix_tables.py FOLDER OUT few airfoil concrete ...
    python benchmarks/supremix_tables.py FOLDER OUT full airfoil concrete ...
    python benchmarks/supremix_tables.py FOLDER OUT show

FOLDER holds the CSV files, the target in their last column. Five seeds, a split of its own each,
all methods on the same ones. `full`: 50 + 50 epochs, a plain network 100, temperature 0.3,
window 5. `few`: 200 training rows, 200 + 200 epochs, a plain network 400, temperature 0.1,
window 10. A line of JSON a table goes to OUT; tables that have their line there are left out, so
that what was interrupted goes on when it is started again.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import torch

from contrast.engine.randomness import generator
from contrast_supremix.comparison import compare
from contrast_supremix.conformal import halves_coverage
from contrast_supremix.data import rows_of
from contrast_supremix.measures import measures, ordinality
from contrast_supremix.objective import SupReMix
from contrast_supremix.split import draw_split
from contrast_supremix.training import Budget

SEEDS = range(5)
FEW = 200
SETTINGS = {
    "full": (Budget(), SupReMix()),
    "few": (
        Budget(pretrain_epochs=200, tune_epochs=200, probe_epochs=200),
        SupReMix(temperature=0.1, window=10.0),
    ),
}


def measure(folder: Path, name: str, setting: str) -> dict:
    """All methods on one table: for each, a list over seeds of what the held-out rows say."""
    frame = pd.read_csv(folder / f"{name}.csv")
    rows = rows_of(frame, frame.columns[-1], name)
    splits = [draw_split(rows.units, 0.2, 0.133, generator(seed, "split")) for seed in SEEDS]
    if setting == "few":
        splits = [
            replace(s, train=np.random.default_rng(seed).permutation(s.train)[:FEW])
            for seed, s in zip(SEEDS, splits, strict=True)
        ]
    budget, supremix = SETTINGS[setting]
    start = process_time()
    tried = compare(rows.x, rows.y, splits, SEEDS, budget=budget, supremix=supremix)
    found = {"table": name, "setting": setting, "train": len(splits[0].train), "methods": {}}
    for method, each in tried.items():
        held = [
            measures(rows.y[s.held], p[s.held]) for s, p in zip(splits, each.predicted, strict=True)
        ]
        errors = [np.abs(p - rows.y)[s.held] for s, p in zip(splits, each.predicted, strict=True)]
        order = None
        if each.features is not None:
            order = [
                ordinality(z[s.held], rows.y[s.held])
                for s, z in zip(splits, each.features, strict=True)
            ]
        found["methods"][method] = {
            **{key: [row[key] for row in held] for key in held[0]},
            "valid_mae": each.valid_mae.tolist(),
            "ordinality": order,
            "covered": [halves_coverage(error) for error in errors],
        }
    return {**found, "cpu_s": process_time() - start}


def measured(out: Path) -> set[tuple[str, str]]:
    """The tables and settings that a file has."""
    lines = out.read_text().splitlines() if out.exists() else []
    return {(line["table"], line["setting"]) for line in map(json.loads, lines)}


def show(out: Path) -> None:
    """The tables in Markdown, and the bars."""
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    for setting in SETTINGS:
        own = [line for line in lines if line["setting"] == setting]
        if not own:
            continue
        methods = list(own[0]["methods"])
        print(f"\n{setting}: MAE, mean ± deviation over {len(SEEDS)} seeds\n")
        print("| | " + " | ".join(line["table"] for line in own) + " |")
        print("|---|" + "---|" * len(own))
        for method in methods:
            cells = [_cell(line["methods"][method]["mae"]) for line in own]
            print(f"| {method} | " + " | ".join(cells) + " |")
        for key in ("ordinality",):
            for method in methods:
                if own[0]["methods"][method][key]:
                    cells = [_cell(line["methods"][method][key]) for line in own]
                    print(f"| {key} of {method.split(',')[0]} | " + " | ".join(cells) + " |")
        covered = [np.sum(line["methods"]["supremix, tune"]["covered"], 0) for line in own]
        print("| coverage, % | " + " | ".join(f"{100 * a / b:.1f}" for a, b in covered) + " |")
        for head in ("probe", "tune"):
            for other in (f"supcon, {head}", f"rank_n_contrast, {head}", "network, l1"):
                ratios = [_ratio(line, f"supremix, {head}", other) for line in own]
                print(
                    f"supremix, {head} / {other}: {np.exp(np.mean(np.log(ratios))):.3f}",
                    np.round(ratios, 3).tolist(),
                )
        print("CPU seconds", [round(line["cpu_s"]) for line in own])


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"


def _ratio(line: dict, ours: str, other: str) -> float:
    return float(np.mean(line["methods"][ours]["mae"]) / np.mean(line["methods"][other]["mae"]))


if __name__ == "__main__":
    folder, out, setting, *tables = sys.argv[1:]
    torch.set_num_threads(1)
    if setting == "show":
        show(Path(out))
    for name in tables:
        if (name, setting) not in measured(Path(out)):
            line = json.dumps(measure(Path(folder), name, setting))
            with Path(out).open("a") as file:
                file.write(line + "\n")
        print(name, setting, "done", flush=True)
