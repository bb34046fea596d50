"""A DPO step beside TRL's DPOTrainer on one CPU thread: seconds, memory, the same loss.

    python -m venv trl && trl/bin/pip install -r benchmarks/requirements-trl.txt -c constraints.txt
    OMP_NUM_THREADS=1 python benchmarks/alignment_speed.py --trl-python trl/bin/python

A random Llama of 19.5 million parameters (4 layers, width 256, vocabulary 32,000, head untied) in
float32, two pairs a step, no padding. Seconds are CPU seconds of the process, the median of all
steps but the first; memory is the peak of the whole process, imports and both models included.
What each side does stands in `alignment_sides.py`. The losses of every step must agree to 1e-4.
Bars, by TRL without gradient checkpointing: 128 + 128 tokens: 1/2.5 of its time and 55 % of its
memory; 384 + 64: 1/6 and 45 %. TRL's default, which recomputes every layer, stands beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from alignment_sides import Case, Found, measured
from rich.console import Console
from rich.table import Table

CASES = {"128 + 128": Case(), "384 + 64": Case(prompt=384, response=64)}
BARS = {"128 + 128": (1 / 2.5, 0.55), "384 + 64": (1 / 6, 0.45)}
AGREE = 1e-4
TRL, TRL_DEFAULT, OURS, CACHED = (
    "TRL",
    "TRL, gradient checkpointing (its default)",
    "ours",
    "ours, reference log-probs cached",
)


def compared(case: Case, trl_python: str) -> dict[str, Found]:
    """Every side of a case.

    Raises: SystemExit: the losses do not agree.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        measured("prepare", sys.executable, folder, case)
        found = {
            TRL: measured("trl", trl_python, folder, case),
            TRL_DEFAULT: measured("trl", trl_python, folder, replace(case, checkpointing=True)),
            OURS: measured("ours", sys.executable, folder, case),
            CACHED: measured("ours", sys.executable, folder, replace(case, cached_reference=True)),
        }
    first = found[TRL]["losses"]
    for name, each in found.items():
        apart = max(abs(a - b) for a, b in zip(first, each["losses"], strict=True))
        if apart > AGREE:
            raise SystemExit(f"{name}: losses {each['losses']} are not TRL's {first}")
        each["apart"] = apart
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trl-python", required=True, help="interpreter of TRL's environment")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    table = Table("tokens", "", "CPU s", "MB", "loss apart", "time", "memory")
    record = {}
    for name, case in CASES.items():
        record[name] = found = compared(case, given.trl_python)
        for side, each in found.items():
            time, memory = (each[key] / found[TRL][key] for key in ("seconds", "megabytes"))
            bars = BARS[name] if side == OURS else (None, None)
            table.add_row(
                name,
                side,
                f"{each['seconds']:.2f}",
                f"{each['megabytes']:.0f}",
                f"{each['apart']:.0e}",
                *(
                    f"{100 * ratio:.0f} %" + (f" (bar {100 * bar:.0f} %)" if bar else "")
                    for ratio, bar in zip((time, memory), bars, strict=True)
                ),
            )
    Console(width=100).print(table)
    if given.json:
        given.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
