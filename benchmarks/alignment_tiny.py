"""Reward against distance from the start: eight preference objectives on a tiny language model.

    OMP_NUM_THREADS=1 python benchmarks/alignment_tiny.py [--results FILE] [--starts FOLDER]
    python benchmarks/alignment_tiny.py --table [--figure FILE]    # from the recorded runs

The reward is one that can be verified, the share of vowels. For each seed a run of the plugin
trains the small Llama of the default on tinyshakespeare (300 steps) and lets it answer 512 openings
four times. All objectives see the same grades, the win rate of a response within its list, by which
LiPO and DNO define their labels. From there each trains 48 steps of 8 lists, AdamW at 3e-4, with
three strengths of its own. Evaluated on an answer to each held-out opening (128, less ties):
reward, KL as the mean of log pi - log ref a response, and nats a token on held-out text.
A run is a line of the results file; what stands there is not run again.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from time import process_time
from typing import Any

import torch
from rich.progress import track
from torch import Tensor

import contrast
from contrast.engine.randomness import generator
from contrast.forms import Lists
from contrast_alignment.batch import Batch, Item, collate
from contrast_alignment.objectives.dno import dno_regression
from contrast_alignment.objectives.dpo import dpo
from contrast_alignment.objectives.ipo import ipo
from contrast_alignment.objectives.irpo import irpo
from contrast_alignment.objectives.kto import kto
from contrast_alignment.objectives.lipo import lipo
from contrast_alignment.objectives.rrhf import rrhf
from contrast_alignment.objectives.slic import slic
from contrast_alignment.policy import Policy
from contrast_alignment.sampler import pieces, reordered
from contrast_alignment.task import Task, draw_responses

RESULTS = Path(__file__).with_suffix(".jsonl")
SEEDS = range(3)
PIECES, PIECE = 128, 64  # of held-out text, and tokens of one


@dataclass(frozen=True)
class Setting:
    """What all runs share; its values stand in every line of the results."""

    fine_tuning: int = 300  # steps of the start
    steps: int = 48
    lists: int = 8  # a step
    lr: float = 3e-4
    clip_norm: float = 1.0
    prompts: int = 512
    responses: int = 4


@dataclass(frozen=True)
class Family:
    """An objective, the key that says how strongly it pulls, and its values."""

    name: str
    key: str
    strengths: tuple[float, float, float]
    loss: Callable[..., Tensor]


BETAS = (0.02, 0.1, 0.5)
FAMILIES = (
    Family("DPO", "beta", BETAS, dpo),
    Family("IPO", "tau", BETAS, partial(ipo, length_normalize=False)),  # sums, as its formula
    Family("SLiC", "beta", BETAS, slic),
    Family("KTO", "beta", BETAS, kto),
    Family("LiPO-lambda", "beta", BETAS, lipo),
    Family("IRPO", "beta", (0.5, 2.0, 8.0), irpo),  # of means over tokens
    Family("RRHF", "sft_weight", (0.1, 1.0, 10.0), rrhf),  # it has no reference
    Family("DNO", "eta", BETAS, dno_regression),
)
START = "start"
DISTANCES = (4, 8, 12)  # nats, at which rewards are compared
TICKS = (1, 2, 4, 8, 16, 32)  # of the picture


@dataclass(frozen=True)
class Run:
    """One run of the grid."""

    objective: str
    strength: float
    seed: int


@dataclass(frozen=True)
class Start:
    """What the runs of a seed share: the fine-tuned model, graded lists and their reference."""

    model: Any
    task: Task
    items: tuple[Item, ...]
    reference: Tensor  # (N, K)


def started(setting: Setting, seed: int, folder: Path) -> Start:
    """The model of a seed after fine-tuning, from its run folder, which is made if it is not there.

    One step of alignment follows fine-tuning in that run; the start is its reference.
    """
    run = folder / f"alignment-start-seed{seed}"
    if not (run / "model").is_dir():
        contrast.run(
            "alignment",
            data={
                "name": "tinyshakespeare",
                "prompts": setting.prompts,
                "responses": setting.responses,
            },
            trainer={
                "threads": 1,
                "sft": {"max_steps": setting.fine_tuning},
                "align": {"max_steps": 1},
            },
            evaluation={"prompts": 1},
            seed=seed,
            runs=folder,
            name=run.name,
        )
    parts = contrast.load(run)
    task, model = parts.data, parts.encoder.reference
    items = tuple(won(item) for item in task.train)
    return Start(model, task, items, reference_scores(model, items))


@torch.no_grad()
def reference_scores(model: Any, items: tuple[Item, ...]) -> Tensor:
    """The log-probability of every response under the model, (N, K)."""
    policy = Policy(model)
    parts = [collate(items[i : i + 64]) for i in range(0, len(items), 64)]
    return torch.cat([policy.sums(policy.score(each), each) for each in parts])


def won(item: Item) -> Item:
    """The item graded by win rates: the share of the other responses that are worse, ties half."""
    grades = torch.tensor(item.grades)
    wins = (grades[:, None] > grades).float() + 0.5 * (grades[:, None] == grades)
    rates = (wins.sum(1) - 0.5) / (len(grades) - 1)
    return replace(item, grades=tuple(rates.tolist()))


def batches(setting: Setting, start: Start, seed: int) -> Iterator[Batch]:
    """Passes over all lists in new orders, each list's responses in a new order as well."""
    per_pass = len(start.items) // setting.lists
    for step in range(setting.steps):
        turn, place = divmod(step, per_pass)
        order = torch.randperm(len(start.items), generator=generator("order", seed, turn))
        rows = order[place * setting.lists : (place + 1) * setting.lists]
        batch = collate([start.items[row] for row in rows.tolist()], rows)
        batch = replace(batch, reference=start.reference[rows])
        draws = torch.rand(batch.grades.shape, generator=generator("responses", seed, step))
        yield reordered(batch, draws.argsort(1))


