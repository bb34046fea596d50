"""The two stages: represent (answers about three), then reward (answers about two). No torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from contrast_sirl.sampler import Batch

LOOK_EVERY = 100  # steps between looks for dead units, which wait for the device
HEAD_RATE = 10  # times `trainer.lr`: a handful of weights on all preferences at once


class RepresentStage(Stage):
    """Learns phi by the recipe's objective; a network whose units have died starts anew."""

    name = "represent"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """The parts; the encoder knows the scale of the training trajectories."""
        parts = super().build(config, earlier, at)
        parts.encoder.fit_scale(parts.data)
        return parts

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """How long trajectories are, how many numbers a step has, and whether lengths differ."""
        return {
            "length": data.steps.shape[1],
            "numbers": data.steps.shape[2],
            "constants": data.constants.shape[1],
            "ragged": data.ragged,
            "samples": len(data),
        }

    def step(self, batch: Batch, work: Work) -> None:
        """One update; now and then a look whether the embedding has collapsed."""
        form = work.encode(batch)
        work.descend(work.contrast(form))
        if (work.at.step + 1) % LOOK_EVERY == 0:
            from contrast_sirl.several import collapsed

            if bool(collapsed(form.z.flatten(0, 1))):
                work.parts.encoder.restart()
                work.log(restarts=work.parts.encoder.restarts.float())

    def optimizer(self, group: str, parameters: list[nn.Parameter], trainer: Any) -> Optimizer:
        """Adam with the method's slow decay of the learning rate."""
        if trainer.optimizer != "adam":
            return super().optimizer(group, parameters, trainer)
        from contrast_sirl.several import decaying_adam

        return decaying_adam(parameters, trainer.lr, trainer.weight_decay)

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Features read off the embedding, preferences learnt on it, answers it gets right."""
        from contrast_sirl.evaluate import evaluate_encoder

        return evaluate_encoder(parts, config, at)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The metrics without the comparison."""
        from contrast_sirl.evaluate import encoder_metrics

        return encoder_metrics(parts, config, at)


class RewardStage(Stage):
    """Learns a linear reward on the frozen phi, by Bradley-Terry on all preferences at once."""

    name = "reward"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """A copy of the trained phi, and the person's preferences."""
        import copy

        from contrast_sirl.encoder import RewardModel
        from contrast_sirl.sampler import PreferenceSampler

        before, asked = earlier.get("represent") or self.unasked(config, at), config.evaluation
        sampler = PreferenceSampler(
            before.data,
            generator=at.shared("preferences"),
            count=asked.preferences,
            rationality=asked.rationality,
        )
        model = RewardModel(copy.deepcopy(before.encoder), config.encoder.width)
        model.fit_scale(before.data)
        return Parts(before.data, sampler, model, None, before.sizes)

    def unasked(self, config: RunConfig, at: Moment) -> Parts:
        """Untrained parts on data that nobody was asked about, such as new ones to be embedded."""
        first, data = RepresentStage(), config.data
        if hasattr(data, "answers"):
            data = replace(data, answers="", preferences="", features="")
        read = replace(config, data=data).build("data", generator=at.shared("data"))
        sizes = first.sizes(read, None)
        return Parts(read, None, *first.build_modules(config, sizes), sizes)

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The reward model, without the data."""
        from contrast_sirl.encoder import RewardModel

        return RewardModel(config.build_sized("encoder", sizes), config.encoder.width), None

    def step(self, batch: Batch, work: Work) -> None:
        """One update of the reward's weights; the ridge is that of the examination."""
        from contrast.objectives.bradley_terry import bradley_terry
        from contrast_sirl.metrics import RIDGE

        model = work.parts.encoder
        rewards = model(batch)  # (2, M)
        if not rewards.shape[1]:
            work.descend(model.weight.square().sum())
            return
        targets = rewards.new_zeros(rewards.shape)
        targets[0], targets[1] = 1 - batch.second, batch.second
        likelihood = bradley_terry(rewards.T, targets=targets.T)
        count = len(work.parts.sampler.preferences)
        ridge = RIDGE / 2 / count * model.weight.square().sum()
        work.descend({"preferences": likelihood, "ridge": ridge})

    def optimizer(self, group: str, parameters: list[nn.Parameter], trainer: Any) -> Optimizer:
        """Adam, faster than for the encoder."""
        from torch.optim import Adam

        return Adam(parameters, lr=HEAD_RATE * trainer.lr)

    def groups(self, parts: Parts) -> dict[str, list[nn.Parameter]]:
        """The reward's weights alone."""
        return {"reward": [parts.encoder.weight]}

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """How often the reward prefers what its person prefers; the best and the worst."""
        from contrast_sirl.evaluate import evaluate_reward

        return evaluate_reward(parts, config, at)
