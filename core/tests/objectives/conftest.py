"""Reference vectors in both precisions, by tiles and by kernels, at every objective's tolerances."""

import pytest
import torch

from contrast.testing.vectors import assert_close


@pytest.fixture
def tiles(monkeypatch):
    """Nothing is small enough to be computed at once, and tiles are of 2 x 4 pairs."""
    for module in ("row_lse", "lse_sum", "pair_sums"):
        monkeypatch.setattr(f"contrast.primitives.{module}.SMALL", 0)
    monkeypatch.setattr("contrast.primitives.row_lse.KEPT", 0)
    for module in ("tiles", "topk"):
        monkeypatch.setattr(f"contrast.primitives.{module}.CPU_TILE", (2, 4))


@pytest.fixture
def kernels(tiles, interpreted, monkeypatch):
    """All pairs go through the kernels of a GPU, in Triton's interpreter."""
    monkeypatch.setattr(interpreted, "FUSED_DTYPES", (torch.float64,))


@pytest.fixture(params=["float64", "float32", "float64-tiles", "float64-kernels"])
def dtype(request):
    """The precision of a vector, once more by tiles and by kernels."""
    _, _, way = request.param.partition("-")
    if way:
        request.getfixturevalue(way)
    return torch.float32 if request.param == "float32" else torch.float64


@pytest.fixture
def assert_vector(dtype):
    """assert_vector(actual, expected, field): 1e-9 + 1e-7 |y|, in float32 2e-4 of the largest."""

    def check(actual, expected, field):
        tolerance = (1e-9, 1e-7)
        if dtype == torch.float32:
            # a gradient that is 0 by the mathematics still carries the rounding of order one
            largest = torch.as_tensor(expected, dtype=torch.float64).abs().max().item()
            tolerance = (2e-4 * max(largest, 1e-3), 0.0)
        assert_close(actual, expected, tolerance, field)

    return check
