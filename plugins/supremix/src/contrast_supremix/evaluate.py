"""What a run found out: held-out errors, every method beside, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from contrast.engine.placement import move
from contrast.engine.randomness import generator
from contrast.interfaces import Evaluation, Map, Parts, Table
from contrast.recipe import RunConfig
from contrast_supremix.comparison import Tried, compare
from contrast_supremix.conformal import halves_coverage, margin
from contrast_supremix.data import Rows
from contrast_supremix.measures import NAMES, measures, ordinality, shots
from contrast_supremix.objective import SupReMix
from contrast_supremix.recommend import recommend
from contrast_supremix.split import Split, draw_folds, draw_split
from contrast_supremix.training import Budget

FOLDS_BELOW = 2000  # rows; above, a random part is large enough to judge by
MAPPED = 1000  # rows on the map


def evaluate_order(parts: Parts) -> Evaluation:
    """Spearman between distances of features and of targets, and the features by target."""
    found = ordinality_of(parts, "held")
    data: Rows = parts.data
    rows, z = features(parts, "all")
    keep = slice(None, None, -(-len(rows) // MAPPED))
    drawn = Map(
        f"Features after pre-training, by {data.target}",
        z[keep],
        data.in_unit(data.y)[rows[keep]],
        [data.ids[row] for row in rows[keep]],
    )
    return Evaluation({"ordinality": found}, maps=(drawn,))


def ordinality_of(parts: Parts, split: str) -> float | None:
    """Spearman between distances of features and of targets on a part of the rows."""
    rows, z = features(parts, split)
    return ordinality(z, parts.data.y[rows])


def skill(parts: Parts) -> float | None:
    """1 - MAE / MAE of the training rows' median, on the validation's rows."""
    data: Rows = parts.data
    rows = data.split.valid
    plain = np.abs(data.y[rows] - np.median(data.y[data.split.train])).mean()
    error = np.abs(predictions(parts, "valid") - data.y[rows]).mean()
    return float(1 - error / plain) if plain > 0 else None


def evaluate(parts: Parts, config: RunConfig) -> Evaluation:
    """The run's own model on its held-out rows; then, if asked, all methods on several splits."""
    data: Rows = parts.data
    held = data.split.held
    y, predicted = data.y[held], predictions(parts, "held")
    found = measures(data.in_unit(y), data.in_unit(predicted))
    errors = np.abs(predicted - y)
    half = margin(errors, config.evaluation.coverage)
    found["interval"] = half if np.isfinite(half) else None
    notes = [*data.notes, _interval_sentence(data, half, len(held), config.evaluation.coverage)]
    if not config.evaluation.compare:
        return Evaluation(found, (shots_table(parts, predicted),), notes=tuple(notes))
    splits, seeds, how = judged_by(data, config)
    tried = compare(
        data.x,
        data.y,
        splits,
        seeds,
        budget=budget_of(parts, config),
        supremix=contrast_of(config),
        kind=data.kind,
    )
    tables = (
        methods_table(data, tried, splits, how),
        order_table(data, tried, splits),
        coverage_table(data, tried, splits, config.evaluation.coverage),
        shots_table(parts, predicted),
    )
    for name, each in tried.items():
        errors = [
            np.abs(data.in_unit(p) - data.in_unit(data.y))[s.held].mean()
            for s, p in zip(splits, each.predicted, strict=True)
        ]
        found[f"mae/{name}"] = float(np.mean(errors))
    return Evaluation(found, tables, notes=(*recommend(tried, data.target, how), *notes))


def judged_by(data: Rows, config: RunConfig) -> tuple[list[Split], list[int], str]:
    """The splits of the comparison: the published one if there is one, folds of few samples, else
    random ones."""
    settings, shares = config.evaluation, config.data
    if data.published:
        splits = [data.split] * settings.seeds
        how = f"the published split, {settings.seeds} seeds"
    elif len(data) < FOLDS_BELOW:
        drawn = generator(config.seed, "folds")
        splits = draw_folds(data.units, settings.folds, shares.valid_share, drawn)
        how = f"{settings.folds} folds, each row held out once"
    else:
        given = shares.valid_share, shares.held_share
        splits = [
            draw_split(data.units, *given, generator(config.seed, "split", i))
            for i in range(settings.seeds)
        ]
        how = f"{settings.seeds} random splits"
    return splits, [config.seed + i for i in range(len(splits))], how


