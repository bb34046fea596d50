"""How the methods are trained: one update a batch, or MCLRec's three. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage
from contrast_mclrec.form import Sequences
from contrast_mclrec.published import published

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from contrast_mclrec.sampler import Batch


class RecommenderStage(Stage):
    """One update a batch by the recipe's objective; ranked against the whole catalogue."""

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """How many items there are and which, how long a history is, how many are predicted."""
        return {
            "items": data.catalogue,
            "catalogue": data.fingerprint,
            "max_length": sampler.max_length,
            "mask_token": sampler.ratios.token > 0,
            "samples": len(data.split.train),
        }

    def optimizer(self, group: str, parameters: list[nn.Parameter], trainer: Any) -> Optimizer:
        """Adam in one pass over the parameters, without copies of a table that may be large."""
        if trainer.optimizer != "adam":
            return super().optimizer(group, parameters, trainer)
        from torch.optim import Adam

        return Adam(parameters, lr=trainer.lr, weight_decay=trainer.weight_decay, fused=True)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The metrics of the validation's events alone."""
        from contrast_mclrec.evaluate import validate

        return validate(parts, config.evaluation.k)

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """The metrics of the test's events, beside the most popular items and the paper's."""
        from contrast_mclrec.evaluate import evaluate

        found = evaluate(parts, config.evaluation.k)
        given = published(config.chosen["data"].name, config.recipe.name)
        return replace(found, references=given)


class Cl4srecStage(RecommenderStage):
    """L_rec + lambda L_cl(h1, h2)."""

    def step(self, batch: Batch, work: Work) -> None:
        """One update of everything."""
        form = work.encode(batch)
        work.descend({"recommendation": recommendation(form)} | data_views(form, work))


class MclrecStage(RecommenderStage):
    """Encoder and augmenters in turn, each while the other rests, whatever the weights.

    1. L_rec + lambda L_cl1 + beta L_aug     a step of the encoder
    2. L_aug                                 a step of the augmenters, with the new encoder
    3. as 1, with the new augmenters         a step of the encoder, by the same Adam

    L_cl1 = C(h1, h2), L_aug = C(h1, z2) + C(h2, z1) + C(z1, z2), with C the recipe's objective,
    which adds the margin itself. Every pass has dropout of its own; the views are drawn once.
    Differs: the paper's Algorithm 1 has no third update; the official code does.
    """

    def step(self, batch: Batch, work: Work) -> None:
        """The three updates, or one of both groups if `trainer.joint`."""
        if work.trainer.joint:
            work.descend(self.losses(batch, work))
            return
        work.descend(self.losses(batch, work), "encoder")
        work.descend(self.augmenters_loss(batch, work), "augmenters")
        work.descend(sum(self.losses(batch, work).values()), "encoder")

    def losses(self, batch: Batch, work: Work) -> dict[str, Tensor]:
        """The terms of the encoder's loss; a weight of 0 costs nothing."""
        form = work.encode(batch)
        terms = {"recommendation": recommendation(form)} | data_views(form, work)
        if work.trainer.model_weight:
            model_views = contrast_with_model_views(form, work)
            terms["model_views"] = work.trainer.model_weight * model_views
        return terms

    def augmenters_loss(self, batch: Batch, work: Work) -> Tensor:
        """L_aug on states of the new encoder, which is not differentiated."""
        import torch

        with torch.no_grad():
            form = work.encode(replace(batch, rows=batch.views))
        return contrast_with_model_views(form, work)

    def groups(self, parts: Parts) -> dict[str, list[nn.Parameter]]:
        """The augmenters, and everything else."""
        augmenters = list(parts.encoder.augmenters.parameters())
        own = set(map(id, augmenters))
        everything = (p for module in parts.modules().values() for p in module.parameters())
        return {"encoder": [p for p in everything if id(p) not in own], "augmenters": augmenters}


def recommendation(form: Sequences) -> Tensor:
    """What followed each history, by the softmax over all items."""
    from contrast_mclrec.softmax import next_item_loss

    return next_item_loss(form.next_item())


def data_views(form: Sequences, work: Work) -> dict[str, Tensor]:
    """lambda C(h1, h2); nothing where lambda is 0."""
    weight = work.trainer.data_weight
    return {"data_views": weight * work.contrast(Sequences(form.z))} if weight else {}


def contrast_with_model_views(form: Sequences, work: Work) -> Tensor:
    """C(h1, z2) + C(h2, z1) + C(z1, z2)."""
    import torch

    h1, h2 = form.z
    z1, z2 = work.parts.encoder.learnt_views(form.z)
    pairs = ((h1, z2, 1), (h2, z1, 1), (z1, z2, 2))
    return sum(work.contrast(Sequences(torch.stack([a, b]), learnt=n)) for a, b, n in pairs)
