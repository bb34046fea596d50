"""The page of the core's objectives: free of torch, and true to the modules it names."""

import inspect
import subprocess
import sys
from dataclasses import fields

import pytest
import torch

from contrast.errors import ConfigError
from contrast.forms import Views, lowered
from contrast.objectives.catalogue import CATALOGUE
from contrast.objectives.catalogue.pairs import PAIRS, CLIPConfig, InfoNCEConfig
from contrast.objectives.catalogue.supervised import SUPERVISED
from contrast.objectives.catalogue.views import VIEWS


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


@pytest.mark.parametrize("part", [*PAIRS, *VIEWS, *SUPERVISED], ids=lambda part: part.name)
def test_descent_on_the_embeddings_lowers_the_loss_of_each_objective(part):
    if part.sizes:
        pytest.skip("needs sizes of a data set")
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 6, 4, generator=generator, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    form = Views(z, ids=torch.arange(6), labels=labels, targets=labels.float())
    objective = part.load()()
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
