from importlib.util import find_spec

import pytest
import torch

from contrast.engine.randomness import generator, seeded
from contrast.errors import CheckpointError
from contrast.testing.vectors import assert_close
from contrast_mclrec import from_recbole, to_recbole
from contrast_mclrec.encoder import Mclrec, SASRec
from contrast_mclrec.rows import Rows
from contrast_mclrec.sampler import Batch

SIZES = {"items": 40, "max_length": 12, "width": 16, "inner": 32}
needs_recbole = pytest.mark.skipif(find_spec("recbole") is None, reason="needs recbole")


def sasrec(kind=SASRec, seed=0, **settings):
    """An encoder with weights large enough to matter, in float64 without dropout."""
    with seeded(seed):
        made = kind(**{**SIZES, "dropout": 0.0, "attention_dropout": 0.0, **settings}).double()
        for p in made.parameters():
            p.data += 0.3 * torch.randn_like(p)
    return made


def histories(R=30, hidden=0.2, seed=0):
    """Random histories, some items hidden, but never all of a row."""
    g = generator("histories", seed)
    lengths = torch.randint(1, 13, (R,), generator=g)
    items = torch.randint(1, 41, (R, 12), generator=g)
    items = items.masked_fill(torch.rand(R, 12, generator=g) < hidden, 0)
    items[:, 0] = 1 + torch.arange(R) % 40
    return items.masked_fill(torch.arange(12) >= lengths[:, None], 0), lengths


def recbole_sasrec(encoder):
    from contrast_mclrec.recbole_model import RecboleModel

    options = ("hidden_size=16", "inner_size=32", "hidden_dropout_prob=0", "attn_dropout_prob=0")
    made = RecboleModel(items=40, max_length=12, catalogue=0, model="SASRec", options=options)
    made.model.load_state_dict(to_recbole(encoder))
    return made.double()


@needs_recbole
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_states_and_gradients_are_those_of_recbole_on_padded_rows(layers):
    from contrast_mclrec.recbole_model import RecboleModel

    ours = sasrec(layers=layers)
    options = ("hidden_size=16", "inner_size=32", "hidden_dropout_prob=0", "attn_dropout_prob=0")
    theirs = RecboleModel(
        items=40,
        max_length=12,
        catalogue=0,
        model="SASRec",
        options=(*options, f"n_layers={layers}"),
    ).double()
    theirs.model.load_state_dict(to_recbole(ours))
    items, lengths = histories()
    h, _ = ours.states(Rows.of(items, lengths))
    expected = theirs.model(items, lengths)
    assert_close(h, expected, 1e-9, "h")
    pull = torch.randn(h.shape, generator=generator(1), dtype=h.dtype)
    (h * pull).sum().backward()
    (expected * pull).sum().backward()
    for name, p in theirs.model.named_parameters():
        assert_close(ours.get_parameter(name).grad, p.grad, 1e-9, name)


def test_groups_change_neither_states_nor_gradients():
    ours, (items, lengths) = sasrec(), histories()
    targets = torch.arange(1, 31)
    found = []
    for full in (0.0, 0.7, 1.0):
        h, followed = ours.states(Rows.of(items, lengths, full), targets)
        loss = (h * followed).sum()
        found.append((h, torch.autograd.grad(loss, list(ours.parameters()))))
    for h, grads in found[1:]:
        assert_close(h, found[0][0], 1e-10, "h")
        for one, other in zip(grads, found[0][1], strict=True):
            assert_close(one, other, 1e-10, "gradient")


def test_items_behind_the_end_and_later_rows_change_nothing():
    ours, (items, lengths) = sasrec(), histories()
    whole, _ = ours.states(Rows.of(items, lengths))
    alone, _ = ours.states(Rows.of(items[3:4, : lengths[3]], lengths[3:4]))
    assert_close(alone[0], whole[3], 1e-10, "state")


def test_padding_learns_as_a_candidate_and_not_as_an_input():
    ours, (items, lengths) = sasrec(), histories()
    h, _ = ours.states(Rows.of(items, lengths))
    (grad,) = torch.autograd.grad(h.sum(), ours.item_embedding.weight)
    assert (grad[0] == 0).all()
    assert grad[1:].abs().sum() > 0
    assert len(ours.table) == 41


def test_initial_weights_are_those_of_recbole_and_of_the_augmenters_those_of_torch():
    with seeded(0):
        made = Mclrec(items=5000, max_length=50)
    assert abs(made.item_embedding.weight.std() - 0.02) < 1e-4
    assert made.item_embedding.weight[0].abs().sum() > 0
    assert (made.trm_encoder.layer[0].feed_forward.dense_1.bias == 0).all()
    assert [tuple(x.weight.shape) for x in made.augmenters[0].layers] == [
        (32, 64),
        (16, 32),
        (64, 16),
    ]
    bound = 1 / 8  # U(-1/sqrt(64), 1/sqrt(64))
    assert 0.9 * bound < made.augmenters[0].layers[0].weight.abs().max() <= bound


def test_learnt_views_are_of_length_one_and_each_of_its_own_augmenter():
    made = sasrec(Mclrec)
    z = torch.randn(2, 5, 16, generator=generator(0), dtype=torch.float64)
    views = made.learnt_views(z)
    assert_close(views.norm(dim=-1), torch.ones(2, 5), 1e-12, "length")
    assert_close(views[1], made.augmenters[1](z[1]), 1e-12, "second")


def test_the_token_of_hidden_items_is_no_candidate_and_is_seen():
    made = sasrec(Mclrec, mask_token=True)
    assert made.item_embedding.weight.shape == (42, 16)
    assert len(made.table) == 41
    items, lengths = torch.tensor([[3, 41, 5]]), torch.tensor([3])
    shown, _ = made.states(Rows.of(items, lengths))
    hidden, _ = made.states(Rows.of(items.masked_fill(items == 41, 0), lengths))
    assert (shown - hidden).abs().max() > 1e-3


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match=r"encoder\.heads.*16, got 3"):
        SASRec(**SIZES, heads=3)


def test_weights_go_to_recbole_and_back():
    made, other = sasrec(Mclrec, mask_token=True), sasrec(Mclrec, seed=1, mask_token=True)
    from_recbole(other, to_recbole(made))
    rows = Rows.of(*histories())
    assert_close(other.states(rows)[0], made.states(rows)[0], 1e-12, "state")
    longer = {**to_recbole(made)}
    longer["item_embedding.weight"] = torch.cat(
        [longer["item_embedding.weight"], torch.ones(1, 16)]
    )
    from_recbole(other, longer)  # the official code's table has one row more
    with pytest.raises(CheckpointError, match="another log"):
        from_recbole(sasrec(items=7), to_recbole(made))
    with pytest.raises(CheckpointError, match=r"item_embedding.* \(41, 16\), expected .* 8"):
        from_recbole(sasrec(width=8), to_recbole(made))
    with pytest.raises(CheckpointError, match="missing"):
        from_recbole(made, {})


def test_scores_come_in_strips_of_all_items():
    made, (items, lengths) = sasrec(), histories()
    rows = Rows.of(items, lengths)
    batch = Batch(rows, torch.arange(30), torch.ones(30, dtype=torch.long))
    scores = torch.cat(list(made.scores(batch)))
    assert_close(scores, made.states(rows)[0] @ made.item_embedding.weight[1:].T, 1e-10, "scores")
