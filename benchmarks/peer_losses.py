"""The same losses from several libraries, as functions of the rows q and k: what peers.py compares.

A view objective takes q as two views of half as many samples. Temperatures are fixed, features
are unit rows, and normalised once more where a library does not leave it to its user.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from unittest.mock import MagicMock

import torch
from pairs_cpu import EAGER, WIDTH, Loss
from torch import Tensor
from torch.nn.functional import normalize

from contrast.forms import Views
from contrast.objectives.dcl import dcl
from contrast.objectives.infonce import infonce
from contrast.objectives.nt_xent import nt_xent
from contrast.objectives.siglip import siglip
from contrast.objectives.sogclr import SogCLR
from contrast.objectives.supcon import supcon

T = 0.05
CLASSES = 100
SAMPLES = 2**20  # that SogCLR may remember
ONE_WAY, CLIP, SHARP, SIGLIP = "one-way InfoNCE", "CLIP", "CLIP, t = 0.01", "SigLIP"
NT_XENT, DCL, SUPCON, SOGCLR = "NT-Xent", "DCL", "SupCon", "SogCLR"
OURS, COMPILED = "contrast", "torch.compile"


def contrast() -> dict[str, Loss]:
    """This library's objectives."""
    sogclr = SogCLR(SAMPLES, T)
    return {
        ONE_WAY: lambda q, k: infonce(q, k, temperature=T),
        CLIP: lambda q, k: infonce(q, k, temperature=T, symmetric=True, normalize=False),
        SHARP: lambda q, k: infonce(q, k, temperature=0.01, symmetric=True, normalize=False),
        SIGLIP: lambda q, k: siglip(q, k, temperature=0.1, bias=-10.0, normalize=False),
        NT_XENT: lambda q, k: nt_xent(views(q), temperature=T),
        DCL: lambda q, k: dcl(views(q), temperature=T),
        SUPCON: lambda q, k: supcon(views(q), labels(q), temperature=T),
        SOGCLR: lambda q, k: sogclr(Views(views(q), ids=torch.arange(len(q) // 2))),
    }


def materialised() -> dict[str, Loss]:
    """The plain formulas on all pairs, of rows that are normalised where ours are."""
    one_way, nt_xent = EAGER["eager one-way"], EAGER["eager NT-Xent"]
    return {
        ONE_WAY: lambda q, k: one_way(normalize(q), normalize(k)),
        CLIP: EAGER["eager CLIP"],
        SIGLIP: EAGER["eager SigLIP"],
        NT_XENT: lambda q, k: nt_xent(normalize(q), k),
        DCL: lambda q, k: eager_dcl(normalize(q)),
        SUPCON: lambda q, k: eager_supcon(normalize(q)),
    }


def compiled() -> dict[str, Loss]:
    """The same, compiled for each size.     Raises: ImportError: there is no compiler."""
    if not (shutil.which("c++") or shutil.which("g++")):
        raise ImportError("no C++ compiler")
    return {case: torch.compile(loss, dynamic=False) for case, loss in materialised().items()}


def sentence_transformers() -> dict[str, Loss]:
    """MultipleNegativesRankingLoss, its formula written out: the module wants a whole model."""

    def ranking(q: Tensor, k: Tensor) -> Tensor:
        scores = normalize(q) @ normalize(k).T * (1 / T)
        return -(scores.diagonal() - scores.logsumexp(1)).mean()

    return {ONE_WAY: ranking}


def metric_learning() -> dict[str, Loss]:
    """pytorch-metric-learning."""
    losses = import_module("pytorch_metric_learning.losses")
    nt_xent, supcon = losses.NTXentLoss(T), losses.SupConLoss(T)
    return {
        ONE_WAY: losses.SelfSupervisedLoss(nt_xent, symmetric=False),
        NT_XENT: lambda q, k: losses.SelfSupervisedLoss(nt_xent)(*views(q)),
        SUPCON: lambda q, k: supcon(q, labels(q).repeat(2)),
    }


def open_clip() -> dict[str, Loss]:
    """open_clip, without its `__init__`, which imports torchvision and timm."""
    open_bare("open_clip")
    module = import_module("open_clip.loss")
    clip, sigmoid = module.ClipLoss(), module.SigLipLoss()
    return {
        CLIP: lambda q, k: clip(q, k, 1 / T),
        SHARP: lambda q, k: clip(q, k, 100.0),
        SIGLIP: lambda q, k: sigmoid(q, k, 10.0, -10.0),
    }


def lightly() -> dict[str, Loss]:
    """lightly, without its `__init__`s; a name that it takes from torchvision is never used."""
    open_bare("lightly", "lightly.loss", "lightly.models", "lightly.models.modules")
    if "torchvision" not in sys.modules and find_spec("torchvision") is None:
        sys.modules["torchvision"] = sys.modules["torchvision.ops"] = MagicMock()
    nt_xent = import_module("lightly.loss.ntx_ent_loss").NTXentLoss(T)
    dcl = import_module("lightly.loss.dcl_loss").DCLLoss(T)
    return {NT_XENT: lambda q, k: nt_xent(*views(q)), DCL: lambda q, k: dcl(*views(q))}


def libauc() -> dict[str, Loss]:
    """LibAUC, which says its gamma aloud."""
    with redirect_stdout(io.StringIO()):
        sogclr = import_module("libauc.losses.contrastive").GCLoss_v1(SAMPLES, T)
    return {SOGCLR: lambda q, k: sogclr(*views(q), torch.arange(len(q) // 2))}


LIBRARIES: dict[str, Callable[[], dict[str, Loss]]] = {
    OURS: contrast,
    "sentence-transformers": sentence_transformers,
    "pytorch-metric-learning": metric_learning,
    "open_clip": open_clip,
    "lightly": lightly,
    "LibAUC": libauc,
    "all pairs": materialised,
    COMPILED: compiled,
}


def views(q: Tensor) -> Tensor:
    """The rows as two views of half as many samples, (2, N / 2, D)."""
    return q.view(2, -1, WIDTH)


def labels(q: Tensor) -> Tensor:
    """The classes of the samples, (N / 2,)."""
    return torch.arange(len(q) // 2) % CLASSES


def eager_dcl(q: Tensor) -> Tensor:
    """DCL on all scores, those of a sample with itself masked."""
    scores, sample = q @ q.T / T, torch.arange(len(q)) % (len(q) // 2)
    others = scores.masked_fill(sample[:, None] == sample, -torch.inf)
    return others.logsumexp(1).mean() - (views(q)[0] * views(q)[1]).sum(1).mean() / T


def eager_supcon(q: Tensor) -> Tensor:
    """SupCon on all scores, their diagonal masked."""
    scores, label = q @ q.T / T, labels(q).repeat(2)
    alone = torch.eye(len(q), dtype=torch.bool)
    mates = (label[:, None] == label) & ~alone
    attraction = (scores * mates).sum(1) / mates.sum(1)
    return (scores.masked_fill(alone, -torch.inf).logsumexp(1) - attraction).mean()


def open_bare(*names: str) -> None:
    """Open packages without running their `__init__`.     Raises: ImportError: not installed."""
    for name in names:
        if name not in sys.modules:
            spec = find_spec(name)
            if spec is None:
                raise ImportError(f"{name} is not installed")
            sys.modules[name] = module_from_spec(spec)
