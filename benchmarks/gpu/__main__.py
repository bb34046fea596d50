"""The pair primitives on a GPU: is every one right, and how fast.

    python -m benchmarks.gpu [--quick] [--json FILE]

Run at the root of the repository; needs torch, triton and numpy, and nothing to be installed. First
every primitive and kernel against the plain formula in float64, then times by CUDA events (median)
and the growth of memory, beside the forms that hold all pairs, `torch.compile`, and inf-cl and
siglip-kernel where they are installed. `share` is of the rate of a square matrix product measured
in the same run, counting useful products alone. The file is whole after every case. Exit code 1
where a check failed. `--device cpu` tries the command itself out, in Triton's interpreter.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE_S = {False: 400.0, True: 110.0}


def main() -> int:
    """Check, time, write; 1 where a check failed."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="two minutes instead of seven")
    parser.add_argument("--json", type=Path, default=Path("gpu.json"))
    options = parser.parse_args()
    if options.device == "cpu":
        os.environ["TRITON_INTERPRET"] = "1"
    sys.path.insert(0, str(ROOT / "core/src"))
    from benchmarks.gpu.run import run

    try:
        return run(options.device, quick=options.quick, path=options.json)
    except RuntimeError:
        traceback.print_exc()
        return 2


if __name__ == "__main__":
    sys.exit(main())
