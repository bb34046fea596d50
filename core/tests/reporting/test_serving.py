import os
import socket
import sys
from urllib.request import urlopen

import pytest

gradio = pytest.importorskip("gradio", reason="an app's dependency, not the core's")

import typer  # noqa: E402

from contrast.cli.options import Port  # noqa: E402
from contrast.errors import ConfigError, RunFolderError  # noqa: E402
from contrast.reporting.serving import (  # noqa: E402
    LOOPBACK,
    SILENT,
    check_finished,
    free_port,
    quiet_page,
    serve,
)

spoken_to = []
sys.addaudithook(lambda event, args: spoken_to.append(args) if event == "socket.connect" else None)


@pytest.fixture(scope="module")
def address():
    with quiet_page("tiny") as page:
        gradio.Markdown("hello")
    spoken_to.clear()
    yield serve(page, css=".own { color: red }")
    page.close(verbose=False)


def test_a_page_is_served_on_the_loopback_interface_alone(address):
    port = int(address.rstrip("/").rpartition(":")[2])
    assert address.startswith(f"http://{LOOPBACK}:")
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.2", port))


def test_the_page_has_its_title_the_palette_and_its_own_rules(address):
    page = urlopen(address, timeout=10).read().decode()
    assert "tiny" in page
    assert "--series-0: #" in page
    assert ".own { color: red }" in page


def test_starting_speaks_to_nobody_but_this_machine(address):
    urlopen(address, timeout=10).read()
    hosts = {where[0] for _, where in spoken_to if isinstance(where, tuple)}
    assert hosts <= {LOOPBACK, "127.0.0.2"}
    assert LOOPBACK in hosts


def test_the_environment_is_left_as_it_was(address):
    assert SILENT not in os.environ


@pytest.fixture
def taken():
    """A port on which somebody listens."""
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_told_with_the_way_out(taken):
    with quiet_page("late") as page, pytest.raises(ConfigError, match=f"{taken} is taken.*--port"):
        serve(page, port=taken)


def test_an_app_tells_of_a_taken_port_before_it_loads_anything(taken):
    app, loaded = typer.Typer(), []

    @app.command()
    def show(port: Port = 0) -> None:
        loaded.append(port)

    with pytest.raises(ConfigError, match=f"port {taken} is taken"):
        app(["--port", str(taken)], standalone_mode=False)
    assert loaded == []


def test_a_free_port_can_be_bound():
    with socket.socket() as mine:
        mine.bind((LOOPBACK, free_port()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"run\.json is damaged"),
        ("[]", r"run\.json is damaged: it must hold an object"),
        ("{}", r"run\.json is damaged: it holds no text for `plugin`, `state`"),
        ('{"plugin": "meow"}', r"run\.json is damaged: it holds no text for `state`"),
        ('{"plugin": "meow", "state": "stopped"}', "is not finished: its state is `stopped`"),
    ],
)
def test_a_run_that_an_app_cannot_read_is_told(tmp_path, text, words):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunFolderError, match=words):
        check_finished(tmp_path, "meow", "the app")
