"""What the gradient does with its negatives, against plain loops, autograd and the limits of t."""

import math
from dataclasses import astuple

import pytest
import torch
from torch.nn.functional import normalize

from contrast.evaluation import alignment, diagnostics
from contrast.evaluation.diagnostics import DRAWN_PAIRS, diagnose, mean_candidate
from contrast.forms import Differ, Pairs, Same
from contrast.objectives.infonce import infonce
from contrast.primitives.row_lse import row_lse

NOISE = 0.7


def views(n=24, d=6, seed=0, dtype=torch.float64):
    z = torch.randn(2, n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return z[0], z[0] + NOISE * z[1]


def look(form, temperature=0.2, seed=0, labels=None):
    generator = torch.Generator().manual_seed(seed)
    return diagnose(form, temperature=temperature, generator=generator, labels=labels)


def plain(form, t):
    """The mean of each measure over the anchors, by a loop over them."""
    a, c = normalize(form.anchors, dim=1), normalize(form.candidates, dim=1)
    own = form.positives or Same(torch.arange(len(a)), torch.arange(len(c)))
    pos, kept = own.mask(), torch.ones(len(a), len(c), dtype=torch.bool)
    if form.excluded is not None:
        kept = ~form.excluded.mask()
    found = []
    for i in range(len(a)):
        s = c @ a[i]
        wanted, others = pos[i] if form.positives is None else pos[i] & kept[i], ~pos[i] & kept[i]
        r, q = (s[wanted] / t).softmax(0), (s[others] / t).softmax(0)
        p = (s[wanted] / t).exp().sum() / (s[wanted | others] / t).exp().sum()
        d = r @ c[wanted] - q @ c[others]
        u = r @ c[wanted] - c[others].mean(0)
        turned = d - (d @ a[i]) * a[i]
        carrying = (-(q * q.log()).sum()).exp()
        found.append(
            [
                r @ s[wanted],
                s[others].mean(),
                q @ s[others],
                carrying,
                100 * carrying / others.sum(),
                p,
                (1 - p) / t,
                turned.norm() / d.norm(),
                (d @ u) / d.norm() / u.norm(),
            ]
        )
    return torch.tensor(found, dtype=torch.float64)


def means(found):
    return [spread[0] for spread in found.spreads.values()]


@pytest.mark.parametrize("t", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("kind", ["aligned", "queue", "related", "excluded", "both"])
def test_every_measure_is_the_plain_formula(kind, t):
    anchors, candidates = views()
    ids = torch.arange(24)
    form = {
        "aligned": Pairs(anchors, candidates),
        "queue": Pairs(anchors, torch.cat((candidates, views(seed=1)[0]))),
        "related": Pairs(anchors, candidates, Same(ids // 3, ids // 3)),
        "excluded": Pairs(anchors, candidates, excluded=Same(ids // 4, ids // 4)),
        "both": Pairs(anchors, candidates, Same(ids // 3, ids // 3), Same(ids % 5, (ids + 1) % 5)),
    }[kind]
    expected = plain(form, t)
    found = look(form, t)
    assert means(found) == pytest.approx(expected.mean(0).tolist(), rel=1e-9)
    quantiles = [spread[1:] for spread in found.spreads.values()]
    wanted = expected.quantile(torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64), dim=0).T
    torch.testing.assert_close(torch.tensor(quantiles, dtype=torch.float64), wanted)


def test_tiles_give_the_same_as_all_pairs_at_once():
    form = Pairs(*views(600, 4))
    assert means(look(form)) == pytest.approx(plain(form, 0.2).mean(0).tolist(), rel=1e-9)


def test_weight_times_direction_is_the_gradient_that_autograd_finds():
    anchors, candidates = views()
    raw = anchors.clone().requires_grad_()
    infonce(raw, candidates, temperature=0.2, reduction="sum").backward()
    found = plain(Pairs(anchors, candidates), 0.2)
    a, c, ids = normalize(anchors, dim=1), normalize(candidates, dim=1), torch.arange(24)
    _, negative = mean_candidate(a, c, (Differ(ids, ids),), 0.2)
    direction, weight, turned = c - negative, found[:, 6:7], found[:, 7]
    pull = weight * direction
    turning = pull - (pull * a).sum(1, keepdim=True) * a
    torch.testing.assert_close(-raw.grad, turning / anchors.norm(dim=1, keepdim=True))
    torch.testing.assert_close(turning.norm(dim=1), pull.norm(dim=1) * turned)


def test_the_mean_candidate_is_the_first_moment_and_of_zeros_a_plain_mean():
    anchors, candidates = views()
    lse, mean = mean_candidate(anchors, candidates, (), 0.5)
    found = row_lse(anchors, candidates, temperature=0.5, moment=True)
    torch.testing.assert_close(lse, found.lse)
    torch.testing.assert_close((anchors * mean).sum(1), found.moment)
    count, mean = mean_candidate(torch.zeros_like(anchors), candidates, (), 1.0)
    torch.testing.assert_close(count, torch.full((24,), math.log(24), dtype=torch.float64))
    torch.testing.assert_close(mean, candidates.mean(0).expand(24, -1))


def test_more_negatives_carry_the_gradient_at_a_higher_temperature():
    form = Pairs(*views(64))
    found = [look(form, t).spreads for t in (0.01, 0.05, 0.1, 0.5, 1, 1e3)]
    carrying = [spreads["negatives that carry the gradient"][2] for spreads in found]
    hardness = [spreads["similarity of the negatives, weighted"][2] for spreads in found]
    assert carrying == sorted(carrying)
    assert hardness == sorted(hardness, reverse=True)
    assert carrying[-1] == pytest.approx(63, rel=1e-4)
    turned = found[-1]["cosine to the direction without weights"]
    assert turned == pytest.approx([1, 1, 1, 1], abs=1e-5)


def test_at_a_low_temperature_only_the_hardest_negative_counts():
    anchors, candidates = views(12)
    spreads = look(Pairs(anchors, candidates), 1e-3).spreads
    s = normalize(anchors, dim=1) @ normalize(candidates, dim=1).T
    hardest = s.fill_diagonal_(-2).max(1).values
    assert spreads["similarity of the negatives, weighted"][0] == pytest.approx(
        float(hardest.mean()), abs=1e-3
    )
    assert spreads["negatives that carry the gradient"][2] == pytest.approx(1, abs=1e-2)


def test_rows_without_direction_are_counted_and_change_nothing_else():
    anchors, candidates = views()
    clean = look(Pairs(anchors[3:], candidates[3:]))
    anchors[0], candidates[1], candidates[2, 0] = 0, torch.inf, torch.nan
    candidates[0] = 0
    anchors[1:3] = torch.nan
    found = look(Pairs(anchors, candidates))
    assert means(found) == pytest.approx(means(clean), rel=1e-9)
    assert found.positives == clean.positives
    assert found.numbers["rows of length 0"] == 2
    assert found.numbers["rows that are not finite"] == 4
    assert found.numbers["degenerate anchors, percent"] == pytest.approx(12.5)


def test_anchors_without_a_partner_are_counted_and_left_out():
    anchors, candidates = views(4)
    relation = Same(torch.tensor([0, 1, 7, 2]), torch.tensor([0, 1, 1, 2]))
    found = look(Pairs(anchors, candidates, relation)).numbers
    assert (found["anchors without a positive"], found["anchors without a negative"]) == (1, 0)
    assert found["degenerate anchors, percent"] == 25
    everyone = Same(torch.zeros(4), torch.zeros(4))
    found = look(Pairs(anchors, candidates, excluded=everyone)).numbers
    assert (found["anchors without a positive"], found["anchors without a negative"]) == (0, 4)


@pytest.mark.parametrize("z", [torch.zeros(0, 3), torch.zeros(5, 3), torch.full((5, 3), math.nan)])
def test_a_batch_without_any_usable_pair_has_no_measures(z):
    found = look(Pairs(z, z), labels=torch.zeros(len(z), dtype=torch.long))
    assert {value for spread in found.spreads.values() for value in spread} == {None}
    assert found.numbers["uniformity"] is found.numbers["tolerance"] is None
    assert sum(found.positives) == sum(found.negatives) == sum(found.carried) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("t", [1e-3, 0.1, 1e3])
def test_half_precision_and_extreme_temperatures_give_finite_numbers(dtype, t):
    anchors, candidates = views(dtype=torch.float32)
    candidates[:4] = candidates[0]
    anchors[5], candidates[6] = candidates[5], -anchors[6]
    found = look(Pairs(anchors.to(dtype), candidates.to(dtype)), t)
    assert all(math.isfinite(value) for spread in found.spreads.values() for value in spread)
    assert 1 <= found.spreads["negatives that carry the gradient"][0] <= 23 * (1 + 1e-6)


def test_similarities_are_counted_by_bin():
    a = torch.eye(2)
    found = look(Pairs(a, a))
    assert found.positives[-1] == sum(found.positives) == 2
    assert found.negatives[20] == sum(found.negatives)
    assert 0.4 * DRAWN_PAIRS < sum(found.negatives) < 0.6 * DRAWN_PAIRS


def test_the_gradient_is_shared_out_by_similarity():
    form = Pairs(*views(200, 4))
    flat, steep = look(form, 1e3), look(form, 0.05)
    counted = torch.tensor(flat.negatives, dtype=torch.float64)
    wanted = (100 * counted / counted.sum()).tolist()
    assert flat.carried == pytest.approx(wanted, abs=0.1)
    assert sum(steep.carried) == pytest.approx(100)
    s = normalize(form.anchors, dim=1) @ normalize(form.candidates, dim=1).T
    s.fill_diagonal_(-torch.inf)
    exact = ((s / 0.05).softmax(1) * (s > 0.8)).sum() / len(s)
    assert sum(steep.carried[36:]) == pytest.approx(100 * float(exact), abs=5)


def test_alignment_is_the_mean_squared_distance_of_positives():
    anchors, candidates = views()
    found = look(Pairs(anchors, candidates)).numbers["alignment"]
    assert found == pytest.approx(alignment(anchors, candidates))


def test_many_anchors_are_drawn_from_by_the_generator_alone(monkeypatch):
    form = Pairs(*views(50))
    monkeypatch.setattr(diagnostics, "MOST_ANCHORS", 10)
    state = torch.get_rng_state()
    first, again, other = (look(form, seed=seed) for seed in (0, 0, 1))
    assert astuple(first) == astuple(again) != astuple(other)
    assert torch.equal(torch.get_rng_state(), state)
    assert (first.numbers["anchors"], first.numbers["candidates"]) == (10, 50)


def test_nothing_depends_on_the_order_or_the_length_of_rows():
    anchors, candidates = views()
    order = torch.randperm(24, generator=torch.Generator().manual_seed(3))
    moved = look(Pairs(3 * anchors[order], 0.1 * candidates[order]))
    assert means(moved) == pytest.approx(means(look(Pairs(anchors, candidates))), rel=1e-9)


def test_the_form_is_left_as_it_was_and_gets_no_gradient():
    anchors, candidates = (z.requires_grad_() for z in views())
    with torch.no_grad():
        look(Pairs(anchors, candidates))
    assert anchors.grad is candidates.grad is None


def test_pairs_that_do_not_fit_are_refused():
    anchors, candidates = views()
    with pytest.raises(ValueError, match="candidate of its own"):
        look(Pairs(anchors, candidates[:5]))
    with pytest.raises(ValueError, match="temperature"):
        look(Pairs(anchors, candidates), 0.0)
