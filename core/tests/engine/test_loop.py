"""The loop on small parts: N processes are one, terms are logged, a loss that breaks stops it."""

import json
import math
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from contrast.engine.checkpoint import load_checkpoint
from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.loop import Loop, load_weights, weights
from contrast.engine.observers import Observer
from contrast.engine.state import load_tree, save_tree
from contrast.errors import CheckpointError, TrainingError
from contrast.forms import Views
from contrast.interfaces import Parts, Sampler
from contrast.recipe import ObjectivePart, RunConfig, Settings, Stage, TrainerConfig
from contrast.testing.processes import in_processes


@dataclass(frozen=True)
class Batch:
    x: torch.Tensor
    ids: torch.Tensor


class Slices(Sampler):
    """One permutation for all ranks, of which each takes an unequal slice."""

    steps_per_epoch = 2

    def __init__(self, cuts, poison=None):
        x = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        self.x, self.cuts, self.poison = x, cuts, poison

    def draw(self, at):
        order = torch.randperm(12, generator=at.shared("order"))[:10]
        mine = order.tensor_split(self.cuts)[at.rank] if self.cuts else order
        x = self.x[mine]
        return Batch(x * math.inf if at.step == self.poison else x, mine)

    def ids(self, batch):
        return batch.ids.tolist()


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, batch):
        return Views(self.used(batch.x)[None], ids=batch.ids)


class Squares(nn.Module):
    """A mean over samples, so that a process's share of them is its weight."""

    def forward(self, form):
        return {"length": form.z.square().mean(), "sum": 0.1 * form.z.sum(-1).mean()}


def loop(folder, world, cuts=None, poison=None, **trainer):
    trainer = TrainerConfig(max_epochs=3, precision="float64", device="cpu", **trainer)
    parts = Parts(None, Slices(cuts, poison), Rows(), Squares())
    chosen = {"objective": ObjectivePart("squares", Settings, "", reads=Views)}
    config = RunConfig("toy", None, 0, "paper", chosen, None, None, None, None, {"train": trainer})
    run = RunFolder(folder, world)
    return Loop(Stage(), parts, config, run, world=world, observer=Observer())


def _train(world, folder, cuts, results):
    trained = loop(folder, world, cuts)
    assert trained.run(lambda: False)
    save_tree(weights(trained.parts), results / f"rank{world.rank}")


@pytest.mark.parametrize("cuts", [[4], [1], [2, 7]])
def test_processes_with_unequal_shares_train_as_one(tmp_path, cuts):
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    single = loop(tmp_path / "one", World())
    single.run(lambda: False)
    in_processes(len(cuts) + 1, _train, tmp_path / "many", cuts, tmp_path)
    expected = weights(single.parts)["encoder"]
    for rank in range(len(cuts) + 1):
        found = load_tree(tmp_path / f"rank{rank}")["encoder"]
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=0, atol=1e-12)
    one, many = (
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "many")
    )
    assert len(one) == len(many) == 6
    for a, b in zip(one, many, strict=True):
        assert a == pytest.approx(b, abs=1e-12)


def test_terms_are_logged_beside_their_sum(tmp_path):
    loop(tmp_path, World()).run(lambda: False)
    line = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[0])
    assert line["loss"] == pytest.approx(line["length"] + line["sum"])
    assert (line["step"], line["epoch"]) == (0, 1)


def times(folder):
    return [json.loads(line) for line in (folder / "times.jsonl").read_text().splitlines()]


def test_the_times_cover_every_step_also_those_of_an_unfinished_epoch(tmp_path):
    stopped = loop(tmp_path, World(), max_steps=5, checkpoint_every=1)
    stopped.run(lambda: stopped.step == 3)
    assert [line["step"] for line in times(tmp_path)] == [1, 2]
    resumed = loop(tmp_path, World(), max_steps=5)
    trees = load_checkpoint(stopped.folder.latest_checkpoint(), "model", "training", "best")
    resumed.restore(trees)
    resumed.run(lambda: False)
    assert [line["step"] for line in times(tmp_path)] == [1, 2, 3, 4]
    resumed.run(lambda: False)  # a finished run has nothing to add
    assert len(times(tmp_path)) == 4


