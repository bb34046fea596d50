import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator
from contrast_supremix.kinds import KINDS
from contrast_supremix.network import joined

SAMPLES = {"table": (7,), "image": (3, 20, 20), "series": (2, 33), "texts": (2, 9)}


def drawn(kind, members, count=5):
    g = generator("x")
    if kind == "texts":
        return torch.randint(0, 8192, (members, count, *SAMPLES[kind]), generator=g)
    return torch.randn(members, count, *SAMPLES[kind], generator=g)


def made(kind, seeds):
    return KINDS[kind].network(SAMPLES[kind], 6, [generator(seed) for seed in seeds])


@pytest.mark.parametrize("kind", KINDS)
def test_members_in_step_are_what_each_is_alone(kind):
    x = drawn(kind, 3)
    together = made(kind, (0, 1, 2))
    z = together(x)
    assert z.shape == (3, 5, 6)
    z.square().sum().backward()
    for i in range(3):
        alone = made(kind, (i,))
        torch.testing.assert_close(alone(x[i : i + 1]), z[i : i + 1], rtol=1e-4, atol=1e-5)
        alone(x[i : i + 1]).square().sum().backward()
        for p, q in zip(together.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(p.grad[i : i + 1], q.grad, rtol=1e-3, atol=1e-4)


def test_bytes_of_images_become_numbers_between_minus_one_and_one():
    x = torch.tensor([0, 255], dtype=torch.uint8).expand(1, 3, 3, 20, 10, 2).flatten(4)
    net = made("image", (0,))
    torch.testing.assert_close(net(x), net(x.float() / 127.5 - 1))


def test_a_text_is_the_mean_of_its_terms_and_an_empty_one_is_nothing():
    net, x = made("texts", (0,)), torch.tensor([[[[3, 5, 0], [0, 0, 0]]]])
    alone = net(torch.tensor([[[[3, 5, 3, 5], [0, 0, 0, 0]]]]))
    torch.testing.assert_close(net(x), alone)
    with torch.no_grad():
        net.vectors[0, [3, 5]] = 0
    empty = net(torch.zeros_like(x))
    torch.testing.assert_close(net(x), empty)
    assert (empty[0, 0].isfinite()).all()


@pytest.mark.parametrize("kind", KINDS)
def test_stacks_are_joined_as_a_copy(kind):
    x, parts = drawn(kind, 3), [made(kind, (0,)), made(kind, (1, 2))]
    both = joined(parts)
    torch.testing.assert_close(both(x), made(kind, (0, 1, 2))(x))
    with torch.no_grad():
        next(iter(both.parameters())).zero_()
    assert next(iter(parts[0].parameters())).any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_numbers_for_methods_without_a_network(kind):
    samples = {
        "table": np.ones((4, 7)),
        "image": np.full((4, 3, 40, 9), 7, np.uint8),
        "series": np.arange(4 * 2 * 50.0).reshape(4, 2, 50),
        "texts": np.array([[[1, 2, 0], [2, 3, 4]]] * 4),
    }
    columns = {"table": 7, "image": 3 * 16 * 9, "series": 2 * (32 + 3), "texts": 6}
    found = KINDS[kind].plain(samples[kind], np.arange(2))
    assert found.shape == (4, columns[kind])
    if kind == "image":
        assert (found == 7).all()
    if kind == "texts":
        assert found[0, 0] == pytest.approx(1 / 4)  # one term of four is shared
        assert found[0, 3:].tolist() == [2, 3, 1]
