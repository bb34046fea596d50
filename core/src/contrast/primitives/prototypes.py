"""Prototypes: k-means on the device, batched over restarts, and how concentrated its clusters are.

Two notions of nearness share one loop: the largest inner product x.c, as MEOW's official code
has it (arXiv:2212.13847), and the smallest Euclidean distance. Nothing here draws a random
number: the caller names the points at which each restart begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Nearness = Literal["inner", "distance"]

CACHED = 2**18  # closenesses at a time on CPU, so that they stay in the processor's cache
MANY = 256  # clusters from which it pays on CPU to tell moved centres from those that stayed


@dataclass(frozen=True)
class Clustering:
    """One grouping of N points into K clusters.

    Shapes:  ids: (N,) integer in 0..K-1;  centres: (K, D), not normalised.
    """

    ids: Tensor
    centres: Tensor


@torch.no_grad()
def kmeans(
    x: Tensor, starts: Tensor, *, iterations: int = 20, nearness: Nearness = "inner"
) -> Clustering:
    """The best of R k-means fits of the points, each begun at K of them.

    A centre is the plain mean of its members. A cluster that runs empty restarts beside the
    centre of a large one (as in Faiss), so that K clusters stay in play. The best fit has the
    largest summed inner product, or the smallest summed squared distance.

    Shapes:  x: (N, D) float, computed in float32 at least;  starts: (R, K) indices into x.
    Cost: O(iterations * R * N * K * D) time, a third of it for many clusters on CPU, as late
    iterations move few centres; O(R N) memory, and on a device R K for every point.
    Edge cases: equal points and K = N are allowed; ties go to the smaller cluster number, so that
    renumbering x together with `starts` renumbers the result and changes nothing else.
    Raises: ValueError: x or starts is not a matrix, or starts names a point that x lacks.
    """
    if x.ndim != 2 or starts.ndim != 2:
        raise ValueError(
            f"x must be (N, D) and starts (R, K), got {tuple(x.shape)} and {tuple(starts.shape)}"
        )
    if starts.numel() and not 0 <= int(starts.min()) <= int(starts.max()) < len(x):
        raise ValueError(f"starts must lie in 0..{len(x) - 1}, got up to {int(starts.max())}")
    x = x if x.dtype == torch.float64 else x.float()
    apart = x.device.type == "cpu" and starts.shape[1] >= MANY
    fit = fit_apart if apart else fit_together
    centres, ids, closeness = fit(x, x[starts], iterations, nearness)
    best = closeness.sum(1).argmax()
    return Clustering(ids[best], centres[best])


Fits = tuple[Tensor, Tensor, Tensor]  # centres (R, K, D), ids (R, N), closeness (R, N)


def fit_together(x: Tensor, centres: Tensor, iterations: int, nearness: Nearness) -> Fits:
    """All restarts at once, every point against every centre; waits for no device."""
    for _ in range(iterations):
        ids, _ = nearest(x, centres, nearness)
        centres = refill(*means(x, ids, centres.shape[1]))
    return centres, *nearest(x, centres, nearness)


def fit_apart(x: Tensor, centres: Tensor, iterations: int, nearness: Nearness) -> Fits:
    """The same fits one after the other, as each comes to rest in its own time."""
    fits = [settle(x, each, iterations, nearness) for each in centres]
    return tuple(map(torch.stack, zip(*fits, strict=True)))


def settle(
    x: Tensor, centres: Tensor, iterations: int, nearness: Nearness
) -> tuple[Tensor, Tensor, Tensor]:
    """One fit that computes only what moved centres can have changed.

    Where a moved centre is nearer than a point's own was, no centre that stayed can be nearer yet.
    Where none is, a point keeps its own if that stayed, and looks at all of them if it moved.
    The fit ends when no centre moves, since nothing would change any more.

    Shapes:  x: (N, D);  centres: (K, D);  returns centres (K, D), ids (N,), closeness (N,).
    """
    ids, closeness = (found[0] for found in nearest(x, centres[None], nearness))
    for _ in range(iterations):
        before, (centres,) = centres, refill(*means(x, ids[None], len(centres)))
        moved = (centres != before).any(1)
        (which,) = moved.nonzero(as_tuple=True)
        if not len(which):
            break
        look = slice(None)  # at whom to look anew
        if 2 * len(which) < len(centres):
            rival, near = (found[0] for found in nearest(x, centres[None, which], nearness))
            rival, stayed = which[rival], ~moved[ids]
            wins = (near > closeness) | ((near == closeness) & stayed & (rival < ids))
            (look,) = (~(wins | stayed)).nonzero(as_tuple=True)
            ids, closeness = rival.where(wins, ids), near.maximum(closeness)
        ids[look], closeness[look] = (f[0] for f in nearest(x[look], centres[None], nearness))
    return centres, ids, closeness


def nearest(x: Tensor, centres: Tensor, nearness: Nearness = "inner") -> tuple[Tensor, Tensor]:
    """The nearest centre of every point and how near it is, in each of R sets of centres.

    `distance` maximises x.c - |c|^2 / 2, which orders centres as -|x - c|^2 does.

    Shapes:  x: (N, D);  centres: (R, K, D);  returns ids (R, N) integer, closeness (R, N).
    """
    R, K, D = centres.shape
    flat = centres.reshape(R * K, D).T
    half_square = centres.square().sum(2) / 2 if nearness == "distance" else None
    best = x.new_empty(len(x), R)
    ids = best.new_empty(len(x), R, dtype=torch.int64)
    height = max(CACHED // (R * K) if x.device.type == "cpu" else len(x), 1)
    memory = x.new_empty(min(height, len(x)), R * K)  # new for each strip, it would cost twice
    for points, to_best, to_ids in zip(*(t.split(height) for t in (x, best, ids)), strict=True):
        closeness = torch.mm(points, flat, out=memory[: len(points)]).view(-1, R, K)
        if half_square is not None:
            closeness -= half_square
        to_best.copy_(closeness.amax(2))
        to_ids.copy_(_first(closeness, to_best))
    return ids.T, best.T


def _first(closeness: Tensor, best: Tensor) -> Tensor:
    """The smallest k with closeness[..., k] = best; in place of closeness.

    torch.max, which would give both at once, is not vectorised on CPU: 1 ns an entry, this 0.4.
    Shapes:  closeness: (n, R, K);  best: (n, R).
    """
    K = closeness.shape[2]
    falling = torch.arange(K, 0, -1, device=best.device, dtype=best.dtype)
    torch.eq(closeness, best[..., None], out=closeness).mul_(falling)
    return (K - closeness.amax(2)).clamp_(max=K - 1)  # where all is NaN, any will do


def means(x: Tensor, ids: Tensor, K: int) -> tuple[Tensor, Tensor]:
    """The mean of the members of each cluster, 0 where there is none, and the number of members.

    Shapes:  x: (N, D);  ids: (R, N);  returns centres (R, K, D), sizes (R, K) integer.
    """
    R = len(ids)
    flat = (ids + K * torch.arange(R, device=ids.device)[:, None]).flatten()
    sizes = torch.bincount(flat, minlength=R * K)
    total = x.new_zeros(R * K, x.shape[1]).index_add_(0, flat, x.expand(R, -1, -1).flatten(0, 1))
    return (total / sizes.clamp(min=1)[:, None]).view(R, K, -1), sizes.view(R, K)


def refill(centres: Tensor, sizes: Tensor) -> Tensor:
    """The centres with the e-th empty cluster moved beside the centre of the e-th largest one.

    The copy is nudged by 1/1024 up and down along alternate axes, the step that Faiss uses.

    Shapes:  centres: (R, K, D);  sizes: (R, K).
    """
    empty = sizes == 0
    largest_first = sizes.argsort(dim=1, descending=True, stable=True)
    donor = largest_first.gather(1, (empty.cumsum(1) - 1).clamp(min=0))  # (R, K)
    nudge = 1 + (torch.arange(centres.shape[2], device=centres.device) % 2 * 2 - 1) / 1024
    copied = centres.gather(1, donor[..., None].expand_as(centres)) * nudge
    return torch.where(empty[..., None], copied, centres)


@torch.no_grad()
def concentrations(x: Tensor, found: Clustering) -> Tensor:
    """How widely each cluster is spread, relative to the mean of all clusters.

    phi_k = mean_i sqrt(S_i) / log(n_k + 5) with S_i = x_i.c_k of the n_k members and the raw
    centre; clamped to the 10th..90th percentile, then divided by the mean over clusters
    (arXiv:2212.13847, official code, which multiplies by the temperature at once).

    Shapes:  x: (N, D);  returns (K,) with mean 1.
    Edge cases: a negative S_i counts as 0; a cluster of fewer than two members, or of spread 0,
    takes the largest value; where no cluster has one, all are 1.
    """
    x = x if x.dtype == torch.float64 else x.float()
    K = len(found.centres)
    similarity = (x * found.centres[found.ids]).sum(1)
    root = similarity.clamp(min=0).sqrt()
    sizes = torch.bincount(found.ids, minlength=K)
    spread = root.new_zeros(K).index_add_(0, found.ids, root) / sizes.clamp(min=1)
    spread = spread / (sizes + 5).to(spread).log()
    spread = spread.masked_fill(sizes < 2, 0)
    spread = torch.where(spread > 0, spread, spread.max())
    low, high = spread.quantile(spread.new_tensor([0.1, 0.9]))
    spread = spread.clamp(low, high)
    return torch.where(spread.mean() > 0, spread / spread.mean(), torch.ones_like(spread))
