from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from contrast import plugins
from contrast.errors import ConfigError, DataError, PluginError
from contrast.forms import Views
from contrast.testing import toys
from contrast.testing.toy.parts import Agreement, make_blobs, read_points


def test_an_installed_toy_is_found_and_loaded(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(toys.install(tmp_path))
    assert plugins.find("toy").paper == "https://arxiv.org/abs/1807.03748"
    assert [recipe.name for recipe in plugins.load("toy").recipes] == ["toy"]


def test_another_process_finds_the_toy_by_its_path(tmp_path):
    code = "from contrast import plugins; print(plugins.find('toy').distribution)"
    environment = {**os.environ, "PYTHONPATH": str(toys.install(tmp_path))}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "contrast-toy"


def test_a_toy_can_be_installed_twice_under_two_distributions(tmp_path, monkeypatch):
    toys.install(tmp_path)
    monkeypatch.syspath_prepend(toys.install(tmp_path, distribution="other-toy"))
    with pytest.raises(PluginError, match=r"contrast-toy.*other-toy|other-toy.*contrast-toy"):
        plugins.find("toy")


def test_a_toy_can_ask_for_another_core(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(toys.install(tmp_path, requires="contrast-core>=99"))
    with pytest.raises(PluginError, match=">=99"):
        plugins.find("toy")


def test_the_agreement_of_one_point_is_zero_and_its_gradient_finite():
    z = torch.randn(2, 1, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = Agreement(temperature=0.1)(Views(z))
    loss.backward()
    assert loss.item() == 0
    assert z.grad.isfinite().all()


def test_agreement_equals_its_formula_written_as_a_loop():
    z = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    unit = z / z.norm(dim=-1, keepdim=True)
    total = 0.0
    for a, b in ((unit[0], unit[1]), (unit[1], unit[0])):
        for i in range(5):
            sims = torch.stack([a[i] @ b[j] / 0.5 for j in range(5)])
            total = total - torch.log(torch.exp(sims[i]) / torch.exp(sims).sum()) / 10
    assert torch.allclose(Agreement(temperature=0.5)(Views(z)), total, rtol=0, atol=1e-12)


def test_agreement_does_not_depend_on_the_order_of_views_or_points():
    z = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    loss = Agreement(temperature=0.5)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert torch.allclose(loss(Views(z)), loss(Views(z.flip(0))), rtol=1e-12)
    assert torch.allclose(loss(Views(z)), loss(Views(z[:, order])), rtol=1e-12)


def test_blobs_without_spread_are_their_centres():
    generator = torch.Generator().manual_seed(0)
    points = make_blobs(generator=generator, samples=6, classes=3, features=2, spread=0.0)
    assert points.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert torch.equal(points.x[:3], points.x[3:])


def test_a_table_of_points_keeps_ids_as_text_and_numbers_labels(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("id,a,b,label\n007,1,2,cat\n008,3,4,dog\n")
    points = read_points(generator=torch.Generator(), path=str(path))
    assert points.ids == ["007", "008"]
    assert points.labels.tolist() == [0, 1]
    assert points.x.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,x\n", "must hold numbers"),
        ("id\n1\n", "must hold numbers"),
        ("a,b\n1,\n", "missing"),
    ],
)
def test_a_table_that_is_not_all_numbers_is_refused(tmp_path, text, message):
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_points(generator=torch.Generator(), path=str(path))
    with pytest.raises(ConfigError, match=r"data\.path"):
        read_points(generator=torch.Generator(), path="")
