"""New plugins: a small complete package, written from the templates that lie in this folder.

In their paths `NAME` stands for the plugin's name and `PACKAGE` for its module.
"""

from __future__ import annotations

import re
from pathlib import Path

from contrast import __version__
from contrast.errors import ConfigError, DataError

HOME = Path(__file__).parent
SUFFIX = ".jinja"
TAKEN = {
    "core": "`contrast-core` is the core itself",
    "objectives": "`contrast info objectives` describes the core's",
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
    if name in taken:
        raise ConfigError(f"the name `{name}` is taken: {taken[name]}")


def write_plugin(name: str, folder: Path | None = None) -> Path:
    """Write the package of a plugin into a new folder, `contrast-NAME` unless given; gives it.

    Raises: DataError: the folder exists.
    """
    folder = folder or Path(_distribution(name))
    if folder.exists():
        raise DataError(f"{folder} exists and is not overwritten; choose another with `--out`")
    for path, text in plugin_files(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
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


def _better(name: str) -> str:
    """The nearest name that can be a plugin's, or nothing."""
    word = re.sub(r"[^a-z0-9]+", "_", name.lower().removeprefix("contrast")).strip("_")
    return word.lstrip("0123456789_")
