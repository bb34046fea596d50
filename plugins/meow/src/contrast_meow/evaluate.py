"""MEOW's evaluation: the official probe and clustering, beside what needs no training at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import TruncatedSVD
from torch import Generator

from contrast.engine.placement import move
from contrast.evaluation import ProbeScores, cluster_scores, linear_probe
from contrast.interfaces import Evaluation, Map, Moment, Parts, Table
from contrast_meow.data import GraphData
from contrast_meow.hubs import Hubs, comparability, find_hubs, hubs_table
from contrast_meow.metapaths import incidence
from contrast_meow.recipe import EvaluationSettings

METRICS = {"macro_f1": "Ma-F1", "micro_f1": "Mi-F1", "auc": "AUC"}
SVD_WIDTH = 32


def evaluate(parts: Parts, settings: EvaluationSettings, at: Moment) -> Evaluation:
    """Node classification of every split, clustering, baselines, and a map of the embedding.

    Without labels, or with one class only, nothing is scored and a note says so.
    """
    data: GraphData = parts.data
    z = embedding(parts, settings)
    maps = (Map("Embedding z", z, named_labels(data), parts.sampler.ids(None)),)
    reason = why_unscored(data)
    if reason:
        return Evaluation(maps=maps, notes=(reason, *data.notes))
    probes = {"": probe(z, data, settings, at.shared("probe"), settings.probe_restarts)}
    if settings.baseline_restarts:
        for name, matrix in baselines(data, at.shared("svd")).items():
            generator = at.shared("probe")
            probes[name] = probe(matrix, data, settings, generator, settings.baseline_restarts)
    metrics = {k: v for name, scores in probes.items() for k, v in flat(name, scores).items()}
    tables = [classification_table(data, probes)] if data.splits else []
    if settings.cluster_runs:
        table, found = clustering_table(z, data, settings, at)
        tables.append(table)
        metrics |= found
    found_hubs, notes = ties(parts)
    tables += [hubs_table(found_hubs)] if found_hubs else []
    references = data.official.references if data.official else ()
    return Evaluation(metrics, tuple(tables), maps, (*data.notes, *notes), references)


def ties(parts: Parts) -> tuple[list[Hubs], tuple[str, ...]]:
    """What ties decided along each meta-path, and whether official figures may be laid beside."""
    data, sampler = parts.data, parts.sampler
    found: list[Hubs | None] = [
        find_hubs(path.short, incidence(data.graph, path.half), kept, data.labels)
        for path, kept in zip(data.paths, sampler.kept, strict=True)
    ]
    hubs = [each for each in found if each]
    if data.official is None:
        return hubs, ()
    return hubs, (comparability(found[-1], data.official, sampler.rule),)


def validate(parts: Parts, settings: EvaluationSettings, at: Moment) -> dict[str, float | None]:
    """The probe's mean scores with a tenth of the restarts, and `validation` to choose an epoch by.

    `validation` is macro-F1 on the validation parts, the mean over the splits: the test parts stay
    out of every choice. It is None where there are no labels.
    """
    data: GraphData = parts.data
    if why_unscored(data) or not data.splits:
        return {"validation": None}
    z = embedding(parts, settings)
    restarts = max(settings.probe_restarts // 10, 1)
    found = flat("", probe(z, data, settings, at.shared("probe"), restarts))
    to_choose = {L: replace(each, test=each.validation) for L, each in data.splits.items()}
    chosen = replace(data, splits=to_choose)
    scores = probe(z, chosen, settings, at.shared("probe"), restarts).values()
    return {**found, "validation": float(np.mean([each.mean()["macro_f1"] for each in scores]))}


def embedding(parts: Parts, settings: EvaluationSettings) -> np.ndarray:
    """z of all targets, (N, width): without dropout, or that of the last training step.

    The latter is the official code's: with dropout, and before that step's update.
    """
    if settings.embedding == "training" and parts.sampler.last is not None:
        return parts.sampler.last.float().cpu().numpy()
    first = next(parts.encoder.parameters())
    batch = move(next(iter(parts.sampler.sweep("all"))), first.device, first.dtype)
    mode = parts.encoder.training
    parts.encoder.eval()
    with torch.no_grad():
        z = parts.encoder.embed(batch)["z"]
    parts.encoder.train(mode)
    return z.float().cpu().numpy()


def why_unscored(data: GraphData) -> str:
    """The sentence that tells why there is nothing to score by, or an empty one."""
    if data.labels is None:
        return f"The nodes of `{data.target}` have no labels `y`; the evaluation is skipped."
    classes = np.unique(data.labels[data.labels >= 0])
    if len(classes) < 2:
        return f"The labels of `{data.target}` are of {len(classes)} class; nothing is scored."
    return ""


def named_labels(data: GraphData) -> list[Any] | None:
    """The labels for people: names, or the numbers of so few classes that each has its look."""
    from contrast.reporting.labels import is_scale  # whose package nothing else here needs

    if data.labels is None:
        return None
    if not data.classes and not is_scale(data.labels):
        return data.labels.tolist()
    name = data.classes.__getitem__ if data.classes else "class {}".format
    return [name(label) if label >= 0 else "unlabelled" for label in data.labels]


def probe(
    z: Any, data: GraphData, settings: EvaluationSettings, generator: Generator, restarts: int
) -> dict[str, ProbeScores]:
    """The official protocol on any matrix of one row a target."""
    return linear_probe(
        z,
        data.labels,
        data.splits,
        lr=settings.probe_lr,
        weight_decay=settings.probe_weight_decay,
        steps=settings.probe_steps,
        restarts=restarts,
        generator=generator,
    )


def baselines(data: GraphData, generator: Generator) -> dict[str, Any]:
    """What needs no training: the target's own features, and a truncated SVD of who links to it."""
    found: dict[str, Any] = {}
    if data.graph[data.target].get("x") is not None:
        found["features"] = data.features(data.target)
    if data.structure is not None:
        links = incidence(data.graph, data.structure.half)
        width = min(SVD_WIDTH, min(links.shape) - 1)
        svd = TruncatedSVD(width, random_state=generator.initial_seed() % 2**32)
        found["svd"] = svd.fit_transform(links)
    return found


