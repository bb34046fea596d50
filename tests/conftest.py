"""The toy plugin, installed by pip into a folder of its own: a package outside the tree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOYS = Path(__file__).parent / "toys"


@pytest.fixture(scope="session")
def toys_site(tmp_path_factory):
    """A folder that `pip install` put the toy plugin into."""
    site = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "toys"
    subprocess.run(["cp", "-r", str(TOYS), str(source)], check=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([*command, "--target", str(site), str(source)], check=True)
    return site


@pytest.fixture
def toys(toys_site, monkeypatch):
    """The toy plugin on this process's path."""
    monkeypatch.syspath_prepend(str(toys_site))
    return toys_site


@pytest.fixture
def command(toys_site):
    """Runs `contrast` in a process of its own, with the toy plugin installed."""

    def run(*arguments, cwd=None, **options):
        environment = {**os.environ, "PYTHONPATH": str(toys_site)}
        environment |= options.pop("environment", {})
        return subprocess.run(
            [sys.executable, "-m", "contrast", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env=environment,
            timeout=300,
            **options,
        )

    return run


def _record(folder):
    """Every byte that must be reproducible: metrics, weights, optimiser and sampler state."""
    files = [folder / "metrics.jsonl", *sorted(folder.glob("evaluation/*.json"))]
    files += sorted(folder.glob("checkpoints/*/*"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def recorded():
    return _record
