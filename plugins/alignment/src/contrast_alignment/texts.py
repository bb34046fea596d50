"""Texts to learn a language from: Python's own topics, Shakespeare, or a file; nothing is judged.

The preferences come later: the trained model answers openings from the text, and a rule that can
be verified grades its answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Generator

from contrast.data.sources import Source, fetch
from contrast.errors import DataError

SHAKESPEARE = Source(
    "text/tinyshakespeare/input.txt",
    "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    1115394,
)
HELD_OUT = 0.1  # last share of a text, to validate on
SMALLEST = 400  # characters


@dataclass(frozen=True)
class Asking:
    """What is asked of the trained model: openings, responses to each, and the rule of grading."""

    prompts: int
    responses: int
    prompt_tokens: int
    response_tokens: int
    temperature: float
    reward: str


@dataclass(frozen=True)
class Texts:
    """Documents to train and to validate on, and what will be asked."""

    train: tuple[str, ...]
    valid: tuple[str, ...]
    asking: Asking
    notes: tuple[str, ...] = ()


def topics(generator: Generator, **asking: int | float | str) -> Texts:
    """The topics of Python's help, 465000 characters in every installation; every tenth is kept
    to validate on."""
    from pydoc_data.topics import topics as known

    texts = [known[name] for name in sorted(known)]
    valid = tuple(texts[9::10])
    train = tuple(text for i, text in enumerate(texts) if i % 10 != 9)
    return Texts(train, valid, Asking(**asking))


def tinyshakespeare(generator: Generator, **asking: int | float | str) -> Texts:
    """A million characters of plays; the last tenth to validate on."""
    return split(fetch(SHAKESPEARE).read_text(), Asking(**asking))


def own_text(generator: Generator, *, path: str, **asking: int | float | str) -> Texts:
    """The user's own text; the last tenth to validate on.

    Raises: DataError: no such file, not UTF-8, or too short.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise DataError(f"cannot read the text {path}: {cause}") from None
    if len(text) < SMALLEST:
        raise DataError(f"{path} has {len(text)} characters, expected at least {SMALLEST}")
    return split(text, Asking(**asking))


def split(text: str, asking: Asking) -> Texts:
    """A text in its two parts."""
    cut = int(len(text) * (1 - HELD_OUT))
    return Texts((text[:cut],), (text[cut:],), asking)
