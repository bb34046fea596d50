"""The deep agent beside itself without bonus and without contrastive loss, by environment and seed.

    python benchmarks/ucb_deep.py RECORDS.jsonl [GROUP ...]     runs what is not recorded yet
    python benchmarks/ucb_deep.py RECORDS.jsonl --table         the tables of the docs

Groups: `deepsea` (10 seeds), `minigrid`, `minatar` (5 seeds). Of every run the mean return of the
last 50 episodes of training and of 20 fresh greedy ones; the tables have interquartile means with
bootstrap intervals of 95 % over seeds. `--steps` scales all runs: 1 is what the docs show.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from time import process_time

import numpy as np

import contrast
from contrast_ucb.deep.evaluate import interquartile_mean

Settings = dict[str, dict[str, object]]
AGENTS: dict[str, Settings] = {
    "contrast and bonus": {},
    "no bonus": {"sampler": {"gamma": 0.0}},
    "bonus, no contrast": {"trainer": {"contrast_weight": 0.0}},
}
GROUPS: dict[str, tuple[dict[str, object], int, int]] = {  # data, seeds, steps of all copies
    "deepsea": ({"name": "deepsea", "size": 8}, 10, 3000),
    "minigrid": ({"env": "MiniGrid-Empty-5x5-v0"}, 5, 500),
    "minatar": ({"env": "MinAtar/Breakout-v1", "horizon": 1000}, 5, 500),
}


def run(group: str, agent: str, seed: int, scale: float) -> dict[str, object]:
    """One run: its returns, and how many steps and seconds they took."""
    data, _, steps = GROUPS[group]
    chosen = AGENTS[agent]
    trainer = {"max_steps": max(int(steps * scale), 1), "threads": 1, "checkpoint_every": 0}
    began = process_time()
    with tempfile.TemporaryDirectory() as runs:
        found = contrast.run(
            "ucb",
            method="deep",
            seed=seed,
            data=data,
            sampler=chosen.get("sampler", {}),
            trainer=trainer | chosen.get("trainer", {}),
            runs=runs,
        ).metrics
    return {
        "training": found["return/training"],
        "greedy": found["return"],
        "env_steps": found["env_steps"],
        "seconds": round(process_time() - began, 1),
    }


def record(file: Path, groups: list[str], scale: float) -> None:
    """Run what the file does not hold, a line each, all agents of a seed before the next seed."""
    known = {(r["group"], r["agent"], r["seed"], r["scale"]) for r in read(file)}
    for group in groups:
        for seed in range(GROUPS[group][1]):
            for agent in AGENTS:
                if (group, agent, seed, scale) not in known:
                    line = {"group": group, "agent": agent, "seed": seed, "scale": scale}
                    line |= run(group, agent, seed, scale)
                    with file.open("a") as out:
                        out.write(json.dumps(line) + "\n")


def read(file: Path) -> list[dict]:
    """The records so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def table(records: list[dict]) -> None:
    """Interquartile means over seeds with their intervals."""
    print("| environment | agent | training | greedy | steps | seeds |\n|---|---|---|---|---|---|")
    found: dict[tuple[str, float, str], list[dict]] = {}
    for r in records:
        found.setdefault((r["group"], r["scale"], r["agent"]), []).append(r)
    for (group, _, agent), runs in found.items():
        told = [interval([r[what] for r in runs]) for what in ("training", "greedy")]
        steps = round(np.mean([r["env_steps"] for r in runs]))
        print(f"| {group} | {agent} | {' | '.join(told)} | {steps} | {len(runs)} |")


def interval(values: list[float]) -> str:
    """The interquartile mean, and where 95 % of resampled ones lie."""
    draw, given = np.random.default_rng(0), np.array(values, dtype=np.float64)
    drawn = given[draw.integers(len(given), size=(2000, len(given)))]
    low, high = np.quantile([interquartile_mean(each) for each in drawn], (0.025, 0.975))
    return f"{interquartile_mean(given):.3f} ({low:.3f} to {high:.3f})"


def parsed() -> argparse.Namespace:
    """The words of the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=Path, help="a .jsonl file, which is added to")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--steps", type=float, default=1.0, help="times the steps of a group")
    parser.add_argument("--table", action="store_true", help="print what is recorded, run nothing")
    words = parser.parse_args()
    if unknown := set(words.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    return words


if __name__ == "__main__":
    words = parsed()
    if words.table:
        table(read(words.records))
    else:
        record(words.records, words.groups or list(GROUPS), words.steps)
