"""One stage: act, then an update of values and features together. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contrast.errors import ConfigError
from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage

if TYPE_CHECKING:
    from contrast_ucb.deep.replay import Sequences


class DeepStage(Stage):
    """The sampler acts; a step fits values to rewards with bonus, and features to transitions."""

    name = "explore"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """The parts.

        Raises: ConfigError: the official bonus is asked for without the atoms that it is made of.
        """
        from contrast_ucb.deep.policy import DeepParts

        if config.reference == "official" and config.encoder.atoms == 1:
            raise ConfigError(
                "the bonus of `reference=official` is made of the atoms of a distribution of "
                "values: set `encoder.atoms=51`"
            )
        parts = super().build(config, earlier, at)
        if config.encoder.atoms > 1:
            parts.sampler.expect(config.encoder.low, config.encoder.high)
        return DeepParts(**vars(parts))

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """What is seen, what can be done, and how far ahead features are compared."""
        return {
            "shape": list(data.shape),
            "actions": data.actions,
            "scale": data.reading.scale,
            "jumps": sampler.jumps,
        }

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """States that came have a map of their own, except where they are predicted as they are.

        Raises: ConfigError: observations that are no images are to be moved.
        """
        if config.encoder.shift and len(sizes["shape"]) != 3:
            raise ConfigError(
                f"`encoder.shift={config.encoder.shift}` moves images, and observations are "
                f"vectors of {sizes['shape'][0]} numbers\nSet `encoder.shift=0`."
            )
        chosen = {
            "mapped": config.chosen["objective"].name != "spr",
            "official": config.reference == "official",
        }
        return super().build_modules(config, {**sizes, **chosen})

    def step(self, batch: Sequences, work: Work) -> None:
        """`sampler.updates` updates of everything; the target network follows now and then."""
        from contrast_ucb.deep.learning import target_of
        from contrast_ucb.deep.values import value_loss

        encoder, sampler, trainer = work.parts.encoder, work.parts.sampler, work.trainer
        targets, bonus = target_of(batch, work)
        size = sampler.batch_size
        for first in range(0, len(targets), size):
            part = batch.part(first, size)
            form = work.encode(part)
            losses = {"value": value_loss(form.values, part.action[0], targets[first:][:size])}
            if trainer.contrast_weight:
                losses["contrast"] = trainer.contrast_weight * work.contrast(form)
            work.descend(losses)
        done = (work.at.step + 1) * sampler.updates
        if done % trainer.target_every < sampler.updates:
            encoder.target.update(encoder.online, 0)
        work.log(bonus=bonus, env_steps=sampler.taken)
        if sampler.actors.returns:
            work.log(episode_return=sum(sampler.actors.returns) / len(sampler.actors.returns))

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Returns of the greedy policy, what was visited, and an episode to look at."""
        from contrast_ucb.deep.evaluate import evaluate_deep

        return evaluate_deep(parts, config, at)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The returns, without pictures."""
        from contrast_ucb.deep.evaluate import metrics_of

        return metrics_of(parts, config, at)[0]
