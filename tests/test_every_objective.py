"""Any objective in any plugin: what fits learns, what does not is refused with what does."""

import json
import statistics

import pytest

from contrast.config import misfit, resolve
from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.loop import Loop
from contrast.engine.observers import Observer
from contrast.engine.running import build
from contrast.errors import ConfigError
from contrast.objectives.catalogue import CATALOGUE
from contrast.plugins import load
from contrast.testing import toys

STEPS = 40
ENDS = 8  # steps at the beginning and at the end that are compared


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """What each plugin runs on: a small problem of its own kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(toys.install(tmp_path_factory.mktemp("toy"))))
        folder = tmp_path_factory.mktemp("graph") / "graph"
        write_graph(folder)
        graph = ["data=hetero", f"data.path={folder}", "data.meta_paths=paper>author>paper"]
        graph += ["sampler.neighbours=8", "sampler.clusters=4,6", "sampler.cache=no"]
        yield {
            "toy": ["data.samples=64", "trainer.lr=0.01"],
            "meow": [*graph, "trainer.lr=0.003", "trainer.patience=0"],
            "mclrec": walks(tmp_path_factory.mktemp("walks") / "log.csv"),
        }


def write_graph(folder):
    """40 papers, each by three of 15 authors who keep to their field."""
    import torch
    from torch_geometric.data import HeteroData

    from contrast_meow import save_graph

    field = torch.arange(40) % 3
    author = field[:, None] * 5 + torch.tensor([[0, 1, 2], [1, 2, 3], [2, 3, 4]])[field]
    edges = torch.stack([torch.arange(40).repeat_interleave(3), author.flatten() % 15])
    graph = HeteroData()
    graph["paper"].x, graph["author"].num_nodes = torch.eye(40), 15
    graph["paper", "by", "author"].edge_index = edges
    graph["author", "rev_by", "paper"].edge_index = edges.flip(0)
    save_graph(graph, folder)


def walks(path):
    """Words for 40 people who take the next of 20 items, from places of their own."""
    rows = [f"{user},{(user + step) % 20},{step}" for user in range(40) for step in range(4)]
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    narrow = ["encoder.width=8", "encoder.inner=8", "encoder.layers=1", "encoder.dropout=0"]
    weights = ["trainer.data_weight=1", "trainer.lr=0.01", "trainer.evaluate_every=0"]
    stop = ["trainer.monitor=loss", "trainer.patience=0", "trainer.restore_best=no"]
    return ["data=interactions", f"data.path={path}", *narrow, *weights, *stop]


def losses(words, plugin, folder):
    """The loss of every step of a short training."""
    words = [*words, f"trainer.max_steps={STEPS}", "trainer.checkpoint_every=0"]
    config = resolve(plugin, words).config
    (stage,) = config.recipe.stages
    parts = build(stage, config, {}, World())
    loop = Loop(stage, parts, config, RunFolder(folder), world=World(), observer=Observer())
    assert loop.run(lambda: False)
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").open()]


@pytest.mark.parametrize("objective", CATALOGUE, ids=lambda part: part.name)
@pytest.mark.parametrize("plugin", ["toy", "meow", "mclrec"])
def test_an_objective_learns_where_it_fits_and_is_refused_elsewhere(
    words, tmp_path, plugin, objective
):
    recipe, *_ = load(plugin).recipes
    chosen = [*words[plugin], f"objective={objective.name}"]
    if misfit(recipe, objective):
        with pytest.raises(ConfigError, match=r"does not fit[^`]*.*\n.*`infonce`"):
            resolve(plugin, chosen)
        return
    found = losses(chosen, plugin, tmp_path)
    assert len(found) == STEPS
    assert statistics.mean(found[-ENDS:]) < statistics.mean(found[:ENDS])


def test_most_objectives_fit_a_plugin_of_two_views(words):
    recipe, *_ = load("meow").recipes
    fitting = {part.name for part in CATALOGUE if not misfit(recipe, part)}
    assert fitting >= {"infonce", "nt_xent", "dcl", "dhel", "siglip", "sogclr", "cacr"}
