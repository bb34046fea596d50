"""Reward models on the published dialogues: what margins, flips, a contrast and MetaRM change.

    OMP_NUM_THREADS=1 python benchmarks/alignment_reward.py [--results FILE] [--runs FOLDER]
    python benchmarks/alignment_reward.py --table                  # from the recorded runs

Lines 0 to 1335 of `hh_harmless` train, the other 333 are held out; LLMBar, from
`preferences/llmbar.jsonl` in CONTRAST_DATA_DIR, is judged as well, its prompts written as the
dialogues are. A seed sets the initial weights, the order of the records and the folds of the
voters, whose votes the margin and the flip share. MetaRM looks ahead on what a small language model
writes to training prompts, one for all seeds, fine-tuned on the preferred replies. Nothing was
tuned on what is held out. A run is a line of the results file; what stands there is not run again.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from time import process_time
from typing import Any

import torch
from rich.progress import track

import contrast
from contrast.engine.randomness import generator
from contrast_alignment.published import dialogues
from contrast_alignment.reward_data import TRAINED_ON
from contrast_alignment.sampling import sample
from contrast_alignment.tokens import opening

RESULTS = Path(__file__).with_suffix(".jsonl")
SEEDS = range(5)
VOTERS = 3
POLICY = {"sft_steps": 200, "prompts": 256, "responses": 4, "response_tokens": 32}
LLMBAR = "preferences/llmbar.jsonl"
METHODS: dict[str, list[str]] = {
    "Bradley-Terry": [],
    "adaptive margin": ["objective.kind=margin"],
    "flip": ["objective.kind=flip"],
    "contrastive term": ["objective.contrast=simcse"],
    "MetaRM": ["trainer.meta_rate=0.05"],
}
COLUMNS = {
    "accuracy": "held out",
    "prefers_the_shorter": "prefers the shorter",
    "elsewhere/accuracy": "LLMBar",
    "elsewhere/prefers_the_shorter": "prefers the shorter, LLMBar",
}


def measure(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """One line of the results."""
    given = [*METHODS[name], f"data.elsewhere={llmbar(folder)}"]
    if "objective.kind" in " ".join(given):
        given.append(f"data.votes={votes(seed, folder)}")
    if name == "MetaRM":
        given.append(f"data.drawn={drawn(folder)}")
    began = process_time()
    found = run("reward", seed, folder, f"{name.replace(' ', '-')}-seed{seed}", given)
    metrics = {key: round(value, 5) for key, value in found.metrics.items()}
    return {
        "method": name,
        "seed": seed,
        **metrics,
        "seconds": round(process_time() - began, 1),
        "setting": METHODS[name],
    }


def run(method: str, seed: int, folder: Path, name: str, given: list[str]) -> Any:
    """A run of the plugin on one thread."""
    words = [f"method={method}", f"seed={seed}", "trainer.threads=1", *given]
    return contrast.run("alignment", overrides=words, runs=folder, name=name)


def votes(seed: int, folder: Path) -> Path:
    """The votes on the training records, from a run that is made if it is not there."""
    path = folder / f"votes-seed{seed}" / "votes.jsonl"
    if not path.exists():
        run("votes", seed, folder, path.parent.name, [f"sampler.voters={VOTERS}"])
    return path


def llmbar(folder: Path) -> Path:
    """LLMBar with its prompts as dialogues.

    Raises: SystemExit: it is not at hand.
    """
    source = Path(os.environ.get("CONTRAST_DATA_DIR", "")) / LLMBAR
    if not source.is_file():
        raise SystemExit(f"put {LLMBAR} (prompt, chosen, rejected) into CONTRAST_DATA_DIR")
    path = folder / "llmbar-dialogues.jsonl"
    rows = map(json.loads, source.read_text(encoding="utf-8").splitlines())
    write_lines(path, ({**row, **as_dialogue(row)} for row in rows))
    return path


def as_dialogue(row: dict[str, str]) -> dict[str, str]:
    """The record in the form of the published dialogues."""
    prompt = f"\n\nHuman: {row['prompt']}\n\nAssistant:"
    return {"prompt": prompt, **{key: f" {row[key]}" for key in ("chosen", "rejected")}}


def drawn(folder: Path) -> Path:
    """What a small language model writes to training prompts; made if it is not there."""
    path = folder / "drawn.jsonl"
    if path.exists():
        return path
    words = ["data=hh_harmless", "data.max_tokens=160", "data.max_prompt_tokens=64"]
    words += ["sampler.batch_size=8", f"trainer.sft.max_steps={POLICY['sft_steps']}"]
    words += ["trainer.max_steps=1", "trainer.threads=1", "evaluation.prompts=8"]
    made = contrast.run("alignment", overrides=words, runs=folder, name="policy")
    parts = contrast.load(made.folder)
    tokenizer = parts.data.tokenizer
    lines = dialogues().splitlines()[: min(POLICY["prompts"], TRAINED_ON)]
    prompts = [json.loads(line)["prompt"] for line in lines]
    asked = [opening(tokenizer, prompt)[-64:] for prompt in prompts]
    answers = sample(
        parts.encoder.model,
        [ids for ids in asked for _ in range(POLICY["responses"])],
        tokens=POLICY["response_tokens"],
        temperature=1.0,
        end=tokenizer.eos_token_id,
        generator=generator("drawn"),
    )
    texts = [tokenizer.decode(list(each), skip_special_tokens=True) for each in answers]
    k = POLICY["responses"]
    write_lines(
        path,
        (
            {"prompt": prompt, "responses": texts[k * i : k * (i + 1)]}
            for i, prompt in enumerate(prompts)
        ),
    )
    return path


def write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    """JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def recorded(path: Path) -> list[dict[str, Any]]:
    """The lines of a results file.

    Raises: SystemExit: a line is of another setting.
    """
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if any(line["setting"] != METHODS.get(line["method"]) for line in lines):
        raise SystemExit(f"{path} holds runs of another setting; give --results another file")
    return lines