def aligned(setting: Setting, start: Start, run: Run) -> Any:
    """The model after all steps of an objective."""
    family = next(each for each in FAMILIES if each.name == run.objective)
    drawn = batches(setting, start, run.seed)
    if family.loss is kto:  # k is estimated on responses under another prompt
        drawn = (
            replace(each, other=each.prompt.roll(1, 0), other_length=each.prompt_length.roll(1))
            for each in drawn
        )
    loss = partial(family.loss, **{family.key: run.strength})
    return trained(start.model, drawn, loss, setting.lr, setting.clip_norm)


def trained(
    model: Any, drawn: Iterable[Batch], loss: Callable[[Lists], Tensor], lr: float, clip: float
) -> Any:
    """A copy of the model after a step on each batch; the model itself is the reference."""
    policy = Policy(copy.deepcopy(model).requires_grad_(True))
    policy.reference = model
    adamw = torch.optim.AdamW(policy.model.parameters(), lr=lr, weight_decay=0.0, fused=True)
    for batch in drawn:
        loss(policy(batch)).backward()
        torch.nn.utils.clip_grad_norm_(policy.model.parameters(), clip)
        adamw.step()
        adamw.zero_grad()
    return policy.model


@torch.no_grad()
def judged(start: Start, seed: int, model: Any) -> dict[str, float]:
    """Reward, KL and length of own answers to held-out openings; nats a token of held-out text."""
    policy, before = Policy(model), Policy(start.model)
    prompts = start.task.valid
    draws = generator("answers", seed)
    answers = draw_responses(start.task, [item.prompt for item in prompts], model, draws)
    items = [
        start.task.graded(item, [answer]) for item, answer in zip(prompts, answers, strict=True)
    ]
    items = [replace(item, scored_from=()) for item in items]
    whole = collate(items)
    moved = policy.score(whole).log_probs - before.score(whole).log_probs
    text = start.task.text
    places = torch.arange(0, len(text) - PIECE + 1, PIECE)[:PIECES]
    written = policy.score(pieces(text, places, PIECE)).log_probs
    return {
        "reward": fmean(item.grades[0] for item in items),
        "kl": float(moved.sum(1).mean()),
        "tokens": fmean(len(item.responses[0]) for item in items),
        "nats_per_token": -float(written.sum()) / (len(places) * (PIECE - 1)),
    }


def measure(setting: Setting, start: Start, run: Run) -> dict[str, Any]:
    """One line of the results."""
    began = process_time()
    model = start.model if run.objective == START else aligned(setting, start, run)
    found = judged(start, run.seed, model)
    rounded = {key: round(value, 5) for key, value in found.items()}
    seconds = round(process_time() - began, 1)
    return {**asdict(run), **rounded, "seconds": seconds, "setting": asdict(setting)}


def grid(seed: int) -> list[Run]:
    """The runs of a seed, and the start itself."""
    runs = [Run(each.name, value, seed) for each in FAMILIES for value in each.strengths]
    return [Run(START, 0.0, seed), *runs]


def recorded(path: Path, setting: Setting) -> list[dict[str, Any]]:
    """The lines of a results file.

    Raises: SystemExit: a line is of another setting.
    """
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if any(line["setting"] != asdict(setting) for line in lines):
        raise SystemExit(f"{path} holds runs of another setting; give --results another file")
    return lines


def run_grid(setting: Setting, path: Path, folder: Path) -> None:
    """Run what is not recorded yet, seed by seed, and record each run as it ends."""
    done = {
        Run(line["objective"], line["strength"], line["seed"]) for line in recorded(path, setting)
    }
    for seed in SEEDS:
        missing = [run for run in grid(seed) if run not in done]
        start = started(setting, seed, folder) if missing else None
        for run in track(missing, f"seed {seed}"):
            with path.open("a") as file:
                file.write(json.dumps(measure(setting, start, run)) + "\n")


