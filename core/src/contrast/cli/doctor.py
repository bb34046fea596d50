"""`contrast doctor`: what this machine offers, and what stands in the way."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from contrast.cli.console import output, print_json
from contrast.cli.options import Json


def doctor(as_json: Json = False) -> None:
    """Show what this machine offers and what is amiss."""
    found = examine()
    if as_json:
        print_json(found)
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    for name, value in found.items():
        if name != "amiss":
            table.add_row(Text(name, style="bold"), Text(_words(value)))
    output().print(table)
    for sentence in found["amiss"]:
        output().print(Text(f"amiss: {sentence}"))
    if not found["amiss"]:
        output().print("nothing is amiss")


def examine() -> dict[str, Any]:
    """The findings by name; `amiss` lists what should be repaired, in sentences."""
    from contrast.plugins import CORE, check

    plugins = check()
    broken = [(info, problem) for info, problem in plugins if problem]
    distributions = [CORE, *(info.distribution for info, problem in plugins if not problem)]
    places = _places()
    amiss = [sentence for name in distributions for sentence in unmet(name)]
    amiss += [f"plugin {info.name}: {problem.splitlines()[-1]}" for info, problem in broken]
    amiss += [
        f"CONTRAST_DATA_DIR is {place}, which is no folder"
        for place in [places["data folder"]]
        if place and not Path(place).is_dir()
    ]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **_torch(),
        "memory": _gigabytes(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        "free disk here": _gigabytes(shutil.disk_usage(Path.cwd()).free),
        **places,
        "plugins": [f"{info.name} {info.version}" for info, problem in plugins if not problem],
        "amiss": amiss,
    }


def unmet(distribution: str) -> list[str]:
    """The requirements of a distribution that are not met by what is installed, in sentences."""
    from packaging.requirements import Requirement

    sentences = []
    for line in requires(distribution) or ():
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            have = version(wanted.name)
        except PackageNotFoundError:
            sentences.append(f"{distribution} requires {wanted.name}, which is not installed")
            continue
        if not wanted.specifier.contains(have, prereleases=True):
            sentences.append(
                f"{distribution} is tested with {wanted.name} {wanted.specifier}, this is {have}"
            )
    return sentences


def _torch() -> dict[str, Any]:
    import torch

    cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "torch": torch.__version__,
        "devices": ["cpu", *cuda],
        "threads": torch.get_num_threads(),
    }


def _places() -> dict[str, str]:
    from platformdirs import user_cache_path

    from contrast.data.sources import DATA_DIR_VARIABLE

    cache = user_cache_path("contrast")
    return {"data folder": os.environ.get(DATA_DIR_VARIABLE, ""), "cache": str(cache)}


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value) or "not set"
