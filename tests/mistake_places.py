"""Places to make mistakes in: folders with packages, graphs, runs and faults of their own."""

from __future__ import annotations

import errno
import importlib
import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

SMALL_REGRESSION = ("trainer.max_epochs=1", "encoder.width=8", "evaluation.compare=false")
SMALL_SEPARATION = ("trainer.max_epochs=1", "encoder.hidden=8", "encoder.projection=8")
SMALL_LANGUAGE = (
    "encoder=tiny",
    "encoder.width=8",
    "encoder.layers=1",
    "encoder.heads=2",
    "data.max_tokens=60",
    "data.max_prompt_tokens=40",
    "data.response_tokens=4",
    "trainer.align.max_steps=1",
)
SMALL_RECOMMENDER = ("trainer.max_epochs=1", "encoder.width=8", "encoder.inner=8")


class Place:
    """A folder to make a mistake in, with packages of its own, patched until the mistake is over."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder.resolve(), patch
        self.site = self.folder / "site-packages"
        self.site.mkdir(parents=True)
        patch.chdir(self.folder)
        patch.syspath_prepend(str(self.site))
        patch.setenv("XDG_CACHE_HOME", str(self.folder / ".cache"))
        patch.delenv("CONTRAST_DATA_DIR", raising=False)
        patch.setattr("contrast.plugins.entry_points", self._entry_points)
        self.used = {"meow"}
        self.install("toy", module="contrast.testing.toy.plugin")

    def use(self, *names: str) -> None:
        """Let this place see installed plugins and commands by name; it starts with MEOW alone."""
        self.used |= set(names)

    def install(self, name: str, code: str | None = None, **metadata: str) -> None:
        """Add a package with the plugin `name`; `code` is its module, if it brings one."""
        from contrast.testing import toys

        if code is not None:
            (self.site / f"{name}.py").write_text(code)
        toys.install(self.site, name=name, **{"module": name, **metadata})

    def write(self, name: str, text: str = "") -> None:
        """A file with a text."""
        (self.folder / name).write_text(text)

    def train(self, *words: str) -> None:
        """A finished run, `runs/toy-blobs-seed0` unless the words say otherwise."""
        import contrast

        plugin, *overrides = words or ("toy", "trainer.max_epochs=2")
        contrast.run(plugin, overrides=overrides, runs="runs")

    def _entry_points(self, *, group: str) -> list[importlib.metadata.EntryPoint]:
        """Those in use and of this place: what else is installed changes no message."""
        every = importlib.metadata.entry_points(group=group)
        return [point for point in every if point.name in self.used or self._holds(point)]

    def _holds(self, point: importlib.metadata.EntryPoint) -> bool:
        return point.dist is not None and Path(str(point.dist.locate_file(""))) == self.site


def write_graph(place: Place, change: Callable[[HeteroData], None] | None = None) -> None:
    """A graph of 12 papers, 6 authors and 3 topics in `graph/`; `change` makes it another one."""
    import torch
    from torch_geometric.data import HeteroData

    from contrast_meow import save_graph

    graph = HeteroData()
    papers = torch.arange(12)
    graph["paper"].x = torch.eye(12)[:, :8] + 0.5
    graph["paper"].y = papers % 2
    graph["author"].num_nodes, graph["topic"].num_nodes = 6, 3
    for name, relation, count in (("author", "wrote", 6), ("topic", "covers", 3)):
        edges = torch.stack([papers % count, papers])
        graph[name, relation, "paper"].edge_index = edges
        graph["paper", f"rev_{relation}", name].edge_index = edges.flip(0)
    if change is not None:
        change(graph)
    save_graph(graph, place.folder / "graph")


def with_reviewers(graph: HeteroData) -> None:
    """Authors also review papers: two relations of the same two types."""
    edges = graph["author", "wrote", "paper"].edge_index
    graph["author", "reviewed", "paper"].edge_index = edges
    graph["paper", "rev_reviewed", "author"].edge_index = edges.flip(0)


def with_other_reviewers(graph: HeteroData) -> None:
    """Authors also review papers, all but one of those that they wrote."""
    with_reviewers(graph)
    edges = graph["author", "reviewed", "paper"].edge_index
    graph["author", "reviewed", "paper"].edge_index = edges[:, :-1]


def of_one_class(graph: HeteroData) -> None:
    """Every paper has the same label."""
    graph["paper"].y = graph["paper"].y * 0


def with_isolated(graph: HeteroData) -> None:
    """Papers 0 and 1 have no author and no topic."""
    for kind in graph.edge_types:
        edges = graph[kind].edge_index
        paper = edges[0] if kind[0] == "paper" else edges[1]
        graph[kind].edge_index = edges[:, paper > 1]


def unlabelled(graph: HeteroData) -> None:
    """No paper has a label."""
    del graph["paper"].y


def with_nan_in_the_file(place: Place) -> None:
    """A graph folder in which a program other than `save_graph` wrote a NaN."""
    from safetensors.torch import load_file, save_file

    write_graph(place)
    path = place.folder / "graph/graph.safetensors"
    tensors = load_file(path)
    tensors["nodes.0.x"][3, 0] = float("nan")
    save_file(tensors, path)


def with_half_a_graph(place: Place) -> None:
    """A graph folder with half a file in it."""
    write_graph(place)
    path = place.folder / "graph/graph.safetensors"
    path.write_bytes(path.read_bytes()[:300])


def damage(name: str, length: int = 100) -> Callable[[Place], None]:
    """A finished run, one file of which was cut to a length in bytes."""

    def prepare(place: Place) -> None:
        place.train()
        (path,) = place.folder.glob(f"runs/toy-blobs-seed0/{name}")
        path.write_bytes(path.read_bytes()[:length])

    return prepare


def trained_on_a_table_that_has_gone(place: Place) -> None:
    """A run that ended well, whose data have gone since."""
    write_table(place)
    place.train("toy", "data=table", "data.path=points.csv", "trainer.max_epochs=1")
    (place.folder / "points.csv").unlink()


def with_a_foreign_key(place: Place) -> None:
    """A run of a plugin of another version, which had a setting more."""
    place.train()
    path = place.folder / "runs/toy-blobs-seed0/config.json"
    entries = json.loads(path.read_text())
    entries.append({"key": "objective.margin", "value": 0.1, "origin": "default"})
    path.write_text(json.dumps(entries))


def write_table(place: Place) -> None:
    """Four points in `points.csv`."""
    place.write("points.csv", TABLE)


def write_log(place: Place, change: Callable[[str], str] = str) -> None:
    """Ten readers with six loans each in `loans.csv`; `change` makes its text another one."""
    place.use("mclrec", "recommend")
    rows = [f"r{who},b{(who + when) % 12},{when}" for who in range(10) for when in range(6)]
    place.write("loans.csv", change("\n".join(["who,what,when", *rows, ""])))


def train_on_a_log(place: Place) -> None:
    """A run on that log, `runs/mclrec-interactions-seed0`."""
    write_log(place)
    columns = ("data.user=who", "data.item=what", "data.time=when")
    place.train("mclrec", "data=interactions", "data.path=loans.csv", *columns, *SMALL_RECOMMENDER)


def moves(
    place: Place,
    rows: Callable[[list[str]], list[str]] = lambda rows: rows,
    answers: Callable[[str], str] = str,
) -> None:
    """Six moves in `moves.csv`, ten answers about them in `answers.csv`; either made another."""
    place.use("sirl", "teach")
    steps = [f"m{move},{step},{move * step}" for move in range(6) for step in range(3 + move % 2)]
    place.write("moves.csv", "\n".join(["trajectory,step,x", *rows(steps), ""]))
    asked = [f"m{i % 6},m{(i + 1) % 6},m{(i + 3) % 6},m{i % 6},ada,9:0{i}" for i in range(10)]
    head = "first,second,third,odd,annotator,time"
    place.write("answers.csv", answers("\n".join([head, *asked, ""])))


def explorer(place: Place) -> None:
    """Contrastive UCB is installed."""
    place.use("ucb")


HALL = """
import gymnasium
import numpy as np
from gymnasium import spaces


