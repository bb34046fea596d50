"""First in, first out, against a plain list."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contrast.primitives.memory_queue import MemoryQueue


@given(st.lists(st.integers(0, 7), max_size=8))
def test_the_queue_holds_what_a_list_would(sizes):
    queue, held, count = MemoryQueue(5, 2), [], 0
    for n in sizes:
        ids = torch.arange(count, count + n)
        count += n
        queue.push(ids[:, None].float().expand(n, 2), ids)
        held = (held + ids.tolist())[-5:]
        rows, found = queue.contents()
        assert found.tolist() == held
        assert rows[:, 1].tolist() == held
        assert len(queue) == len(held)


def test_contents_stay_as_they_were_and_carry_no_gradient():
    queue = MemoryQueue(3, 2)
    z = torch.ones(2, 2, requires_grad=True)
    queue.push(z, torch.arange(2))
    rows, _ = queue.contents()
    weight = torch.ones(2, requires_grad=True)
    loss = (rows @ weight).square().sum()
    queue.push(torch.zeros(3, 2), torch.arange(3))
    loss.backward()  # not refused: the rows of that step are copies
    assert not rows.requires_grad
    assert rows.tolist() == [[1, 1], [1, 1]]


def test_the_state_comes_back():
    queue, other = MemoryQueue(3, 2), MemoryQueue(3, 2)
    for i in range(5):
        queue.push(torch.full((1, 2), float(i)).bfloat16(), torch.tensor([i]))
    other.load_state_dict(queue.state_dict())
    queue.push(torch.zeros(1, 2), torch.tensor([9]))
    other.push(torch.zeros(1, 2), torch.tensor([9]))
    assert other.contents()[1].tolist() == queue.contents()[1].tolist() == [3, 4, 9]
    assert torch.equal(other.contents()[0], queue.contents()[0])


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="size and width"):
        MemoryQueue(0, 2)
    with pytest.raises(ValueError, match="z and ids must be"):
        MemoryQueue(3, 2).push(torch.ones(1, 4), torch.zeros(1))
