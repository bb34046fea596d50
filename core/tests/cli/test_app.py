"""What holds for every command: speed, exit codes, errors without a traceback."""

import errno
import os
import time

import pytest

from contrast import plugins
from contrast.cli.doctor import unmet

HEAVY = {"torch", "numpy", "pandas", "sklearn", "omegaconf", "matplotlib"}
WATCHED = f"""
import sys
from contrast.cli import main
try:
    main()
finally:
    print("loaded:", *sorted({HEAVY} & set(sys.modules)), *sys.modules.keys() & {{"gallery", "bomb"}})
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["run", "--help"], 0),
        (["plugins"], 0),
        (["plugins", "--json"], 0),
        (["run"], 2),
        (["run", "plugin=galery"], 2),
        (["nonsense"], 2),
    ],
)
def test_help_lists_and_mistakes_import_no_plugin_and_nothing_heavy(site, process, arguments, code):
    site.install_gallery()
    site.install("bomb", "raise RuntimeError")
    started = process(*arguments, code=WATCHED)
    out, err = started.communicate(timeout=60)
    assert started.returncode == code
    assert "loaded:\n" in out
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words", [["seed=x"], ["objective.temprature=1"], ["objective=listwise"], ["data=bigg"]]
)
def test_a_user_s_mistake_in_a_plugin_s_keys_imports_nothing_heavy(site, process, words):
    site.install_gallery()
    started = process("run", "plugin=gallery", *words, code=WATCHED)
    out, err = started.communicate(timeout=60)
    assert started.returncode == 2
    assert out == "loaded: gallery\n"
    assert err.startswith("error: ")
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--help"], ["plugins"], ["run"], ["run", "plugin=gallery", "sed=1"]]
)
def test_answers_come_within_three_tenths_of_a_second_on_an_idle_machine(site, process, arguments):
    site.install_gallery()
    took = []
    for _ in range(10):
        begun = time.perf_counter()
        process(*arguments).communicate(timeout=60)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.3


def test_the_version_is_told(contrast):
    assert contrast("--version").out.startswith("contrast 0.")


def test_a_command_of_another_package_is_listed_and_imported_only_when_called(
    site, process, contrast
):
    site.install(
        "greet",
        "import typer\napp = typer.Typer()\n"
        "@app.command()\ndef greet(name: str):\n    print('hello', name)\n",
        module="greeting",
        group="contrast.commands",
    )
    points = site.path / "contrast_greet-1.0.dist-info/entry_points.txt"
    points.write_text("[contrast.commands]\ngreet = greeting:app\nrun = greeting:app\n")
    listed = process("--help", code=WATCHED.replace('"bomb"', '"greeting"'))
    out, _ = listed.communicate(timeout=60)
    assert "From contrast-greet." in out
    assert "loaded:\n" in out
    called = process("greet", "Ada")
    assert called.communicate(timeout=60) == ("hello Ada\n", "")
    assert called.returncode == 0
    assert "say which plugin" in contrast("run").err  # a core command cannot be taken


def test_a_borrowed_command_that_cannot_be_imported_is_named(site, process):
    site.install("broken", "raise RuntimeError('boom')", group="contrast.commands")
    started = process("broken")
    _, err = started.communicate(timeout=60)
    assert started.returncode == 2
    said = "error: the command `broken` of contrast-broken cannot be loaded: RuntimeError: boom"
    assert err.splitlines()[0] == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "error: cannot use /full: no space left on device"),
        (errno.EACCES, "error: cannot use /full: permission denied"),
        (errno.EROFS, "error: cannot use /full: read-only file system"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(contrast, monkeypatch, number, said):
    def fail():
        raise OSError(number, os.strerror(number), "/full")

    monkeypatch.setattr(plugins, "installed", fail)
    done = contrast("plugins")
    assert (done.code, done.err) == (1, f"{said}\n")


def test_a_bug_keeps_its_traceback(site, process):
    code = (
        "import contrast.plugins as plugins\n"
        "plugins.installed = lambda: 1 / 0\n"
        "from contrast.cli import main; main()"
    )
    started = process("plugins", code=code)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "Traceback" in err
    assert "ZeroDivisionError" in err


def test_doctor_finds_what_is_not_met(site):
    site.install("needy", "", metadata=["Requires-Dist: pluggy<0.1", "Requires-Dist: nosuchthing"])
    assert unmet("contrast-needy")[0].startswith("contrast-needy is tested with pluggy <0.1, this")
    assert "nosuchthing, which is not installed" in unmet("contrast-needy")[1]
