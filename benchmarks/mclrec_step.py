"""A step of MCLRec on Amazon Beauty beside a straightforward implementation of the published one.

    OMP_NUM_THREADS=1 python benchmarks/mclrec_step.py
    OMP_NUM_THREADS=1 python benchmarks/mclrec_step.py --memory
    OMP_NUM_THREADS=1 python benchmarks/mclrec_step.py --million

The straightforward one makes nine passes of the encoder over rows padded to 50 positions, augments
in Python, masks its contrasts by a double loop and forms all logits, on the same batches. Before
any timing both must give one gradient without dropout. Times are process CPU seconds,
steps of the two in turn; `--memory` is the peak of a process of each kind, less that before its
first step; `--million` one with 1,000,000 items. Bars: 3 times, 60 %, 2.5 GB.
Needs the file of Beauty: CONTRAST_DATA_DIR, or a network.
"""

from __future__ import annotations

import math
import random
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import process_time

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from contrast.config import resolve
from contrast.engine.distribution import World
from contrast.engine.randomness import generator, seeded
from contrast.engine.work import Clock, Group, LoopWork
from contrast.interfaces import Moment, Parts
from contrast_mclrec.encoder import HIDDEN, Mclrec
from contrast_mclrec.log import Log
from contrast_mclrec.sampler import Batch, HistorySampler
from contrast_mclrec.split import leave_one_out

LENGTH, STEPS, BETA = 50, 7, 0.05
GIGABYTE = 2**30


class Ours:
    """The recipe's step on its own parts, as the loop takes it."""

    def __init__(self, words: list[str], data: Log | None = None) -> None:
        config = resolve("mclrec", words).config
        (self.stage,) = config.recipe.stages
        at = Moment("train", 0, 0)
        with seeded("weights"):
            self.parts = self.stage.build(config, {}, at) if data is None else built(config, data)
        self.trainer, self.part = config.trainers["train"], config.chosen["objective"]
        self.groups = {
            name: Group(parameters, self.stage.optimizer(name, parameters, self.trainer))
            for name, parameters in self.stage.groups(self.parts).items()
        }

    def work(self) -> LoopWork:
        """What the stage's step sees."""
        return LoopWork(
            self.parts,
            self.part,
            self.groups,
            Moment("train", 0, 0),
            trainer=self.trainer,
            world=World(),
            clock=Clock(),
        )

    def step(self, i: int) -> None:
        """Draw and train."""
        self.stage.step(self.parts.sampler.draw(Moment("train", i, 0)), self.work())


def built(config: object, data: Log) -> Parts:
    """The parts of the recipe on a log that is made up."""
    sampler = HistorySampler(data, generator=generator("sampler"))
    encoder = Mclrec(items=data.catalogue, max_length=LENGTH)
    return Parts(data, sampler, encoder, config.build("objective"))


class Straight:
    """The published step as one would first write it, on the weights of an encoder of ours."""

    def __init__(self, encoder: Mclrec, sampler: HistorySampler) -> None:
        self.encoder, self.sampler = encoder, sampler
        phi = list(encoder.augmenters.parameters())
        own = set(map(id, phi))
        theta = [p for p in encoder.parameters() if id(p) not in own]
        self.theta, self.phi = torch.optim.Adam(theta, lr=1e-3), torch.optim.Adam(phi, lr=1e-3)

    def step(self, i: int) -> None:
        """Draw, augment history by history, and make the three updates."""
        order = self.sampler.order(Moment("train", i, 0))[i * 256 : (i + 1) * 256].numpy()
        log = self.sampler.data
        x, views, targets = [], [[], []], []
        for position in log.split.train[order]:
            begin = max(log.starts[log.owner(np.array([position]))[0]], position - LENGTH)
            history = log.items[begin:position].tolist()
            operators = random.sample((cropped, masked, reordered), 2)
            x.append(history)
            for view, operator in zip(views, operators, strict=True):
                view.append(operator(history) if len(history) > 1 else history)
            targets.append(int(log.items[position]))
        inputs = [padded(rows) for rows in (x, *views)]
        for optimizer in (self.theta, self.phi, self.theta):
            rec, augmented = self.losses(inputs, torch.tensor(targets))
            loss = augmented if optimizer is self.phi else rec + BETA * augmented
            self.encoder.zero_grad()
            loss.backward()
            optimizer.step()

    def losses(self, inputs: list[tuple[Tensor, Tensor]], targets: Tensor) -> tuple[Tensor, Tensor]:
        """L_rec and L_aug from three passes over padded rows."""
        h, h1, h2 = (states(self.encoder, *rows) for rows in inputs)
        rec = cross_entropy(h @ self.encoder.item_embedding.weight.T, targets)
        z1, z2 = self.encoder.augmenters[0](h1), self.encoder.augmenters[1](h2)
        return rec, sum(compared(a, b) for a, b in ((h1, z2), (h2, z1), (z1, z2)))


def cropped(history: list[int]) -> list[int]:
    """A window of half the history."""
    kept = max(math.floor(len(history) * 0.5), 1)
    begin = random.randint(0, len(history) - kept)
    return history[begin : begin + kept]


def masked(history: list[int]) -> list[int]:
    """Half of the items hidden."""
    hidden = random.sample(range(len(history)), math.floor(len(history) * 0.5))
    return [0 if i in hidden else item for i, item in enumerate(history)]


def reordered(history: list[int]) -> list[int]:
    """A window of four fifths shuffled."""
    size = math.floor(len(history) * 0.8)
    begin = random.randint(0, len(history) - size)
    window = history[begin : begin + size]
    random.shuffle(window)
    return history[:begin] + window + history[begin + size :]


