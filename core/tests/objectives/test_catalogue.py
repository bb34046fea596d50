"""The page of the core's objectives: free of torch, and true to the modules it names."""

import inspect
import subprocess
import sys
from dataclasses import fields

import pytest

from contrast.objectives.catalogue import CATALOGUE


def test_the_page_imports_no_torch():
    code = "import sys, contrast.objectives.catalogue; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_names_are_unique():
    names = [part.name for part in CATALOGUE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("part", CATALOGUE, ids=lambda part: part.name)
def test_each_entry_builds_with_exactly_its_settings(part):
    parameters = inspect.signature(part.load()).parameters
    assert set(parameters) == {item.name for item in fields(part.config)} | set(part.sizes)
    assert all(item.metadata["help"] for item in fields(part.config))
    assert part.summary
    assert part.cost
