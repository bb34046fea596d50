import math

import pytest
import torch

from contrast.forms import Apart, Differ, Same
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import (
    LogWeight,
    LowRank,
    Mask,
    OffDiagonal,
    is_symmetric,
    pairs_of,
)
from contrast.primitives.weights import ready

N, M = 7, 9
IDS, OTHERS = torch.arange(N) * 10**12 % 3, torch.arange(M) * 10**12 % 4
GROUPS, OTHER_GROUPS = torch.stack((IDS, IDS % 2)), torch.stack((OTHERS, OTHERS % 2))
ROWS, COLUMNS = slice(2, 6), slice(3, 9)


def written(structures, n=N, m=M):
    return ready(structures, (n, m), torch.zeros(1)).written(torch.zeros(n, m))


def test_relations_by_ids_write_out_their_own_masks():
    assert torch.equal(written([Same(IDS, OTHERS)]), Same(IDS, OTHERS).mask().float())
    assert torch.equal(written([Differ(IDS, OTHERS)]), Differ(IDS, OTHERS).mask().float())
    apart = Apart(GROUPS, OTHER_GROUPS)
    assert torch.equal(written([apart]), apart.count().float())


def test_structures_multiply():
    apart, same = Apart(GROUPS, OTHER_GROUPS), Same(IDS % 2, OTHERS % 2)
    found = written([same, OffDiagonal((1,)), apart])
    expected = apart.count() * same.mask()
    expected.diagonal(1).fill_(0)
    assert torch.equal(found, expected.float())


@pytest.mark.parametrize(
    "structure",
    [
        Same(IDS, OTHERS),
        Differ(IDS, OTHERS),
        Apart(GROUPS, OTHER_GROUPS),
        OffDiagonal((0, 3, -2)),
        Mask(torch.arange(N * M).view(N, M) % 2 == 0),
    ],
)
def test_a_tile_of_a_structure_is_the_structure_of_a_tile(structure):
    tile = structure.tile(ROWS, COLUMNS)
    assert torch.equal(written([tile], 4, 6), written([structure])[ROWS, COLUMNS])
    weights = ready([structure], (N, M), torch.zeros(1)).tile(ROWS, COLUMNS)
    assert torch.equal(weights.written(torch.zeros(4, 6)), written([structure])[ROWS, COLUMNS])


def test_holes_that_miss_a_tile_cost_it_nothing():
    weights = ready([OffDiagonal()], (N, M), torch.zeros(1))
    assert not weights.tile(slice(0, 3), slice(3, 6))


def test_learnt_weights_are_the_sigmoid_of_the_paper():
    q, b, v, bias = torch.randn(5, 4), torch.randn(5), torch.randn(5), torch.randn(())
    f, a = torch.randn(N, 4), torch.randn(M, 4)
    found = LowRank(f @ q.T + b, a @ q.T, v, bias)
    for i, j in ((0, 0), (3, 8)):
        expected = torch.sigmoid(v @ torch.tanh(q @ (f[i] + a[j]) + b) + bias)
        torch.testing.assert_close(found.log_weight()[i, j].exp(), expected)
    assert torch.equal(found.tile(ROWS, COLUMNS).log_weight(), found.log_weight()[ROWS, COLUMNS])


def test_symmetry_is_read_off_the_structure_alone():
    assert is_symmetric(OffDiagonal((0, 5, -5)))
    assert not is_symmetric(OffDiagonal((5,)))
    assert is_symmetric(Same(IDS, IDS))
    assert is_symmetric(Apart(GROUPS, GROUPS))
    assert not is_symmetric(Same(IDS, IDS.clone()))
    assert not is_symmetric(Mask(torch.eye(3, dtype=torch.bool)))


def test_a_structure_knows_how_many_pairs_it_is_of():
    assert pairs_of(OffDiagonal()) is None
    for structure in (Same(IDS, OTHERS), Apart(GROUPS, OTHER_GROUPS), LogWeight(torch.zeros(N, M))):
        assert pairs_of(structure) == (N, M)


def test_what_is_no_structure_or_of_other_pairs_is_refused():
    with pytest.raises(TypeError, match="structures such as `Same`, got Tensor"):
        ready([torch.ones(N, M)], (N, M), torch.zeros(1))
    with pytest.raises(ValueError, match=r"Mask is of \(2, 2\) pairs, the scores of \(7, 9\)"):
        ready([Mask(torch.ones(2, 2) > 0)], (N, M), torch.zeros(1))


def test_no_candidates_leave_every_row_empty_under_any_relation():
    anchors = torch.randn(3, 2, requires_grad=True)
    ids, none = torch.arange(3), torch.empty(0, dtype=torch.long)
    for relation in (Same(ids, none), Differ(ids, none), Apart(ids[None], none[None])):
        lse = row_lse(anchors, torch.empty(0, 2), weights=(relation,)).lse
        assert lse.tolist() == [-math.inf] * 3
