"""Time and memory on a device, and the rate of its matrix products; a CPU stands in for tests."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import torch
from torch import Tensor

MOST_REPEATS, LEAST_REPEATS, READING_S = 20, 3, 0.4
SIDE = 8192  # of the square product whose rate is the yardstick


@dataclass
class Device:
    """Where to measure; `kind` is cuda or cpu."""

    kind: str

    def __hash__(self) -> int:
        return hash(self.kind)

    @property
    def on_cuda(self) -> bool:
        """Whether this is a GPU."""
        return self.kind == "cuda"

    @cached_property
    def about(self) -> dict[str, object]:
        """The device and the versions of what runs on it."""
        import triton

        found = {"torch": torch.__version__, "triton": triton.__version__, "kind": self.kind}
        if not self.on_cuda:
            return found | {"device": platform.processor() or platform.machine()}
        of = torch.cuda.get_device_properties(0)
        return found | {
            "device": of.name,
            "processors": of.multi_processor_count,
            "memory_gb": round(of.total_memory / 1e9, 1),
            "capability": f"{of.major}.{of.minor}",
            "cuda": torch.version.cuda,
        }

    def rows(self, n: int, d: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
        """Unit rows."""
        generator = torch.Generator(self.kind).manual_seed(seed)
        x = torch.randn(n, d, generator=generator, device=self.kind)
        return torch.nn.functional.normalize(x, dim=1).to(dtype)

    def ms(self, work: Callable[[], object]) -> float:
        """The median milliseconds of the work, after it ran twice."""
        work()
        first = self._once(work)
        repeats = int(min(max(READING_S * 1e3 / max(first, 1e-3), LEAST_REPEATS), MOST_REPEATS))
        return median(self._once(work) for _ in range(repeats if self.on_cuda else 1))

    def _once(self, work: Callable[[], object]) -> float:
        if not self.on_cuda:
            started = time.perf_counter()
            work()
            return (time.perf_counter() - started) * 1e3
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)

    def grown_mb(self, work: Callable[[], object]) -> dict[str, float]:
        """The peak of memory over what stood before, which holds the inputs, and in all; 10^6 B."""
        if not self.on_cuda:
            return {}
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        peak = torch.cuda.max_memory_allocated()
        return {"grown_mb": (peak - before) / 1e6, "peak_mb": peak / 1e6}

    def rate(self, dtype: torch.dtype) -> dict[str, float]:
        """The matrix product's TFLOP/s on random numbers, measured once for each dtype."""
        known = self.__dict__.setdefault("_rates", {})
        if dtype not in known:
            side = SIDE if self.on_cuda else 64
            a, b = (torch.randn(side, side, device=self.kind).to(dtype) for _ in range(2))
            ms = self.ms(lambda: a @ b)
            known[dtype] = {"ms": ms, "tflops": 2 * side**3 / ms / 1e9, "side": side}
        return known[dtype]

    def measured(
        self, work: Callable[[], object], products: float, dtype: torch.dtype
    ) -> dict[str, float]:
        """Time, memory, and the share of the product's rate that so many useful FLOP make."""
        memory = self.grown_mb(work)
        ms = self.ms(work)
        tflops = products / ms / 1e9
        return {"ms": ms, "tflops": tflops, "share": tflops / self.rate(dtype)["tflops"]} | memory