def budget_of(parts: Parts, config: RunConfig) -> Budget:
    """The run's own epochs; a network without contrast gets those of both stages."""
    steps = parts.sampler.steps_per_epoch
    epochs = {
        name: -(-trainer.max_steps // steps) if trainer.max_steps else trainer.max_epochs
        for name, trainer in config.trainers.items()
    }
    tuned = epochs["regress"]
    pretrained = epochs.get("pretrain", tuned // 2)
    tuned = tuned if "pretrain" in epochs else tuned - pretrained
    return Budget(
        pretrained,
        tuned,
        pretrained + tuned,
        config.sampler.batch_size,
        config.trainers["regress"].lr,
        config.trainers["regress"].head_lr,
        config.encoder.width,
    )


def contrast_of(config: RunConfig) -> SupReMix:
    """SupReMix as the run has it; with its defaults where the run contrasts otherwise."""
    return (
        config.build("objective") if config.chosen["objective"].name == "supremix" else SupReMix()
    )


def methods_table(
    data: Rows, tried: Mapping[str, Tried], splits: Sequence[Split], how: str
) -> Table:
    """All measures of each method, mean ± deviation over the splits."""
    y, rows = data.in_unit(data.y), []
    for name, each in tried.items():
        found = [
            measures(y[s.held], data.in_unit(p)[s.held])
            for s, p in zip(splits, each.predicted, strict=True)
        ]
        cells = [_spread([one[key] for one in found]) for key in NAMES]
        rows.append((name, *cells, _spread(each.valid_mae)))
    return Table(
        f"Predicting {data.target}: every method, {how}",
        ("method", *(key.upper() if len(key) < 5 else key.title() for key in NAMES), "valid. MAE"),
        tuple(rows),
        "Mean ± standard deviation on held-out rows. A network without contrast has as many epochs "
        "as pre-training and tuning together. GM: geometric mean of errors. Validation MAE is in "
        "the unit that is learnt.",
    )


def order_table(data: Rows, tried: Mapping[str, Tried], splits: Sequence[Split]) -> Table:
    """How well distances between features follow those between targets."""
    rows = []
    for name, each in tried.items():
        if each.features is not None:
            found = [
                ordinality(z[s.held], data.y[s.held])
                for s, z in zip(splits, each.features, strict=True)
            ]
            rows.append((name.split(",")[0], _spread(found)))
    return Table(
        "Order of the features",
        ("features of", "Spearman"),
        tuple(rows),
        "Between distances of features (made unit length) and distances of targets, over all pairs "
        "of held-out rows.",
    )


def coverage_table(
    data: Rows, tried: Mapping[str, Tried], splits: Sequence[Split], coverage: float
) -> Table:
    """Half of the held-out rows give the margin, the other half is asked; both ways."""
    rows = []
    for name, each in tried.items():
        errors = [np.abs(p - data.y)[s.held] for s, p in zip(splits, each.predicted, strict=True)]
        covered, asked = np.sum([halves_coverage(error, coverage) for error in errors], 0)
        rows.append((name, float(covered / asked), _spread([margin(e, coverage) for e in errors])))
    return Table(
        f"Intervals of {coverage:.0%}",
        ("method", "covered", "half width"),
        tuple(rows),
        "Split-conformal; the half width is in the unit that is learnt.",
    )


def shots_table(parts: Parts, predicted: np.ndarray) -> Table:
    """The run's own errors by how many training rows had nearly the same target."""
    data: Rows = parts.data
    labels = parts.sampler.scale.labels(data.y)
    held = data.split.held
    error = np.abs(data.in_unit(predicted) - data.in_unit(data.y[held]))
    found = shots(labels[held], labels[data.split.train], error)
    return Table(
        "Frequent and rare targets",
        ("training rows of the label", "held-out rows", "MAE"),
        tuple((name, count, mae) for name, (count, mae) in found.items()),
        "Labels are the target in at most 41 bins: many has more than 100 training rows, medium 20 "
        "to 100, few below 20.",
    )


def predictions(parts: Parts, split: str) -> np.ndarray:
    """What the run's model says of a part of the rows, in the unit that is learnt, (n,)."""
    first, found = next(parts.encoder.parameters()), []
    with torch.no_grad():
        for batch in parts.sampler.sweep(split):
            found.append(parts.encoder.predict(move(batch, first.device, first.dtype).x).cpu())
    return parts.sampler.scale.target(torch.cat(found).double().numpy())


def features(parts: Parts, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of a part and their features, (n,) and (n, D)."""
    first, rows, found = next(parts.encoder.parameters()), [], []
    with torch.no_grad():
        for batch in parts.sampler.sweep(split):
            rows.append(batch.rows.numpy())
            z = parts.encoder.embed(move(batch, first.device, first.dtype))["z"]
            found.append(z.float().cpu().numpy())
    return np.concatenate(rows), np.concatenate(found)


def _spread(values: Sequence[float | None]) -> str | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return f"{np.mean(known):.4g} ± {np.std(known):.2g}" if len(known) > 1 else f"{known[0]:.4g}"


def _interval_sentence(data: Rows, half: float, n: int, coverage: float) -> str:
    if not np.isfinite(half):
        return f"{n} held-out rows are too few for intervals of {coverage:.0%}."
    kind = f"a factor of {np.exp(half):.4g}" if data.log else f"{half:.4g}"
    return f"`contrast predict` gives intervals of ± {kind}, by {n} held-out rows."
