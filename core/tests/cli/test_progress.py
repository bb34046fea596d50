"""Progress: plain lines now and then, a bar on a terminal, and how to go on when stopped."""

import io
import sys

import pytest
import typer

from contrast.cli import progress as module
from contrast.cli.progress import Progress, installed_observer, watching
from contrast.errors import PluginError


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_plain_lines_come_every_two_seconds_and_at_the_end(capsys, clock):
    watch = Progress()
    watch.on_start("train", 100)
    for step in range(100):
        clock[0] = step * 0.05
        watch.on_step("train", step, {"loss": 1.0 / (step + 1)})
    watch.on_end("train")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[2] for line in lines] == ["1/100", "41/100", "81/100", "100/100"]
    assert lines[0] == "train  step 1/100  loss 1"


def test_a_terminal_gets_a_bar_with_messages_above(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    watch = Progress()
    watch.on_start("train", 3)
    watch.on_message("a [sentence]")
    watch.on_step("train", 2, {"loss": 0.5})
    watch.on_end("train")
    shown = sys.stderr.getvalue()
    assert "a [sentence]" in shown
    assert "3/3" in shown
    assert "loss 0.5" in shown


def test_an_interrupted_command_says_how_to_go_on(capsys):
    def interrupted():
        with watching() as watch:
            watch.on_run("runs/mine")
            raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as ended:
        interrupted()
    assert ended.value.exit_code == 130
    assert "contrast resume runs/mine" in capsys.readouterr().err


def test_only_the_leading_process_speaks(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with watching() as watch:
        watch.on_message("unheard")
    assert capsys.readouterr().err == ""


def test_an_installed_observer_is_added_by_name(site, capsys):
    code = (
        "from contrast.engine.observers import Observer\n"
        "class Shout(Observer):\n"
        "    def on_message(self, text):\n"
        "        print(text.upper())\n"
    )
    site.install("shout", code, module="shouting", group="contrast.observers")
    points = site.path / "contrast_shout-1.0.dist-info/entry_points.txt"
    points.write_text("[contrast.observers]\nshout = shouting:Shout\n")
    with watching(["shout"]) as watch:
        watch.on_message("hear")
    captured = capsys.readouterr()
    assert captured.out == "HEAR\n"
    assert captured.err == "hear\n"
    with pytest.raises(PluginError, match="unknown observer `shot`; did you mean `shout`"):
        installed_observer("shot")
