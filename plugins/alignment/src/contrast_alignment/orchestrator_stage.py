"""The stage that learns what prompts ask for. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contrast.interfaces import Evaluation, Moment, Parts
from contrast.recipe import RunConfig, Stage


class OrchestrateStage(Stage):
    """The plain step, on prompts whose preferred responses were graded once."""

    name = "orchestrate"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """The prompts as tokens, the weights aimed at, and the model of them."""
        from contrast_alignment.models import tokenizer_for
        from contrast_alignment.orchestrator_data import Rewarded, weighed
        from contrast_alignment.reward_building import splitting

        data: Rewarded = config.build("data", generator=splitting(at))
        tokenizer = tokenizer_for(config.encoder, data.records.texts())
        prompts = weighed(data, tokenizer)
        sizes = {"tokens": len(tokenizer), "objectives": len(data.rewards)}
        encoder, objective = self.build_modules(config, sizes)
        return Parts(prompts, config.build("sampler", prompts), encoder, objective, sizes)

    def groups(self, parts: Parts) -> dict[str, list[Any]]:
        """All parameters that are learnt; a language model's are not."""
        return {"all": [p for p in parts.encoder.parameters() if p.requires_grad]}

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """How near the weights of held-out prompts are, beside equal and mean weights."""
        from contrast_alignment.orchestrator_data import evaluate_weights

        return evaluate_weights(parts)

    def deliver(self, parts: Parts, config: RunConfig, folder: Path) -> None:
        """`orchestrator/`, which `data.reward` reads."""
        from contrast_alignment.orchestrator_blend import save

        save(parts, config, folder / "orchestrator")
