from dataclasses import dataclass

import pytest
import torch
from torch import nn

from contrast.config import resolve
from contrast.engine.distribution import World
from contrast.engine.randomness import seeded
from contrast.engine.work import Clock, Group, LoopWork
from contrast.interfaces import Moment, Parts, Sampler
from contrast.testing.checks.built import build_stages
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_mclrec.encoder import Augmenter
from contrast_mclrec.form import Sequences
from contrast_mclrec.objective import info_nce

LAYERS = ("1", "2", "3")


@dataclass(frozen=True)
class Rows:
    """What the linear encoder reads: inputs and two views of each, or the views alone."""

    x: torch.Tensor


@dataclass(frozen=True)
class Batch:
    rows: Rows
    targets: torch.Tensor
    views: Rows


class Linear(nn.Module):
    """h = x W with a table of items and two augmenters: the encoder of the vectors."""

    def __init__(self, case):
        super().__init__()
        start = case["initial"]
        self.weight, self.items = map(nn.Parameter, tensors(start, "encoder_W", "item_table"))
        self.augmenters = nn.ModuleList()
        for name in ("augmenter_1", "augmenter_2"):
            w = start[name]
            sizes = [len(w["W1"][0]), *(len(w[f"b{n}"]) for n in LAYERS)]
            made = Augmenter(*sizes).double()
            for layer, n in zip(made.layers, LAYERS, strict=True):
                layer.weight.data, layer.bias.data = tensors(w, f"W{n}", f"b{n}")
            self.augmenters.append(made)

    def forward(self, batch):
        *h, one, two = (batch.rows.x @ self.weight).split(len(batch.targets))
        return Sequences(
            torch.stack([one, two]),
            h=h[0] if h else None,
            followed=self.items[batch.targets],
            items=batch.targets,
            table=self.items,
        )

    def learnt_views(self, z):
        return torch.stack([w(h) for w, h in zip(self.augmenters, z, strict=True)])


def prepared(case, *words):
    """Parts, groups and a way to step, as the loop would have them."""
    given = [f"trainer.data_weight={case['lmd']}", f"trainer.model_weight={case['beta']}"]
    config = resolve("mclrec", [*given, f"trainer.lr={case['lr']}", *words]).config
    (stage,) = config.recipe.stages
    parts = Parts(None, Sampler(), Linear(case), config.build("objective"))
    trainer = config.trainers["train"]
    groups = {
        name: Group(parameters, stage.optimizer(name, parameters, trainer))
        for name, parameters in stage.groups(parts).items()
    }

    def step(batch):
        work = LoopWork(
            parts,
            config.chosen["objective"],
            groups,
            Moment("train", 0, 0),
            trainer=trainer,
            world=World(),
            clock=Clock(),
        )
        stage.step(batch, work)
        return work.values

    return parts.encoder, step


def batches(case):
    for given in case["batches"]:
        x, one, two = tensors(given, "x", "x_view1", "x_view2")
        views = torch.cat([one, two])
        yield Batch(Rows(torch.cat([x, views])), torch.tensor(given["y"]), Rows(views))


LOSSES = ("loss", "loss/augmenters", "loss/encoder")


def schedules():
    return [p for p in vector_cases(__file__, "mclrec") if p.values[0] and "trace" in p.values[0]]


def second_loss(plain, data_views, expected):
    """L_aug, or with lambda L_cl1, which the official code adds and of which no augmenter learns."""
    return min((plain, plain + data_views), key=lambda loss: abs(loss - expected))


@pytest.mark.parametrize("case", schedules())
def test_three_updates_end_where_the_official_code_does(case):
    encoder, step = prepared(case, f"trainer.joint={bool(case['joint'])}")
    encoded = []
    encoder.register_forward_hook(lambda module, args, form: encoded.append(form))
    for batch, trace in zip(batches(case), case["trace"], strict=True):
        encoded.clear()
        values = step(batch)
        assert_close(values["loss"], trace["loss_step1"], 1e-9, "loss_step1")
        if case["joint"]:
            assert len(encoded) == 1
            continue
        data_views = case["lmd"] * info_nce(*encoded[1].z)
        second = second_loss(values["loss/augmenters"], data_views, trace["loss_step2"])
        assert_close(second, trace["loss_step2"], 1e-9, "loss_step2")
        assert_close(values["loss/encoder"], trace["loss_step3"], 1e-9, "loss_step3")
    final = case["final"]
    assert_close(encoder.weight, final["encoder_W"], 1e-9, "encoder_W")
    assert_close(encoder.items, final["item_table"], 1e-9, "item_table")
    for made, name in zip(encoder.augmenters, ("augmenter_1", "augmenter_2"), strict=True):
        for layer, n in zip(made.layers, LAYERS, strict=True):
            assert_close(layer.weight, final[name][f"W{n}"], 1e-9, f"{name}.W{n}")
            assert_close(layer.bias, final[name][f"b{n}"], 1e-9, f"{name}.b{n}")


@pytest.mark.parametrize("case", schedules())
def test_joint_training_is_one_update_of_everything_by_the_first_loss(case):
    encoder, step = prepared(case, "trainer.joint=true")
    other, _ = prepared(case)
    before = {name: p.detach().clone() for name, p in encoder.named_parameters()}
    values = step(next(batches(case)))
    assert_close(values["loss"], case["trace"][0]["loss_step1"], 1e-9, "loss")
    assert not any(name.startswith("loss/") for name in values)
    for name, p in encoder.named_parameters():  # Adam's first step is lr times the sign
        assert_close((p - before[name]).abs().max() / case["lr"], 1.0, 1e-3, name)
    assert_close(other.weight, before["weight"], 1e-12, "the other stands still")


@pytest.mark.parametrize("case", schedules())
def test_without_weight_for_model_views_there_are_three_updates_all_the_same(case):
    encoder, step = prepared({**case, "beta": 0.0, "lmd": 0.1})
    before = {name: p.detach().clone() for name, p in encoder.named_parameters()}
    values = step(next(batches(case)))
    assert set(values) == {"recommendation", "data_views", *LOSSES}
    moved = {name: (p - before[name]).abs().max() for name, p in encoder.named_parameters()}
    assert moved["augmenters.0.layers.0.weight"] < 1.5 * case["lr"] < moved["weight"]


def test_cl4srec_adds_one_contrast_to_the_recommendation(small_csv, tmp_path):
    path = small_csv(tmp_path / "log.csv")
    words = ["method=cl4srec", "data=interactions", f"data.path={path}", "encoder.width=8"]
    (built,) = build_stages("mclrec", words)
    work, batch = built.work(0, built.groups()), built.draw(0)
    with seeded(0):
        built.stage.step(batch, work)
    values = work.values
    assert set(values) == {"recommendation", "data_views", "loss"}
    assert_close(values["loss"], values["recommendation"] + values["data_views"], 1e-6, "loss")
    assert not list(built.parts.encoder.augmenters)
