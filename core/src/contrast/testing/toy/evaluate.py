"""What the toy's embeddings are worth, beside the points that they were made from."""

from __future__ import annotations

import torch

from contrast.engine.placement import move
from contrast.evaluation import knn_scores
from contrast.interfaces import Evaluation, Map, Parts, Table


def evaluate(parts: Parts, neighbours: int) -> Evaluation:
    """Accuracy of nearest neighbours: points of even rows name those of odd rows."""
    points = parts.data
    weight = next(parts.encoder.parameters())
    batches = (move(batch, weight.device, weight.dtype) for batch in parts.sampler.sweep("all"))
    z = torch.cat([parts.encoder.embed(batch)["z"] for batch in batches]).cpu()
    shown = Map("embedding", z.numpy(), points.labels, points.ids)
    if points.labels is None:
        return Evaluation(maps=(shown,), notes=("no labels: the evaluation is skipped",))

    def accuracy(x: torch.Tensor) -> float:
        y = points.labels
        return knn_scores(x[::2], y[::2], x[1::2], y[1::2], min(neighbours, len(y[::2]))).accuracy

    rows = (("embedding", accuracy(z)), ("points", accuracy(points.x)))
    return Evaluation(
        metrics={f"accuracy/{name}": value for name, value in rows},
        tables=(Table("nearest neighbours", ("on", "accuracy, percent"), rows),),
        maps=(shown,),
    )
