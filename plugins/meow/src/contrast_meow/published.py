"""The four published graphs with their splits: ACM, DBLP, AMiner and IMDB (HeCo, MEOW).

Fetched from the authors' repository (MIT licence), pinned by commit and checksum. Only relations,
features, labels and splits are read: every meta-path graph and context is computed from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from torch import Generator, Tensor
from torch_geometric.data import HeteroData

from contrast.data.sources import Source, fetch
from contrast.evaluation import Split
from contrast.interfaces import Reference
from contrast_meow.checksums import CHECKSUMS
from contrast_meow.data import GraphData
from contrast_meow.hubs import Official
from contrast_meow.metapaths import parse
from contrast_meow.operators import compressed

COMMIT = "6a072d79648ab83f7ec7b7482af1696ed00938a1"
SOURCE = "official code of MEOW, seed 0, 90 epochs, 5 restarts of the probe, ties by its sort"


@dataclass(frozen=True)
class Published:
    """What one of the graphs is made of.

    `relations` say for each file of edges: from, relation, to; `features` name a file for a type,
    without which it is one-hot.
    """

    name: str
    nodes: dict[str, int]  # the target first
    relations: dict[str, tuple[str, str, str]]
    paths: tuple[str, ...]
    features: dict[str, str] = field(default_factory=dict)
    per_path: bool = False
    official: Official | None = None


ACM = Published(
    "acm",
    {"paper": 4019, "author": 7167, "subject": 60},
    {"pa.txt": ("paper", "rev_wrote", "author"), "ps.txt": ("paper", "about", "subject")},
    ("paper>rev_wrote>author>wrote>paper", "paper>about>subject>rev_about>paper"),
    {"paper": "p_feat.npz", "author": "a_feat.npz"},
    official=Official(
        hubs=(693, 1, 6),
        references=(
            Reference("macro_f1/20", 91.05, SOURCE, 0.12),
            Reference("macro_f1/40", 91.12, SOURCE, 0.48),
            Reference("macro_f1/60", 92.45, SOURCE, 0.19),
            Reference("micro_f1/20", 91.04, SOURCE),
            Reference("micro_f1/40", 91.12, SOURCE),
            Reference("micro_f1/60", 92.38, SOURCE),
            Reference("auc/20", 97.98, SOURCE),
            Reference("auc/40", 97.77, SOURCE),
            Reference("auc/60", 98.36, SOURCE),
            Reference("nmi", 51.39, SOURCE),
            Reference("ari", 46.63, SOURCE),
        ),
    ),
)
DBLP = Published(
    "dblp",
    {"author": 4057, "paper": 14328, "conference": 20, "term": 7723},
    {
        "pa.txt": ("paper", "rev_wrote", "author"),
        "pc.txt": ("paper", "at", "conference"),
        "pt.txt": ("paper", "has", "term"),
    },
    (
        "author>wrote>paper>rev_wrote>author",
        "author>wrote>paper>at>conference>rev_at>paper>rev_wrote>author",
        "author>wrote>paper>has>term>rev_has>paper>rev_wrote>author",
    ),
    {"author": "a_feat.npz", "paper": "p_feat.npz", "term": "t_feat.npz"},
)
AMINER = Published(
    "aminer",
    {"paper": 6564, "author": 13329, "reference": 35890},
    {"pa.txt": ("paper", "rev_wrote", "author"), "pr.txt": ("paper", "cites", "reference")},
    ("paper>rev_wrote>author>wrote>paper", "paper>cites>reference>rev_cites>paper"),
    per_path=True,
)
IMDB = Published(
    "imdb",
    {"movie": 4275, "actor": 5432, "director": 2083, "keyword": 7313},
    {
        "ma.txt": ("movie", "rev_played", "actor"),
        "md.txt": ("movie", "rev_directed", "director"),
        "mk.txt": ("movie", "has", "keyword"),
    },
    (
        "movie>rev_played>actor>played>movie",
        "movie>rev_directed>director>directed>movie",
        "movie>has>keyword>rev_has>movie",
    ),
    {"movie": "m_feat.npz"},
)


def acm(generator: Generator) -> GraphData:
    """4019 papers tied by common authors and by their subject; bags of words, subjects one-hot."""
    return load(ACM)


def dblp(generator: Generator) -> GraphData:
    """4057 authors tied by papers, conferences and terms; bags of words, word vectors of terms."""
    return load(DBLP)


def aminer(generator: Generator) -> GraphData:
    """6564 papers tied by authors and references; all one-hot, one projection a meta-path.

    Differs: the official code reads features from random walks, which are not public, and path
    "counts" that are 0 or 1, under which every cut is a tie; here the counts are true.
    """
    return load(AMINER)


def imdb(generator: Generator) -> GraphData:
    """4275 films tied by actors, directors and keywords; bags of words, the others one-hot."""
    return load(IMDB)


def load(what: Published) -> GraphData:
    """The graph; nothing is drawn at random."""
    graph = HeteroData()
    for node_type, count in what.nodes.items():
        if node_type in what.features:
            graph[node_type].x = features(what.name, what.features[node_type])
        graph[node_type].num_nodes = count
    for name, (start, relation, end) in what.relations.items():
        edges = torch.from_numpy(np.loadtxt(locate(what.name, name), dtype=np.int64).T.copy())
        graph[start, relation, end].edge_index = edges
        graph[end, reverse(relation), start].edge_index = edges.flip(0)
    target = next(iter(what.nodes))
    labels = np.unique(array(what.name, "labels"), return_inverse=True)[1]
    graph[target].y = torch.from_numpy(labels)
    paths = tuple(parse(text, graph, target) for text in what.paths)
    splits = {
        L: Split(*(array(what.name, f"{part}_{L}") for part in ("train", "val", "test")))
        for L in ("20", "40", "60")
    }
    ids = list(range(len(labels)))
    return GraphData(
        graph,
        target,
        paths,
        ids,
        labels,
        splits,
        per_path=what.per_path,
        official=what.official,
    )


def reverse(relation: str) -> str:
    """The name of the way back."""
    return relation.removeprefix("rev_") if relation.startswith("rev_") else f"rev_{relation}"


def features(data: str, name: str) -> Tensor:
    """A matrix of features, compressed; the terms of DBLP are dense under a name that says not."""
    held = np.load(locate(data, name), allow_pickle=False)
    if isinstance(held, np.ndarray):
        return torch.from_numpy(held)
    return compressed(sparse.csr_array(sparse.load_npz(locate(data, name)).tocsr()))


def array(data: str, name: str) -> np.ndarray:
    """Labels, or the nodes of one part of a split."""
    return np.load(locate(data, f"{name}.npy"), allow_pickle=False)


def locate(data: str, name: str) -> Path:
    """The file: a local copy, the cache, or a download."""
    url = f"https://raw.githubusercontent.com/jianxiangyu/MEOW/{COMMIT}/data/{data}/{name}"
    return fetch(Source(f"hgraph/{data}/{name}", url, CHECKSUMS[data][name]))
