"""Log-sum-exp over all pairs, row by row, in O(N D) memory: the primitive under the objectives.

    l_i = log sum_j w_ij exp(s_ij / t_i),      e_i = sum_j p_ij s_ij,      p_ij = w_ij e^(s_ij/t_i - l_i)

Temperatures and distances are linear algebra on the D-wide rows, done outside by autograd; within,
x_ij = a_i . k_j. Tiles of x are formed, used and forgotten, in the backward pass once more: four
matrix products against three with all pairs in memory, two for self-similarity, whose lower half
is the upper one again. The mathematics: docs, "the pair primitive".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from contrast.primitives.streaming import StreamingLse
