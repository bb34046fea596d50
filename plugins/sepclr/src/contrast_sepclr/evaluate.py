"""What each space knows: probes of every factor, an estimate of what they share, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.interfaces import Drawing, Evaluation, Map, Parts, Table
from contrast.objectives.rows import unit
from contrast.recipe import RunConfig
from contrast_sepclr import pictures
from contrast_sepclr.data import Factor, Groups, attributes_of
from contrast_sepclr.minimisers import kernel_mi
from contrast_sepclr.probes import Score, probe

SPACES = ("common", "salient")
SHOWN = 6  # queries in the picture of neighbours
GROUP = "target or background"
AT_ONCE = 1024  # queries whose distances to all others are held


@dataclass(frozen=True)
class Found:
    """Embeddings of all samples by name, the matrix of scores, and the numbers.

    `dimensions`: of each attribute that was learnt its own salient dimension and the best other.
    """

    z: dict[str, Tensor]
    matrix: tuple[tuple[Factor, tuple[Score, Score]], ...]
    metrics: dict[str, float | None]
    dimensions: tuple[tuple[Factor, tuple[Score, Score]], ...] = ()


def measure(parts: Parts, config: RunConfig) -> Found:
    """Embed all samples and probe both spaces for every factor."""
    z, data = embed(parts), parts.data
    matrix = tuple(
        (factor, tuple(_probe(z[space], factor, data, config) for space in SPACES))
        for factor in (*data.factors, group_of(data))
    )
    cells = [
        (factor.name.replace(" ", "_"), space, factor, score)
        for factor, scores in matrix
        for space, score in zip(SPACES, scores, strict=True)
    ]
    metrics = {f"{name}/{space}": score.score for name, space, _, score in cells}
    metrics["delta_total"] = delta_total(matrix)
    metrics["mutual_information"] = shared_information(z, data)
    for name, space, factor, score in cells:
        if factor.classes:
            metrics[f"{name}_balanced/{space}"] = score.balanced
            metrics[f"{name}_auc/{space}"] = score.auc
    dimensions = ()
    if "attributes" in config.chosen["objective"].needs:
        dimensions = by_dimension(z["salient_head"], data, config)
    for factor, (own, other) in dimensions:
        name = factor.name.replace(" ", "_")
        metrics |= {f"{name}/own_dimension": own.score, f"{name}/other_dimension": other.score}
    return Found(z, matrix, metrics, dimensions)


def evaluate(parts: Parts, config: RunConfig) -> Evaluation:
    """The numbers, the matrix as a picture and a table, neighbours, and a map of each space."""
    found, data = measure(parts, config), parts.data
    caption = (
        "Linear probes on test samples; in percent accuracy, of amounts R². The darker, the more "
        "the space knows beyond chance. A frame: where the factor belongs, as far as that is known."
    )
    shown = pictures.matrix(found.matrix, SPACES)
    drawn = [Drawing("What each space knows", shown, caption, wide=True)]
    if data.kind != "table":
        drawn.append(_neighbours(found, data, config.evaluation.neighbours))
    tables = [_table(found, data, config.evaluation.neighbours)]
    if found.dimensions:
        tables.append(_dimensions_table(found))
    return Evaluation(
        found.metrics,
        tuple(tables),
        _maps(found, data),
        notes=data.notes,
        drawings=tuple(drawn),
    )


def embed(parts: Parts) -> dict[str, Tensor]:
    """The named embeddings of all samples, in their order, on the CPU."""
    like = next(parts.encoder.parameters())
    kept: dict[str, list[Tensor]] = {}
    for batch in parts.sampler.sweep("all"):
        for name, z in parts.encoder.embed(move(batch, like.device, like.dtype)).items():
            kept.setdefault(name, []).append(z.float().cpu())
    return {name: torch.cat(each) for name, each in kept.items()}


def group_of(data: Groups) -> Factor:
    """Who is a target, as a factor: it should be found in the salient space alone."""
    return Factor(GROUP, data.is_target.long().numpy(), ("background", "target"), "salient")


def _probe(z: Tensor, factor: Factor, data: Groups, config: RunConfig) -> Score:
    """Among targets alone, as in the paper, but for the group itself."""
    train, test = data.train, data.test
    if factor.name != GROUP:
        train, test = (rows[data.is_target[rows]] for rows in (train, test))
    most = config.evaluation.probe_max_iter
    return probe(z.numpy(), factor, train.numpy(), test.numpy(), most)


def by_dimension(
    z: Tensor, data: Groups, config: RunConfig
) -> tuple[tuple[Factor, tuple[Score, Score]], ...]:
    """Of each attribute, what its own dimension of the salient heads knows, and the best other.

    Shapes:  z: (N, Ds).
    Edge cases: where there is no other dimension, its score is not defined.
    """
    found = []
    for place, factor in enumerate(attributes_of(data)):
        scores = [_probe(column, factor, data, config) for column in z.split(1, dim=1)]
        own = scores.pop(place)
        best = max(scores, key=lambda score: score.known, default=Score(None, None))
        found.append((factor, (own, best)))
    return tuple(found)


def delta_total(matrix: Sequence[tuple[Factor, tuple[Score, Score]]]) -> float | None:
    """Sum over both spaces of |score - ideal|, 100 where a factor belongs and chance elsewhere.

    The group is left out; None where nothing is known to belong anywhere.
    """
    gaps = [
        abs(score.score - (100 if space == factor.belongs else score.chance))
        for factor, scores in matrix
        for space, score in zip(SPACES, scores, strict=True)
        if factor.belongs and factor.name != GROUP and score.score is not None
    ]
    return sum(gaps) if gaps else None


def shared_information(z: dict[str, Tensor], data: Groups) -> float | None:
    """Kernel estimate, in nats, of the mutual information of the heads of test targets."""
    rows = data.test[data.is_target[data.test]]
    if len(rows) < 2:
        return None
    c, s = unit(z["common_head"][rows].double()), z["salient_head"][rows].double()
    return float(kernel_mi(c, s, tau=0.5))


def nearest(z: Tensor, queries: Tensor, among: Tensor, k: int) -> Tensor:
    """The k nearest other rows of each query by Euclidean distance: (Q, k) row numbers."""
    found = []
    for some in queries.split(AT_ONCE):
        distance = torch.cdist(z[some], z[among])
        distance[some[:, None] == among[None]] = torch.inf
        found.append(among[distance.topk(k, largest=False).indices])
    return torch.cat(found)


def _neighbours(found: Found, data: Groups, k: int) -> Drawing:
    among = data.test[data.is_target[data.test]]
    k = min(k, len(among) - 1) or 1
    queries = among[:SHOWN]
    near = [nearest(found.z[space], queries, among, k).tolist() for space in SPACES]
    rows = list(zip(queries.tolist(), *near, strict=True))
    caption = "Target images of the test, and their nearest in each space, nearest first."
    return Drawing("Neighbours", pictures.neighbours(data.x, rows), caption, wide=True)


def neighbours_alike(z: Tensor, factor: Factor, data: Groups, k: int) -> float | None:
    """Of the k nearest targets of each test target, the percentage of its own class.

    Edge cases: None for amounts, and where no two targets are known.
    """
    known = torch.from_numpy(factor.known)
    among = torch.nonzero(data.is_target & known)[:, 0]
    queries = data.test[(data.is_target & known)[data.test]]
    if not factor.classes or factor.name == GROUP or len(among) < 2 or not len(queries):
        return None
    near = nearest(z, queries, among, min(k, len(among) - 1)).numpy()
    return 100 * float(np.mean(factor.values[near] == factor.values[queries.numpy()][:, None]))


def _table(found: Found, data: Groups, k: int) -> Table:
    def line(factor: Factor, space: str, score: Score) -> tuple:
        alike = neighbours_alike(found.z[space], factor, data, k)
        told = (score.score, score.chance, score.balanced, score.auc, score.error, alike)
        return (factor.name, space, *told)

    rows = tuple(
        line(factor, space, score)
        for factor, scores in found.matrix
        for space, score in zip(SPACES, scores, strict=True)
    )
    columns = ("factor", "space", "score", "chance", "balanced", "AUC", "error", "neighbours")
    caption = (
        "Score is accuracy, of amounts R², in percent; chance the share of the commonest class; "
        "error the mean absolute error of an amount. Factors are probed among targets. Neighbours: "
        f"of the {k} nearest targets of each test target, the percentage of its class."
    )
    return Table("Probes", columns, rows, caption)


def _dimensions_table(found: Found) -> Table:
    rows = tuple(
        (factor.name, own.score, other.score, own.chance)
        for factor, (own, other) in found.dimensions
    )
    caption = (
        "Probes of one dimension of the salient heads among test targets, of the attribute's own "
        "and the best of the others: accuracy, of amounts R², in percent."
    )
    columns = ("attribute", "own dimension", "best other", "chance")
    return Table("A dimension for each attribute", columns, rows, caption)


def _maps(found: Found, data: Groups) -> tuple[Map, ...]:
    """Test samples: each space by what belongs there."""
    test = data.test.numpy()
    ids = [data.ids[row] for row in test]
    maps = []
    for space in ("salient", "common"):
        own = [f for f in data.factors if f.belongs == space] or [*data.factors, group_of(data)]
        title = f"{space.capitalize()} space, by {own[0].name}"
        maps.append(Map(title, found.z[space].numpy()[test], labels_of(own[0])[test], ids))
    return tuple(maps)


def labels_of(factor: Factor) -> np.ndarray:
    """Names of classes, `unlabelled` where unknown, or amounts."""
    if not factor.classes:
        return factor.values
    return np.array([*factor.classes, "unlabelled"])[factor.values]
