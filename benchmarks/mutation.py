"""Mutants of the objectives and primitives, and whether the tests notice them.

    python benchmarks/mutation.py [--count 50] [--seed 0] [--json FILE]

A mutant is one mistake: a sign, mask, detach or argument lost, a mean for a sum, another operator
or comparison, a number one too large. Each is written into a copy of `core/src`, on which the tests
that import its file run first, then all others. A failure, or no answer in time, has caught it;
time is the processor's, so that a busy machine catches nothing.

Never mutated: strings, and with them docstrings; annotations; what stands in a `raise`; the SIZES
that cost only time or memory, where they are set and in every expression that names one.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("objectives", "primitives")
TESTS = sorted(test for room in ROOMS for test in (ROOT / "core/tests" / room).rglob("test_*.py"))
CPU_S, WALL_S = 300, 3600  # of one process that runs tests; of all together
SIZES = re.compile("_?[A-Z_]*(TILE|SMALL|BYTES|ROWS|PART|STRIP|BLOCK|GROUP|SCATTERED|BOUND)[A-Z_]*")
HINTS = ("annotation", "returns")
ARGUMENTS = re.compile("weights?|mask|excluded|coefficients|positives?|negatives?|temperature")
WORDS = """Add/Sub Mult/Div Lt/LtE Gt/GtE Eq/NotEq mean/sum amax/amin max/min maximum/minimum
    add/sub add_/sub_ mul/div mul_/div_ no_grad/enable_grad"""
PAIRS = [pair.split("/") for pair in WORDS.split()]
SWAP = {getattr(ast, a, a): getattr(ast, b, b) for p in PAIRS for a, b in (p, p[::-1])}
KINDS = {"mean": "mean", "sum": "mean", "no_grad": "detach", "enable_grad": "detach"}


@dataclass
class Mutant:
    """One mistake, bytes start..end of a file replaced, and the test that caught it, if any."""

    file: str
    line: int
    kind: str
    start: int
    end: int
    before: str
    after: str
    by: str = ""


def main() -> None:
    """Draw, run, print the table and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console = Console(width=160)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(ROOT / "core/src", folder, dirs_exist_ok=True))
        check_copy(copy)
        mutants = drawn(copy / "contrast", options.count, random.Random(options.seed))
        for mutant in mutants:
            judge(mutant, copy)
            console.print(f"{mutant.file}:{mutant.line}", mutant.by or "SURVIVED", markup=False)
        check_copy(copy)  # tests that were edited meanwhile may have caught what is no mistake
    shown = Table("mutant", "kind", "before", "after", "caught")
    for m in sorted(mutants, key=lambda m: bool(m.by)):
        shown.add_row(f"{m.file}:{m.line}", m.kind, m.before, m.after, "yes" if m.by else "NO")
    shown.title = f"{sum(bool(m.by) for m in mutants)} of {len(mutants)} caught"
    console.print(shown, markup=False)
    if options.json:
        options.json.write_text(json.dumps([vars(m) for m in mutants], indent=1))


def check_copy(copy: Path) -> None:
    """Make sure that the copy is imported and passes."""
    found = python(copy, "-c", "import contrast; print(contrast.__file__)").stdout.strip()
    if not Path(found).is_relative_to(copy):
        raise SystemExit(f"contrast is imported from {found}, not from {copy}")
    if failure := first_failure(TESTS, copy):
        raise SystemExit(f"the tests fail without a mutant: {failure}")


def drawn(package: Path, count: int, chance: random.Random) -> list[Mutant]:
    """So many mutants, one of each file in turn: in a file the kinds evenly, then the places."""
    pools: list[dict[str, list[Mutant]]] = []
    for path in sorted(path for room in ROOMS for path in (package / room).rglob("*.py")):
        found = list(candidates(path.read_bytes(), str(path.relative_to(package))))
        pools.append({m.kind: [other for other in found if other.kind == m.kind] for m in found})
    chosen: list[Mutant] = []
    while len(chosen) < count:
        for pool in filter(None, chance.sample(pools, len(pools))):
            chosen.append(chance.choice(pool[chance.choice(sorted(pool))]))
    return chosen[:count]


