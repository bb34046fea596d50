"""How every app is served: to this machine alone, in the one look, without a word to anybody.

page = quiet_page("Graph explorer")     with page: ...
address = serve(page, port=7860)        wait_for_interrupt()
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from contrast.engine.folder import RunFolder
from contrast.errors import ConfigError, RunFolderError
from contrast.reporting.finding import run_json
from contrast.reporting.gradio_theme import style, theme

if TYPE_CHECKING:
    from gradio import Blocks

LOOPBACK = "127.0.0.1"
SILENT = "GRADIO_ANALYTICS_ENABLED"


def check_finished(folder: Path, plugin: str, app: str) -> None:
    """Whether a folder holds a finished run of the plugin that the app reads.

    Raises: RunFolderError: it is no run folder, it is damaged, or the run is not finished;
    ConfigError: it is a run of another plugin.
    """
    record = run_json(RunFolder.open(folder).path, "plugin", "state")
    if record["plugin"] != plugin:
        raise ConfigError(
            f"{folder} is a run of plugin `{record['plugin']}`; {app} reads runs of `{plugin}`"
        )
    if record["state"] != "done":
        raise RunFolderError(
            f"{folder} is not finished: its state is `{record['state']}`\n"
            f"Finish it with `contrast resume {folder}`."
        )


def quiet_page(title: str) -> Blocks:
    """An empty page that reports nothing to the makers of Gradio."""
    with _silence():
        import gradio

        return gradio.Blocks(title=title, analytics_enabled=False, fill_width=True)


def serve(page: Blocks, *, port: int = 0, css: str = "") -> str:
    """Serve a page on the loopback interface and give its address at once; `port` 0: a free one.

    `css` are the page's own rules beside those that all apps share.
    Raises: ConfigError: the port is taken, or not allowed.
    """
    require_free(port)
    with _silence():
        _, address, _ = page.launch(
            server_name=LOOPBACK,
            server_port=port or free_port(),
            theme=theme(),
            css=style() + css,
            share=False,
            inline=False,
            ssr_mode=False,
            pwa=False,
            enable_monitoring=False,
            footer_links=[],
            quiet=True,
            prevent_thread_lock=True,
        )
    return address


def wait_for_interrupt() -> None:
    """Stay until Ctrl-C, which ends without a traceback."""
    with suppress(KeyboardInterrupt):
        Event().wait()


def require_free(port: int) -> None:
    """Raises: ConfigError: the port is taken on the loopback interface, or not allowed."""
    with socket.socket() as mine:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # an app that just ended is gone
        try:
            mine.bind((LOOPBACK, port))
        except OSError as error:
            reason = "is not allowed" if isinstance(error, PermissionError) else "is taken"
            raise ConfigError(f"port {port} {reason}; choose another with `--port`") from None


def free_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return taken.getsockname()[1]


@contextmanager
def _silence() -> Iterator[None]:
    """Gradio reads from the environment whether it may report; it is put back after."""
    before = os.environ.get(SILENT)
    os.environ[SILENT] = "False"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SILENT]
        else:
            os.environ[SILENT] = before
