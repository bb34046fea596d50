"""Which prompt comes next, which side which response stands on, and what is kept of a click."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Any, Literal

import torch

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_alignment.records import Turns
from contrast_preference_studio.answers import Answers, key
from contrast_preference_studio.writer import Response, Writer

NAMELESS = "somebody"
TRIED = 8  # held-out prompts whose responses are all alike, before that is said
Said = Literal["left", "right", "tie", "skip"]


@dataclass(frozen=True)
class Drawing:
    """How responses are drawn."""

    temperature: float
    seed: int
    tokens: int


@dataclass(frozen=True)
class Question:
    """A prompt and two responses. `first` is the side of the one that was drawn first."""

    number: int
    prompt: Turns
    typed: bool
    turn: int
    left: Response
    right: Response
    first: Literal["left", "right"]
    drawing: Drawing


class Asking:
    """Asks one person after another; whoever was asked least about a prompt is asked it next."""

    def __init__(self, writer: Writer, answers: Answers) -> None:
        self.writer, self.answers = writer, answers
        self._numbers, self._answered = count(1), set[int]()
        self._lock = Lock()

    def next(self, who: str, drawing: Drawing, typed: str | None = None) -> Question:
        """The next pair of responses for somebody, to a typed prompt or to a held-out one.

        For the same person, prompt, turn and drawing it is always the same pair.
        Raises: DataError: there is no prompt, or its responses are all alike.
        """
        named = name_of(who)
        asked = self.answers.counts(named)
        if typed is not None:
            return self._question(self._typed(typed), asked, named, drawing, typed=True)
        if not self.writer.prompts:
            raise DataError("This run has no held-out prompts: type one.")
        refused = None
        for prompt in sorted(self.writer.prompts, key=lambda each: asked[key(each)])[:TRIED]:
            try:
                return self._question(prompt, asked, named, drawing, typed=False)
            except DataError as alike:
                refused = alike
        raise refused

    def keep(self, question: Question, said: Said, who: str) -> None:
        """Write down what somebody said; a question is answered once, however fast one clicks.

        Raises: DataError: it cannot be written.
        """
        left, right = self.writer.answer(question.left), self.writer.answer(question.right)
        chosen, rejected = (left, right) if said == "left" else (right, left)
        decided = said in ("left", "right")
        pair = {"chosen": chosen, "rejected": rejected, "side": said}
        without = {"left": left, "right": right, "said": said}
        row = {"prompt": question.prompt, **(pair if decided else without)}
        with self._lock:
            if question.number in self._answered:
                return
            self.answers.add({**row, **self._about(question, name_of(who))}, decided=decided)
            self._answered.add(question.number)

    def _about(self, question: Question, who: str) -> dict[str, Any]:
        """Who said it, and all that is needed to draw the two responses again."""
        drawing = question.drawing
        return {
            "annotator": who,
            "first": question.first,
            "run": self.writer.name,
            "typed": question.typed,
            "seed": drawing.seed,
            "turn": question.turn,
            "temperature": drawing.temperature,
            "max_tokens": drawing.tokens,
        }

    def _question(
        self, prompt: Turns, asked: Counter[str], who: str, drawing: Drawing, *, typed: bool
    ) -> Question:
        turn = asked[key(prompt)]
        pair = self.writer.pair(
            prompt,
            seed=drawing.seed,
            turn=turn,
            temperature=drawing.temperature,
            tokens=drawing.tokens,
        )
        sides = generator("sides", drawing.seed, key(prompt), turn, who)
        turned = bool(torch.randint(2, (), generator=sides))
        left, right = reversed(pair) if turned else pair
        first = "right" if turned else "left"
        return Question(next(self._numbers), prompt, typed, turn, left, right, first, drawing)

    def _typed(self, text: str) -> Turns:
        if not text.strip():
            raise DataError("Type a prompt first.")
        return self.writer.asked(text)


def name_of(typed: str) -> str:
    """A name on one line."""
    return " ".join(typed.split()) or NAMELESS
