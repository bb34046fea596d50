"""The written side of the page: a prompt with two responses, and how far it has come."""

from __future__ import annotations

import shlex

from jinja2 import Environment, PackageLoader

from contrast_alignment.records import Turns
from contrast_preference_studio.asking import Asking, Question

TRAIN = ("contrast", "run", "plugin=alignment", "data=records")


def question_card(question: Question) -> str:
    """The prompt, and two responses to click on."""
    sides = {"left": question.left, "right": question.right}
    return _render(
        "question.html.jinja", question=question, sides=sides, turns=turns_of(question.prompt)
    )


def problem_card(said: str) -> str:
    """Why there is no question."""
    return _render("problem.html.jinja", said=said)


def progress_card(asking: Asking) -> str:
    """How much was said and by how many, and the command that learns from it."""
    answers, writer = asking.answers, asking.writer
    left, sided = answers.on_the_left
    where = (f"data.path={answers.path}", f"encoder.model={writer.folder / 'model'}")
    return _render(
        "progress.html.jinja",
        count=len(answers.decided.rows),
        undecided=len(answers.undecided.rows),
        people=len(answers.people),
        left=left,
        sided=sided,
        path=answers.path,
        command=shlex.join([*TRAIN, *where]),
    )


def turns_of(prompt: Turns) -> list[tuple[str, str]]:
    """Who says what; of a plain text nobody is named."""
    if isinstance(prompt, str):
        return [("", prompt)]
    return [(each["role"], each["content"]) for each in prompt]


def _render(name: str, **held: object) -> str:
    pages = Environment(
        loader=PackageLoader("contrast_preference_studio", "."), autoescape=True, trim_blocks=True
    )
    return pages.get_template(name).render(**held)