def found_by_run(lines: list[dict[str, Any]]) -> dict[tuple[str, float], dict[str, list[float]]]:
    """For each objective and strength the numbers of all seeds."""
    found: dict[tuple[str, float], dict[str, list[float]]] = {}
    for line in lines:
        each = found.setdefault((line["objective"], line["strength"]), {})
        for key in ("reward", "kl", "tokens", "nats_per_token"):
            each.setdefault(key, []).append(line[key])
    return found


def spread(values: list[float], digits: int) -> str:
    """Mean and standard deviation over the seeds."""
    return f"{fmean(values):.{digits}f} ± {deviation(values):.{digits}f}"


def deviation(values: list[float]) -> float:
    """Standard deviation; 0 of a single value."""
    return stdev(values) if len(values) > 1 else 0.0


def table(lines: list[dict[str, Any]]) -> str:
    """Every objective at every strength, in Markdown."""
    found = found_by_run(lines)
    words = [
        "| objective | strength | reward | KL, nats a response | held-out nats a token |",
        "|---|---|---|---|---|",
    ]
    keys = {each.name: each.key for each in FAMILIES} | {START: ""}
    for (name, strength), each in found.items():
        label = f"`{keys[name]}` {strength:g}" if keys[name] else ""
        cells = (
            spread(each["reward"], 3),
            spread(each["kl"], 1),
            spread(each["nats_per_token"], 2),
        )
        words.append(f"| {name} | {label} | {' | '.join(cells)} |")
    minutes = sum(line["seconds"] for line in lines) / 60
    seeds = len({line["seed"] for line in lines})
    return "\n".join([*words, "", f"{len(lines)} runs, {seeds} seeds, {minutes:.0f} CPU minutes."])


def frontier(lines: list[dict[str, Any]]) -> str:
    """The reward of each objective at equal distances, in Markdown.

    For each seed straight lines join the start and the strengths in order of KL; where they end
    before the distance, a seed gives no number, and where one gives none the cell is empty.
    """
    import numpy as np

    seeds = sorted({line["seed"] for line in lines})
    words = [f"| reward at a KL of | {' | '.join(f'{at:g} nats' for at in DISTANCES)} |"]
    words.append("|---|" + "---|" * len(DISTANCES))
    for family in FAMILIES:
        cells = []
        for at in DISTANCES:
            rewards = []
            for seed in seeds:
                mine = [
                    line
                    for line in lines
                    if line["seed"] == seed and line["objective"] in (family.name, START)
                ]
                x, y = np.array(sorted((line["kl"], line["reward"]) for line in mine)).T
                rewards += [float(np.interp(at, x, y))] if at <= x[-1] else []
            cells.append(spread(rewards, 3) if len(rewards) == len(seeds) else "")
        words.append(f"| {family.name} | {' | '.join(cells)} |")
    return "\n".join(words)


def figure(lines: list[dict[str, Any]], path: Path) -> None:
    """Reward over KL as SVG: a line for each objective, a cross of deviations at each strength."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from contrast.reporting.palette import LIGHT, SERIES_LIGHT

    mpl.rcParams["svg.hashsalt"] = "alignment"
    mpl.rcParams["font.family"] = "sans-serif"
    found = found_by_run(lines)
    axes = (drawn := Figure((7.2, 4.6), layout="constrained")).subplots()
    for number, family in enumerate(FAMILIES):
        color = (*SERIES_LIGHT, LIGHT["ink"])[number]
        strengths = [value for value in family.strengths if (family.name, value) in found]
        points = [found[family.name, value] for value in strengths]
        x, y = ([fmean(each[key]) for each in points] for key in ("kl", "reward"))
        dx, dy = ([deviation(each[key]) for each in points] for key in ("kl", "reward"))
        axes.errorbar(
            x, y, dy, dx, color=color, marker="osD^vPX*"[number], label=family.name, elinewidth=0.7
        )
        for value, at in zip(strengths, zip(x, y, strict=True), strict=True):
            axes.annotate(f"{value:g}", at, (4, 4), textcoords="offset points", fontsize=7)
    before = fmean(found[START, 0.0]["reward"])
    axes.axhline(before, color=LIGHT["faint"], linestyle=":", label="start")
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_xlabel("KL to the start, nats a response")
    axes.set_ylabel("reward: share of vowels")
    axes.grid(color=LIGHT["grid"], linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    drawn.savefig(path, metadata={"Date": None})


def main() -> None:
    """Run the grid, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line for each run")
    parser.add_argument("--starts", type=Path, default=Path("runs"), help="of the run folders")
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--figure", type=Path, help="write the picture as SVG")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if not given.table:
        run_grid(Setting(), given.results, given.starts)
    lines = recorded(given.results, Setting())
    print(table(lines), frontier(lines), sep="\n\n")
    if given.figure:
        figure(lines, given.figure)


if __name__ == "__main__":
    main()
