import torch
from torch.nn.functional import cross_entropy

from contrast.engine.randomness import generator
from contrast.forms import Pairs, lowered
from contrast.testing.vectors import assert_close
from contrast_mclrec.form import NextItem
from contrast_mclrec.softmax import next_item_loss


def form(B=6, items=9, width=4, **also):
    def draw(*shape):
        return torch.randn(*shape, generator=generator(*shape), dtype=torch.float64)

    table = draw(items + 1, width).requires_grad_()
    h = draw(B, width).requires_grad_()
    targets = torch.arange(B) % items + 1
    return NextItem(h, table[targets], targets, table, **also)


def test_whole_softmax_is_cross_entropy_with_padding_as_a_candidate():
    made = form()
    plain = cross_entropy(made.h @ made.table.T, made.targets)
    loss = next_item_loss(made)
    assert_close(loss, plain, 1e-12, "loss")
    wanted = torch.autograd.grad(plain, (made.h, made.table), retain_graph=True)
    found = torch.autograd.grad(loss, (made.h, made.table))
    for one, other in zip(found, wanted, strict=True):
        assert_close(one, other, 1e-12, "gradient")


def test_softmax_over_many_items_is_the_same_by_tiles():
    made = form(B=300, items=2000)
    plain = cross_entropy(made.h @ made.table.T, made.targets)
    assert_close(next_item_loss(made), plain, 1e-9, "loss")


def test_every_item_drawn_once_gives_the_whole_softmax_without_padding():
    items = torch.arange(1, 10)
    made = form(negatives=items, log_expected=torch.zeros(9, dtype=torch.float64))
    plain = cross_entropy(made.h @ made.table[1:].T, made.targets - 1)
    assert_close(next_item_loss(made), plain, 1e-12, "loss")


def test_sampled_sum_is_the_whole_sum_on_average():
    chance = torch.tensor([0.3, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05], dtype=torch.float64)
    drawn = torch.multinomial(chance, 60_000, replacement=True, generator=generator(0)) + 1
    expected = chance.log()[drawn - 1] + torch.tensor(60_000.0).log()
    made = form(negatives=drawn, log_expected=expected)
    plain = cross_entropy(made.h @ made.table[1:].T, made.targets - 1)
    assert_close(next_item_loss(made), plain, 0.02, "loss")


def test_the_target_among_the_negatives_is_left_out():
    made = form(B=1, negatives=torch.tensor([1, 1]), log_expected=torch.zeros(2))
    assert next_item_loss(made) == 0


def test_it_lowers_to_pairs_whose_equal_targets_are_positives():
    made = lowered(form(B=12), Pairs)
    assert made.positives.mask()[0].nonzero()[:, 0].tolist() == [0, 9]
