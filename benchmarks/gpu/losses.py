"""What is timed: this library's primitives, and the same losses from elsewhere where installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid, softplus

from contrast.forms import Differ
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.pair_sums import pair_sum
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import OffDiagonal
from contrast.primitives.topk import row_topk

T = 0.05
CLASSES = 1000
SIGLIP_SCALE, SIGLIP_BIAS = 10.0, -10.0
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """A loss of q and k with the useful matrix products of its step, and what it is called."""

    name: str
    loss: Loss
    products: float


def one_way(q: Tensor, k: Tensor) -> Tensor:
    """One-way InfoNCE."""
    return lse_sum(q, k, temperature=T, positive=0)


def one_way_sharp(q: Tensor, k: Tensor) -> Tensor:
    """One-way InfoNCE at a temperature whose scores need the peak of their row."""
    return lse_sum(q, k, temperature=0.01, positive=0)


def two_passes(q: Tensor, k: Tensor) -> Tensor:
    """The same as a function of the row statistics."""
    return row_lse(q, k, temperature=T).lse.mean() - (q.float() * k).sum(1).mean() / T


def per_row(q: Tensor, k: Tensor) -> Tensor:
    """A temperature for each row."""
    temperature = torch.linspace(0.04, 0.2, len(q), device=q.device)
    return row_lse(q, k, temperature=temperature).lse.mean()


def by_label(q: Tensor, k: Tensor) -> Tensor:
    """Over candidates of other labels."""
    labels = torch.arange(len(q), device=q.device) % CLASSES
    return lse_sum(q, k, temperature=T, weights=(Differ(labels, labels),))


def clip(q: Tensor, k: Tensor) -> Tensor:
    """InfoNCE both ways."""
    found = row_lse(q, k, temperature=T, columns=True)
    return (found.lse + found.column_lse).mean() / 2 - (q.float() * k).sum(1).mean() / T


def nt_xent(q: Tensor, k: Tensor) -> Tensor:
    """NT-Xent of the rows of q, two views of half as many samples."""
    first, second = q.view(2, len(q) // 2, -1).unbind()
    lse = row_lse(q, temperature=T, weights=(OffDiagonal(),)).lse
    return lse.mean() - (first.float() * second).sum(1).mean() / T


def siglip(q: Tensor, k: Tensor) -> Tensor:
    """SigLIP: all pairs as negatives, the diagonal put right outside."""

    def mismatch(scores: Tensor) -> Tensor:
        return softplus(SIGLIP_SCALE * scores + SIGLIP_BIAS)

    own = SIGLIP_SCALE * (q.float() * k).sum(1) + SIGLIP_BIAS
    return (pair_sum(q, k, mismatch) - own.sum()) / len(q)


def nearest(q: Tensor, k: Tensor) -> Tensor:
    """The ten nearest candidates of each row."""
    return row_topk(q, k, 10).values.mean()


ONE_WAY = Case("one-way InfoNCE", one_way, 3)
CLIP = Case("CLIP, both ways", clip, 3)
NT_XENT = Case("NT-Xent", nt_xent, 2)  # its lower half is its upper half again
SIGLIP = Case("SigLIP", siglip, 3)
OTHERS = (
    Case("one-way InfoNCE, t = 0.01", one_way_sharp, 3),
    Case("one-way InfoNCE, two passes", two_passes, 3),
    Case("temperature for each row", per_row, 3),
    Case("weights by label", by_label, 3),
    CLIP,
    NT_XENT,
    SIGLIP,
    Case("top-k, k = 10", nearest, 1),
)


def eager_one_way(q: Tensor, k: Tensor) -> Tensor:
    """Cross-entropy on all scores."""
    return cross_entropy((q @ k.T).float() / T, torch.arange(len(q), device=q.device))


def eager_clip(q: Tensor, k: Tensor) -> Tensor:
    """Cross-entropy on all scores, both ways."""
    scores, target = (q @ k.T).float() / T, torch.arange(len(q), device=q.device)
    return (cross_entropy(scores, target) + cross_entropy(scores.T, target)) / 2


def eager_nt_xent(q: Tensor, k: Tensor) -> Tensor:
    """Cross-entropy on all scores of q's rows, their diagonal masked."""
    scores = ((q @ q.T).float() / T).fill_diagonal_(-torch.inf)
    return cross_entropy(scores, torch.arange(len(q), device=q.device).roll(len(q) // 2))


def eager_siglip(q: Tensor, k: Tensor) -> Tensor:
    """SigLIP on all scores."""
    signs = 2 * torch.eye(len(q), device=q.device) - 1
    scores = SIGLIP_SCALE * (q @ k.T).float() + SIGLIP_BIAS
    return -logsigmoid(signs * scores).sum() / len(q)


EAGER = {
    ONE_WAY.name: eager_one_way,
    CLIP.name: eager_clip,
    NT_XENT.name: eager_nt_xent,
    SIGLIP.name: eager_siglip,
}


def inf_cl_one_way() -> Loss:
    """One-way InfoNCE of inf-cl, which takes float32 and a scale."""
    from inf_cl import cal_flash_loss

    return lambda q, k: cal_flash_loss(q, k, scale=1 / T).mean()


def siglip_kernel() -> Loss:
    """SigLIP of siglip-kernel, which takes the logarithm of the scale."""
    from siglip_kernel import fused_siglip_loss

    def loss(q: Tensor, k: Tensor) -> Tensor:
        log_scale = torch.tensor(SIGLIP_SCALE, device=q.device).log().requires_grad_()
        bias = torch.tensor(SIGLIP_BIAS, device=q.device, requires_grad=True)
        return fused_siglip_loss(q, k, log_scale, bias)

    return loss


def peers() -> dict[str, tuple[Case, Callable[[], Loss]]]:
    """Each peer with the case that it is a peer of; getting one may fail."""
    found: dict[str, tuple[Case, Callable[[], Loss]]] = {}
    for case in (ONE_WAY, CLIP, NT_XENT, SIGLIP):
        eager = EAGER[case.name]
        found[f"all pairs: {case.name}"] = case, lambda eager=eager: eager
    found["inf-cl: one-way InfoNCE"] = ONE_WAY, inf_cl_one_way
    found["siglip-kernel: SigLIP"] = SIGLIP, siglip_kernel
    for case in (ONE_WAY, CLIP, NT_XENT, SIGLIP):
        eager = EAGER[case.name]
        found[f"torch.compile: {case.name}"] = (
            case,
            lambda eager=eager: torch.compile(eager, dynamic=False),
        )
    return found
