"""Records as something to train on: what is left out, the held-out prompts, tokens in a window."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Generator

from contrast.errors import ConfigError, DataError
from contrast_alignment.batch import Item
from contrast_alignment.records import Kind, Record, Turns, goes_on, is_empty, kind_of, parsed
from contrast_alignment.rewards import reward_named
from contrast_alignment.rows import Row, read_rows
from contrast_alignment.task import Task
from contrast_alignment.texts import Asking
from contrast_alignment.tokens import common_prefix, conversation, opening

Side = Literal["left", "right"]
COLUMNS: dict[Kind, str] = {
    "pair": "pairs (prompt, chosen, rejected)",
    "list": "lists (prompt, responses, grades)",
    "unpaired": "unpaired responses (prompt, completion, label)",
    "group": "prompts, answered by the model",
}


@dataclass(frozen=True)
class Window:
    """How many tokens of a conversation are read, and at which end a long prompt is cut.

    A response that is too long loses its end, and with it the end token.
    """

    tokens: int
    prompt_tokens: int
    prompt_side: Side

    def __post_init__(self) -> None:
        """Raises: ConfigError: there is no room for a response."""
        if self.prompt_tokens >= self.tokens:
            raise ConfigError(
                f"`data.max_prompt_tokens` must be below `data.max_tokens`, got "
                f"{self.prompt_tokens} and {self.tokens}: nothing of a response would be read"
            )


@dataclass(frozen=True)
class Preferences:
    """Records to train and to validate on; no prompt is in both parts."""

    kind: Kind
    train: tuple[Record, ...]
    valid: tuple[Record, ...]
    window: Window
    asking: Asking | None = None
    notes: tuple[str, ...] = ()

    def texts(self) -> tuple[str, ...]:
        """What is said in the training part, to learn a tokenizer from."""
        return tuple(
            text
            for record in self.train
            for turns in (record.prompt, *record.responses)
            for text in _texts(turns)
        )

    def tokenized(self, tokenizer: Any) -> Task:
        """Every record as tokens in the window, and notes on what was cut.

        Raises: DataError: messages and no chat template, or one that rewrites the prompt.
        """
        parts = [
            [tokenized(record, tokenizer, self.window) for record in part]
            for part in (self.train, self.valid)
        ]
        cuts = Counter(cut for part in parts for _, found in part for cut in found)
        train, valid = (tuple(item for item, _ in part) for part in parts)
        notes = (*self.notes, self._ending(tokenizer, train), *self._cut(cuts))
        return Task(tokenizer, train, valid, self.asking, notes=notes)

    def _ending(self, tokenizer: Any, items: Sequence[Item]) -> str:
        """How a response ends, in words."""
        end = tokenizer.eos_token
        if all(isinstance(turns, str) for r in self.train for turns in _said(r)):
            return f"Texts: a response ends with the end token `{end}`."
        ended = any(tokenizer.eos_token_id in each for item in items for each in item.responses)
        if ended or self.kind == "group":
            return f"Chat messages, by the model's template: a response ends with `{end}`."
        return (
            f"Chat messages, by the model's template, which writes no end token `{end}` after a "
            "response: the model does not learn to stop."
        )

    def _cut(self, counts: Counter[str]) -> list[str]:
        limits = {
            "prompts": (self.window.prompt_side, self.window.prompt_tokens),
            "responses": ("right", self.window.tokens),
        }
        return [
            f"{counts[what]} {what} were cut on the {side}: `data.max_"
            f"{'prompt_' if what == 'prompts' else ''}tokens={limit}`."
            for what, (side, limit) in limits.items()
            if counts[what]
        ]


def own_records(generator: Generator, *, path: str, **settings: Any) -> Preferences:
    """The records of the user's file; see `contrast_alignment.records` and `from_rows`."""
    if not path:
        raise ConfigError("`data.path` names no file: give records as JSON lines, JSON or Parquet")
    rows, notes = read_rows(path)
    return from_rows(rows, path, generator, notes=notes, **settings)


