"""New plugins: a small complete package, written from the templates that lie in this folder.

In their paths `NAME` stands for the plugin's name and `PACKAGE` for its module.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from contrast import __version__
from contrast.errors import ConfigError, DataError

HOME = Path(__file__).parent
SUFFIX = ".jinja"
TAKEN = {
    "core": "`contrast-core` is the core itself",
    "objectives": "`contrast info objectives` describes the core's",
    "objective": "every new plugin has a file `tests/test_objective.py`, which it would replace",
    "drawn": "the recipe of a new plugin has a class `DrawnConfig` of its own",
    "knn": "the recipe of a new plugin has a class `KnnConfig` of its own",
    "mlp": "the recipe of a new plugin has a class `MlpConfig` of its own",
    "run": "the recipe of a new plugin uses the class `RunConfig` of the core",
    "table": "the recipe of a new plugin has a class `TableConfig` of its own",
    "trainer": "the recipe of a new plugin uses the class `TrainerConfig` of the core",
    "two_views": "the recipe of a new plugin has a class `TwoViewsConfig` of its own",
}


def check_name(name: str) -> None:
    """Refuse a name that cannot be a plugin's.

    Raises: ConfigError: it is no lower-case word, or it is taken.
    """
    from contrast.objectives.catalogue import CATALOGUE
    from contrast.plugins import installed

    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        better = _better(name)
        raise ConfigError(
            f"a plugin cannot be called `{name}`{f'; did you mean `{better}`?' if better else ''}\n"
            "Its name is a lower-case word of letters, digits and single underscores, such as "
            "`tides` or `hard_tides`."
        )
    taken = dict(TAKEN)
    taken |= {part.name: "the core has an objective of that name" for part in CATALOGUE}
    taken |= {info.name: f"{info.distribution} brings a plugin of it" for info in installed()}
    reason = taken.get(name) or _installed_already(name)
    if reason:
        raise ConfigError(f"the name `{name}` is taken: {reason}")


def write_plugin(name: str, folder: Path | None = None) -> Path:
    """Write the package of a plugin into a new folder, `contrast-NAME` unless given; gives it.

    Raises: DataError: the folder exists, or it cannot be written.
    """
    folder = folder or Path(_distribution(name))
    if os.path.lexists(folder):  # a link that leads nowhere is in the way too
        raise DataError(f"{folder} exists and is not overwritten; choose another with `--out`")
    files = plugin_files(name)
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(
            f"cannot write {folder}: {reason}; choose another folder with `--out`"
        ) from None
    return folder


def plugin_files(name: str) -> dict[str, str]:
    """The files of a new plugin: relative path and text."""
    from jinja2 import Environment, StrictUndefined

    templates = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    words = _words(name)
    found = {}
    for source in sorted(HOME.rglob(f"*{SUFFIX}")):
        path = source.relative_to(HOME).as_posix().removesuffix(SUFFIX)
        path = path.replace("PACKAGE", words["package"]).replace("NAME", name)
        found[path] = templates.from_string(source.read_text(encoding="utf-8")).render(words)
    return found


def _words(name: str) -> dict[str, str]:
    major, minor, *_ = __version__.split(".")
    return {
        "name": name,
        "package": f"contrast_{name}",
        "distribution": _distribution(name),
        "title": "".join(part.capitalize() for part in name.split("_")),
        "constant": name.upper(),
        "core": f"{major}.{minor}",
        "next_core": f"{major}.{int(minor) + 1}",
    }


def _distribution(name: str) -> str:
    return f"contrast-{name.replace('_', '-')}"


def _installed_already(name: str) -> str | None:
    """What is installed under the names of the new package, which pip would replace."""
    package, project = f"contrast_{name}", _distribution(name)
    if find_spec(package) is not None:
        return f"the package `{package}` is installed already, and yours would replace it"
    try:
        distribution(project)
    except PackageNotFoundError:
        return None
    return f"`{project}` is installed already, and yours would replace it"


def _better(name: str) -> str:
    """The nearest name that can be a plugin's, or nothing."""
    word = re.sub(r"[^a-z0-9]+", "_", name.lower().removeprefix("contrast")).strip("_")
    return word.lstrip("0123456789_")
