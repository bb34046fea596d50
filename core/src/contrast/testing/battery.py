"""The conformance battery: what any plugin must pass, in one line of its tests.

    TestMine = battery("mine")
    TestMeow = battery("meow", "data=hetero", prepare=tiny_graph)

`prepare(folder)` may write small data into a new folder and gives more overrides, such as
`[f"data.path={folder}"]`. A plugin with several methods runs it once for each, with `method=NAME`.
A test that cannot apply is skipped with its reason; one that must not apply is set to None in a
subclass. Runs take six steps on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "contrast.testing.checks.plugin",
    "contrast.testing.checks.parts",
    "contrast.testing.checks.runs",
)

from contrast.testing.checks.parts import PartsChecks  # noqa: E402
from contrast.testing.checks.plugin import PluginChecks  # noqa: E402
from contrast.testing.checks.runs import RunChecks  # noqa: E402

Prepare = Callable[[Path], Sequence[str]]


class Battery(PluginChecks, PartsChecks, RunChecks):
    """All checks; `battery` makes subclasses of it that know their plugin."""

    plugin: str
    given: tuple[str, ...] = ()
    prepare: Prepare | None = None

    @pytest.fixture(scope="class")
    @classmethod
    def overrides(cls, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
        """The overrides of the battery, and those of its prepared data."""
        if cls.prepare is None:
            return list(cls.given)
        return [*cls.given, *cls.prepare(tmp_path_factory.mktemp("data"))]


def battery(plugin: str, *overrides: str, prepare: Prepare | None = None) -> type[Battery]:
    """A pytest class that puts `plugin`, configured by `overrides`, through all checks."""
    members = {
        "__doc__": f"The conformance battery on plugin `{plugin}`.",
        "plugin": plugin,
        "given": overrides,
        "prepare": staticmethod(prepare) if prepare else None,
    }
    return type(f"Test{plugin.title()}", (Battery,), members)