def from_rows(
    rows: Sequence[Row],
    name: str,
    generator: Generator,
    *,
    valid_share: float,
    max_tokens: int,
    max_prompt_tokens: int,
    prompt_side: Side,
    response_tokens: int,
    responses: int,
    temperature: float,
    reward: str,
    notes: tuple[str, ...] = (),
) -> Preferences:
    """Rows as preferences: those of no use left out and counted, some prompts held out.

    Raises: ConfigError: prompts alone and no rule; DataError: see `records`; none is of use.
    """
    window = Window(max_tokens, max_prompt_tokens, prompt_side)
    kind = kind_of(rows)
    asking = None
    if kind == "group":
        asking = Asking(
            len(rows), responses, max_prompt_tokens, response_tokens, temperature, reward
        )
        _refuse_ungraded(name, reward)
    kept, left = _useful(parsed(rows, kind), kind)
    if not kept:
        raise DataError(f"{name} holds no record that can be learnt from: {'; '.join(left)}")
    train, valid = held_out(kept, valid_share, generator)
    counted = (
        f"{name}: {len(kept)} {COLUMNS[kind]}, {len(train)} to train on and {len(valid)} held out, "
        "no prompt in both."
    )
    left_out = [f"Left out: {each}." for each in left]
    return Preferences(kind, train, valid, window, asking, (counted, *notes, *left_out))


def _refuse_ungraded(name: str, reward: str) -> None:
    if not reward:
        raise ConfigError(
            f"{name} holds prompts alone, and nothing says which answer is better: set "
            "`data.reward` to a rule such as `vowels`, or to your own `module:function`"
        )
    reward_named(reward)


def _useful(records: Sequence[Record], kind: Kind) -> tuple[list[Record], list[str]]:
    """The records that can be learnt from, and how many are left out for which reason."""
    reasons = [unfit(record, kind) for record in records]
    kept = [record for record, reason in zip(records, reasons, strict=True) if not reason]
    counts = Counter(filter(None, reasons))
    return kept, [f"{count} {reason}" for reason, count in counts.items()]


def unfit(record: Record, kind: Kind) -> str:
    """Why nothing can be learnt from a record, in words; empty if something can."""
    if is_empty(record.prompt):
        return "with an empty prompt"
    if any(map(is_empty, record.responses)):
        return "with an empty response"
    if kind == "pair" and all(map(goes_on, record.responses)):
        return "whose conversations part before the last turn"
    if kind == "list" and len(record.responses) == 1:
        return "with one response alone"
    if kind == "list" and len(set(record.grades)) < 2:
        return "whose responses are all graded alike"
    if kind == "pair" and record.responses[0] == record.responses[1]:
        return "whose responses are the same"
    return ""


def held_out(
    records: Sequence[Record], share: float, generator: Generator
) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Records to train on, and those of a random share of the prompts, at least one, held out."""
    keys = [json.dumps(record.prompt, sort_keys=True) for record in records]
    prompts = list(dict.fromkeys(keys))
    count = min(max(round(share * len(prompts)), 1), len(prompts) - 1) if share else 0
    chosen = torch.randperm(len(prompts), generator=generator)[:count].tolist()
    kept_apart = {prompts[i] for i in chosen}
    train = (r for r, key in zip(records, keys, strict=True) if key not in kept_apart)
    valid = (r for r, key in zip(records, keys, strict=True) if key in kept_apart)
    return tuple(train), tuple(valid)


def tokenized(record: Record, tokenizer: Any, window: Window) -> tuple[Item, list[str]]:
    """A record as tokens, and what of it was cut: `prompts`, `responses`.

    Each conversation is tokenised whole. The tokens that all of them begin with, and that belong
    to the prompt in all, stand once.
    """
    if not record.responses:
        prompt, cut = _cut_prompt(opening(tokenizer, record.prompt), window)
        return Item(record.id, prompt, (), ()), cut
    found = [conversation(tokenizer, record.prompt, each) for each in record.responses]
    shared = common_prefix([ids for ids, _ in found], min(start for _, start in found))
    before = found[0][0][:shared] or [tokenizer.eos_token_id]
    prompt, cut = _cut_prompt(before, window)
    room = window.tokens - len(prompt)
    rest = [ids[shared:] for ids, _ in found]
    cut += ["responses" for ids in rest if len(ids) > room]
    return Item(
        record.id,
        prompt,
        tuple(tuple(ids[:room]) for ids in rest),
        record.grades,
        tuple(start - shared for _, start in found),
    ), cut


def _cut_prompt(ids: Sequence[int], window: Window) -> tuple[tuple[int, ...], list[str]]:
    if len(ids) <= window.prompt_tokens:
        return tuple(ids), []
    left = window.prompt_side == "left"
    kept = ids[-window.prompt_tokens :] if left else ids[: window.prompt_tokens]
    return tuple(kept), ["prompts"]


def _said(record: Record) -> tuple[Turns, ...]:
    return (record.prompt, *record.responses)


def _texts(turns: Turns) -> list[str]:
    return [turns] if isinstance(turns, str) else [each["content"] for each in turns]
