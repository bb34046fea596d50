"""Regret of Contrastive UCB and its baselines, on processes of several sizes, by seed.

    python benchmarks/ucb_regret.py RECORDS.jsonl [GROUP ...]     runs what is not recorded yet
    python benchmarks/ucb_regret.py RECORDS.jsonl --table         the tables of the docs

Groups: `lock`, `others`, `game`, `scaling`. The seed makes the process, for every agent alike.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

import contrast

Settings = dict[str, dict[str, object]]
AGENTS: dict[str, Settings] = {
    "contrastive + bonus": {},
    "no bonus": {"sampler": {"gamma": 0.0}},
    "epsilon 0.1": {"sampler": {"gamma": 0.0, "epsilon": 0.1}},
    "epsilon 0.5": {"sampler": {"gamma": 0.0, "epsilon": 0.5}},
    "counts": {"sampler": {"name": "counts"}, "trainer": {"fits": 1}},
    "LSVI-UCB, true features": {"sampler": {"name": "lsvi"}, "trainer": {"fits": 1}},
}
LOCK = {"name": "combolock"}
OTHERS = {
    "lock without decoy": LOCK | {"decoy": 0.0},
    "low rank, small": {"name": "lowrank", "states": 12, "actions": 4},
    "low rank, medium": {"name": "lowrank", "states": 30, "actions": 5, "horizon": 8},
}
OURS = ("contrastive + bonus", "counts")
SCALING = {f"horizon {h}": LOCK | {"horizon": h} for h in (3, 4, 6, 8)} | {
    f"observations {n}": LOCK | {"observations": n} for n in (2, 8, 16)
}
PLAYERS = ("contrastive + bonus", "no bonus")
GROUPS = {
    "lock": [("lock", LOCK, agent, seed) for agent in AGENTS for seed in range(10)],
    "others": [
        (n, d, agent, seed) for n, d in OTHERS.items() for agent in AGENTS for seed in range(5)
    ],
    "game": [("game", {"name": "lockgame"}, agent, seed) for agent in PLAYERS for seed in range(5)],
    "scaling": [
        (n, d, agent, seed) for n, d in SCALING.items() for agent in OURS for seed in range(5)
    ],
}


def run(data: dict[str, object], agent: str, seed: int) -> list[float]:
    """The regret of every iteration."""
    method = "game" if data["name"] == "lockgame" else "theory"
    with tempfile.TemporaryDirectory() as runs:
        result = contrast.run(
            "ucb",
            method=method,
            seed=seed,
            data=data,
            evaluation={"compare": []},
            runs=runs,
            **AGENTS[agent],
        )
        return contrast.load(result.folder).sampler.regret


def record(file: Path, groups: list[str]) -> None:
    """Run what the file does not hold, a line each."""
    known = {(r["process"], r["agent"], r["seed"]) for r in read(file)}
    for group in groups:
        for process, data, agent, seed in GROUPS[group]:
            if (process, agent, seed) not in known:
                line = {"process": process, "agent": agent, "seed": seed}
                line["regret"] = [round(r, 6) for r in run(data, agent, seed)]
                with file.open("a") as out:
                    out.write(json.dumps(line) + "\n")


def read(file: Path) -> list[dict]:
    """The records so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def table(records: list[dict]) -> None:
    """Mean and deviation over seeds: regret in all, and the mean of the last 50 (game: 30)."""
    found: dict[tuple[str, str], list[list[float]]] = {}
    for r in records:
        found.setdefault((r["process"], r["agent"]), []).append(r["regret"])
    print("| process | agent | regret | last | seeds |\n|---|---|---|---|---|")
    for (process, agent), runs in found.items():
        total = [sum(run) for run in runs]
        last = np.mean([np.mean(run[-(30 if process == "game" else 50) :]) for run in runs])
        spread = (
            f"{np.mean(total):.1f} ± {np.std(total, ddof=1):.1f}" if len(runs) > 1 else total[0]
        )
        print(f"| {process} | {agent} | {spread} | {last:.3f} | {len(runs)} |")
    for agent in OURS:
        for name, base in (("horizon", 5), ("observations", 4)):
            exponent(found, agent, name, base)
        for process in ("lock", "low rank, small", "low rank, medium"):
            growth(process, agent, found.get((process, agent), []))


def exponent(found: dict, agent: str, name: str, base: int) -> None:
    """The slope of log regret over the log of a size, with a bootstrap interval over runs."""
    points = [(base, sum(run)) for run in found.get(("lock", agent), [])[:5]]
    for (process, who), runs in found.items():
        if who == agent and process.startswith(name):
            points += [(int(process.split()[1]), sum(run)) for run in runs]
    if len({size for size, _ in points}) < 3:
        return
    x, y = np.log(np.array(points)).T
    draw = np.random.default_rng(0)
    rows = draw.integers(len(x), size=(2000, len(x)))
    low, high = np.quantile([np.polyfit(x[r], y[r], 1)[0] for r in rows], (0.025, 0.975))
    print(f"{agent}: regret ~ {name}^{np.polyfit(x, y, 1)[0]:.2f} ({low:.2f} to {high:.2f})")


def growth(process: str, agent: str, runs: list[list[float]]) -> None:
    """The slope of log summed regret over log K, K = 100 to 500, with an interval over seeds."""
    if len(runs) < 3:
        return
    k = np.arange(100, 501, 20)
    summed = np.cumsum(runs, axis=1)[:, k - 1]
    slopes = np.array([np.polyfit(np.log(k), np.log(each), 1)[0] for each in summed])
    draw = np.random.default_rng(0)
    means = slopes[draw.integers(len(slopes), size=(2000, len(slopes)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    print(f"{agent}, {process}: regret ~ K^{slopes.mean():.2f} ({low:.2f} to {high:.2f})")


def parsed() -> argparse.Namespace:
    """The words of the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=Path, help="a .jsonl file, which is added to")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
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
        record(words.records, words.groups or list(GROUPS))
