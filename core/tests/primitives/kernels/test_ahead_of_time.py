"""Every kernel compiles for sm_90 with no GPU at hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "ahead_of_time.py"
MOST_REGISTERS = 128  # two programs of 8 warps share a processor's 65536


def compiled(folder, *arguments):
    pytest.importorskip("triton", reason="Triton is an optional extra, and is not installed")
    known = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    known["TRITON_CACHE_DIR"] = str(folder)
    call = [sys.executable, SCRIPT, *arguments]
    run = subprocess.run(call, capture_output=True, text=True, env=known)
    if "ptxas" in run.stderr and "No such file" in run.stderr:
        pytest.skip("this Triton brings no assembler for CUDA")
    assert run.returncode == 0, run.stderr[-2000:]
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_passes_without_structures_spill_nothing_and_two_programs_share_a_processor(tmp_path):
    kernels = compiled(tmp_path, "bare")
    assert {k["kernel"] for k in kernels} == {"statistics", "gradients", "lower"}
    for kernel in kernels:
        assert kernel["stack"] == 0, kernel
        assert kernel["reg"] <= MOST_REGISTERS, kernel


@pytest.mark.slow
def test_all_kernels_compile_and_use_the_matrix_instructions_of_hopper(tmp_path):
    kernels = compiled(tmp_path)
    assert len(kernels) > 8
    assert all(k["wgmma"] for k in kernels if k.get("dtype") in ("bf16", "fp16"))
