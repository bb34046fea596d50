"""`contrast resume RUN`: go on with a run that was stopped."""

from __future__ import annotations

from contrast.cli.options import Json, Observers, Run


def resume(run: Run, observer: Observers = None, as_json: Json = False) -> None:
    """Go on with a run that was stopped or killed."""
    from contrast.cli.progress import watching
    from contrast.cli.running import show_result

    with watching(observer or []) as watch:
        from contrast import api

        result = api.resume(run, observer=watch)
    show_result(result, as_json=as_json)
