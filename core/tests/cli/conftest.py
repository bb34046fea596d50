"""The command line, in this process and in one of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from contrast.cli import main


@dataclass
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def contrast(capsys):
    """Runs a command in this process: `contrast("plugins", "--json").out`."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        captured = capsys.readouterr()
        return Done(ended.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def process(site, tmp_path):
    """Starts a command in a process of its own; `code` replaces `-m contrast`."""

    def start(*arguments, code=None):
        head = ["-m", "contrast"] if code is None else ["-c", code]
        return subprocess.Popen(
            [sys.executable, *head, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(site.path), "OMP_NUM_THREADS": "1"},
        )

    return start


@pytest.fixture
def toy(site):
    """A plugin that trains in a second."""
    site.install("toy", module="contrast.testing.toy.plugin", metadata=["Summary: two views"])
    return "toy"
