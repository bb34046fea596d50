"""What a run found out: features and preferences of the embedding, and the reward's choices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.forms import lowered
from contrast.interfaces import Drawing, Evaluation, Map, Moment, Parts, Table
from contrast.recipe import RunConfig
from contrast_sirl import pictures
from contrast_sirl.baselines import Bench, Loss
from contrast_sirl.compare import Exam, Row, series, trained, untrained
from contrast_sirl.form import Triples
from contrast_sirl.human import draw_people, prefers_second, reward
from contrast_sirl.metrics import Examination, feature_error
from contrast_sirl.objective import answered_right
from contrast_sirl.questions import random_triples
from contrast_sirl.sampler import EPOCH

SHOWN = 3  # questions, and best and worst trajectories, that are drawn
TESTED = 4000  # pairs that a reward is tested on


@dataclass(frozen=True)
class Found:
    """The embedding of all trajectories and what was measured on it."""

    z: Tensor
    metrics: dict[str, float | None]
    exam: Exam | None = None
    row: Row | None = None


def encoder_metrics(parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
    """FPE, TPA, the share of held-out answers that the embedding gets right, restarts."""
    return measure(parts, config, at).metrics


def measure(parts: Parts, config: RunConfig, at: Moment) -> Found:
    """Embed all trajectories and examine them."""
    data, sampler = parts.data, parts.sampler
    z = embed(parts, "z")
    metrics: dict[str, float | None] = {}
    exam = row = None
    if data.features is not None and len(data.test) > 1:
        exam = examination(parts, config, at)
        row = exam.row("sirl", len(sampler.answers), z)
        q = data.features.shape[1]
        metrics |= {"fpe": row.fpe, "tpa": row.tpa, "fpe/feature": row.fpe / q}
    tested = sampler.tested
    right = answered_right(z[tested.T]).float().mean().item() if len(tested) else None
    metrics["answers"] = right
    metrics["restarts"] = int(parts.encoder.restarts)
    return Found(z, metrics, exam, row)


def evaluate_encoder(parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
    """The metrics, all baselines beside them, and pictures."""
    found, data = measure(parts, config, at), parts.data
    notes = [*data.notes]
    drawn = list(_questions(parts))
    if found.metrics["restarts"]:
        notes.append(f"Units died: the encoder was started anew {found.metrics['restarts']} times.")
    if found.exam is None:
        why = "No true features" if data.features is None else "No trajectory is held out"
        notes.append(f"{why}: FPE and TPA are left out.")
        return Evaluation(
            found.metrics, maps=_maps(found, data), notes=tuple(notes), drawings=tuple(drawn)
        )
    rows = [found.row, *untrained(found.exam)]
    if config.evaluation.compare:
        more = trained(
            found.exam,
            config.evaluation.compare,
            _loss(parts, config),
            found.row,
            rule=config.sampler.answer_rule,
            rationality=config.sampler.rationality,
        )
        rows += [row for row in more if row is not found.row]
        drawn += _curves(rows)
    drawn.append(_features(found, data))
    tables = (_comparison(rows, config),)
    return Evaluation(
        found.metrics, tables, _maps(found, data), notes=tuple(notes), drawings=tuple(drawn)
    )


def evaluate_reward(parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
    """The reward's choices against the person's, and what it likes best and least."""
    data, sampler = parts.data, parts.sampler
    if not len(sampler.preferences):
        note = "No preferences: the reward is 0 everywhere. Give `data.preferences`."
        return Evaluation(notes=(note,))
    rewards = embed(parts, "reward")[:, 0]
    first, second = rewards[sampler.preferences.pairs].T
    decided = sampler.preferences.second != 0.5
    agreed = ((second > first) == (sampler.preferences.second > 0.5))[decided]
    metrics = {"reward/known": _share(agreed)}
    if sampler.theta is not None and len(data.test) > 1:
        pairs = random_pairs(data.test, at)
        truth = prefers_second(*reward(data.features, sampler.theta)[pairs].T, rationality=None)
        ours = prefers_second(*rewards[pairs].T, rationality=None)
        metrics = {"reward/test": _share((truth == ours)[truth != 0.5]), **metrics}
    return Evaluation(metrics, drawings=_reward_pictures(data, rewards))


def _share(right: Tensor) -> float | None:
    """Which share is true; None of nothing."""
    return right.float().mean().item() if len(right) else None


def embed(parts: Parts, name: str) -> Tensor:
    """A named embedding of all trajectories, on the CPU."""
    like = next(parts.encoder.parameters())
    batches = (move(batch, like.device, like.dtype) for batch in parts.sampler.sweep("all"))
    return torch.cat([parts.encoder.embed(batch)[name] for batch in batches]).float().cpu()


def examination(parts: Parts, config: RunConfig, at: Moment) -> Exam:
    """The people, their preferences and the network's sizes, alike for all methods."""
    data, asked = parts.data, config.evaluation
    trainer = config.trainers[at.stage.split("/")[0]]
    encoder = parts.encoder
    like = encoder.mean
    inputs = encoder.inputs(data.steps.to(like), data.mask.to(like.device), data.constants.to(like))
    bench = Bench(
        x=inputs.float().cpu(),
        features=data.features,
        train=data.train,
        hidden=config.encoder.hidden,
        lr=trainer.lr,
        steps=trainer.max_steps or trainer.max_epochs * EPOCH,
        rationality=asked.rationality,
        batch=config.sampler.batch_size,
        width=config.encoder.width,
    )
    people = draw_people(asked.people, data.features.shape[1], at.shared("people"))
    how = Examination(people, asked.preferences, asked.rationality)
    return Exam(bench, data.test, how, at.shared)


