"""The page of the core's objectives: free of torch, and true to the modules it names."""

import inspect
import subprocess
import sys
from dataclasses import fields

import pytest
import torch

from contrast.engine.randomness import seeded
from contrast.errors import ConfigError
from contrast.forms import Views, lowered
from contrast.objectives.catalogue import CATALOGUE
from contrast.objectives.catalogue.hardness import HARDNESS
from contrast.objectives.catalogue.pairs import PAIRS, CLIPConfig, InfoNCEConfig
from contrast.objectives.catalogue.supervised import SUPERVISED
from contrast.objectives.catalogue.tracked import ISogCLRConfig
from contrast.objectives.catalogue.views import VIEWS

# Not those with a state for each sample, whose surrogates have the gradient alone of what falls.
DESCENDING = [*PAIRS, *VIEWS, *HARDNESS, *SUPERVISED]


def test_the_page_imports_no_torch():
    code = "import sys, contrast.objectives.catalogue; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_names_are_unique():
    names = [part.name for part in CATALOGUE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("part", CATALOGUE, ids=lambda part: part.name)
def test_each_entry_builds_with_exactly_its_settings(part):
    parameters = inspect.signature(part.load()).parameters
    assert set(parameters) == {item.name for item in fields(part.config)} | set(part.sizes)
    assert all(item.metadata["help"] for item in fields(part.config))
    assert part.summary
    assert part.cost


@pytest.mark.parametrize("part", CATALOGUE, ids=lambda part: part.name)
def test_defaults_of_settings_and_class_agree(part):
    if part.name == "clip":
        pytest.skip("infonce with defaults of its own")
    parameters = inspect.signature(part.load()).parameters
    defaults = {item.name: getattr(part.config(), item.name) for item in fields(part.config)}
    assert {name: parameters[name].default for name in defaults} == defaults


@pytest.mark.parametrize(
    ("name", "published"),
    {
        "clip": {"temperature": 0.07, "symmetric": True, "learn_temperature": True},
        "siglip": {"temperature": 0.1, "bias": -10.0},
        "triplet": {"margin": 1.0, "distance": "euclidean"},
        "dclw": {"temperature": 0.1, "sigma": 0.5, "detach_weights": True},
        "dhel": {"temperature": 0.3, "include_augs": True},
        "mv_infonce": {"temperature": 0.5, "denominator": "all_others"},
        "mv_dhel": {"temperature": 0.5},
        "alignment_uniformity": {"alpha": 2.0, "t": 2.0},
        "rank_n_contrast": {"temperature": 2.0},
    }.items(),
)
def test_defaults_are_the_published_ones(name, published):
    part = next(part for part in CATALOGUE if part.name == name)
    assert {key: getattr(part.config(), key) for key in published} == published


def test_settings_begin_at_zero_and_shares_end_at_one():
    names = ("sogclr", "isogclr", "sogclr_bimodal", "isogclr_bimodal")
    shares = {*(f"{name}.gamma" for name in names), "isogclr.beta", "isogclr_bimodal.beta"}
    shares |= {"hard_contrastive.alpha", "hard_simple.alpha", "cacr.tau_plus"}
    for part in CATALOGUE:
        for item in fields(part.config):
            name, bounds = f"{part.name}.{item.name}", item.metadata["range"]
            low, high = (0, 1) if name in shares else (0, None)
            low = 1 if name == "groco.topk_neg" else low
            found = (
                bounds.get("low", bounds.get("above", low)),
                bounds.get("high", bounds.get("below")),
            )
            assert found == (low, high), name


@pytest.mark.parametrize("part", DESCENDING, ids=lambda part: part.name)
def test_descent_on_the_embeddings_lowers_the_loss_of_each_objective(part):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 12, 4, generator=generator, requires_grad=True)
    labels = torch.arange(12) % 3
    form = Views(z, ids=torch.arange(12), labels=labels, targets=labels.float())
    sizes = {"classes": 3, "width": 4}
    with seeded("initial weights"):
        objective = part.load()(**{name: sizes[name] for name in part.sizes})
    optimizer = torch.optim.SGD([z, *getattr(objective, "parameters", list)()], lr=0.02)
    losses = []
    for _ in range(15):
        loss = objective(lowered(form, part.reads))
        loss = loss if isinstance(loss, torch.Tensor) else sum(loss.values())
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def test_a_learnt_temperature_begins_within_its_bounds():
    assert InfoNCEConfig(temperature=0.001).temperature == 0.001
    with pytest.raises(ConfigError, match=r"`temperature` must be >= 0.01 where it is learnt"):
        CLIPConfig(temperature=0.001)


def test_a_temperature_of_isogclr_begins_within_its_bounds():
    assert ISogCLRConfig(temperature=0.05).temperature == 0.05
    with pytest.raises(ConfigError, match=r"between `lowest` 0.05 and `highest` 0.7, got 0.01"):
        ISogCLRConfig(temperature=0.01)
