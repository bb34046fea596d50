"""The docs hold what they show: links lead somewhere, code runs, commands and keys exist."""

import json
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import objective_pages
import pytest

from contrast.cli import main
from contrast.config import resolve, sweep, write
from contrast.objectives.catalogue import CATALOGUE
from contrast.scaffold import plugin_files, write_plugin

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
PAGES += sorted(ROOT.glob("plugins/*/README.md"))
GUIDES = [*sorted((DOCS / "primitives").glob("*.md")), DOCS / "batch-of-a-million.md"]
GROUPS = {"contrast.commands", "contrast.observers"}  # of entry points
BLOCK = re.compile(r"^```(\w+)(?: title=\"(.+?)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """The fenced blocks of a page: language, title, text."""
    return BLOCK.findall((DOCS / page).read_text())


def commands(text):
    """The `contrast` commands of a page, in consoles and indented blocks, as lists of words."""
    joined = text.replace("\\\n", " ")
    for line in re.findall(r"^(?: {4,}|\$ )contrast (.+)$", joined, re.MULTILINE):
        yield shlex.split(re.split(r"\s{2,}|\s#", line)[0])


@pytest.fixture
def run(capsys):
    """Runs a command in this process and gives what it printed."""

    def command(words):
        with pytest.raises(SystemExit) as ended:
            main(words)
        captured = capsys.readouterr()
        assert not ended.value.code, captured.err
        return captured.out

    return command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text())
    broken = [each for each in links if "://" not in each and not (page.parent / each).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_shown_exists(page, run):
    if page.name == "mistakes.md":
        pytest.skip("its commands are wrong on purpose; test_mistakes.py makes them")
    for words in commands(page.read_text()):
        run([words[0], "--help"] if not words[0].startswith("-") else [words[0]])
        given = [word for word in words[1:] if "=" in word and not word.startswith("-")]
        named = dict(word.split("=", 1) for word in given)
        if words[0] == "run" and named.get("plugin") in ("meow", "mclrec", "supremix"):
            for job in sweep(given) if "--multirun" in words else [given]:
                resolve(named["plugin"], job)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_dotted_name_of_ours_exists(page):
    for name in re.findall(
        r"`((?:contrast|contrast_meow|contrast_mclrec|contrast_supremix)(?:\.\w+)+)`",
        page.read_text(),
    ):
        assert name in GROUPS or resolves(name), name


def resolves(name):
    """Whether a dotted name is a module, or leads from one through attributes."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_the_code_of_a_guide_runs_from_top_to_bottom(page):
    names = {}
    for language, _, text in blocks(page):
        if language == "python":
            exec(compile(text, str(page), "exec"), names)


def test_the_code_of_the_readme_that_is_complete_runs():
    complete = [
        text for _, _, text in blocks(ROOT / "README.md") if text.startswith("import torch")
    ]
    assert complete
    for text in complete:
        exec(compile(text, "README.md", "exec"), {})


def test_the_pages_of_the_objectives_are_what_the_code_says():
    shown = {page.name: page.read_text() for page in objective_pages.PAGES.iterdir()}
    made = objective_pages.pages()
    assert shown.keys() == made.keys()
    old = [name for name, text in made.items() if shown[name] != text]
    assert old == [], "write them anew: python tests/objective_pages.py"


def test_every_objective_stands_in_the_guide_and_in_the_navigation():
    guide, site = (DOCS / "choose-an-objective.md").read_text(), (ROOT / "mkdocs.yml").read_text()
    rows = re.findall(r"^\| \[`(\w+)`\]\(objectives/\1\.md\) \| `(\w+)` \| (.*?)\|", guide, re.M)
    listed = {name: (form, needs.strip()) for name, form, needs in rows}
    assert len(rows) == len(CATALOGUE)
    for part in CATALOGUE:
        assert listed[part.name] == (part.reads.__name__, objective_pages.needs(part)), part.name
        assert f"- objectives/{part.name}.md\n" in site


def test_the_settings_of_meow_are_those_of_the_page():
    text = (DOCS / "methods/meow.md").read_text()
    rows = re.findall(r"^\| `(\w+\.\w+)` \|" + 6 * r"(.*?)\|", text, re.MULTILINE)
    assert len(rows) >= 25
    for first, method in ((0, "meow"), (3, "adameow")):
        plain, *presets = (  # the first has no preset
            {e.key: write(e.value) for e in resolve("meow", [f"method={method}", data]).entries}
            for data in ("data=hetero", "data=acm", "data=imdb")
        )
        for key, *cells in rows:
            default, *shown = (cell.strip(" `") for cell in cells[first : first + 3])
            assert plain.get(key, "–") == default, (method, key)
            for cell, preset in zip(shown, presets, strict=True):
                assert preset.get(key, "") == (cell or default.strip("–")), (method, key)


def test_the_walk_from_two_tables_to_vectors_works(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = {}
    for language, title, text in blocks("own-graph.md"):
        if language == "python":
            exec(compile(text, "own-graph.md", "exec"), names)
        elif language == "yaml":
            Path(title).write_text(text)
        for words in commands(text) if language == "console" else ():
            run(words)
    assert names["z"].shape == (300, 64)
    for folder in Path("runs").iterdir():
        found = json.loads((folder / "evaluation/train.json").read_text())["metrics"]
        assert found["macro_f1/20"] > found["features/macro_f1/20"] + 10, folder


def test_the_settings_of_mclrec_are_those_of_the_page():
    text = (DOCS / "methods/mclrec.md").read_text()
    sets = ("interactions", "ml-100k", "beauty", "sports", "toys", "yelp")  # the first: no preset
    columns = {
        data: {e.key: write(e.value) for e in resolve("mclrec", [f"data={data}"]).entries}
        for data in sets
    }
    rows = re.findall(r"^\| `(\w+\.\w+)` \|" + r"(.*?)\|" * len(sets), text, re.MULTILINE)
    assert len(rows) >= 15
    for key, *cells in rows:
        default, *presets = (cell.strip(" `") for cell in cells)
        assert columns["interactions"][key] == default, key
        for shown, data in zip(presets, sets[1:], strict=True):
            assert columns[data][key] == (shown or default), (key, data)


def test_the_walk_from_a_log_to_recommendations_works(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, _, text in blocks("own-log.md"):
        if language == "python":
            exec(compile(text, "own-log.md", "exec"), names)
        for words in commands(text) if language == "console" else ():
            run(words)
    assert names["z"].shape == (1, 64)
    assert len(names["near"]) == 3
    assert {"readers.parquet", "items.parquet"} <= {path.name for path in Path().iterdir()}


def test_the_settings_of_sirl_are_those_of_the_page():
    text = (DOCS / "methods/sirl.md").read_text()
    sets = ("gridrobot", "jaco", "trajectories")  # the first: no preset
    columns = {
        data: {e.key: write(e.value) for e in resolve("sirl", [f"data={data}"]).entries}
        for data in sets
    }
    rows = re.findall(r"^\| `(\w+\.\w+)` \|" + r"(.*?)\|" * len(sets), text, re.MULTILINE)
    assert len(rows) >= 15
    for key, *cells in rows:
        default, *presets = (cell.strip(" `") for cell in cells)
        assert columns["gridrobot"][key] == default, key
        for shown, data in zip(presets, sets[1:], strict=True):
            assert columns[data][key] == (shown or default), (key, data)


def test_the_walk_from_recorded_moves_to_a_reward_works(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, _, text in blocks("own-robot.md"):
        if language == "python":
            exec(compile(text, "own-robot.md", "exec"), names)
        for words in commands(text) if language == "console" else ():
            run(words)
    assert names["values"].shape == (120,)
    assert names["value"] != 0
    (found,) = Path("runs").glob("*/evaluation/represent.json")
    assert json.loads(found.read_text())["metrics"]["answers"] > 0.6


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """What `contrast new-plugin blobs` writes, installed by pip: source and site."""
    source = tmp_path_factory.mktemp("written") / "contrast-blobs"
    site = tmp_path_factory.mktemp("site")
    write_plugin("blobs", source)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([*command, "--target", str(site), str(source)], check=True)
    return source, site


def _without_vectors_folder():
    # the page's plugin brings its own vectors; a folder set from outside has none for it
    return {name: value for name, value in os.environ.items() if name != "CONTRAST_VECTORS"}


def test_the_page_shows_what_new_plugin_writes():
    shown = {title: text for _, title, text in blocks("write-a-plugin.md") if title}
    written = plugin_files("blobs")
    assert shown == {path: written[path] for path in shown}
    left_out = {"README.md", "docs/blobs.md", "src/contrast_blobs/__init__.py"}
    assert set(written) == set(shown) | left_out


def test_a_new_plugin_passes_its_own_tests(plugin, tmp_path):
    source, site = plugin
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"]
    done = subprocess.run(
        [*command, "--import-mode=importlib", str(source)],
        env={**_without_vectors_folder(), "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed > 2 * 30


def test_the_commands_of_the_plugin_page_run(plugin, tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    written, *rest = commands((DOCS / "write-a-plugin.md").read_text())
    assert run(written) == "contrast-blobs\n"
    monkeypatch.syspath_prepend(str(plugin[1]))
    said = [run(words) for words in rest]
    assert "Points that must find their other view." in said[0]
    assert "sampler.jitter" in said[1]
    assert len(list(tmp_path.glob("runs/**/report.html"))) == 5
    assert (tmp_path / "comparison.html").is_file()


def test_the_settings_of_supremix_are_those_of_the_page():
    text = (DOCS / "methods/supremix.md").read_text()
    known = {e.key: write(e.value) for e in resolve("supremix", []).entries}
    rows = re.findall(r"^\| `(\w+\.\w+)` \| `(.*?)` \|", text, re.MULTILINE)
    assert len(rows) >= 15
    for key, default in rows:
        stage = f"trainer.regress.{key.removeprefix('trainer.')}"
        assert known.get(key, known.get(stage)) == default, key


def test_the_walk_from_a_table_to_predictions_works(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, _, text in blocks("own-table.md"):
        if language == "python":
            exec(compile(text, "own-table.md", "exec"), names)
        for words in commands(text) if language == "console" else ():
            run(words)
    assert names["z"].shape == (150, 128)
    assert (names["found"].low < names["found"].high).all()
    assert {"priced.csv", "z.parquet"} <= {path.name for path in Path().iterdir()}
