"""Mutants of the objectives and primitives, and whether their tests notice.

    python benchmarks/mutation.py --count 50 --seed 0 [--json FILE]

A mutant is one small mistake: a sign, a mask, a temperature, a lost detach, a mean for a sum, a
comparison, a number one too large. Files are drawn evenly, in a file the kinds evenly, then a place.
Each mutant is written into a copy of `core/src`, one at a time. The tests named after its file run
first (for a file without, those that import it), then all of objectives and primitives; a test that
fails, or no answer in time, has caught it.

Never mutated: strings, and with them docstrings; annotations; what stands in a `raise`; the sizes
named by SIZES, where they are set and in every expression that names one.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
SOURCE, TESTS = ROOT / "core/src", ROOT / "core/tests"
ROOMS = ("objectives", "primitives")
TIMEOUT_S = 300
SIZES = re.compile("_?[A-Z_]*(TILE|SMALL|BYTES|ROWS|PART|STRIP|BLOCK|GROUP|SCATTERED|BOUND)[A-Z_]*")
ARGUMENTS = re.compile("weights?|mask|excluded|coefficients|positives?|negatives?|temperature")
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_NAMES = "mean sum  amax amin  max min  maximum minimum  add sub  add_ sub_  mul div  mul_ div_"
_PAIRS = [pair.split() for pair in re.split("  ", f"{_NAMES}  no_grad enable_grad")]
NAMES = {old: new for a, b in _PAIRS for old, new in ((a, b), (b, a))}
KINDS = {"mean": "mean", "sum": "mean", "no_grad": "detach", "enable_grad": "detach"}


@dataclass
class Mutant:
    """One mistake: characters start..end of a file's bytes replaced, and what came of it."""

    file: str
    line: int
    kind: str
    start: int
    end: int
    text: str
    before: str = ""
    after: str = ""
    caught: bool = False
    by: str = ""

    def applied(self, code: bytes) -> bytes:
        """The file with the mistake in it."""
        return code[: self.start] + self.text.encode() + code[self.end :]


def main() -> None:
    """Draw, run, print the table and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console = Console(width=160)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(SOURCE, Path(folder) / "src"))
        check_copy(copy)
        mutants = drawn(copy, options.count, random.Random(options.seed))
        for mutant in mutants:
            judge(mutant, copy)
            state = "caught  " if mutant.caught else "SURVIVED"
            console.print(f"{state} {mutant.file}:{mutant.line} {mutant.by}", markup=False)
    console.print(table(mutants))
    caught = sum(mutant.caught for mutant in mutants)
    console.print(f"{caught} of {len(mutants)} caught ({caught / len(mutants):.0%})")
    if options.json:
        options.json.write_text(json.dumps([asdict(mutant) for mutant in mutants], indent=1))


def check_copy(copy: Path) -> None:
    """Make sure that the copy is what is imported, and that its tests pass."""
    code = "import contrast; print(contrast.__file__)"
    found = subprocess.check_output([sys.executable, "-c", code], env=environment(copy), text=True)
    if not Path(found.strip()).is_relative_to(copy):
        raise SystemExit(f"contrast is imported from {found.strip()}, not from {copy}")
    if failure := run_tests([TESTS / room for room in ROOMS], copy):
        raise SystemExit(f"the tests fail without a mutant: {failure}")


def drawn(copy: Path, count: int, chance: random.Random) -> list[Mutant]:
    """So many mutants, from as many files as there are."""
    pools: dict[Path, dict[str, list[Mutant]]] = {}
    for path in sorted(path for room in ROOMS for path in (copy / "contrast" / room).rglob("*.py")):
        pools[path] = defaultdict(list)
        for mutant in candidates(path.read_bytes(), str(path.relative_to(copy / "contrast"))):
            pools[path][mutant.kind].append(mutant)
    chosen: list[Mutant] = []
    while len(chosen) < count and any(pools.values()):
        for path in chance.sample(list(pools), len(pools)):
            if pools[path] and len(chosen) < count:
                kind = chance.choice(sorted(pools[path]))
                some = pools[path][kind]
                chosen.append(some.pop(chance.randrange(len(some))))
                if not some:
                    del pools[path][kind]
    return chosen


def candidates(code: bytes, file: str) -> Iterator[Mutant]:
    """Every mistake that can be made in a file."""
    lines = code.splitlines(keepends=True)
    offsets = [sum(map(len, lines[:i])) for i in range(len(lines))]
    for node in mutable(ast.parse(code)):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[node.end_lineno - 1] + node.end_col_offset
        for kind, changed in changes(node):
            text = ast.unparse(changed)
            text = text if isinstance(node, ast.stmt) else f"({text})"
            yield Mutant(file, node.lineno, kind, start, end, text, ast.unparse(node), text)


def mutable(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below this one whose meaning is what the code computes."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or name in ("annotation", "returns"):
                continue
            if isinstance(child, ast.Raise | ast.JoinedStr) or names_size(child):
                continue
            if isinstance(child, ast.expr | ast.AugAssign):
                yield child
            yield from mutable(child)


def names_size(node: ast.AST) -> bool:
    """Whether an expression or an assignment names a size that only costs time or memory."""
    if not isinstance(node, ast.expr | ast.Assign):
        return False
    return any(isinstance(n, ast.Name) and SIZES.fullmatch(n.id) for n in ast.walk(node))


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The mistakes to make at one node, by kind."""
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in OPERATORS:
            yield "operator", with_field(node, op=OPERATORS[type(op)]())
        case ast.UnaryOp(op=ast.USub() | ast.Invert(), operand=operand):
            yield "sign" if isinstance(node.op, ast.USub) else "mask", operand
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield "comparison", with_field(node, ops=[COMPARISONS[type(op)]()])
        case ast.Constant(value=int() | float() as value) if (
            not isinstance(value, bool) and value + 1 != value
        ):
            yield "constant", ast.Constant(value + 1)
        case ast.Call():
            yield from call_changes(node)
        case ast.Attribute(attr=name) if name in NAMES:
            yield KINDS.get(name, "operator"), with_field(node, attr=NAMES[name])
        case ast.Name(id="max" | "min" as name):
            yield "operator", ast.Name(NAMES[name])


