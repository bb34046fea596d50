"""SupReMix's loss beside a plain one that forms the admissible mixtures, and no others.

    python benchmarks/supremix_loss.py

Forward and backward of one batch, D = 128, labels 0..40 in steps of 1 as the recipe has them, and
distinct ones; one thread, process CPU time, medians, and the memory above what was there before.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from statistics import median
from time import process_time

import torch
from torch.nn.functional import normalize

from contrast.engine.randomness import generator
from contrast_supremix.objective import draw_shares, supremix

WIDTH, TEMPERATURE, WINDOW, ROUNDS = 128, 0.3, 5.0, 7


def plain(z: torch.Tensor, y: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """The equations with one row of D numbers for each admissible mixture."""
    x = normalize(z, dim=1)
    fixed, n = x.detach(), len(x)
    gaps = y[:, None] - y
    logits = x @ x.T / TEMPERATURE + (gaps.abs() + 1).log()
    logits = logits.masked_fill(torch.eye(n, dtype=torch.bool), -torch.inf)
    i, k = (gaps != 0).nonzero(as_tuple=True)
    s = share[i, k][:, None]
    negative = (x[i] * (s * fixed[i] + (1 - s) * fixed[k])).sum(1) / TEMPERATURE
    negative = negative + ((1 - s[:, 0]) * gaps[i, k].abs() + 1).log()
    below = (gaps > 0) & (gaps < WINDOW)
    above = (gaps < 0) & (gaps > -WINDOW)
    found = [
        torch.cartesian_prod(a.nonzero()[:, 0], b.nonzero()[:, 0]).reshape(-1, 2)
        for a, b in zip(below, above, strict=True)
    ]
    anchor = torch.arange(n).repeat_interleave(torch.tensor([len(each) for each in found]))
    j, m = torch.cat(found).T
    a = ((y[m] - y[anchor]) / (y[m] - y[j]))[:, None]
    positive = (x[anchor] * (a * fixed[j] + (1 - a) * fixed[m])).sum(1) / TEMPERATURE
    top = 1 / TEMPERATURE
    total = (logits - top).exp().sum(1)
    total = total.index_add(0, i, (negative - top).exp())
    total = total.index_add(0, anchor, (positive - top).exp())
    log_d = total.log() + top
    mates = (gaps == 0) & ~torch.eye(n, dtype=torch.bool)
    count = mates.sum(1) + torch.bincount(anchor, minlength=n)
    own = logits.masked_fill(~mates, 0).sum(1).index_add(0, anchor, positive)
    return ((count * log_d - own) / (count + 1)).mean()


def ours(z: torch.Tensor, y: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """The loss of the package."""
    return supremix(z[None], y, share=share, temperature=TEMPERATURE, window=WINDOW)


def measure(name: str, n: int, binned: bool) -> dict[str, float]:
    """Loss, median CPU seconds and peak memory of one way, in a process of its own."""
    torch.set_num_threads(1)
    g = generator("bench", n)
    z = torch.randn(n, WIDTH, generator=g).requires_grad_()
    y = 40 * torch.rand(n, generator=g)
    y = y.round() if binned else y
    share = draw_shares(torch.empty(n, n), (2.0, 8.0), g)
    way = {"ours": ours, "plain": plain}[name]
    way(z[:8], y[:8], share[:8, :8]).backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(ROUNDS if n < 1000 else 3):
        start = process_time()
        loss = way(z, y, share)
        loss.backward()
        seconds.append(process_time() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"loss": loss.item(), "seconds": median(seconds), "mb": (after - before) / 1024}


def main() -> None:
    """Print a line for each batch and way."""
    for n, binned in ((64, True), (256, True), (256, False), (1024, True)):
        ways = ("plain", "ours") if n < 1024 else ("ours",)
        for name in ways:
            words = [sys.executable, __file__, name, str(n), str(int(binned))]
            made = json.loads(
                subprocess.run(words, capture_output=True, text=True, check=True).stdout
            )
            labels = "binned" if binned else "distinct"
            print(
                f"{n:5} {labels:9} {name:6} {made['loss']:.5f} {made['seconds'] * 1e3:8.1f} ms "
                f"{made['mb']:8.1f} MB"
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), bool(int(sys.argv[3])))))
    else:
        main()
