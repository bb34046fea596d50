"""The one command for a GPU, tried out without one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ABSENT = ("typer", "rich", "omegaconf", "pluggy", "sklearn", "pandas", "matplotlib")


def test_the_gpu_command_checks_every_primitive_and_needs_torch_triton_and_numpy_alone(tmp_path):
    pytest.importorskip("triton", reason="needs triton")
    for name in ABSENT:  # the machine with the GPU may not have them
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise ImportError({name!r})")
    out = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", "--quick", "--json", out]
    env = os.environ | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(out.read_text())
    assert "every check passed" in ended.stdout
    assert len(found["check"]) >= 10
    assert len(found["time"]) >= 5
