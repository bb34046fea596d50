"""What became of the model: what its responses earn, how far it moved, whether it still writes.

    k1 = mean of log pi - log ref,   k3 = mean of exp(d) - 1 - d with d = log ref - log pi

on tokens that the policy drew itself: both estimate KL(pi || ref); k3 is never negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.forms import Lists
from contrast.interfaces import Evaluation, Moment, Parts, Table
from contrast.recipe import RunConfig
from contrast_alignment.batch import Batch, Item, collate, stacked
from contrast_alignment.sampler import pieces
from contrast_alignment.sampling import sample
from contrast_alignment.task import Task
from contrast_alignment.watching import watched

PIECE, CHUNK = 64, 64
Metrics = dict[str, float | None]


def evaluate_language(parts: Parts) -> Evaluation:
    """Nats a token on the held-out part."""
    total = tokens = 0.0
    for batch in parts.sampler.sweep("valid"):
        form = parts.encoder(placed(batch, parts))
        total -= float(form.scores.sum())
        tokens += int(form.lengths.sum())
    notes = () if tokens else ("nothing is held out: the language is not evaluated",)
    return Evaluation({"nats_per_token": total / tokens if tokens else None}, notes=notes)


def evaluate_policy(parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
    """Held-out preferences, own responses to held-out prompts, and the language itself."""
    task: Task = parts.data
    prompts = task.valid[: config.evaluation.prompts]
    if not prompts:
        return Evaluation(notes=(*task.notes, "nothing is held out: nothing is evaluated"))
    after = own_responses(parts, prompts, config, at)
    metrics = preferences(parts) | distance(parts, after)
    metrics |= earned(task, prompts, after, "policy")
    before = starting_responses(parts, prompts, config, at)
    if before is not None:
        metrics |= earned(task, prompts, before, "start")
    metrics |= language(parts)
    shown = config.evaluation.shown
    tables = (side_by_side(task, prompts[:shown], before, after),) if shown else ()
    return Evaluation(metrics, tables, notes=task.notes)


def preferences(parts: Parts) -> Metrics:
    """Margins and accuracy of the implicit rewards on held-out lists; None without a reference."""
    forms = [parts.encoder(placed(batch, parts)) for batch in parts.sampler.sweep("valid")]

    def joined(name: str) -> Tensor | None:
        known = [getattr(form, name) for form in forms]
        return None if known[0] is None else stacked(known)

    fields = ("scores", "targets", "mask", "reference", "lengths")
    found = watched(Lists(**{name: joined(name) for name in fields}))
    return {f"held_out/{name}": float(value) for name, value in found.items()}


@dataclass(frozen=True)
class Drawn:
    """Responses to some prompts, as tokens."""

    items: tuple[Item, ...]

    @property
    def responses(self) -> list[tuple[int, ...]]:
        """The one response of each item."""
        return [item.responses[0] for item in self.items]


def own_responses(parts: Parts, prompts: Sequence[Item], config: RunConfig, at: Moment) -> Drawn:
    """What the model answers now."""
    return _drawn(parts, parts.encoder.model, prompts, config, at)


def starting_responses(
    parts: Parts, prompts: Sequence[Item], config: RunConfig, at: Moment
) -> Drawn | None:
    """What the reference answers; None where no model of it is kept."""
    encoder = parts.encoder
    if encoder.adapter_off:
        with encoder.model.disable_adapter():
            return _drawn(parts, encoder.model, prompts, config, at)
    if encoder.reference is None:
        return None
    return _drawn(parts, encoder.reference, prompts, config, at)


def distance(parts: Parts, drawn: Drawn) -> Metrics:
    """KL to the reference by k1 and k3, entropy, and length, over the policy's own responses."""
    encoder, known = parts.encoder, parts.encoder.has_reference()
    k1 = k3 = entropy = tokens = 0.0
    for batch in batches(drawn.items, parts):
        scores = encoder.score(batch, entropy=True)
        scored = batch.scored.flatten(0, 1)
        tokens += int(scored.sum())
        entropy += float(scores.entropy.sum())
        if known:
            d = encoder.score(batch, reference=True).log_probs - scores.log_probs
            k1 -= float(d.sum())
            k3 += float((d.expm1() - d).sum())
    return {
        "kl/response": k1 / len(drawn.items) if known else None,
        "kl_k1/token": k1 / tokens if known else None,
        "kl_k3/token": k3 / tokens if known else None,
        "entropy/token": entropy / tokens,
        "tokens/response": tokens / len(drawn.items),
    }


def earned(task: Task, prompts: Sequence[Item], drawn: Drawn, who: str) -> Metrics:
    """The mean reward where a rule grades responses."""
    if task.asking is None:
        return {}
    graded = [
        task.graded(item, [response]).grades[0]
        for item, response in zip(prompts, drawn.responses, strict=True)
    ]
    return {f"reward/{who}": sum(graded) / len(graded)}


def language(parts: Parts) -> Metrics:
    """Nats a token on held-out text, now and under the reference."""
    task: Task = parts.data
    if task.text is None:
        return {}
    length = min(PIECE, len(task.text))
    starts = torch.arange(0, len(task.text) - length + 1, length)
    total = {"policy": 0.0, "start": 0.0}
    for some in starts.split(CHUNK):
        batch = placed(pieces(task.text, some, length), parts)
        total["policy"] -= float(parts.encoder.score(batch).log_probs.sum())
        if parts.encoder.has_reference():
            total["start"] -= float(parts.encoder.score(batch, reference=True).log_probs.sum())
    tokens = len(starts) * (length - 1)
    known = parts.encoder.has_reference()
    return {
        "nats_per_token/policy": total["policy"] / tokens,
        "nats_per_token/start": total["start"] / tokens if known else None,
    }


def side_by_side(task: Task, prompts: Sequence[Item], before: Drawn | None, after: Drawn) -> Table:
    """Responses before and after alignment, with what they earn."""
    rows = []
    for i, item in enumerate(prompts):
        first = task.decode(before.responses[i]) if before else None
        rows.append((task.decode(item.prompt), first, task.decode(after.responses[i])))
    return Table(
        "Responses", ("prompt", "before", "after"), tuple(rows), "The same draws for both."
    )


def batches(items: Sequence[Item], parts: Parts) -> list[Batch]:
    """Items as batches where the model is."""
    cut = [items[i : i + CHUNK] for i in range(0, len(items), CHUNK)]
    return [placed(collate(each), parts) for each in cut]


def placed(batch: Batch, parts: Parts) -> Batch:
    """The batch on the model's device, in its precision."""
    first = next(parts.encoder.parameters())
    return move(batch, first.device, first.dtype)


def _drawn(
    parts: Parts, model: torch.nn.Module, prompts: Sequence[Item], config: RunConfig, at: Moment
) -> Drawn:
    task: Task = parts.data
    drawn_tokens = (task.asking or config.data).response_tokens
    responses = sample(
        model,
        [item.prompt for item in prompts],
        tokens=drawn_tokens,
        temperature=config.evaluation.temperature,
        end=task.tokenizer.eos_token_id,
        generator=at.shared("own responses"),
    )
    answered = (
        replace(item, responses=(response,), grades=(1.0,), scored_from=())
        for item, response in zip(prompts, responses, strict=True)
    )
    return Drawn(tuple(answered))
