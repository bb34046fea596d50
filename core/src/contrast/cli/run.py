"""`contrast run`: train, evaluate and report, or show what a run would be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import say
from contrast.cli.options import Json, Observers
from contrast.errors import ConfigError, listing


def run(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="plugin=NAME data=NAME objective.temperature=0.5 trainer.max_epochs=100 seed=3",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="YAML; the words win over it.")
    ] = None,
    multirun: Annotated[
        bool, typer.Option("--multirun", help="Sweep: seed=0,1,2 is three runs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every effective value and train nothing.")
    ] = False,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="DIR", help="Where the run's folder is made.")
    ] = Path("runs"),
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the run's folder.")
    ] = None,
    observer: Observers = None,
    as_json: Json = False,
) -> None:
    """Train a method, evaluate it, write a report."""
    from contrast.config import resolve, sweep

    plugin = _plugin(words or [], config)
    # Mistakes in any job are answered here: before torch is imported and before the first one.
    jobs = sweep(words or []) if multirun else [words or []]
    resolved = [resolve(plugin, job, file=config) for job in jobs]
    if dry_run:
        from contrast.cli.dry_run import show_dry_run

        if len(jobs) > 1:
            say(f"the first of {len(jobs)} jobs:")
        show_dry_run(resolved[0], as_json=as_json)
        return
    from contrast.cli.running import run_all, run_one

    run_it = run_all if multirun else run_one
    run_it(
        plugin,
        overrides=words or [],
        file=config,
        runs=runs,
        name=name,
        observers=observer or [],
        as_json=as_json,
    )


def _plugin(words: Sequence[str], config: Path | None) -> str:
    """The plugin that the words or the file name.

    Raises: ConfigError: none is named, or a word is no `key=value`.
    """
    from contrast.config import named_plugin
    from contrast.plugins import installed

    bare = next((word for word in words if "=" not in word), None)
    plugin = None if bare else named_plugin(words, config)
    if plugin:
        return plugin
    names = [info.name for info in installed() if not info.problem]
    if bare:
        meant = f"plugin={bare}" if bare in names else f"data={bare}"
        raise ConfigError(f"`{bare}` is not of the form key=value; did you mean `{meant}`?")
    raise ConfigError(
        f"say which plugin to run: `contrast run plugin={names[0] if names else 'NAME'}`\n"
        f"Installed: {listing(names)}.  See `contrast plugins`."
    )