class Hall(gymnasium.Env):
    action_space = spaces.Discrete(2)

    def __init__(self, seen=0.0, reward=0.0, pairs=False):
        self.seen, self.reward = np.full(2, seen, np.float32), reward
        box = spaces.Box(-1, 1, (2,), np.float32)
        self.observation_space = spaces.Tuple((box, box)) if pairs else box

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return self.seen, self.reward, False, False, {}


for name, given, steps in (
    ("Endless", {}, None),
    ("Blind", {"seen": np.nan}, 20),
    ("Rich", {"reward": np.inf}, 20),
    ("Dear", {"reward": 500.0}, 20),
    ("Pairs", {"pairs": True}, 20),
):
    gymnasium.register(f"{name}-v0", Hall, kwargs=given, max_episode_steps=steps)
"""


def hall(place: Place) -> None:
    """Environments of one's own in `hall.py`, each with something wrong."""
    explorer(place)
    place.write("hall.py", HALL)


def bare(place: Place) -> None:
    """Contrastive UCB is installed, and MiniGrid is not."""
    explorer(place)
    place.patch.setitem(sys.modules, "minigrid", None)


def houses(place: Place, change: Callable[[list[str]], list[str]] = lambda lines: lines) -> None:
    """Forty houses in `houses.csv`, header first; `change` makes its lines other ones."""
    place.use("supremix", "predict")
    towns = ("Delft", "Gouda", "Leiden")
    rows = [f"{50 + 3 * i},{towns[i % 3]},{200 + 9 * i + 20 * (i % 3)}" for i in range(40)]
    place.write("houses.csv", "\n".join([*change(["size,town,price", *rows]), ""]))


