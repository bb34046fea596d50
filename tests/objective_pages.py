"""The pages of the objectives, made from the catalogue and from the docstrings of the code.

    python tests/objective_pages.py      writes docs/objectives/ anew

`test_docs.py` compares: whoever changes an objective writes its page anew.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from contrast.config import keys_of
from contrast.objectives.catalogue import CATALOGUE
from contrast.recipe import ObjectivePart

PAGES = Path(__file__).parents[1] / "docs/objectives"
PLAIN = ("cacr_momentum", "meco")  # functions that read no form, so that no recipe chooses them
LABELS = "Shapes|Gradient|Cost|Memory|Edge cases|Differs|Raises"
LABEL = re.compile(rf"(?:^|\n|\s{{2,}})({LABELS}):\s+")
CHOSEN = {part.name for part in CATALOGUE}
NEEDS = {
    "two_views": "two views",
    "sample_ids": "sample ids",
    "labels": "labels",
    "targets": "targets",
}


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    made = {f"{part.name}.md": page(part) for part in CATALOGUE}
    return made | {f"{name}.md": plain_page(name) for name in PLAIN}


def page(part: ObjectivePart) -> str:
    """The page of an objective that a recipe may choose."""
    kind = pkgutil.resolve_name(part.build)
    module = sys.modules[kind.__module__]
    sections = [
        f"# {part.name}",
        f"{part.summary[0].upper()}{part.summary[1:]}.",
        facts(part),
        prose(inspect.getdoc(module).partition("\n")[2].strip()),
        "## Settings",
        "As `objective.KEY=VALUE`:",
        settings(part),
        "## In code",
        f"`{part.build.replace(':', '.')}`: {rendered(kind)}",
        *(section(f) for f in (*functions(kind, module), *companions(kind, module))),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def plain_page(name: str) -> str:
    """The page of an objective that is a plain function, for a training loop of one's own."""
    module = pkgutil.resolve_name(f"contrast.objectives.{name}")
    title, _, more = inspect.getdoc(module).partition("\n")
    sections = [
        f"# {name}",
        linked(title),
        prose(more.strip()),
        "It reads no form, so that no recipe chooses it by name: call it in a step of your own.",
        "## In code",
        *(section(f) for f in (*of_module(module), *companions(None, module))),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def facts(part: ObjectivePart) -> str:
    """What `contrast info objectives` says of it, as a table."""
    rows = {
        "choose it": f"`objective={part.name}`",
        "paper": f"[arXiv:{part.paper.rpartition('/')[2]}]({part.paper})",
        "reads": f"[`{part.reads.__name__}`](../concepts.md#forms)",
        "needs": needs(part),
        "cost": part.cost,
        "state": "kept for each sample, in the checkpoint" if part.per_sample_state else "",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items() if value]
    return "\n".join(["| | |", "|---|---|", *lines])


def needs(part: ObjectivePart) -> str:
    """What it needs of a recipe, in words."""
    return ", ".join(NEEDS[need] for need in sorted(part.needs, reverse=True))


def settings(part: ObjectivePart) -> str:
    """The keys with type, default, range and help."""
    lines = ["| key | type | default | range | meaning |", "|---|---|---|---|---|"]
    for key in keys_of(part.config).values():
        said = {name: word.replace("|", "\\|") for name, word in key.describe().items()}
        lines.append(
            f"| `{said['key']}` | {said['type']} | `{said['default']}` | "
            f"{said['range']} | {said['help']} |"
        )
    return "\n".join(lines)


def functions(kind: type, module: ModuleType) -> list[Callable]:
    """The functions that the objective calls, then the others of its file."""
    called = [vars(module).get(name) for name in kind.forward.__code__.co_names]
    found = [f for f in called if inspect.isfunction(f) and is_loss(f)]
    others = [f for f in of_module(module) if f.__name__ not in CHOSEN]
    return list(dict.fromkeys([*found, *others]))


def of_module(module: ModuleType) -> Iterator[Callable]:
    """The losses that a file defines."""
    for found in vars(module).values():
        if inspect.isfunction(found) and found.__module__ == module.__name__ and is_loss(found):
            yield found


def is_loss(function: Callable) -> bool:
    """Whether a function is public mathematics, which says where its gradient goes."""
    is_public = not function.__name__.startswith("_")
    ours = function.__module__.startswith("contrast.objectives.")
    return is_public and ours and "Gradient:" in (inspect.getdoc(function) or "")


def companions(kind: type | None, module: ModuleType) -> Iterator[type]:
    """The other public classes of a file, but no other objective."""
    built = {part.build.partition(":")[2] for part in CATALOGUE}
    for found in vars(module).values():
        ours = inspect.isclass(found) and found.__module__ == module.__name__
        if ours and found is not kind and found.__name__ not in built:
            yield found


def section(thing: Callable) -> str:
    """A function or class: its name, its signature, what it says of itself."""
    title = f"### `{thing.__module__}.{thing.__name__}`"
    if inspect.isclass(thing):
        return f"{title}\n\n{rendered(thing)}"
    head = re.match(r"def .*?:\n(?=    \"\"\")", inspect.getsource(thing), re.DOTALL)[0]
    return f"{title}\n\n```python\n{head.rstrip()} ...\n```\n\n{rendered(thing)}"


def rendered(thing: Callable) -> str:
    """A docstring as Markdown: equations stay as they are, what is labelled becomes a list."""
    text = inspect.getdoc(thing)
    start = re.search(rf"^(?:{LABELS}): ", text, re.MULTILINE)
    body, labelled = (text[: start.start()], text[start.start() :]) if start else (text, "")
    pieces = LABEL.split(labelled)[1:]
    items = [
        f"- **{label}:** {linked(' '.join(words.split()))}"
        for label, words in zip(pieces[::2], pieces[1::2], strict=True)
    ]
    return "\n\n".join(filter(None, (prose(body.strip()), "\n".join(items))))


def prose(text: str) -> str:
    """Paragraphs, those that begin with an equation in a block of their own."""
    parts = []
    for paragraph in filter(None, text.split("\n\n")):
        first = re.sub(r"`[^`]*`", "", paragraph.partition("\n")[0])
        is_sentence = re.match(r"[A-Za-z]{3,}[ ,]", first)
        is_equation = re.search(r" (=|<-) ", first) and not is_sentence
        aside = re.sub(r"\s{3,}(?=\(.*arXiv)", "\n    ", paragraph)  # the page is narrower
        parts.append(f"```text\n{aside}\n```" if is_equation else linked(paragraph))
    return "\n\n".join(parts)


def linked(text: str) -> str:
    """Prose with papers as links and without anything that Markdown takes for a tag."""
    pieces = re.split(r"(`[^`]*`)", text)
    pieces[::2] = [piece.replace("<", "&lt;").replace("*", r"\*") for piece in pieces[::2]]
    return re.sub(
        r"\barXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", "".join(pieces)
    )


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text)