def run_grid(path: Path, folder: Path) -> None:
    """Run what is not recorded yet, seed by seed, and record each run as it ends."""
    done = {(line["method"], line["seed"]) for line in recorded(path)}
    grid = [(name, seed) for seed in SEEDS for name in METHODS if (name, seed) not in done]
    for name, seed in track(grid, "runs"):
        line = json.dumps(measure(name, seed, folder))
        with path.open("a") as file:
            file.write(f"{line}\n")


def spread(values: list[float]) -> str:
    """Mean and standard deviation over the seeds, in percent."""
    deviation = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):.1f}{deviation}"


def table(lines: list[dict[str, Any]]) -> str:
    """Every method beside the shorter reply and chance, in Markdown."""
    words = [f"| | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name in METHODS:
        own = [line for line in lines if line["method"] == name]
        if own:
            cells = [spread([line[key] for line in own]) for key in COLUMNS]
            words.append(f"| {name} | {' | '.join(cells)} |")
    short = [100 * lines[0][f"{where}accuracy_of_the_shorter"] for where in ("", "elsewhere/")]
    words.append(f"| the shorter reply | {short[0]:.1f} | 100 | {short[1]:.1f} | 100 |")
    words.append("| chance | 50 | 50 | 50 | 50 |")
    seeds = len({line["seed"] for line in lines})
    minutes = sum(line["seconds"] for line in lines) / 60
    return "\n".join([*words, "", f"{len(lines)} runs, {seeds} seeds, {minutes:.0f} CPU minutes."])


def main() -> None:
    """Run the grid, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line for each run")
    parser.add_argument("--runs", type=Path, default=Path("runs/reward"), help="of the run folders")
    parser.add_argument("--table", action="store_true", help="run nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if not given.table:
        run_grid(given.results, given.runs)
    print(table(recorded(given.results)))


if __name__ == "__main__":
    main()