def call_changes(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """The mistakes to make in a call: a detach or fill lost, a mask inverted, an argument lost."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name in ("detach", "masked_fill", "masked_fill_"):
        yield "detach" if name == "detach" else "mask", node.func.value
    if name in ("where", "masked_fill", "masked_fill_") and node.args:
        inverted = ast.UnaryOp(ast.Invert(), node.args[0])
        yield "mask", with_field(node, args=[inverted, *node.args[1:]])
    for keyword in node.keywords:
        if keyword.arg and ARGUMENTS.fullmatch(keyword.arg):
            rest = [other for other in node.keywords if other is not keyword]
            yield "argument", with_field(node, keywords=rest)


def with_field(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    changed = deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def judge(mutant: Mutant, copy: Path) -> None:
    """Run the tests on a mutant, and put the file back."""
    path = copy / "contrast" / mutant.file
    code = path.read_bytes()
    path.write_bytes(mutant.applied(code))
    try:
        everything = [TESTS / room for room in ROOMS]
        mutant.by = run_tests(own_tests(path), copy) or run_tests(everything, copy)
    finally:
        path.write_bytes(code)
    mutant.caught = bool(mutant.by)


def own_tests(path: Path) -> list[Path]:
    """The tests named after a file, or else those that import it."""
    files = sorted(path for room in ROOMS for path in (TESTS / room).glob("test_*.py"))
    named = [test for test in files if test.stem.startswith(f"test_{path.stem}")]
    imports = re.compile(rf"\b{path.parent.name}\.{path.stem}\b|\bimport {path.stem}\b")
    return named or [test for test in files if imports.search(test.read_text())]


def run_tests(tests: list[Path], copy: Path) -> str:
    """The first failure of some tests on the copy, or nothing."""
    if not tests:
        return ""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        *map(str, tests),
    ]
    try:
        run = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(copy),
            timeout=TIMEOUT_S,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT_S} s"
    if run.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S+?)(?: - |$)", run.stdout, re.MULTILINE)
    return found[1] if found else f"exit status {run.returncode}"


def environment(copy: Path) -> dict[str, str]:
    """The copy first; and no bytecode, which a mutant of equal size and second would share."""
    own = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own}


def table(mutants: list[Mutant]) -> Table:
    """The mutants, survivors first."""
    shown = Table("mutant", "kind", "before", "after", "caught")
    for mutant in sorted(mutants, key=lambda mutant: mutant.caught):
        where = f"{mutant.file}:{mutant.line}"
        state = "yes" if mutant.caught else "NO"
        shown.add_row(where, mutant.kind, mutant.before, mutant.after, state)
    return shown


if __name__ == "__main__":
    main()
