from itertools import permutations

import pytest
import torch

from contrast.engine.randomness import generator
from contrast.testing.vectors import vector_cases
from contrast_mclrec.augment import Ratios, crop, mask, share, shuffle, two_views


def augmentations():
    return [p for p in vector_cases(__file__, "mclrec") if p.values[0] and "op" in p.values[0]]


@pytest.mark.parametrize("case", augmentations())
def test_operators_equal_their_vectors(case):
    items, n = torch.tensor([case["seq"]]), torch.tensor([case["length"]])
    args, ratio = case["args"], case["kept_or_ratio"]
    if case["op"] == "crop":
        kept = share(n, ratio).clamp(min=1)
        out = crop(items, torch.tensor([args["begin"]]), kept)
        assert kept.tolist() == [case["out_length"]]
    elif case["op"] == "mask":
        assert len(args["idx"]) == int(share(n, ratio))
        hidden = torch.zeros_like(items, dtype=torch.bool)
        hidden[0, args["idx"]] = True
        out = mask(items, hidden)
    else:
        begin, size = args["begin"], len(args["perm"])
        assert size == int(share(n, ratio))
        keys = torch.zeros(1, items.shape[1])
        for place, element in enumerate(args["perm"]):  # slot t takes element perm[t]
            keys[0, begin + element] = (place + 0.5) / size
        out = items.gather(1, shuffle(torch.tensor([begin]), torch.tensor([size]), keys))
    assert out.tolist() == [case["out"]]


def outcomes(items, ratios=Ratios(), draws=600):
    """All pairs of views of one history that many draws give."""
    x = torch.tensor([items]).repeat(draws, 1)
    views, lengths = two_views(x, torch.full((draws,), len(items)), ratios, generator("views"))
    cut = [tuple(v[:n].tolist()) for v, n in zip(views, lengths, strict=True)]
    return list(zip(cut[:draws], cut[draws:], strict=True))


def possible(items, ratios=Ratios()):
    """Every outcome of each operator, by the definitions."""
    n = len(items)
    kept, hidden, window = (
        max(int(n * (1 - ratios.crop)), 1),
        int(n * ratios.mask),
        int(n * ratios.reorder),
    )
    cropped = {tuple(items[b : b + kept]) for b in range(n - kept + 1)}
    masked = set()
    for chosen in permutations(range(n), hidden):
        masked.add(tuple(ratios.token if i in chosen else item for i, item in enumerate(items)))
    shuffled = {
        (*items[:b], *order, *items[b + window :])
        for b in range(n - window + 1)
        for order in permutations(items[b : b + window])
    }
    return {"crop": cropped, "mask": masked, "reorder": shuffled}


@pytest.mark.parametrize("length", [2, 3, 4])
def test_views_are_all_outcomes_of_two_different_operators(length):
    items = list(range(1, length + 1))
    kinds, drawn = possible(items), outcomes(items)
    seen = {view for pair in drawn for view in pair}
    assert seen == set().union(*kinds.values())
    for one, two in drawn:
        names = [{k for k, views in kinds.items() if view in views} for view in (one, two)]
        assert any(a != b for a in names[0] for b in names[1])


def test_operators_are_drawn_equally_often():
    drawn = outcomes([1, 2, 3, 4, 5, 6], draws=3000)
    counts = {"crop": 0, "mask": 0, "reorder": 0}
    for view in (view for pair in drawn for view in pair):
        counts["crop" if len(view) < 6 else "mask" if 0 in view else "reorder"] += 1
    assert all(abs(count - 2000) < 200 for count in counts.values())


def test_windows_begin_anywhere_that_they_fit_equally_often():
    ratios = Ratios(crop=0.5)
    begins = [
        v[0] for pair in outcomes([1, 2, 3, 4, 5, 6], ratios, 3000) for v in pair if len(v) == 3
    ]
    counts = [begins.count(b) for b in (1, 2, 3, 4)]
    assert max(counts) < 1.25 * min(counts)


def test_one_item_stays_as_it_is():
    assert set(outcomes([7], draws=50)) == {((7,), (7,))}


def test_hidden_items_become_the_token():
    ratios = Ratios(token=99)
    masked = {view for pair in outcomes([1, 2], ratios) for view in pair if 99 in view}
    assert masked == {(99, 2), (1, 99)}


def test_nothing_is_taken_from_behind_the_end():
    x = torch.tensor([[5, 6, 7, 0, 0, 0]]).repeat(400, 1)
    views, lengths = two_views(x, torch.full((400,), 3), Ratios(), generator(1))
    place = torch.arange(6)
    assert (views[place.expand_as(views) >= lengths[:, None]] == 0).all()
    assert set(views.unique().tolist()) == {0, 5, 6, 7}
