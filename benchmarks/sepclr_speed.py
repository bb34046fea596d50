"""SepCLR's objective beside NT-Xent on the same rows and views: time, memory, where time goes.

    OMP_NUM_THREADS=1 python benchmarks/sepclr_speed.py            # forward and backward, 2048
    OMP_NUM_THREADS=1 python benchmarks/sepclr_speed.py memory     # doubling N, in new processes
    OMP_NUM_THREADS=1 python benchmarks/sepclr_speed.py profile

Two views of N samples, half of them targets, D = 32 in each space. NT-Xent is the core's, on the
common heads alone. Seconds are process CPU of one thread, the ratio is the median of those of
neighbours in time. Bar: twice the time of NT-Xent; memory grows as N.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import process_time

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from contrast.engine.randomness import generator
from contrast.objectives.nt_xent import nt_xent
from contrast_sepclr.form import Spaces
from contrast_sepclr.objective import SepCLR

N, D, TIMES = 2048, 32, 15
SIZES = (2048, 4096, 8192, 16384, 32768)
TERMS = ("jem", "kmi", "mmd", "vclub", "vub", "vl1out", "tc", "none")


def heads(n: int, d: int = D) -> Spaces:
    """Random heads of n samples."""
    draw = generator("sepclr", n, d)
    z, s = (torch.randn(2, n, d, generator=draw).requires_grad_() for _ in range(2))
    return Spaces(z, salient=s, is_target=torch.arange(n) % 2 == 0)


def step(form: Spaces, loss: Callable[[Spaces], Tensor]) -> None:
    """Forward and backward."""
    form.z.grad = form.salient.grad = None
    loss(form).backward()


def sepclr(term: str = "jem") -> Callable[[Spaces], Tensor]:
    """The whole objective with a term."""
    objective = SepCLR(D, D, mi_term=term)
    return lambda form: sum(objective(form).values())


def neighbour(form: Spaces) -> Tensor:
    """NT-Xent on the common heads."""
    return nt_xent(form.z, temperature=0.5)


def seconds(form: Spaces, loss: Callable[[Spaces], Tensor]) -> float:
    """Of one step."""
    began = process_time()
    step(form, loss)
    return process_time() - began


def times() -> None:
    """Every term beside NT-Xent."""
    form = heads(N)
    for term in TERMS:
        loss = sepclr(term)
        step(form, loss), step(form, neighbour)
        pairs = [(seconds(form, loss), seconds(form, neighbour)) for _ in range(TIMES)]
        ours, theirs = (1000 * median(each) for each in zip(*pairs, strict=True))
        ratio = median(a / b for a, b in pairs)
        print(f"{term:7s} {ours:6.1f} ms, NT-Xent {theirs:6.1f} ms, ratio {ratio:.2f}", flush=True)


def grown() -> None:
    """Peak memory of a step over what its inputs and their gradients take, each N by itself."""
    for n in SIZES:
        for what in ("sepclr", "nt_xent"):
            words = [sys.executable, __file__, "one", what, str(n)]
            print(subprocess.run(words, check=True, capture_output=True, text=True).stdout, end="")


def one(what: str, n: int) -> None:
    """A step of a size, after a small one that loads what is needed."""
    loss = sepclr() if what == "sepclr" else neighbour
    step(heads(512), loss)
    form = heads(n)
    form.z.grad, form.salient.grad = torch.zeros_like(form.z), torch.zeros_like(form.salient)
    before = peak()
    sum_of = loss(form)
    sum_of.backward()
    print(f"{what:8s} N = {n:6d}: {peak() - before:7.1f} MB, all pairs {n * n * 4 / 2**20:.0f} MB")


def peak() -> float:
    """The largest resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def profiled() -> None:
    """Where the time of a step goes."""
    form, loss = heads(N), sepclr()
    step(form, loss)
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step(form, loss)
    print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=15))


if __name__ == "__main__":
    torch.set_num_threads(1)
    match sys.argv[1:]:
        case ["one", what, n]:
            one(what, int(n))
        case ["memory"]:
            grown()
        case ["profile"]:
            profiled()
        case _:
            times()
