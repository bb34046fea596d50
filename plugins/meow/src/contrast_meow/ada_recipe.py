"""AdaMEOW as a recipe: MEOW's graphs and encoder under learnt weights. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contrast.interfaces import Moment, Parts, Work
from contrast.recipe import (
    ObjectivePart,
    Part,
    Recipe,
    RunConfig,
    Settings,
    TrainerConfig,
    setting,
)
from contrast_meow.form import Graph
from contrast_meow.presets import ADA_PRESETS
from contrast_meow.recipe import (
    DATA,
    ENCODER,
    PROVIDES,
    TRANSDUCTIVE,
    EvaluationSettings,
    GraphSettings,
    MeowStage,
)


@dataclass(frozen=True)
class AdaMeowSettings(Settings):
    """Contrast with learnt weights."""

    temperature: float = setting(0.9, "temperature of the contrast", above=0)


@dataclass(frozen=True)
class AdaTrainer(TrainerConfig):
    """Adam on the whole graph for a fixed number of epochs; the best validation's weights count."""

    max_epochs: int = setting(1000, "epochs to train, one step each", low=0)
    lr: float = setting(5e-4, "learning rate", above=0, high=1e30)
    weight_decay: float = setting(5e-4, "weight decay", low=0)
    evaluate_every: int = setting(100, "epochs between validations; 0: none", low=0)
    evaluate_from: int = setting(100, "no validation before this epoch", low=0)
    monitor: str = setting(
        "validation", "what chooses the epoch: macro-F1 on validation nodes, or another metric"
    )
    restore_best: bool = setting(True, "end with the weights of the best `monitor`")


class AdaStage(MeowStage):
    """The same step, with the mean weight beside the loss, which has no lower bound."""

    official_figures = False  # they are MEOW's

    def step(self, batch: Any, work: Work) -> None:
        """One full-graph step."""
        form = work.encode(batch)
        if hasattr(work.parts.objective, "mean_weight"):  # another objective may stand in its place
            work.log(mean_weight=work.parts.objective.mean_weight(form))
        work.descend(work.contrast(form))

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The probe alone, once the warm-up is over; before that what is watched has no value."""
        trainer = config.trainers[self.name]
        if at.step < trainer.evaluate_from:
            return dict.fromkeys(sorted({"validation", trainer.monitor} - {"loss"}))
        return super().validate(parts, config, at)


ADAMEOW = Recipe(
    name="adameow",
    summary="MEOW with learnt weights of the negatives, instead of clusters and prototypes.",
    paper="arXiv:2212.13847",
    gives=Graph,
    slots={
        "data": DATA,
        "sampler": (
            Part(
                "full_graph",
                GraphSettings,
                "contrast_meow.sampler:MeowSampler",
                "the whole graph at every step",
            ),
        ),
        "encoder": (ENCODER,),
        "objective": (
            ObjectivePart(
                "adameow",
                AdaMeowSettings,
                "contrast_meow.ada_objective:AdaMeow",
                "InfoNCE whose negatives are weighted by a small network, learnt with the rest",
                "arXiv:2212.13847",
                reads=Graph,
                needs=frozenset({"two_views"}),
                cost="O(N^2 (D + 16)) time, O(N D) memory",
                sizes=("compared",),
            ),
        ),
    },
    stages=(AdaStage(),),
    trainer=AdaTrainer,
    evaluation=EvaluationSettings,
    presets=ADA_PRESETS,
    provides=PROVIDES,
    references=("paper", "official"),
    transductive=TRANSDUCTIVE,
)
