"""The most informative question: the one on which encoders that learnt from the same disagree.

    information(i, j, k) = H(mean_m p_m) - mean_m H(p_m),   p_m = softmax(-d_ij^2, -d_ik^2, -d_jk^2)

p_m is what member m of an ensemble expects the person to say. Mutual information is large where
each member is sure and they contradict one another; a near tie, on which all are unsure, is not
asked. Ours: the paper asks at random; the same quantity chooses preferences in its lineage.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from contrast.errors import ConfigError
from contrast_sirl.baselines import Bench, fit_sirl, triplet_loss
from contrast_sirl.human import alike
from contrast_sirl.objective import choice_logits
from contrast_sirl.questions import random_triples
from contrast_sirl.sampler import Batch, QuestionSampler, features_of
from contrast_sirl.trajectories import Answers, Trajectories

POOL = 20_000  # random questions among which the best is chosen
SURPRISE = triplet_loss(squared=True)  # distances on the scale of the softmax above


def information(z: Tensor, triples: Tensor) -> Tensor:
    """What an answer would tell about which member is right, in nats, (Q,).

    Shapes:  z: (K, N, D) embeddings of K members;  triples: (Q, 3) rows.
    """
    chances = torch.stack([choice_logits(one[triples].transpose(0, 1)) for one in z]).softmax(-1)
    return entropy(chances.mean(0)) - entropy(chances).mean(0)


def entropy(chances: Tensor) -> Tensor:
    """Entropy over the last axis, in nats."""
    return torch.special.entr(chances).sum(-1)


def most_informative(
    z: Tensor, rows: Tensor, count: int, *, generator: Generator, pool: int = POOL
) -> Tensor:
    """The best questions about some rows among `pool` random ones, best first: (count, 3)."""
    candidates = random_triples(rows, pool, generator)
    return candidates[information(z, candidates).topk(min(count, pool)).indices]


class ActiveSampler(QuestionSampler):
    """Asks a simulated person in rounds, each time what an ensemble disagrees on.

    The first `first` questions are random. Then, `round` at a time, the most informative ones are
    asked until there are `queries`; the ensemble learns anew for every round. It happens before
    the first step and is part of the run's state.

    Raises: ConfigError: people have answered already, or there are no true features.
    """

    def __init__(
        self,
        data: Trajectories,
        *,
        generator: Generator,
        queries: int,
        batch_size: int,
        answer_rule: str,
        rationality: float | None,
        first: int,
        round: int,
        members: int,
        round_steps: int,
    ) -> None:
        if data.answers is not None:
            raise ConfigError(
                "`sampler=active` asks a simulated person, and these trajectories come with "
                "people's answers\nSet `sampler=random`, or leave `data.answers` out."
            )
        features_of(data)
        start = min(first, queries)
        super().__init__(
            data,
            generator=generator,
            queries=start,
            batch_size=batch_size,
            answer_rule=answer_rule,
            rationality=rationality,
            held_out=0.0,
        )
        self.queries, self.round, self.members = queries, round, members
        self.round_steps, self.generator = round_steps, generator
        self.rule, self.rationality = answer_rule, rationality

    def draw(self, at: object) -> Batch:
        """A batch of all answers, which are asked for when the first is drawn."""
        if len(self.answers) < self.queries:
            with torch.inference_mode(False), torch.enable_grad():
                self.ask_all()
        return super().draw(at)

    def ask_all(self) -> None:
        """Ask round after round until there are `queries` answers."""
        data = self.data
        x = torch.cat([data.steps.flatten(1), data.mask.float(), data.constants], dim=1)
        bench = Bench(x, data.features, data.train, steps=self.round_steps)
        while (missing := self.queries - len(self.answers)) > 0:
            shared = self.answers.triples.expand(self.members, -1, -1)
            encoders, _ = fit_sirl(bench, shared, SURPRISE, self.generator)
            asked = most_informative(
                bench.embed(encoders),
                data.train,
                min(self.round, missing),
                generator=self.generator,
            )
            answered = alike(
                data.features[asked],
                rule=self.rule,
                rationality=self.rationality,
                generator=self.generator,
            )
            new = asked.gather(1, answered)
            self.answers = Answers(torch.cat([self.answers.triples, new]))

    def state_dict(self) -> dict[str, Tensor]:
        """What was asked and answered."""
        return {"triples": self.answers.triples}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what `state_dict` gave."""
        self.answers = Answers(state["triples"])