def flat(name: str, scores: Mapping[str, ProbeScores]) -> dict[str, float | None]:
    """The means as `macro_f1/20`, those of a baseline as `features/macro_f1/20`."""
    prefix = f"{name}/" if name else ""
    return {
        f"{prefix}{metric}/{split}": value
        for split, found in scores.items()
        for metric, value in found.mean().items()
    }


def classification_table(data: GraphData, probes: Mapping[str, Mapping[str, ProbeScores]]) -> Table:
    """Every method on every split, mean and deviation over the restarts of the probe."""
    titles = {
        "": "embedding z",
        "features": "features only",
        "svd": f"SVD ({SVD_WIDTH}) of the links",
    }
    rows: list[tuple[Any, ...]] = []
    for split, parts in data.splits.items():
        for name, scores in probes.items():
            rows.append((split, titles[name], *(spread(scores[split], m) for m in METRICS)))
        share = 100 * np.unique(data.labels[parts.test], return_counts=True)[1].max()
        rows.append((split, "constant answer", None, f"{share / len(parts.test):.1f}", None))
    return Table(
        "Node classification",
        ("labels a class", "what", *METRICS.values()),
        tuple(rows),
        "Percent; the deviation is over restarts of the probe and hides that over seeds.",
    )


def spread(scores: ProbeScores, metric: str) -> str | None:
    """Mean and deviation in words, None where the metric is not defined."""
    mean, deviation = scores.mean()[metric], scores.std()[metric]
    return None if mean is None else f"{mean:.1f} ± {deviation:.1f}"


def clustering_table(
    z: np.ndarray, data: GraphData, settings: EvaluationSettings, at: Moment
) -> tuple[Table, dict[str, float | None]]:
    """NMI and ARI of k-means on all targets."""
    seed = at.shared("clustering").initial_seed() % 2**32
    found = cluster_scores(z, data.labels, runs=settings.cluster_runs, seed=seed)
    mean, deviation = found.mean(), found.std()
    words = tuple(f"{mean[m]:.1f} ± {deviation[m]:.1f}" for m in ("nmi", "ari"))
    title = f"Clustering, {settings.cluster_runs} runs of k-means"
    return Table(title, ("NMI", "ARI"), (words,), "Percent."), mean
