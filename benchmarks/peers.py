"""The objectives beside other libraries' on one CPU thread: same process, same inputs.

    OMP_NUM_THREADS=1 python benchmarks/peers.py [--sizes 1024,4096] [--memory] [--json FILE]

The peers are installed without their dependencies in an environment of its own: see
requirements-peers.txt; one that is absent is left out and named. First, loss and gradients must
agree to 1e-4. Time is process CPU time, forward and backward, the median of 5 interleaved repeats,
as a ratio to three bare tiled matrix products. Memory is the growth of the peak over inputs and
gradients at 4096 rows; largest N is what a step of 4 GiB holds, doubling up to 32768. N counts rows:
N anchors and N candidates, or two views of N / 2 samples.

open_clip and lightly are opened without the `__init__` of their packages, which import much that
is not asked for here, and `torchvision.ops` is an empty module where it is absent: lightly takes a
name from it that its losses never use. sentence-transformers' formula is written out.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import resource
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import torch
from pairs_cpu import (
    EAGER,
    Loss,
    eager_clip,
    eager_nt_xent,
    eager_one_way,
    eager_siglip,
    floor,
    growth_mb,
    medians,
    rows,
    step,
)
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from contrast.forms import Views
from contrast.objectives.dcl import dcl
from contrast.objectives.infonce import infonce
from contrast.objectives.nt_xent import nt_xent
from contrast.objectives.siglip import siglip
from contrast.objectives.sogclr import SogCLR
from contrast.objectives.supcon import supcon
