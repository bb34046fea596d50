"""The two stages: learn to write, then learn what is preferred. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage

if TYPE_CHECKING:
    from contrast_alignment.batch import Batch


class FineTuneStage(Stage):
    """Plain fine-tuning: the mean negative log-probability of tokens.

    On a text every token of random pieces; on records the best response to each prompt.
    """

    name = "sft"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """The tokenizer, the tokens, and a model that nobody has tuned yet."""
        from contrast_alignment.building import fine_tuning_parts

        return fine_tuning_parts(self, config, at)

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The model; fine-tuning has no objective to choose."""
        return config.build_sized("encoder", sizes), None

    def step(self, batch: Batch, work: Work) -> None:
        """One update."""
        form = work.encode(batch)
        tokens = form.lengths.sum().clamp_min(1)
        work.descend(-form.scores.sum() / tokens)

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Nats a token on held-out text."""
        from contrast_alignment.evaluate import evaluate_language

        return evaluate_language(parts)


class AlignStage(Stage):
    """Preferences by the recipe's objective, from where fine-tuning ended."""

    name = "align"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """The tuned model, its reference, and graded responses, its own or those of records."""
        from contrast_alignment.building import alignment_parts

        return alignment_parts(self, config, earlier, at)

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The model with an untrained reference of the same shape, and the objective."""
        encoder = config.build_sized("encoder", sizes)
        encoder.keep_reference(config.encoder.reference_model)
        return encoder, config.build_sized("objective", sizes)

    def step(self, batch: Batch, work: Work) -> None:
        """One update; rewards, margins, accuracy and the distance to the reference are logged."""
        from contrast_alignment.watching import watched

        form = work.encode(batch)
        work.log(**watched(form))
        work.descend(work.contrast(form))

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Responses before and after, what they earn, and how far the model has moved."""
        from contrast_alignment.evaluate import evaluate_policy

        return evaluate_policy(parts, config, at)

    def deliver(self, parts: Parts, config: RunConfig, folder: Path) -> None:
        """`model/`, a folder that transformers loads as it is, and what else others may read."""
        from contrast_alignment.building import deliver_model

        deliver_model(parts, folder)