def priced(place: Place) -> None:
    """A run on those houses, `runs/supremix-table-seed0`."""
    houses(place)
    words = ("data=table", "data.path=houses.csv", "data.target=price", *SMALL_REGRESSION)
    place.train("supremix", *words)


def cohort(place: Place, change: Callable[[list[str]], list[str]] = lambda lines: lines) -> None:
    """Twelve controls and twelve patients in `people.csv`; `change` makes its lines other ones."""
    place.use("sepclr", "neighbours")
    rows = [
        f"p{i},{'control' if i < 12 else 'patient'},{30 + 7 * i % 40},{i * i % 11},{i % 5}"
        for i in range(24)
    ]
    place.write("people.csv", "\n".join([*change(["who,diagnosis,age,left,right", *rows]), ""]))


def separated(place: Place) -> None:
    """A run on that cohort, `runs/sepclr-table-seed0`."""
    cohort(place)
    words = ("data=table", "data.path=people.csv", "data.group=diagnosis", *SMALL_SEPARATION)
    place.train("sepclr", *words)


def pictures(place: Place, ill: int = 6) -> None:
    """Six images of healthy ones in `healthy`, and some of ill ones in `ill`."""
    from PIL import Image

    place.use("sepclr", "neighbours")
    for kind, count in (("healthy", 6), ("ill", ill)):
        (place.folder / kind).mkdir()
        for i in range(count):
            Image.new("L", (9, 9), 20 * i).save(place.folder / kind / f"{i}.png")


def gauges(place: Place) -> None:
    """Labels of thirty images in `gauges`, and no image."""
    place.use("supremix", "predict")
    (place.folder / "gauges").mkdir()
    rows = [f"{i:02}.png,{i}" for i in range(30)]
    place.write("gauges/labels.csv", "\n".join(["file,bar", *rows, ""]))


def alike(place: Place, empty: int = -1) -> None:
    """Thirty pairs in `pairs.csv`, one of them perhaps without its second sentence."""
    place.use("supremix", "predict")
    rows = [f"a cat,{'' if i == empty else f'{i} cats'},{i}" for i in range(30)]
    place.write("pairs.csv", "\n".join(["sentence1,sentence2,score", *rows, ""]))


def sentences(place: Place) -> None:
    """Thirty pairs, the fourth without its second sentence."""
    alike(place, empty=3)


def waves(place: Place) -> None:
    """Thirty series of four moments in `waves.csv`; the third has two targets."""
    place.use("supremix", "predict")
    rows = [f"w{i},{t},{i * t},{i + (i == 2 and t > 1)}" for i in range(30) for t in range(4)]
    place.write("waves.csv", "\n".join(["wave,second,volt,pace", *rows, ""]))


def preferred(place: Place, change: Callable[[list[str]], list[str]] = lambda lines: lines) -> None:
    """Eight pairs in `pairs.jsonl`; `change` makes its lines other ones."""
    place.use("alignment", "generate")
    pairs = [
        {"prompt": f"Name a colour, {i}.", "chosen": f" Red, {i}", "rejected": " Loud"}
        for i in range(8)
    ]
    place.write("pairs.jsonl", "\n".join([*change([json.dumps(each) for each in pairs]), ""]))


def preferred_with(place: Place, *records: object) -> None:
    """These records stand behind the eight pairs."""
    preferred(place, lambda lines: [*lines, *map(json.dumps, records)])


def preferred_records(place: Place, *records: object) -> None:
    """These records alone."""
    preferred(place, lambda lines: list(map(json.dumps, records)))


def preferred_in_another_encoding(place: Place) -> None:
    """A file as an old editor saves it."""
    preferred(place)
    path = place.folder / "pairs.jsonl"
    path.write_bytes(path.read_text().replace("Red", "Ros\u00e9").encode("latin-1"))


