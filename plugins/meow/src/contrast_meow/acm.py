"""ACM: papers, their authors and subjects; 3 classes, fixed splits (HeCo, MEOW).

Fetched from the authors' repository (MIT licence), pinned by commit and checksum.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from torch import Generator, Tensor
from torch_geometric.data import HeteroData

from contrast.data.sources import Source, fetch
from contrast.evaluation import Split
from contrast_meow.data import GraphData
from contrast_meow.metapaths import parse
from contrast_meow.operators import compressed

COMMIT = "6a072d79648ab83f7ec7b7482af1696ed00938a1"
CHECKSUMS = {
    "pa.txt": "e67385fc13c3b3b624d81de7eb6e4245d9aeafa063c5466c6fab0f151bcb84d6",
    "ps.txt": "3da7615ef5567c5f7f1ab9ec770c4b4b8b6a54790baa1cda3d4499329dfc22d5",
    "p_feat.npz": "9e1019dfceaaabb19ee5b5f09de3147ffbaa818b43c3fc3f92bdfaf4ed5f02f4",
    "a_feat.npz": "e2f2ac8d357310149fc7badbf32ea0b171dec25aad6c37ec45de592666c65555",
    "labels.npy": "019284b3e6a58fc8ebd432fb99aaaf183ad41dbf56b8ca7af0b56dca9dd844b5",
    "train_20.npy": "6bf4c1cef638f3ffe1826091b9be7fbff23a4935dfbde03c24b492d264d67684",
    "val_20.npy": "4280dccb661a50196502a39973a462919399fcfcd97b1d43581dfa9ca02d1b5d",
    "test_20.npy": "eb90e38c882009c6439d749d160d39ed64f8813e9f672c02be54993914934afa",
    "train_40.npy": "98239282e69e9775a9b13bc54598cc780eca31dcaeb81963efbbd4c6c3e51435",
    "val_40.npy": "19fb1e72b76bc24da95423d1a83583a42fe5b62d69b2b197312f630ff5096202",
    "test_40.npy": "f73d7e23459dd654a7567ee8bf123849f400096f8fac558dc37033d3fdc11aa6",
    "train_60.npy": "5b86f56415b84d1faa8c8f864cd37272589ec4ffff1b0ca347d4c39ee38dcc02",
    "val_60.npy": "e234b6c1e19445ed6cc3694a273b943bbded8e847a9d0246f18d59f76fb8cd5d",
    "test_60.npy": "5181ccdeacc54b88ed53681ba9f2c789cc6d67a499f40a68ac6827a96932b976",
}
PATHS = ("paper>rev_wrote>author>wrote>paper", "paper>about>subject>rev_about>paper")


def acm(generator: Generator) -> GraphData:
    """4019 papers tied by common authors and by their subject; nothing is drawn at random.

    Features are bags of words of papers and authors; subjects are one-hot.
    """
    graph = HeteroData()
    graph["paper"].x = features("p_feat.npz")
    graph["author"].x = features("a_feat.npz")
    graph["subject"].num_nodes = 60
    labels = np.unique(np.load(locate("labels.npy"), allow_pickle=False), return_inverse=True)[1]
    graph["paper"].y = torch.from_numpy(labels)
    for name, there, back, end in (
        ("pa.txt", "rev_wrote", "wrote", "author"),
        ("ps.txt", "about", "rev_about", "subject"),
    ):
        edges = torch.from_numpy(np.loadtxt(locate(name), dtype=np.int64).T.copy())
        graph["paper", there, end].edge_index = edges
        graph[end, back, "paper"].edge_index = edges.flip(0)
    paths = tuple(parse(text, graph, "paper") for text in PATHS)
    splits = {L: Split(*(part(p, L) for p in ("train", "val", "test"))) for L in ("20", "40", "60")}
    return GraphData(graph, "paper", paths, list(range(len(labels))), labels, splits)


def features(name: str) -> Tensor:
    """A matrix of features, compressed."""
    return compressed(sparse.csr_array(sparse.load_npz(locate(name)).tocsr()))


def part(name: str, labelled: str) -> np.ndarray:
    """The nodes of one part of a split."""
    return np.load(locate(f"{name}_{labelled}.npy"), allow_pickle=False)


def locate(name: str) -> Path:
    """The file: a local copy, the cache, or a download."""
    url = f"https://raw.githubusercontent.com/jianxiangyu/MEOW/{COMMIT}/data/acm/{name}"
    return fetch(Source(f"hgraph/acm/{name}", url, CHECKSUMS[name]))
