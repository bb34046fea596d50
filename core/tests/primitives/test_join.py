"""Forms cut and joined: nothing is lost, ids stay relations, partners stay partners."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from contrast.forms import Apart, Lists, Pairs, Same, Tokens, Views, over
from contrast.objectives.infonce import infonce
from contrast.primitives.join import join


@dataclass(frozen=True)
class Grouped(Views):
    apart: Apart | None = None
    scale: Tensor | None = over(None, default=None)
    title: str = ""


def test_views_come_back_from_their_parts():
    z, ids = torch.randn(3, 7, 2), torch.arange(7)
    clusters, scale = torch.randint(4, (2, 7)), torch.tensor(3.0)
    whole = Grouped(z, ids=ids, apart=Apart(clusters, clusters), scale=scale, title="t")
    parts = []
    for s in (slice(0, 2), slice(2, 3), slice(3, 7)):
        c = clusters[:, s]
        parts.append(Grouped(z[:, s], ids=ids[s], apart=Apart(c, c), scale=scale, title="t"))
    joined = join(parts)
    assert torch.equal(joined.z, whole.z)
    assert torch.equal(joined.ids, ids)
    assert joined.labels is None
    assert torch.equal(joined.apart.count(), whole.apart.count())
    assert joined.apart.rows is joined.apart.columns
    assert joined.scale is scale
    assert joined.title == "t"


def test_rows_and_columns_that_differ_stay_apart():
    parts = [
        Pairs(torch.randn(n, 2), torch.randn(n, 2), Same(torch.arange(n), torch.arange(n) + 1))
        for n in (2, 3)
    ]
    relation = join(parts).positives
    assert relation.rows.tolist() == [0, 1, 0, 1, 2]
    assert relation.columns.tolist() == [1, 2, 1, 2, 3]


@pytest.mark.parametrize("with_ids", [False, True])
def test_candidate_i_stays_the_partner_of_anchor_i_among_further_candidates(with_ids):
    torch.manual_seed(0)
    anchors, partners, further = torch.randn(5, 4), torch.randn(5, 4), torch.randn(7, 4)
    ids, others = torch.arange(5), torch.tensor([0, 4, 9, 9, 9, 9, 9])
    parts = []
    for rows, more in ((slice(0, 2), slice(0, 3)), (slice(2, 5), slice(3, 7))):
        columns = torch.cat([ids[rows], others[more]])
        candidates = torch.cat([partners[rows], further[more]])
        excluded = Same(ids[rows], columns) if with_ids else None
        parts.append(Pairs(anchors[rows], candidates, excluded=excluded))
    joined = join(parts)
    excluded = Same(ids, torch.cat([ids, others])) if with_ids else None
    whole = infonce(anchors, torch.cat([partners, further]), temperature=0.2, excluded=excluded)
    loss = infonce(joined.anchors, joined.candidates, temperature=0.2, excluded=joined.excluded)
    torch.testing.assert_close(loss, whole)


def test_token_rows_of_unequal_length_are_padded_under_the_mask():
    parts = [
        Tokens(torch.ones(rows, T), torch.ones(rows, T, dtype=torch.bool), torch.full((rows,), g))
        for g, (rows, T) in enumerate([(2, 3), (1, 5)])
    ]
    joined = join(parts)
    assert joined.policy.shape == (3, 5)
    assert joined.mask.sum(1).tolist() == [3, 3, 5]
    assert joined.policy.sum(1).tolist() == [3, 3, 5]
    assert joined.group.tolist() == [0, 0, 1]


def test_sizes_that_differ_without_a_mask_are_refused():
    with pytest.raises(ValueError, match="`scores` is of"):
        join([Lists(torch.ones(2, 3)), Lists(torch.ones(2, 4))])


def test_a_structure_of_unknown_samples_is_refused():
    @dataclass(frozen=True)
    class Hidden:
        x: Tensor

    @dataclass(frozen=True)
    class WithHidden(Views):
        hidden: Hidden | None = None

    form = WithHidden(torch.ones(2, 2, 2), hidden=Hidden(torch.ones(2)))
    with pytest.raises(TypeError, match=r"`WithHidden\.hidden` is a Hidden"):
        join([form, form])


def test_gradients_reach_every_part():
    parts = [Views(torch.randn(2, n, 3, requires_grad=True)) for n in (1, 2)]
    join(parts).z.square().sum().backward()
    for part in parts:
        torch.testing.assert_close(part.z.grad, 2 * part.z.detach())
