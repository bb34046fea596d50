"""Discovery by metadata; loading one plugin; what is said of broken ones."""

import subprocess
import sys

import pytest

import contrast
from contrast.errors import PluginError
from contrast.plugins import check, find, installed, load

EMPTY = "import contrast\n@contrast.hookimpl\ndef contrast_recipes():\n    return {}\n"


def named(name):
    return next(info for info in installed() if info.name == name)


def recipes(text):
    return f"import contrast\n@contrast.hookimpl\ndef contrast_recipes():\n    return {text}\n"


def test_metadata_are_read_without_importing(site):
    site.install(
        "quiet",
        "raise AssertionError('imported')",
        metadata=[
            "Summary: does little",
            "Project-URL: Homepage, https://example.org",
            "Project-URL: Paper, https://arxiv.org/abs/1234.56789",
            "Requires-Dist: contrast-core>=0.1",
        ],
    )
    info = named("quiet")
    assert (info.distribution, info.version, info.summary) == (
        "contrast-quiet",
        "1.0",
        "does little",
    )
    assert info.paper == "https://arxiv.org/abs/1234.56789"
    assert info.requires_core == ">=0.1"
    assert info.problem is None
    assert "quiet" not in sys.modules


def test_a_plugin_gives_its_recipes_and_objectives(gallery):
    plugin = load(gallery)
    assert [recipe.name for recipe in plugin.recipes] == ["one", "two"]
    assert "listwise" in [part.name for part in plugin.objectives]
    assert plugin.version == "1.0"


def test_only_the_plugin_asked_for_is_imported(site):
    site.install_gallery()
    site.install("bomb", "raise RuntimeError('boom')")
    load("gallery")
    assert "bomb" not in sys.modules


def test_an_unknown_name_is_answered_by_the_nearest(gallery):
    with pytest.raises(PluginError, match="unknown plugin `galery`; did you mean `gallery`"):
        load("galery")


def test_a_plugin_for_another_core_is_named_and_refused(site):
    site.install("old", EMPTY, metadata=["Requires-Dist: contrast-core<0.0.5"])
    assert f"requires contrast-core <0.0.5, this is {contrast.__version__}" in named("old").problem
    with pytest.raises(PluginError, match=r"contrast-old 1\.0 requires contrast-core <0\.0\.5"):
        load("old")


def test_a_requirement_of_an_extra_does_not_count(site):
    site.install("extra", EMPTY, metadata=['Requires-Dist: contrast-core<0.0.5; extra == "x"'])
    assert named("extra").problem is None


def test_an_unreadable_requirement_is_recorded(site):
    site.install("garbled", EMPTY, metadata=["Requires-Dist: ???"])
    assert "unreadable requirement" in named("garbled").problem


def test_a_package_without_metadata_is_recorded(site):
    site.install("bare", EMPTY)
    (site.path / "contrast_bare-1.0.dist-info/METADATA").unlink()
    assert "no package metadata" in named("bare").problem


def test_two_plugins_of_one_name_are_both_named_and_disturb_nobody(site):
    site.install_gallery()
    site.install("twin", EMPTY, distribution="left")
    site.install("twin", EMPTY, distribution="right")
    assert "left 1.0 and right 1.0" in named("twin").problem
    with pytest.raises(PluginError, match="two packages bring a plugin `twin`"):
        load("twin")
    assert load("gallery").recipes


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('boom\\nand more')", "RuntimeError: boom and more"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (recipes("1 / 0"), "ZeroDivisionError"),
        (EMPTY.replace("()", "(nobody)"), "nobody"),
        (EMPTY.replace("recipes", "recipies"), "contrast_recipies"),
    ],
)
def test_a_plugin_that_raises_is_named_with_its_exception_on_one_line(site, code, said):
    site.install("broken", code)
    with pytest.raises(PluginError) as caught:
        load("broken")
    first, second = str(caught.value).splitlines()
    assert first.startswith("plugin `broken` of contrast-broken 1.0 cannot be loaded: ")
    assert said in first
    assert second == "See `contrast plugins --check` for where it happens."


HEAD = """
import contrast
from dataclasses import replace
from gallery import ONE
from contrast.recipe import ObjectivePart, Settings
"""


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("['text']", "gave 'text', not a Recipe"),
        ("[ONE, ONE]", "`contrast_recipes` gave two of the name `one`"),
        ("[replace(ONE, stages=())]", "recipe `one` has no stage"),
        ("[replace(ONE, stages=ONE.stages * 2)]", "two stages of the name `train`"),
        ("[replace(ONE, slots={**ONE.slots, 'encoder': ()})]", "nothing for the slot `encoder`"),
        (
            "[replace(ONE, slots={**ONE.slots, 'objective': ONE.slots['data']})]",
            "a slot `objective` that is not a tuple of ObjectivePart",
        ),
        (
            "[replace(ONE, slots={**ONE.slots, 'data': ONE.slots['data'] * 2})]",
            "two of the name `small` for the slot `data`",
        ),
        ("[replace(ONE, presets={'bigg': {}})]", "a preset `bigg` without data of that name"),
    ],
)
def test_what_the_hooks_return_is_validated(site, answer, said):
    site.install_gallery()
    code = f"{HEAD}@contrast.hookimpl\ndef contrast_recipes():\n    return {answer}\n"
    site.install("flawed", code)
    with pytest.raises(PluginError, match=r"plugin `flawed` of contrast-flawed 1\.0: ") as caught:
        load("flawed")
    assert said in str(caught.value)


def test_check_imports_all_and_tells_the_whole_story_of_the_broken(site):
    site.install_gallery()
    site.install("bomb", "def f():\n    raise RuntimeError('boom')\nf()")
    problems = {info.name: problem for info, problem in check()}
    assert problems["gallery"] is None
    assert "bomb.py" in problems["bomb"]
    assert "RuntimeError: boom" in problems["bomb"]


def test_find_gives_the_distribution_of_a_usable_plugin(gallery):
    assert find(gallery).distribution == "contrast-gallery"


def test_discovery_and_loading_leave_heavy_libraries_out(site):
    site.install_gallery()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from contrast.plugins import installed, load\n"
        "installed(); load('gallery')\n"
        "print(*{'torch', 'numpy', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site.path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
