"""The battery on the toy, which passes it, and on toys that are broken in one place each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from contrast.forms import Pairs
from contrast.testing import toys
from contrast.testing.battery import battery
from contrast.testing.checks.runs import is_pickled
from contrast.testing.toy import parts


@pytest.fixture(scope="module", autouse=True)
def _toy_is_installed(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(toys.install(tmp_path_factory.mktemp("site")))
        yield


def points(folder):
    """A table of twelve points with ids and labels."""
    lines = [f"p{i},{i % 3},{i % 4 - 1.5},{i / 10},{'ab'[i % 2]}" for i in range(12)]
    (folder / "points.csv").write_text("\n".join(["id,x,y,z,label", *lines]))
    return [f"data.path={folder / 'points.csv'}"]


TestToy = battery("toy", "data.samples=40", "sampler.batch_size=16")
TestToyOnATable = battery("toy", "data=table", "sampler.batch_size=5", prepare=points)

checks = TestToy()


def test_the_battery_notices_a_sampler_that_draws_by_chance(monkeypatch):
    draw = parts.TwoViews.draw

    def restless(self, at):
        batch = draw(self, at)
        return replace(batch, x=batch.x + torch.rand(()))

    monkeypatch.setattr(parts.TwoViews, "draw", restless)
    with pytest.raises(AssertionError, match="two different batches"):
        checks.test_one_moment_is_drawn_twice_alike([])


def test_the_battery_notices_a_foreign_form(monkeypatch):
    def pairs(self, batch):
        z = self.layers(batch.x)
        return Pairs(z[0], z[1])

    monkeypatch.setattr(parts.Mlp, "forward", pairs)
    with pytest.raises(AssertionError, match="isinstance"):
        checks.test_the_encoder_gives_the_form_that_the_recipe_states([])


def test_the_battery_notices_a_loss_that_is_no_scalar_or_not_finite(monkeypatch):
    forward = parts.Agreement.forward
    monkeypatch.setattr(parts.Agreement, "forward", lambda self, form: forward(self, form)[None])
    with pytest.raises(AssertionError, match=r"shape \(1,\)"):
        checks.test_the_objective_gives_a_finite_scalar([])
    monkeypatch.setattr(
        parts.Agreement, "forward", lambda self, form: forward(self, form) * float("nan")
    )
    with pytest.raises(AssertionError, match="the loss is nan"):
        checks.test_the_objective_gives_a_finite_scalar([])


def test_the_battery_names_a_parameter_that_no_gradient_reaches(monkeypatch):
    init = parts.Mlp.__init__

    def with_a_dead_end(self, **sizes):
        init(self, **sizes)
        self.forgotten = nn.Linear(2, 2)

    monkeypatch.setattr(parts.Mlp, "__init__", with_a_dead_end)
    with pytest.raises(AssertionError, match=r"encoder\.forgotten\.weight"):
        checks.test_gradients_are_finite_and_reach_every_parameter([])


def test_the_battery_notices_a_loss_of_another_precision(monkeypatch):
    forward = parts.Agreement.forward
    monkeypatch.setattr(parts.Agreement, "forward", lambda self, form: forward(self, form).float())
    checks.test_a_step_keeps_its_precision([], "float32")
    with pytest.raises(AssertionError, match=r"loss: torch\.float32"):
        checks.test_a_step_keeps_its_precision([], "float64")


def test_the_battery_notices_embeddings_that_do_not_fit_their_ids(monkeypatch):
    embed = parts.Mlp.embed
    for wrong, message in (
        (lambda self, batch: {"z": embed(self, batch)["z"][:-1]}, "rows for"),
        (lambda self, batch: {"z": embed(self, batch)["z"][:, 0]}, "expected"),
        (lambda self, batch: {"z": embed(self, batch)["z"] * float("nan")}, "NaN"),
        (lambda self, batch: {}, "no embedding"),
    ):
        monkeypatch.setattr(parts.Mlp, "embed", wrong)
        with pytest.raises(AssertionError, match=message):
            checks.test_embeddings_have_one_named_row_a_sample([])


def test_the_battery_notices_a_sweep_that_sees_a_sample_twice(monkeypatch):
    sweep = parts.TwoViews.sweep

    def twice(self, split):
        yield from sweep(self, split)
        yield from sweep(self, split)

    monkeypatch.setattr(parts.TwoViews, "sweep", twice)
    with pytest.raises(AssertionError, match="each sample once"):
        checks.test_embeddings_have_one_named_row_a_sample([])


def test_the_battery_notices_nan_on_a_batch_of_one(monkeypatch):
    monkeypatch.setattr(
        parts.Agreement, "forward", lambda self, form: form.z.mean() / (form.z.shape[1] - 1)
    )
    with pytest.raises(AssertionError, match="one sample gives no finite loss"):
        checks.test_a_batch_of_one_sample_is_defined_or_refused([])


def test_the_battery_notices_a_sampler_that_forgets_its_state(monkeypatch, tmp_path):
    draw = parts.TwoViews.draw

    def counting(self, at):
        self.count = getattr(self, "count", 0) + (at.step < 3)
        batch = draw(self, at)
        return replace(batch, x=batch.x + self.count)

    monkeypatch.setattr(parts.TwoViews, "draw", counting)
    with pytest.raises(AssertionError):
        checks.test_a_restored_sampler_draws_as_the_one_that_was_saved([], tmp_path)
    monkeypatch.setattr(parts.TwoViews, "state_dict", lambda self: {"count": self.count})
    monkeypatch.setattr(
        parts.TwoViews, "load_state_dict", lambda self, state: vars(self).update(state)
    )
    checks.test_a_restored_sampler_draws_as_the_one_that_was_saved([], tmp_path)


def test_the_battery_tells_pickles_from_plain_files(tmp_path):
    np.savez(tmp_path / "plain.npz", z=np.ones(2))
    np.savez(tmp_path / "objects.npz", z=np.array([{}], dtype=object))
    torch.save({"z": torch.ones(2)}, tmp_path / "zip")
    torch.save({"z": torch.ones(2)}, tmp_path / "old", _use_new_zipfile_serialization=False)
    (tmp_path / "text.json").write_text("{}")
    found = {path.name: is_pickled(path) for path in tmp_path.iterdir()}
    pickled = {name for name, bad in found.items() if bad}
    assert pickled == {"objects.npz", "zip", "old"}
