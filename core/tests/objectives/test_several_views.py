"""Checks of views, products of views and means over pairs of views."""

import pytest
import torch

from contrast.objectives.several_views import check_views, mean_over_pairs, products


def test_products_are_those_of_each_sample_and_in_full_precision():
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = products(x)
    expected = torch.stack([x[:, i] @ x[:, i].T for i in range(4)])
    torch.testing.assert_close(found, expected)


def test_each_view_has_the_mean_over_the_pairs_it_is_in():
    x = torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1)
    found = mean_over_pairs(x, lambda pair: torch.stack((pair[1], 2 * pair[0])).squeeze(2))
    assert found.flatten().tolist() == [(10 + 100) / 2, (2 * 1 + 100) / 2, (2 * 1 + 2 * 10) / 2]


def test_views_and_samples_are_counted():
    assert check_views(torch.ones(3, 4, 5)) == (3, 4)
    assert check_views(torch.ones(1, 1, 5), views=1) == (1, 1)
    with pytest.raises(ValueError, match=r"z must be \(V, N, D\)"):
        check_views(torch.ones(3, 4))
    with pytest.raises(ValueError, match="without another sample there is no negative"):
        check_views(torch.ones(2, 1, 3), samples=2)