def language_model(place: Place, **tokenizer: str | None) -> None:
    """A model folder `small/` that transformers loads; `tokenizer` sets attributes of its own."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from contrast_alignment.tokens import train_tokenizer

    preferred(place)
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=128,
    )
    LlamaForCausalLM(config).save_pretrained(place.folder / "small")
    made = train_tokenizer(["a"], 300)
    for name, value in tokenizer.items():
        setattr(made, name, value)
    made.save_pretrained(place.folder / "small")


def chatting(place: Place) -> None:
    """Chat messages, for a model whose tokenizer has no template."""
    language_model(place, chat_template=None)
    turns = {name: [{"role": name, "content": "Hello"}] for name in ("user", "assistant")}
    other = [{"role": "assistant", "content": "Go away"}]
    record = {"prompt": turns["user"], "chosen": turns["assistant"], "rejected": other}
    place.write("pairs.jsonl", f"{json.dumps(record)}\n")


def with_a_reference_of_another_model(place: Place) -> None:
    """A cache that a run of another seed has written."""
    preferred(place)
    words = ("data=records", "data.path=pairs.jsonl", *SMALL_LANGUAGE)
    cache = ("encoder.reference_model=cache", "encoder.reference_cache=kept.safetensors")
    place.train("alignment", *words, *cache, "seed=1")


def without_its_plugin(place: Place) -> None:
    """A finished run, whose plugin was uninstalled since."""
    place.train()
    shutil.rmtree(next(place.site.glob("contrast_toy-*")))
    importlib.invalidate_caches()


def stopped_at_once(place: Place) -> None:
    """A run that was killed before its first checkpoint."""
    place.train()
    shutil.rmtree(place.folder / "runs/toy-blobs-seed0/checkpoints")


def stopped_half_way(place: Place) -> None:
    """A run that was stopped before its end."""
    import contrast

    contrast.run("toy", runs="runs", max_steps_now=3)


def train_three_times(place: Place) -> None:
    """Two runs of one seed, and one on other data."""
    write_table(place)
    for words in ((), (), ("data=table", "data.path=points.csv")):
        place.train("toy", "trainer.max_epochs=1", *words)


def train_meow(place: Place) -> None:
    """A finished run on the graph of `write_graph`, `runs/meow-hetero-seed0`."""
    write_graph(place, unlabelled)
    paths = "data.meta_paths=paper>author>paper"
    place.train("meow", "data=hetero", paths, "trainer.max_epochs=1", "sampler.clusters=3")


def runs_file(place: Place) -> None:
    """A file where the folder of runs should be."""
    place.write("runs")


def read_only(place: Place) -> None:
    """The system lets nobody make a folder here."""
    refuse(place, "mkdir", errno.EROFS)


def full_disk(place: Place) -> None:
    """The disk is full from the start."""
    refuse(place, "fsync", errno.ENOSPC)


def disk_that_fills(place: Place) -> None:
    """The disk is full once there is a checkpoint."""
    first = place.folder / "runs/toy-blobs-seed0/checkpoints/train-00000003"
    refuse(place, "fsync", errno.ENOSPC, when=first.is_dir)


def refuse(
    place: Place, function: str, number: int, when: Callable[[], bool] = lambda: True
) -> None:
    """Let a function of the system fail with an error's number, whenever it is time."""
    real = getattr(os, function)

    def refusing(path: object, *given: object, **options: object) -> object:
        if not when():
            return real(path, *given, **options)
        raise OSError(number, os.strerror(number), *([path] if isinstance(path, str) else []))

    place.patch.setattr(os, function, refusing)


def without_network(place: Place) -> None:
    """No server can be reached, nothing is in the cache, and the package recbole is not there."""

    def fail(request: object) -> None:
        raise URLError("Temporary failure in name resolution")

    place.patch.setattr("contrast.data.download.open_https", fail)
    place.patch.setattr("contrast.data.ml_100k.find_spec", lambda name: None)


def without_tensorboard(place: Place) -> None:
    """The package tensorboard is not there."""
    place.patch.setattr("contrast.reporting.tensorboard.find_spec", lambda name: None)


def with_a_foreign_copy(place: Place) -> None:
    """A local copy of a data file that holds something else."""
    without_network(place)
    (place.folder / "data/hgraph/acm").mkdir(parents=True)
    place.write("data/hgraph/acm/p_feat.npz", "something else")
    place.patch.setenv("CONTRAST_DATA_DIR", str(place.folder / "data"))


def with_a_wrong_data_folder(place: Place) -> None:
    """`CONTRAST_DATA_DIR` names nothing."""
    without_network(place)
    place.patch.setenv("CONTRAST_DATA_DIR", str(place.folder / "dta"))


TABLE = "id,x,y,label\na,1,2,0\nb,2,1,0\nc,8,9,1\nd,9,8,1\n"
RANKER = """
import contrast
from contrast.forms import Lists
from contrast.recipe import ObjectivePart, Settings
from contrast.testing.toy.recipe import TOY

@contrast.hookimpl
def contrast_recipes():
    return [TOY]

@contrast.hookimpl
def contrast_objectives():
    return [ObjectivePart("listwise", Settings, "ranker:Listwise", reads=Lists)]
"""
