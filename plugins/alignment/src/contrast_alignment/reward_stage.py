"""The stage that trains a reward model, and the one that trains those who vote. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage

if TYPE_CHECKING:
    from contrast_alignment.reward_sampler import Conversations
    from contrast_alignment.reward_votes import Ballots


class RewardStage(Stage):
    """One update a batch; with MetaRM, by the gradient at a point one step ahead."""

    name = "reward"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """Conversations as tokens, and a model with a head of one number."""
        from contrast_alignment.reward_building import reward_parts

        return reward_parts(self, config, at)

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The model, read twice if its states are contrasted, and the objective."""
        from contrast_alignment.reward_building import reward_modules

        return reward_modules(config, sizes)

    def step(self, batch: Conversations, work: Work) -> None:
        """One update; margin and accuracy are logged."""
        from contrast_alignment.metarm import looking_ahead
        from contrast_alignment.reward_evaluate import margin_and_accuracy

        with looking_ahead(work):
            form = work.encode(batch)
            work.log(**margin_and_accuracy(form))
            work.descend(work.contrast(form))

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Accuracy on held-out records and elsewhere, beside the shorter response."""
        from contrast_alignment.reward_evaluate import evaluate_reward

        return evaluate_reward(parts)

    def deliver(self, parts: Parts, config: RunConfig, folder: Path) -> None:
        """`model/`, which transformers loads as a sequence classifier with one label."""
        from contrast_alignment.reward_building import deliver_model

        deliver_model(parts, folder / "model")


class VoteStage(Stage):
    """Several reward models at once, each on its own part of the records."""

    name = "vote"

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """Conversations as tokens, and a model for each voter and each fold."""
        from contrast_alignment.reward_building import voting_parts

        return voting_parts(self, config, at)

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The voters, and the objective of each."""
        from contrast_alignment.reward_building import voting_modules

        return voting_modules(config, sizes)

    def groups(self, parts: Parts) -> dict[str, list[Any]]:
        """One group a voter, so that each has its own clipping."""
        return {
            f"voter{i}": list(voter.parameters()) for i, voter in enumerate(parts.encoder.voters)
        }

    def step(self, batch: Ballots, work: Work) -> None:
        """One update of every voter, by the mean over its own records."""
        loss = work.contrast(work.encode(batch))
        work.descend(len(batch.parts) * loss)

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """How many votes go against the labels, and which records are doubted most."""
        from contrast_alignment.reward_votes import evaluate_votes

        return evaluate_votes(parts, config.evaluation.shown)

    def deliver(self, parts: Parts, config: RunConfig, folder: Path) -> None:
        """`votes.jsonl`, what the voters say of each training record."""
        from contrast_alignment.reward_votes import FILE, counted, write_votes

        write_votes(counted(parts), parts.data, folder / FILE)
