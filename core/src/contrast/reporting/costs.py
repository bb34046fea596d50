"""What a run cost: where its time went, and the most memory that it held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from contrast.interfaces import Table
from contrast.reporting import figures
from contrast.reporting.formats import show_bytes, show_duration
from contrast.reporting.pages import Figure, Section, slug
from contrast.reporting.records import Record, by_stage

PARTS = (
    "data", "views", "forward", "relate", "loss", "backward", "step",
    "record", "validation", "checkpoint", "evaluation",
)  # fmt: skip
CAPTION = (
    "Loss: the objective, and what else a step computes. Validation: while training; evaluation: "
    "of the trained stage. Memory of the cpu: all that was resident, libraries included."
)
ON_A_GPU = "A step does not wait for the GPU: its time shows where the host had to wait for it."


def costs(record: Record) -> Section | None:
    """Time and memory of every stage."""
    if not record.times:
        return Section("Cost", ("No times have been recorded in `times.jsonl`.",))
    rows, bars = [], []
    devices = sorted({device for line in _lines(record) for device in line.get("peak_memory", {})})
    for stage, lines in by_stage(record.times).items():
        evaluated = record.run.get("evaluated", {}).get(stage, {})
        parts = time_parts(lines, evaluated)
        training, steps = sum(line["seconds"] for line in lines), 1 + max(x["step"] for x in lines)
        seconds = (training, training / steps, evaluated.get("seconds"))
        memory = peaks([*lines, evaluated])
        found = (memory.get(device) for device in devices)
        rows.append((stage, steps, *map(show_duration, seconds), *map(show_bytes, found)))
        if sum(parts.values()) > 0 and len(parts) > 1:
            name = slug(f"time {stage}")
            took = [show_duration(seconds) for seconds in parts.values()]
            svg = figures.shares(parts, took, name=name)
            bars.append(Figure(name, f"{stage}: time", svg))
    heads = ("stage", "steps", "training", "a step", "evaluation")
    heads += tuple(f"peak memory, {device}" for device in devices)
    on_gpu = any(device != "cpu" for device in devices)
    processes = record.run.get("processes", 1)
    text = (f"Of the first of {processes} processes.",) if processes > 1 else ()
    table = Table("", heads, tuple(rows), f"{CAPTION} {ON_A_GPU}" if on_gpu else CAPTION)
    return Section("Cost", text, figures=tuple(bars), tables=(table,))


def headline_costs(record: Record) -> list[tuple[str, str]]:
    """The time of training and the peak memory of the run, in words."""
    if not record.times:
        return []
    found = [("trained for", show_duration(sum(line["seconds"] for line in record.times)))]
    memory = peaks(_lines(record))
    return [*found, *((f"peak memory, {device}", show_bytes(n)) for device, n in memory.items())]


def time_parts(lines: list[dict[str, Any]], evaluated: dict[str, Any]) -> dict[str, float]:
    """Seconds by what they were spent on, in the order of a step; `other` is what nobody counts."""
    spent = defaultdict(float)
    for line in lines:
        for name, seconds in line.get("split", {}).items():
            spent["validation" if name == "evaluation" else name] += seconds
    spent["other"] = max(0.0, sum(line["seconds"] for line in lines) - sum(spent.values()))
    spent["evaluation"] = evaluated.get("seconds", 0.0)
    order = [*PARTS, *(name for name in spent if name not in PARTS)]
    return {name: spent[name] for name in order if spent[name] > 0}


def peaks(lines: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The most bytes by device over all lines."""
    found: dict[str, int] = {}
    for line in lines:
        for device, size in line.get("peak_memory", {}).items():
            found[device] = max(size, found.get(device, 0))
    return found


def _lines(record: Record) -> list[dict[str, Any]]:
    return [*record.times, *record.run.get("evaluated", {}).values()]
