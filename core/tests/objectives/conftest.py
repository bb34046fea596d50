"""Reference vectors in both precisions, at the tolerances that every objective must keep."""

import pytest
import torch

from contrast.testing.vectors import assert_close


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request):
    return request.param


@pytest.fixture
def assert_vector(dtype):
    """assert_vector(actual, expected, field): 1e-9 + 1e-7 |y|, in float32 2e-4 of the largest."""

    def check(actual, expected, field):
        tolerance = (1e-9, 1e-7)
        if dtype == torch.float32:
            # a gradient that is 0 by the mathematics still carries the rounding of order one
            largest = torch.as_tensor(expected, dtype=torch.float64).abs().max().item()
            tolerance = (2e-4 * max(largest, 1e-2), 0.0)
        assert_close(actual, expected, tolerance, field)

    return check
