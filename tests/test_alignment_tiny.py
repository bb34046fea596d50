"""The comparison of preference objectives: its grades, and the figures that the page quotes."""

import sys
from pathlib import Path

import pytest
import torch

from contrast_alignment.batch import Item

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import alignment_tiny

    yield alignment_tiny
    sys.modules.pop("alignment_tiny")


def test_grades_are_shares_of_the_others_that_are_worse_and_ties_are_half(tiny):
    item = Item("a", (1,), ((2,), (3,), (4,), (5,)), (0.1, 0.4, 0.4, 0.9))
    assert tiny.won(item).grades == pytest.approx((0, 0.5, 0.5, 1))


def test_the_page_quotes_the_recorded_runs(tiny):
    lines = tiny.recorded(tiny.RESULTS, tiny.Setting())
    assert len(lines) == len(tiny.SEEDS) * (3 * len(tiny.FAMILIES) + 1)
    page = (ROOT / "docs/methods/alignment.md").read_text().replace("LiPO-λ", "LiPO-lambda")
    assert tiny.frontier(lines) in page
    for row in tiny.table(lines).splitlines()[2:-2]:
        assert row.split(" | ", 1)[1] in page


def test_rewards_at_a_distance_lie_between_the_strengths(tiny):
    def line(objective, strength, kl, reward):
        return {
            "objective": objective, "strength": strength, "seed": 0, "kl": kl, "reward": reward
        }  # fmt: skip

    lines = [line("start", 0, 0.0, 0.2), line("DPO", 0.1, 10.0, 0.7)]
    row = next(row for row in tiny.frontier(lines).splitlines() if "DPO" in row)
    assert row == "| DPO | 0.400 ± 0.000 | 0.600 ± 0.000 |  |"


@pytest.fixture
def start(tiny):
    """An untrained model on a few lists, and itself as their reference."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=30, num_attention_heads=2, **sizes))
    model.requires_grad_(False)
    draw = torch.Generator().manual_seed(0)

    def tokens(count):
        return tuple(torch.randint(2, 30, (count,), generator=draw).tolist())

    items = tuple(
        Item(i, tokens(4), (tokens(3), tokens(5), tokens(2)), (0.0, 0.5, 1.0)) for i in range(4)
    )
    return tiny.Start(model, None, items, tiny.reference_scores(model, items))


def test_every_objective_moves_the_model_away_from_its_start(tiny, start):
    setting = tiny.Setting(steps=2, lists=2)
    for family in tiny.FAMILIES:
        model = tiny.aligned(setting, start, tiny.Run(family.name, family.strengths[0], 0))
        pairs = zip(model.parameters(), start.model.parameters(), strict=True)
        assert not any(torch.equal(after, before) for after, before in pairs), family.name
