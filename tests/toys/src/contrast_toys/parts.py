"""The parts of the toys."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from contrast.forms import Lists, Views
from contrast.interfaces import Sampler


@dataclass(frozen=True)
class Blobs:
    x: Tensor
    labels: Tensor
    classes: int


@dataclass(frozen=True)
class Batch:
    views: Tensor
    labels: Tensor
    ids: Tensor


def make_blobs(*, samples, classes, generator):
    centres = torch.randn(classes, 4, generator=generator)
    labels = torch.arange(samples) % classes
    return Blobs(
        centres[labels] + 0.3 * torch.randn(samples, 4, generator=generator), labels, classes
    )


class ViewSampler(Sampler):
    def __init__(self, data, *, batch_size, noise, generator):
        self.data, self.batch_size, self.noise = data, min(batch_size, len(data.x)), noise
        self.steps_per_epoch = -(-len(data.x) // self.batch_size)
        self.drawn = torch.zeros(len(data.x), dtype=torch.long)

    def draw(self, at):
        chosen = torch.randperm(len(self.data.x), generator=at.local("order"))[: self.batch_size]
        self.drawn[chosen] += 1
        return self._batch(chosen, at.local("noise"))

    def sweep(self, split):
        for chosen in torch.arange(len(self.data.x)).split(self.batch_size):
            x = self.data.x[chosen]
            yield Batch(torch.stack([x, x]), self.data.labels[chosen], chosen)

    def ids(self, batch):
        return batch.ids.tolist()

    def state_dict(self):
        return {"drawn": self.drawn}

    def load_state_dict(self, state):
        self.drawn = state["drawn"]

    def _batch(self, chosen, generator):
        x = self.data.x[chosen]
        noise = torch.randn(2, *x.shape, generator=generator)
        return Batch(x + self.noise * noise, self.data.labels[chosen], chosen)


class Encoder(nn.Module):
    def __init__(self, *, inputs, classes, width, dropout):
        super().__init__()
        self.augmenter = nn.Linear(inputs, inputs)
        self.body = nn.Sequential(
            nn.Linear(inputs, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, width)
        )
        self.head = nn.Linear(width, classes)

    @property
    def dtype(self):
        return self.head.weight.dtype

    def forward(self, batch):
        changed = torch.stack([batch.views[0], self.augmenter(batch.views[1])])
        return Views(self.body(changed), ids=batch.ids, labels=batch.labels)

    def embed(self, batch):
        return {"z": self.body(batch if isinstance(batch, Tensor) else batch.views[0])}


class Align(nn.Module):
    """Mean distance of two views to a power, against the spread of each."""

    def __init__(self, *, power):
        super().__init__()
        self.power = power

    def forward(self, form):
        z = nn.functional.normalize(form.z, dim=-1)
        near = (z[0] - z[1]).square().sum(-1).add(1e-6).pow(self.power / 2).mean()
        return {"near": near, "apart": -z.std(1).mean()}


class Chain:
    """States in a row; action 1 goes right, 0 back to the start; a reward at the far end."""

    def __init__(self, *, length, generator):
        self.length = length


class Explorer(Sampler):
    """Acts by the encoder's policy, and keeps what it met and what it planned."""

    def __init__(self, data, *, episodes, generator):
        self.data, self.episodes = data, episodes
        self.visits = torch.zeros(data.length, 2)
        self.plan_table = torch.zeros(data.length)
        self.regret = 0.0

    def draw(self, at):
        states, actions = [], []
        for _ in range(self.episodes):
            state = 0
            for _ in range(self.data.length):
                action = self._act(state, at)
                self.visits[state, action] += 1
                states.append(state)
                actions.append(action)
                state = min(state + 1, self.data.length - 1) if action else 0
            self.regret += float(state != self.data.length - 1)
        return Batch(torch.tensor(states), torch.tensor(actions), torch.arange(len(states)))

    def _act(self, state, at):
        with torch.no_grad():
            scores = at.encoder.table.weight[state].cpu() + 1 / (1 + self.visits[state]).sqrt()
        generator = at.local(f"act {int(self.visits.sum())}")
        return int(torch.multinomial(scores.float().softmax(0), 1, generator=generator))

    def plan(self, policy):
        with torch.no_grad():
            right = policy.table.weight.softmax(1)[:, 1].cpu()
        value = 1.0
        for state in reversed(range(self.data.length)):
            value = self.plan_table[state] = float(right[state]) * value
        return float(self.plan_table[0])

    def sweep(self, split):
        states = torch.arange(self.data.length)
        yield Batch(states, torch.ones_like(states), states)

    def ids(self, batch):
        return batch.ids.tolist()

    def state_dict(self):
        return {"visits": self.visits, "plan": self.plan_table, "regret": self.regret}

    def load_state_dict(self, state):
        self.visits, self.plan_table = state["visits"], state["plan"]
        self.regret = state["regret"]


class Policy(nn.Module):
    def __init__(self, *, states, width, dropout):
        super().__init__()
        self.table = nn.Embedding(states, 2)
        self.drop = nn.Dropout(dropout)

    def forward(self, batch):
        scores = self.drop(self.table(batch.views))
        return Lists(scores, targets=nn.functional.one_hot(batch.labels, 2).to(scores))

    def embed(self, batch):
        return {"policy": self.table(batch.views)}


class Choice(nn.Module):
    def __init__(self, *, smoothing):
        super().__init__()
        self.smoothing = smoothing

    def forward(self, form):
        targets = form.targets * (1 - self.smoothing) + self.smoothing / 2
        return -(targets * form.scores.log_softmax(1)).sum(1).mean()
