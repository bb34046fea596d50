"""A value for every sample: read, written, kept in the state, averaged in the log domain."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contrast.primitives.state_table import StateTable, log_average


def test_what_is_written_is_read():
    table = StateTable(5, init=-1.0)
    ids = torch.tensor([3, 0])
    assert table.is_new(ids).all()
    table.write(ids, torch.tensor([7.0, 8.0], requires_grad=True))
    assert table.read(torch.tensor([0, 1, 3])).tolist() == [8.0, -1.0, 7.0]
    assert table.is_new(torch.tensor([0, 1, 3])).tolist() == [False, True, False]
    assert not table.read(ids).requires_grad


def test_what_was_read_does_not_change_with_a_later_write():
    table = StateTable(2)
    before = table.read(torch.tensor([0]))
    table.write(torch.tensor([0]), torch.ones(1))
    assert before.tolist() == [0.0]


def test_an_id_that_comes_twice_gets_the_mean():
    table = StateTable(2, init=100.0)
    table.write(torch.tensor([1, 1]), torch.tensor([1.0, 3.0]))
    assert table.values.tolist() == [100.0, 2.0]


def test_the_state_comes_back():
    table, other = StateTable(4, -torch.inf), StateTable(4, -torch.inf)
    table.write(torch.tensor([2]), torch.tensor([0.5], dtype=torch.bfloat16))
    other.load_state_dict(table.state_dict())
    assert torch.equal(other.values, table.values)
    assert torch.equal(other.seen, table.seen)


@pytest.mark.parametrize("ids", [[4], [-1], [0, 9]])
def test_ids_out_of_range_are_refused_and_write_nothing(ids):
    table, ids = StateTable(4), torch.tensor(ids)
    with pytest.raises(ValueError, match=r"sample ids must lie in 0\.\.3"):
        table.read(ids)
    with pytest.raises(ValueError, match=r"sample ids must lie in 0\.\.3"):
        table.write(ids, torch.ones(len(ids)))
    assert not table.seen.any()


def test_other_mistakes_are_told():
    with pytest.raises(ValueError, match="one shape"):
        StateTable(4).write(torch.tensor([1, 2]), torch.ones(3))
    with pytest.raises(ValueError, match="at least one sample"):
        StateTable(0)


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0, 1))
def test_log_average_is_the_logarithm_of_the_average(old, new, rate):
    log_old, log_new = (torch.tensor(x, dtype=torch.float64).log() for x in (old, new))
    found = log_average(log_old, log_new, rate).exp()
    torch.testing.assert_close(found, torch.tensor((1 - rate) * old + rate * new).double())


def test_log_average_survives_what_overflows():
    old, new = (
        torch.tensor([1000.0, -torch.inf, -torch.inf]),
        torch.tensor([1000.0, 5.0, -torch.inf]),
    )
    found = log_average(old, new, torch.tensor([0.5, 1.0, 0.5]))
    assert found.tolist() == [1000.0, 5.0, -torch.inf]