def random_pairs(rows: Tensor, at: Moment) -> Tensor:
    """Pairs of different rows."""
    if len(rows) < 3:
        return rows[None, :2]
    return random_triples(rows, TESTED, at.shared("pairs"))[:, :2]


def _loss(parts: Parts, config: RunConfig) -> Loss:
    """The run's own objective, for the same method on other numbers of queries."""
    reads = config.chosen["objective"].reads
    return lambda z: parts.objective(lowered(Triples(z), reads))


def _comparison(rows: list[Row], config: RunConfig) -> Table:
    ordered = sorted(rows, key=lambda row: (row.queries is not None, row.queries or 0, row.fpe))
    cells = tuple((row.method, row.queries, round(row.fpe, 6), row.tpa) for row in ordered)
    caption = (
        "FPE: squared error of the features read off by a linear layer, summed; lower is better. "
        f"TPA: share of right choices of a reward learnt from {config.evaluation.preferences} "
        f"preferences, mean over {config.evaluation.people} people."
    )
    return Table("Beside the baselines", ("encoder", "queries", "FPE", "TPA"), cells, caption)


def _curves(rows: list[Row]) -> list[Drawing]:
    from contrast.reporting.figures import curves

    labels = {"fpe": "Feature prediction error", "tpa": "Test preference accuracy"}
    rows = [row for row in rows if row.method not in ("raw", "random")]  # one colour each
    return [
        Drawing(
            f"{label}, by queries",
            curves(series(rows, what), name=f"sirl-{what}", x_label="queries"),
            "Level lines take no queries.",
        )
        for what, label in labels.items()
    ]


def _features(found: Found, data: object) -> Drawing:
    train, test = data.train, data.test
    z, truth = found.z, data.features
    read = feature_error(z[train], truth[train], z[test], truth[test]).prediction
    drawn = pictures.read_off(truth[test].numpy(), read.numpy(), data.feature_names)
    return Drawing(
        "Features read off the embedding",
        drawn,
        "Trajectories held out; true feature to the right, read off upwards.",
        wide=True,
    )


def _questions(parts: Parts) -> tuple[Drawing, ...]:
    """Some answered questions: the two that are alike, and the odd one out."""
    data = parts.data
    stage = pictures.Stage(data.scene, data.mask)
    shown = parts.sampler.answers.triples[:SHOWN].tolist()
    colours = (pictures.series(0), pictures.series(0), pictures.series(1))
    drawn = pictures.rows_of_panels(stage, shown, ("alike", "alike", "odd one out"), colours)
    return (Drawing("Questions and answers", drawn, "From the ring to the dot."),)


def _reward_pictures(data: object, rewards: Tensor) -> tuple[Drawing, ...]:
    stage = pictures.Stage(data.scene, data.mask)
    order = rewards.argsort(descending=True).tolist()
    best, worst = order[:SHOWN], order[-SHOWN:][::-1]
    heads = ("liked", "disliked")
    pairs = list(zip(best, worst, strict=True))
    colours = (pictures.series(2), pictures.series(1))
    return (
        Drawing("Liked best and least", pictures.rows_of_panels(stage, pairs, heads, colours)),
        Drawing(
            "Reward by place",
            pictures.reward_map(stage, rewards.numpy()),
            "Mean reward of the trajectories that pass a place; the stronger, the better.",
        ),
    )


def _maps(found: Found, data: object) -> tuple[Map, ...]:
    """Trajectories held out, by their first feature; all, where nothing is known of them."""
    if data.features is None or len(data.test) < 3:
        return (Map("Trajectories", found.z.numpy(), ids=list(data.ids)),)
    rows = data.test
    ids = [data.ids[row] for row in rows.tolist()]
    title = f"Trajectories held out, by {data.feature_names[0]}"
    return (Map(title, found.z[rows].numpy(), data.features[rows, 0].numpy(), ids),)
