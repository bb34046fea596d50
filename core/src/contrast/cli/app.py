"""The commands of `contrast`: its own, and those that packages bring.

A package offers a command under the entry-point group `contrast.commands`: a Typer app. Its name
is read from metadata; it is imported when it is called, so that `--help` imports no plugin.
"""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import contrast
from contrast.cli.compare import compare
from contrast.cli.doctor import doctor
from contrast.cli.embed import embed
from contrast.cli.evaluate import evaluate
from contrast.cli.export import export
from contrast.cli.info import info
from contrast.cli.new_plugin import new_plugin
from contrast.cli.plugins import plugins
from contrast.cli.resume import resume
from contrast.cli.run import run

GROUP = "contrast.commands"


class Borrowed(TyperCommand):
    """A command of another package, imported when it is called."""

    def __init__(self, point: EntryPoint) -> None:
        owner = point.dist.metadata["Name"] if point.dist else "another package"
        super().__init__(point.name, help=f"From {owner}.", rich_help_panel="From other packages")
        self.point, self.owner = point, owner

    def make_context(self, info_name: str | None, args: list[str], **options: Any) -> Any:
        """The context of the real command, which then runs in this one's place."""
        from contrast.plugins import import_point

        borrowed = import_point(self.point, f"the command `{self.name}` of {self.owner}")
        command = typer.main.get_command(borrowed)
        return command.make_context(info_name, args, **options)


class Commands(TyperGroup):
    """The core's commands in the order of their use, then the borrowed ones by name."""

    @cached_property
    def borrowed(self) -> dict[str, EntryPoint]:
        """The commands of other packages; none takes the name of one of the core."""
        points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
        return {point.name: point for point in points if point.name not in self.commands}

    def list_commands(self, ctx: typer.Context) -> list[str]:
        """All names; no package is imported for them."""
        return [*self.commands, *self.borrowed]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name in self.borrowed and cmd_name not in self.commands:
            return Borrowed(self.borrowed[cmd_name])
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
for name, command in {
    "run": run,
    "resume": resume,
    "compare": compare,
    "plugins": plugins,
    "info": info,
    "eval": evaluate,
    "embed": embed,
    "export": export,
    "new-plugin": new_plugin,
    "doctor": doctor,
}.items():
    app.command(name)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"contrast {contrast.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Contrastive learning, one engine: run methods, resume and compare them, use what they learn.

    Begin with: contrast plugins, contrast info NAME, contrast run plugin=NAME.
    """
