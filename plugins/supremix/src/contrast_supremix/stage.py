"""Two stages in one run: order the features by contrast, then regress. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from contrast_supremix.sampler import Batch


class PretrainStage(Stage):
    """The recipe's objective on the projected features."""

    name = "pretrain"

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """What a sample is, and how many are learnt from."""
        return {
            "kind": data.kind,
            "sample": tuple(sampler.x.shape[1:]),
            "samples": len(data.split.train),
            "fingerprint": data.fingerprint,
        }

    def optimizer(self, group: str, parameters: list[nn.Parameter], trainer: Any) -> Optimizer:
        """Adam in one pass over the parameters: steps are short, and overhead would show."""
        if trainer.optimizer != "adam":
            return super().optimizer(group, parameters, trainer)
        from torch.optim import Adam

        return Adam(parameters, lr=trainer.lr, weight_decay=trainer.weight_decay, fused=True)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """How well distances follow the target on the validation's rows."""
        from contrast_supremix.evaluate import ordinality_of

        return {"ordinality": ordinality_of(parts, "valid")}

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """How well distances follow the target on the held-out rows, with a map."""
        from contrast_supremix.evaluate import evaluate_order

        return evaluate_order(parts)


class RegressStage(PretrainStage):
    """A linear head on the features, which are tuned with it or frozen."""

    name = "regress"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """The pre-trained features, copied, under a new head."""
        from contrast.engine.placement import move

        before = earlier["pretrain"]
        sizes = self.sizes(before.data, before.sampler)
        encoder, objective = self.build_modules(config, sizes)
        encoder.features.load_state_dict(before.encoder.features.state_dict())
        if not config.trainers[self.name].fine_tune:
            train = before.data.split.train
            first = next(encoder.parameters())
            encoder.standardise(move(before.sampler.x[train], first.device, first.dtype))
        return Parts(before.data, before.sampler, encoder, objective, sizes)

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The regressor; the contrast is over, so there is no objective."""
        from contrast_supremix.encoder import Regressor

        return Regressor(
            sizes["kind"],
            sizes["sample"],
            config.encoder.width,
            fingerprint=sizes["fingerprint"],
            frozen=not config.trainers[self.name].fine_tune,
        ), None

    def step(self, batch: Batch, work: Work) -> None:
        """One step on the regression loss."""
        from contrast_supremix.regression import LOSSES

        form = work.encode(batch)
        work.descend(LOSSES[work.trainer.loss](form))

    def optimizer(self, group: str, parameters: list[nn.Parameter], trainer: Any) -> Optimizer:
        """A head alone learns at a rate of its own."""
        from dataclasses import replace

        return super().optimizer(
            group,
            parameters,
            trainer if trainer.fine_tune else replace(trainer, lr=trainer.head_lr),
        )

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """Skill on the validation's rows: 1 - MAE / MAE of the median."""
        from contrast_supremix.evaluate import skill

        return {"skill": skill(parts)}

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """The held-out rows, and every method beside on the same splits."""
        from contrast_supremix.evaluate import evaluate

        return evaluate(parts, config)


class PlainStage(RegressStage):
    """A network without contrast, trained on the recipe's regression loss alone."""

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """Everything anew."""
        return Stage.build(self, config, earlier, at)

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The recipe's encoder and loss."""
        return Stage.build_modules(self, config, sizes)

    def step(self, batch: Batch, work: Work) -> None:
        """One step on the recipe's objective."""
        Stage.step(self, batch, work)

    def optimizer(self, group: str, parameters: list[nn.Parameter], trainer: Any) -> Optimizer:
        """That of the trainer."""
        return PretrainStage.optimizer(self, group, parameters, trainer)
