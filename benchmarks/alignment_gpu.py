"""A DPO step beside TRL's DPOTrainer on a GPU: tokens a second, memory, the same loss.

    python -m venv trl && trl/bin/pip install -r benchmarks/requirements-trl.txt
    python benchmarks/alignment_gpu.py --trl-python trl/bin/python --json gpu.json

The Llama of 19.5 million parameters of `alignment_speed.py`, and one of 106 million in bfloat16
(autocast, weights in float32) at sequences of 2048 tokens: four pairs, and one list of eight, which
is four pairs of one prompt to TRL. Seconds are of the wall, the device waited for, the median of
all steps but the first; memory is the peak of what was allocated on the device; tokens count a
prompt once for each of its responses on both sides. The sides and their settings stand in
`alignment_sides.py`; the file is whole after every case. The losses of the first step must agree to
1e-3 in float32 and to 3e-2 in bfloat16; what does not is said. Not run on a GPU yet.
`--device cpu` tries the command itself out, at sizes that mean nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from alignment_sides import Case, Found, measured
from rich.console import Console
from rich.table import Table

SMALL = Case(device="cuda", steps=12)
LARGE = replace(
    SMALL, layers=8, width=768, inner=2048, heads=12, prompt=1536, response=512, bf16=True
)
CASES = {
    "19.5M, float32, 2 pairs, 128 + 128": SMALL,
    "19.5M, float32, 2 pairs, 384 + 64": replace(SMALL, prompt=384, response=64),
    "106M, bf16, 4 pairs, 1536 + 512": replace(LARGE, lists=4),
    "106M, bf16, a list of 8, 1536 + 512": replace(LARGE, lists=1, alternatives=8),
    "106M, bf16, a list of 8, 1024 + 1024": replace(
        LARGE, lists=1, alternatives=8, prompt=1024, response=1024
    ),
}
AGREE = {False: 1e-3, True: 3e-2}


def shrunk(case: Case) -> Case:
    """The case at a size that a CPU does in a second."""
    return replace(
        case,
        prompt=case.prompt // 32,
        response=case.response // 32,
        layers=1,
        width=16,
        inner=32,
        heads=2,
        vocabulary=100,
        steps=3,
        device="cpu",
    )


def sides(case: Case, trl_python: str, folder: Path) -> Iterator[tuple[str, Found]]:
    """Each side with and without recomputed layers, as it is measured."""
    measured("prepare", sys.executable, folder, case)
    for words, checkpointing in (("", False), (", gradient checkpointing", True)):
        asked = replace(case, checkpointing=checkpointing)
        yield f"TRL{words}", measured("trl", trl_python, folder, asked)
        yield f"ours{words}", measured("ours", sys.executable, folder, asked)


def row(name: str, side: str, case: Case, each: Found, first: Found) -> list[str]:
    """A line of the table; ratios are to TRL without recomputed layers."""
    apart = abs(each["losses"][0] - first["losses"][0])
    agrees = apart <= AGREE[case.bf16]
    return [
        name,
        side,
        f"{case.tokens() / each['seconds']:,.0f}",
        f"{each['megabytes']:,.0f}",
        f"{first['seconds'] / each['seconds']:.2f}",
        f"{each['megabytes'] / first['megabytes']:.2f}",
        f"{apart:.0e}{'' if agrees else ' DISAGREES'}",
    ]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trl-python", required=True, help="interpreter of TRL's environment")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    table = Table("case", "", "tokens/s", "MB", "times as fast", "memory", "loss apart")
    record: dict[str, dict[str, Found]] = {}
    for name, full in CASES.items():
        case = shrunk(full) if given.device == "cpu" else full
        with tempfile.TemporaryDirectory() as folder:
            for side, each in sides(case, given.trl_python, Path(folder)):
                record.setdefault(name, {})[side] = each
                table.add_row(*row(name, side, case, each, record[name]["TRL"]))
        if given.json:
            given.json.write_text(json.dumps(record, indent=1) + "\n")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
