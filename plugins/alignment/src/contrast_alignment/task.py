"""From texts or records to tokens: what a stage trains on, with the tokenizer that made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from contrast.errors import DataError
from contrast_alignment.batch import Item
from contrast_alignment.rewards import grade, reward_named
from contrast_alignment.sampling import sample
from contrast_alignment.texts import Asking, Texts
from contrast_alignment.tokens import continuation

ASKED_TO_VALIDATE = 0.25  # held-out prompts, as a share of those to train on


@dataclass(frozen=True)
class Task:
    """What a language model is aligned to.

    `asking` says how responses are drawn and graded; None where people graded them.
    """

    tokenizer: Any
    train: tuple[Item, ...]
    valid: tuple[Item, ...]
    asking: Asking | None = None
    text: Tensor | None = None  # held-out tokens, to see what became of the language
    notes: tuple[str, ...] = ()

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without special ones."""
        return self.tokenizer.decode(list(tokens), skip_special_tokens=True)

    def good(self) -> tuple[list[Item], list[Item]]:
        """The best response to each prompt, to learn and to validate on.

        Of a prompt with one response that is not desirable (graded 1/2 or below) there is none.
        """
        parts = (
            [item for item in part if item.worth_learning] for part in (self.train, self.valid)
        )
        train, valid = ([item.best() for item in part] for part in parts)
        return train, valid

    def graded(self, item: Item, responses: Sequence[tuple[int, ...]]) -> Item:
        """The item with these responses, graded by the rule.

        Raises: DataError: the rule gives no finite number.
        """
        name = self.asking.reward
        rule, prompt = reward_named(name), self.decode(item.prompt)
        texts = (continuation(self.tokenizer, item.prompt, each) for each in responses)
        grades = tuple(grade(rule, name, prompt, text) for text in texts)
        return replace(item, responses=tuple(responses), grades=grades)


def tokens_of(tokenizer: Any, documents: Sequence[str]) -> Tensor:
    """Documents as one row of tokens, each with its end.  (T,)."""
    found = [
        [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        for text in documents
    ]
    return torch.tensor([token for each in found for token in each])


def asked(texts: Texts, tokenizer: Any, model: Any, generator: Generator) -> Task:
    """Openings from a text, answered by the model and graded by the rule.

    Prompts whose answers are all of one grade have nothing to prefer: they are left out, counted.
    Raises: DataError: the text is shorter than an opening, or no prompt is left.
    """
    asking = texts.asking
    reward_named(asking.reward)
    rows = {"train": tokens_of(tokenizer, texts.train), "valid": tokens_of(tokenizer, texts.valid)}
    task = Task(tokenizer, (), (), asking, rows["valid"], texts.notes)
    counts = {"train": asking.prompts, "valid": max(int(asking.prompts * ASKED_TO_VALIDATE), 1)}
    prompts = (
        (name, openings(text, asking.prompt_tokens, counts[name], generator, name))
        for name, text in rows.items()
    )
    return with_answers(task, prompts, model, generator)


def with_answers(
    task: Task,
    prompts: Iterable[tuple[str, Sequence[Item]]],
    model: Any,
    generator: Generator,
) -> Task:
    """The task with the model's graded answers to the prompts of each part, `train` and `valid`.

    Raises: DataError: no prompt is left.
    """
    asking, kept, left, count = task.asking, {}, 0, 0
    for name, items in prompts:
        found = answered(task, items, model, generator)
        kept[name] = tuple(item for item in found if len(set(item.grades)) > 1)
        left += len(found) - len(kept[name])
        count += len(found)
    if not kept["train"]:
        raise DataError(
            f"the reward `{asking.reward}` gives the {asking.responses} responses of every prompt "
            "one grade: nothing is preferred to anything"
        )
    note = f"{left} of {count} prompts left out: all their responses graded alike"
    return replace(task, notes=(*task.notes, note), **kept)


def openings(text: Tensor, length: int, count: int, generator: Generator, part: str) -> list[Item]:
    """Pieces of a text that begin anywhere, without responses.

    Raises: DataError: the text is shorter than a piece.
    """
    if len(text) <= length:
        raise DataError(
            f"the {part} part of the text has {len(text)} tokens, an opening {length}: "
            "give a longer text, or lower `data.prompt_tokens`"
        )
    starts = torch.randint(len(text) - length, (count,), generator=generator).tolist()
    return [
        Item(f"{part}-{i}-{start}", tuple(text[start : start + length].tolist()), (), ())
        for i, start in enumerate(starts)
    ]


def answered(task: Task, items: Sequence[Item], model: Any, generator: Generator) -> list[Item]:
    """The items with responses of the model, graded."""
    k = task.asking.responses
    responses = draw_responses(
        task, [item.prompt for item in items for _ in range(k)], model, generator
    )
    return [task.graded(item, responses[k * i : k * (i + 1)]) for i, item in enumerate(items)]


def draw_responses(
    task: Task, prompts: Sequence[Sequence[int]], model: Any, generator: Generator
) -> list[tuple[int, ...]]:
    """A response to each prompt, as the task asks for it."""
    return sample(
        model,
        prompts,
        tokens=task.asking.response_tokens,
        temperature=task.asking.temperature,
        end=task.tokenizer.eos_token_id,
        generator=generator,
    )