def padded(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Items (B, 50) with zeros behind the end, and lengths."""
    items = [row + [0] * (LENGTH - len(row)) for row in rows]
    return torch.tensor(items), torch.tensor([len(row) for row in rows])


def states(encoder: Mclrec, items: Tensor, lengths: Tensor) -> Tensor:
    """The last states, from all positions of all layers."""
    x = encoder.item_embedding(items) + encoder.position_embedding(torch.arange(LENGTH))
    x = encoder.dropout(encoder.LayerNorm(x))
    seen = (items != 0)[:, None, None] & torch.ones(LENGTH, LENGTH).tril().bool()
    mask = torch.where(seen, 0.0, HIDDEN).to(x.dtype)
    for layer in encoder.trm_encoder.layer:
        x = layer.feed_forward(attended(layer.multi_head_attention, x, mask))
    return x[torch.arange(len(x)), lengths - 1]


def attended(attention: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    """Attention written out."""
    q, k, v = (attention._heads(f(x)) for f in (attention.query, attention.key, attention.value))
    p = (q @ k.transpose(2, 3) / math.sqrt(q.shape[3]) + mask).softmax(3)
    p = nn.functional.dropout(p, attention.attention_dropout, attention.training)
    y = attention.dense((p @ v).transpose(1, 2).flatten(2))
    return attention.LayerNorm(attention.out_dropout(y) + x)


def compared(a: Tensor, b: Tensor) -> Tensor:
    """InfoNCE and a tenth of the margin, negatives picked by a mask made in a double loop."""
    B = len(a)
    mask = torch.ones(2 * B, 2 * B, dtype=torch.bool).fill_diagonal_(False)
    for i in range(B):
        mask[i, B + i] = mask[B + i, i] = False
    x = torch.cat([a, b])
    similarity = x @ x.T
    positive = torch.cat([similarity.diag(B), similarity.diag(-B)])[:, None]
    negative = similarity[mask].view(2 * B, -1)
    logits = torch.cat([positive, negative], 1)
    contrast = cross_entropy(logits, torch.zeros(2 * B, dtype=torch.long))
    hardest = negative.max(1, keepdim=True).values
    low, high = torch.minimum(positive, hardest), torch.maximum(positive, hardest)
    return contrast + 0.1 * ((positive - low).relu().mean() + (high - negative).relu().mean())


def check(ours: Ours) -> float:
    """The largest difference of a gradient over its largest entry, in float64 without dropout.

    Raises: AssertionError: it is above 1e-6.
    """
    encoder = ours.parts.encoder.double().eval()
    batch: Batch = ours.parts.sampler.draw(Moment("train", 0, 0))
    parameters = list(encoder.parameters())
    total = sum(ours.stage.losses(batch, ours.work()).values())
    found = torch.autograd.grad(total, parameters)
    items, lengths = batch.rows.padded()
    items = nn.functional.pad(items, (0, LENGTH - items.shape[1]))
    inputs = list(zip(items.chunk(3), lengths.chunk(3), strict=True))
    rec, augmented = Straight(encoder, ours.parts.sampler).losses(inputs, batch.targets)
    wanted = torch.autograd.grad(rec + BETA * augmented, parameters)
    largest = max(float(w.abs().max()) for w in wanted)
    worst = max(
        float((f - w).abs().max() / (w.abs().max() + 1e-6 * largest))  # a key's bias has none
        for f, w in zip(found, wanted, strict=True)
    )
    assert worst < 1e-6, worst
    encoder.float().train()
    return worst


def seconds(step: Callable[[int], None], i: int) -> float:
    """CPU seconds of a step."""
    started = process_time()
    step(i)
    return process_time() - started


def peak() -> float:
    """Bytes that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def remember(kind: str) -> None:
    """Three steps of one kind; prints the peak before them and after."""
    ours = Ours(["data=beauty"])
    one = ours if kind == "ours" else Straight(ours.parts.encoder, ours.parts.sampler)
    before = peak()
    for i in range(3):
        one.step(i)
    print((peak() - before) / GIGABYTE)


def million() -> None:
    """Two steps on random histories over a million items; prints peak and seconds."""
    draw, (users, items) = np.random.default_rng(0), (2000, 1_000_000)
    lengths = draw.integers(5, 20, users)
    starts = np.concatenate([[0], lengths.cumsum()])
    taken = draw.integers(1, items + 1, starts[-1]).astype(np.int32)
    log = Log(taken, starts, [""] * users, [""] * items, leave_one_out(starts))
    ours = Ours(["data=beauty"], log)
    spent = [seconds(ours.step, i) for i in range(2)]
    print(f"1,000,000 items, B = 256: {peak() / GIGABYTE:.2f} GB in all, {spent[1]:.1f} s a step")


def main() -> None:
    """Check, then time or measure, and print."""
    torch.set_num_threads(1)
    random.seed(0)
    say = Console().print
    if "--million" in sys.argv:
        million()
    elif "--remember" in sys.argv:
        remember(sys.argv[-1])
    elif "--memory" in sys.argv:
        command = [sys.executable, __file__, "--remember"]
        held = [float(subprocess.check_output([*command, k])) for k in ("ours", "straight")]
        say(f"peak of a step: {held[0]:.3f} GB against {held[1]:.3f} GB: {held[0] / held[1]:.0%}")
    else:
        ours = Ours(["data=beauty"])
        say(f"gradients agree to {check(ours):.0e} (float64, no dropout)")
        straight = Straight(ours.parts.encoder, ours.parts.sampler)
        pairs = [(seconds(ours.step, i), seconds(straight.step, i)) for i in range(STEPS)]
        a, b = (statistics.median(each[1:]) for each in zip(*pairs, strict=True))
        say(f"step: ours {a:.3f} s, straight {b:.3f} s: {b / a:.1f} times")


if __name__ == "__main__":
    main()
