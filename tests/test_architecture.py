"""The import graph: the core knows no plugin and no domain library, and nothing goes in a circle."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core/src"
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/src"))
CORE_LIBRARIES = {
    "contrast", "torch", "numpy", "pluggy", "omegaconf", "typer", "rich", "packaging",
    "platformdirs", "safetensors", "sklearn", "torchmetrics", "matplotlib", "jinja2", "pandas",
    "pyarrow", "scipy", "click", "markupsafe", "filelock", "yaml", "triton", "PIL",
    "gradio",  # of the apps, which ask for the one theme
}  # fmt: skip
TESTING_LIBRARIES = {"pytest", "hypothesis", "selenium"}


def modules(source):
    return {
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"): path
        for path in source.rglob("*.py")
    }


def imports(path, *, at_import_only=False):
    """The dotted names that a file imports; only those at import time where asked."""
    tree = ast.parse(path.read_text())
    for node in _nodes(tree, at_import_only):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _nodes(node, at_import_only):
    for child in ast.iter_child_nodes(node):
        lazy = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if at_import_only and (lazy or typing):
            continue
        yield child
        yield from _nodes(child, at_import_only)


def test_the_core_imports_no_plugin_and_no_domain_library():
    for name, path in modules(CORE).items():
        allowed = CORE_LIBRARIES | set(sys.stdlib_module_names)
        allowed |= TESTING_LIBRARIES if ".testing" in name else set()
        foreign = {each.partition(".")[0] for each in imports(path)} - allowed
        assert not foreign, f"{name} imports {foreign}"


@pytest.mark.parametrize("package", [CORE.parent, *PLUGINS], ids=lambda path: path.name)
def test_nobody_imports_an_app(package):
    apps = {path.name for path in ROOT.glob("apps/*/src/*")}
    assert apps
    for name, path in modules(package / "src").items():
        found = {each.partition(".")[0] for each in imports(path)} & apps
        assert not found, f"{name} imports {found}"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_no_plugin_imports_another(plugin):
    others = {next((each / "src").iterdir()).name for each in PLUGINS if each != plugin}
    for name, path in modules(plugin / "src").items():
        found = {each.partition(".")[0] for each in imports(path)} & others
        assert not found, f"{name} imports {found}"


@pytest.mark.parametrize("source", [CORE, *(p / "src" for p in PLUGINS)], ids=str)
def test_the_import_graph_has_no_circle(source):
    known = modules(source)
    graph = {
        name: {_module(each, known) for each in imports(path, at_import_only=True)} - {None, name}
        for name, path in known.items()
    }
    done, trail = set(), []

    def visit(name):
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            trail.append(name)
            for each in graph[name]:
                visit(each)
            trail.pop()
            done.add(name)

    for name in graph:
        visit(name)


def _module(name, known):
    """The module of the source that an imported name is, or stands in."""
    return (
        name
        if name in known
        else name.rpartition(".")[0]
        if name.rpartition(".")[0] in known
        else None
    )
