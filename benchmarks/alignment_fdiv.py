"""Should fine-tuning before DPO be gentle? Rate and divergence swept, judged after DPO.

    OMP_NUM_THREADS=1 python benchmarks/alignment_fdiv.py [--results FILE] [--starts FOLDER]
    python benchmarks/alignment_fdiv.py --table          # from the recorded runs

"Implicit Reward as the Bridge" (arXiv:2507.00018) claims that plain fine-tuning, which nothing
holds near its start, does best before DPO at a smaller learning rate than is usual, and that
fine-tuning by another divergence keeps what holds it. Here on the tiny models of
`alignment_tiny.py`, with the same starts, lists and reward: 48 steps of 8 lists on each list's best
response, at three learning rates, by total variation (plain fine-tuning, up to a constant) and by
Pearson's chi-square (the form is inferred, see `contrast_alignment.objectives.fdiv_sft`); then DPO
with beta 0.1 from there, the fine-tuned model its reference, on the very same lists, which the
start wrote and not that model. A run is a line of the results file; what stands there is not
run again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Any

import torch
from alignment_tiny import (
    SEEDS,
    Setting,
    Start,
    batches,
    judged,
    recorded,
    spread,
    started,
    trained,
)
from rich.progress import track

from contrast_alignment.objectives.dpo import dpo
from contrast_alignment.objectives.fdiv_sft import fdiv_sft

RESULTS = Path(__file__).with_suffix(".jsonl")
RATES = (3e-3, 5e-4, 1e-4)
PHIS = ("total_variation", "pearson_chi2")
BETA = 0.1  # of DPO; the scale of the implicit reward in fine-tuning is the same


@dataclass(frozen=True)
class Run:
    """One run of the grid; at rate 0 the start itself goes to DPO."""

    phi: str
    rate: float
    seed: int


def measure(setting: Setting, start: Start, run: Run) -> dict[str, Any]:
    """One line of the results: fine-tuned, then by DPO."""
    began = process_time()
    model = start.model
    if run.rate:
        loss = partial(fdiv_sft, beta=BETA, phi=run.phi)
        drawn = batches(setting, start, run.seed)
        model = trained(model, drawn, loss, run.rate, setting.clip_norm)
    tuned = judged(start, run.seed, model)
    # the reference is the fine-tuned model: what is known of the start's is no use
    drawn = (replace(each, reference=None) for each in batches(setting, start, run.seed))
    model = trained(
        model.requires_grad_(False), drawn, partial(dpo, beta=BETA), setting.lr, setting.clip_norm
    )
    after = judged(start, run.seed, model)
    found = {
        f"{key}_{when}": round(each[key], 5)
        for when, each in (("tuned", tuned), ("after", after))
        for key in ("reward", "kl", "nats_per_token")
    }
    seconds = round(process_time() - began, 1)
    return {**asdict(run), **found, "seconds": seconds, "setting": asdict(setting)}


def run_grid(setting: Setting, path: Path, folder: Path) -> None:
    """Run what is not recorded yet, seed by seed, and record each run as it ends."""
    done = {Run(line["phi"], line["rate"], line["seed"]) for line in recorded(path, setting)}
    for seed in SEEDS:
        grid = [Run("none", 0.0, seed), *(Run(*each, seed) for each in product(PHIS, RATES))]
        missing = [run for run in grid if run not in done]
        start = started(setting, seed, folder) if missing else None
        for run in track(missing, f"seed {seed}"):
            with path.open("a") as file:
                file.write(json.dumps(measure(setting, start, run)) + "\n")


def table(lines: list[dict[str, Any]]) -> str:
    """Every fine-tuning, before and after DPO, in Markdown."""
    words = [
        "| fine-tuning | learning rate | reward | after DPO | KL to the start after DPO "
        "| held-out nats a token after DPO |",
        "|---|---|---|---|---|---|",
    ]
    found: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault((line["phi"], line["rate"]), []).append(line)
    for (phi, rate), each in found.items():
        columns = (("reward_tuned", 3), ("reward_after", 3), ("kl_after", 1))
        cells = [spread([one[key] for one in each], digits) for key, digits in columns]
        cells.append(f"{fmean(one['nats_per_token_after'] for one in each):.2f}")
        label = f"{rate:g}" if rate else ""
        words.append(f"| {phi.replace('_', ' ')} | {label} | {' | '.join(cells)} |")
    minutes = sum(line["seconds"] for line in lines) / 60
    return "\n".join([*words, "", f"{len(lines)} runs, {minutes:.0f} CPU minutes."])


def main() -> None:
    """Run the grid, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line for each run")
    parser.add_argument("--starts", type=Path, default=Path("runs"), help="of the run folders")
    parser.add_argument("--table", action="store_true", help="run nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if not given.table:
        run_grid(Setting(), given.results, given.starts)
    print(table(recorded(given.results, Setting())))


if __name__ == "__main__":
    main()