def candidates(code: bytes, file: str) -> Iterator[Mutant]:
    """Every mistake that can be made in a file."""
    lines = code.splitlines(keepends=True)
    offsets = [sum(map(len, lines[:i])) for i in range(len(lines))]
    for node in mutable(ast.parse(code)):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[node.end_lineno - 1] + node.end_col_offset
        form = "{}" if isinstance(node, ast.stmt) else "({})"
        for kind, changed in changes(node):
            after = form.format(ast.unparse(changed))
            yield Mutant(file, node.lineno, kind, start, end, ast.unparse(node), after)


def mutable(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below this one that say what is computed."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if name not in HINTS and isinstance(child, ast.AST) and not left_out(child):
                if isinstance(child, ast.expr | ast.AugAssign):
                    yield child
                yield from mutable(child)


def left_out(node: ast.AST) -> bool:
    """Whether it only speaks to the user, or names one of SIZES."""
    names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    sized = isinstance(node, ast.expr | ast.Assign) and any(map(SIZES.fullmatch, names))
    return sized or isinstance(node, ast.Raise | ast.JoinedStr)


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The mistakes to make at one node, by kind."""
    match node:
        case ast.BinOp(a, op, b) | ast.AugAssign(a, op, b) if type(op) in SWAP:
            yield "operator", type(node)(a, SWAP[type(op)](), b)
        case ast.UnaryOp(op=ast.USub() | ast.Invert(), operand=operand):
            yield "sign" if isinstance(node.op, ast.USub) else "mask", operand
        case ast.Compare(a, [op], b) if type(op) in SWAP:
            yield "comparison", ast.Compare(a, [SWAP[type(op)]()], b)
        case ast.Constant(value=value) if type(value) in (int, float) and value + 1 != value:
            yield "constant", ast.Constant(value + 1)
        case ast.Call():
            yield from call_changes(node)
        case ast.Attribute(value, name) if name in SWAP:
            yield KINDS.get(name, "operator"), ast.Attribute(value, SWAP[name])
        case ast.Name(id="max" | "min" as name):
            yield "operator", ast.Name(SWAP[name])


def call_changes(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """The mistakes to make in a call: a detach or fill lost, a mask inverted, an argument lost."""
    f, args, keywords = node.func, node.args, node.keywords
    name = f.attr if isinstance(f, ast.Attribute) else ""
    if name in ("detach", "masked_fill", "masked_fill_"):
        yield "detach" if name == "detach" else "mask", f.value
    if name in ("where", "masked_fill", "masked_fill_"):
        yield "mask", ast.Call(f, [ast.UnaryOp(ast.Invert(), args[0]), *args[1:]], keywords)
    for lost in keywords:
        if lost.arg and ARGUMENTS.fullmatch(lost.arg):
            yield "argument", ast.Call(f, args, [other for other in keywords if other != lost])


def judge(mutant: Mutant, copy: Path) -> None:
    """Run the tests on a mutant, its own first, and put the file back."""
    path = copy / "contrast" / mutant.file
    imports = re.compile(rf"\b{path.parent.name}\.{path.stem}\b|\bimport {path.stem}\b")
    near = [test for test in TESTS if imports.search(test.read_text())]
    code = path.read_bytes()
    path.write_bytes(code[: mutant.start] + mutant.after.encode() + code[mutant.end :])
    others = [test for test in TESTS if test not in near]
    mutant.by = (near and first_failure(near, copy)) or first_failure(others, copy)
    path.write_bytes(code)


def first_failure(tests: list[Path], copy: Path) -> str:
    """The first test to fail on the copy, or nothing."""
    try:
        run = python(copy, "-m", "pytest", "-xq", "-p", "no:cacheprovider", *map(str, tests))
    except subprocess.TimeoutExpired:
        return f"no answer in {WALL_S} s"
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.MULTILINE)
    return found[1] if found else f"exit status {run.returncode}" * bool(run.returncode)


def python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy, without bytecode, which mutants of equal size would share."""
    own = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    settings = {"cwd": ROOT, "env": os.environ | own, "timeout": WALL_S, "text": True}
    limit = partial(resource.setrlimit, resource.RLIMIT_CPU, (CPU_S, CPU_S))
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, preexec_fn=limit, **settings)


if __name__ == "__main__":
    main()