def test_the_times_are_split_completely_and_hold_the_peak_of_memory(tmp_path):
    loop(tmp_path, World(), checkpoint_every=1, evaluate_every=1).run(lambda: False)
    spent = {"data", "forward", "relate", "loss", "backward", "step"}
    for line in times(tmp_path):
        assert line["split"].keys() == spent | {"record", "evaluation", "checkpoint"}
        assert 0 < sum(line["split"].values()) <= line["seconds"]
        assert line["peak_memory"]["cpu"] > 2**20


def test_what_a_step_computes_by_itself_counts_as_its_loss(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("contrast.engine.work.perf_counter", lambda: now[0])

    class Slow(Stage):
        def step(self, batch, work):
            form = work.encode(batch)
            now[0] += 3
            work.descend(form.z.square().mean())
            now[0] += 1

    one = loop(tmp_path, World(), max_steps=1)
    one.stage = Slow()
    one.run(lambda: False)
    split = times(tmp_path)[0]["split"]
    assert split.pop("loss") == 4
    assert set(split.values()) == {0}


def test_a_loss_that_is_not_finite_names_step_samples_and_last_checkpoint(tmp_path):
    broken = loop(tmp_path, World(), poison=4, checkpoint_every=1)
    with pytest.raises(TrainingError) as caught:
        broken.run(lambda: False)
    message = str(caught.value)
    assert "step 4" in message
    assert "train-00000004" in message
    ids = message.split("Samples of that step: ")[1].splitlines()[0]
    assert len(ids.split(", ")) == 10
    assert caught.value.exit_code == 1


def test_gradients_are_clipped_to_the_norm(tmp_path):
    (tmp_path / "clipped").mkdir()
    (tmp_path / "free").mkdir()
    settings = {"optimizer": "sgd", "momentum": 0.0, "lr": 1.0, "max_steps": 1}
    before = weights(loop(tmp_path, World()).parts, copied=True)["encoder"]["used.weight"]
    moved = {}
    for name, norm in (("free", 0.0), ("clipped", 1e-3)):
        one = loop(tmp_path / name, World(), clip_norm=norm, **settings)
        one.run(lambda: False)
        moved[name] = weights(one.parts)["encoder"]["used.weight"] - before.double()
    assert moved["clipped"].norm() <= 1e-3 + 1e-12
    assert moved["free"].norm() > 1e-2
    cosine = torch.cosine_similarity(moved["free"].flatten(), moved["clipped"].flatten(), dim=0)
    assert cosine > 1 - 1e-9


def test_the_best_weights_come_back_where_asked(tmp_path):
    trained = loop(tmp_path, World(), lr=10.0, restore_best=True, max_steps=6)
    trained.run(lambda: False)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    epochs = [(lines[i]["loss"] + lines[i + 1]["loss"]) / 2 for i in (0, 2, 4)]
    assert trained.monitor.best == pytest.approx(-min(epochs))
    for name, value in trained.monitor.weights["encoder"].items():
        assert torch.equal(value, weights(trained.parts)["encoder"][name])


@pytest.mark.parametrize(
    "trainer", [{}, {"restore_best": True}, {"patience": 1, "lr": 1e-30}, {"max_steps": 5}]
)
def test_no_checkpoint_in_force_is_written_again(tmp_path, monkeypatch, trainer):
    saved = []
    save = RunFolder.save_checkpoint
    monkeypatch.setattr(
        RunFolder,
        "save_checkpoint",
        lambda folder, stage, step, *rest, **more: (
            saved.append(step),
            save(folder, stage, step, *rest, **more),
        ),
    )
    stopped = loop(tmp_path, World(), checkpoint_every=1, **trainer)
    stopped.run(lambda: stopped.step == 2)
    for _ in range(2):
        resumed = loop(tmp_path, World(), checkpoint_every=1, **trainer)
        latest = stopped.folder.latest_checkpoint()
        resumed.restore(load_checkpoint(latest, "model", "training", "best"))
        assert resumed.run(lambda: False)
    assert saved == sorted(set(saved))
    assert saved[-1] == resumed.step


def test_weights_of_other_sizes_are_refused_with_what_does_not_fit():
    kept = Parts(None, None, nn.Linear(2, 3), nn.Identity())
    grown = Parts(None, None, nn.Linear(2, 4), nn.Identity())
    with pytest.raises(CheckpointError, match=r"(?s)its `encoder`: .*bias.*\[3\].*\[4\].*data"):
        load_weights(grown, weights(kept))
