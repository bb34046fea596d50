"""New plugins: names that are refused, folders left alone, a package that is found and runs.

tests/test_docs.py installs one by pip and runs the tests that it brings.
"""

import ast
import json
import re
import tomllib

import pytest

from contrast.cli import main
from contrast.errors import ConfigError, DataError
from contrast.plugins import load
from contrast.scaffold import check_name, plugin_files, write_plugin
from contrast.testing import toys


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Tides", "cannot be called `Tides`; did you mean `tides`?"),
        ("contrast-Hard tides", "did you mean `hard_tides`?"),
        ("2tides", "did you mean `tides`?"),
        ("_", "cannot be called `_`\n"),
        ("hard__tides", "did you mean `hard_tides`?"),
        ("core", "the name `core` is taken: `contrast-core` is the core itself"),
        ("objectives", "the name `objectives` is taken"),
        ("dcl", "the name `dcl` is taken: the core has an objective of that name"),
        ("gallery", "the name `gallery` is taken: contrast-gallery brings a plugin of it"),
        ("objective", "every new plugin has a file `tests/test_objective.py`"),
        ("knn", "the recipe of a new plugin has a class `KnnConfig` of its own"),
        ("trainer", "the recipe of a new plugin uses the class `TrainerConfig` of the core"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_a_better_one(gallery, name, words):
    with pytest.raises(ConfigError) as caught:
        check_name(name)
    assert words in str(caught.value)


def test_no_name_gives_a_new_plugin_two_classes_of_one_name():
    tree = ast.parse(plugin_files("tides")["src/contrast_tides/recipe.py"])
    used = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.alias)}
    own = {name.removesuffix("Config") for name in used if name.endswith("Config")} - {"Tides"}
    assert {"Drawn", "Mlp", "Run", "TwoViews"} <= own
    for words in own:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words).lower()
        with pytest.raises(ConfigError, match=f"`{name}` is taken: .*`{words}Config`"):
            check_name(name)


def test_no_name_gives_a_new_plugin_two_files_of_one_path():
    for path in plugin_files("tides"):
        if path.startswith("tests/test_") and "tides" not in path:
            name = path.removeprefix("tests/test_").removesuffix(".py")
            with pytest.raises(ConfigError, match="is taken"):
                check_name(name)


def test_a_name_whose_package_is_installed_is_refused(site):
    (site.path / "contrast_deep_waves.py").touch()
    with pytest.raises(ConfigError, match="the package `contrast_deep_waves` is installed already"):
        check_name("deep_waves")
    site.install("page", distribution="contrast-high-waves", group="contrast.apps")
    with pytest.raises(ConfigError, match="`contrast-high-waves` is installed already"):
        check_name("high_waves")


@pytest.mark.parametrize("name", ["tides", "hard_tides", "m2"])
def test_every_file_is_complete_and_named_after_the_plugin(name):
    files = plugin_files(name)
    for path, text in files.items():
        assert "{{" not in text, path
        assert "NAME" not in path + text
        assert "PACKAGE" not in path + text
        if path.endswith(".py"):
            ast.parse(text)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == f"contrast-{name.replace('_', '-')}"
    assert project["entry-points"]["contrast"] == {name: f"contrast_{name}.plugin"}
    assert json.loads(files[f"tests/vectors/{name}.json"])["cases"]


def test_a_folder_that_exists_is_left_alone(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    with pytest.raises(DataError, match="exists and is not overwritten"):
        write_plugin("tides", mine)
    assert list(mine.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("file/t1", "cannot write file/t1: not a directory; choose another folder"),
        ("/proc/t1", "cannot write /proc/t1: "),
        ("link", "link exists and is not overwritten"),
    ],
)
def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch, capsys, folder, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(SystemExit) as ended:
        main(["new-plugin", "waves", "--out", folder])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: {words}")


def test_a_new_plugin_is_found_and_runs(site, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["new-plugin", "hard_tides"])
    assert not ended.value.code
    captured = capsys.readouterr()
    assert captured.out == "contrast-hard-tides\n"
    assert captured.err.endswith("next: contrast run plugin=hard_tides\n")
    monkeypatch.syspath_prepend(str(tmp_path / "contrast-hard-tides/src"))
    toys.install(site.path, name="hard_tides", module="contrast_hard_tides.plugin")
    (recipe,) = load("hard_tides").recipes
    assert recipe.slots["objective"][0].build == "contrast_hard_tides.objective:HardTidesObjective"
    with pytest.raises(SystemExit) as ended:
        main(["run", "plugin=hard_tides", "trainer.max_epochs=1", "--json"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["metrics"]["accuracy"] > 50
