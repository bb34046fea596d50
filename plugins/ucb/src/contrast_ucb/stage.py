"""One stage: an iteration explores once and fits the features to all that was seen. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage

if TYPE_CHECKING:
    from contrast_ucb.sampler import Batch

DECAY = 1e-4  # of the sum of squares: more underfits, none lets psi run to its bound


class ExploreStage(Stage):
    """Collect, fit, plan: the sampler collects and plans, a step fits."""

    name = "explore"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """The parts.

        Raises: ConfigError: a baseline to compare with is unknown.
        """
        from contrast_ucb.compare import check_baselines
        from contrast_ucb.policy import ExploringParts

        game = config.chosen["data"].name == "lockgame"
        check_baselines(config.evaluation.compare, game=game)
        parts = super().build(config, earlier, at)
        return ExploringParts(**vars(parts))

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """Steps, states and actions of the process."""
        return {"horizon": data.horizon, "states": data.states, "actions": data.actions}

    def step(self, batch: Batch, work: Work) -> None:
        """`trainer.fits` updates on all transitions, from where the last ones ended."""
        for _ in range(work.trainer.fits):
            loss = work.contrast(work.encode(batch))
            decay = sum(p.square().sum() for p in work.parts.encoder.parameters())
            work.descend(loss + DECAY * decay)
        work.log(regret=work.parts.sampler.regret[-1])

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Regret beside that of the baselines, what was visited, and the learnt model."""
        from contrast_ucb.evaluate import evaluate_exploration

        return evaluate_exploration(parts, config, at)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The metrics without the baselines."""
        from contrast_ucb.evaluate import metrics_of

        return metrics_of(parts)
