import re

import numpy as np
import pytest

from contrast.data.sources import Source, local_copy
from contrast.engine.randomness import generator
from contrast_meow import published
from contrast_meow.checksums import CHECKSUMS
from contrast_meow.cut import Ties, cut, path_counts
from contrast_meow.graph import mean_factors, mean_over_neighbours
from contrast_meow.hubs import find_hubs
from contrast_meow.metapaths import incidence


def here(name: str) -> bool:
    held = CHECKSUMS[name]["labels.npy"]
    return local_copy(Source(f"hgraph/{name}/labels.npy", "https://example.org", held)) is not None


def needs(name: str):
    return pytest.mark.skipif(not here(name), reason=f"needs {name} in CONTRAST_DATA_DIR")


def test_every_file_is_pinned_by_commit_and_checksum():
    assert re.fullmatch("[0-9a-f]{40}", published.COMMIT)
    parts = {f"{p}_{L}.npy" for p in ("train", "val", "test") for L in (20, 40, 60)}
    for what in (published.ACM, published.DBLP, published.AMINER, published.IMDB):
        files = CHECKSUMS[what.name]
        assert all(re.fullmatch("[0-9a-f]{64}", found) for found in files.values())
        assert set(files) == {"labels.npy", *parts, *what.relations, *what.features.values()}


@pytest.mark.parametrize(
    ("name", "nonzeros", "widths"),
    [
        pytest.param("acm", [57_853, 4_338_213], [1902, 1902, 60], marks=needs("acm")),
        pytest.param(
            "dblp", [11_113, 5_000_495, 7_043_571], [334, 4231, 20, 50], marks=needs("dblp")
        ),
        pytest.param("aminer", [21_976, 129_824], [6564, 13329, 35890], marks=needs("aminer")),
        pytest.param(
            "imdb", [81_360, 16_498, 319_435], [5927, 5432, 2083, 7313], marks=needs("imdb")
        ),
    ],
)
def test_graph_has_the_counts_of_the_published_one(name, nonzeros, widths):
    data = getattr(published, name)(generator(0))
    counts = [path_counts(incidence(data.graph, path.half)) for path in data.paths]
    assert [each.nnz for each in counts] == nonzeros
    assert [data.width(t) for t in data.types] == widths
    assert len(data) == len(data.labels)
    assert data.labels.min() == 0
    assert data.splits["40"].train.size == 40 * (data.labels.max() + 1)


@needs("dblp")
def test_conferences_of_dblp_are_passed_by_factors_and_its_terms_are_not():
    data = published.dblp(generator(0))
    _, by_conference, by_term = data.paths
    last = incidence(data.graph, by_conference.edges[2:3])
    left, right = mean_factors(data.context(by_conference, 1), last)
    whole = mean_over_neighbours(data.context(by_conference, 2))
    assert whole.nnz == 10_165_000
    x = np.linspace(0, 1, whole.shape[1])
    np.testing.assert_allclose(left @ (right @ x), whole @ x, rtol=1e-12)
    assert mean_factors(data.context(by_term, 1), incidence(data.graph, by_term.edges[2:3])) is None
    assert data.features("term").data.min() < 0


@needs("imdb")
def test_repeated_training_nodes_of_imdb_are_kept():
    data = published.imdb(generator(0))
    assert [len(np.unique(data.splits[L].train)) for L in ("40", "60")] == [119, 175]


@needs("acm")
def test_hubs_of_acm_are_of_one_class_by_the_official_order_alone():
    data = published.acm(generator(0))
    path = data.paths[1]
    half, N = incidence(data.graph, path.half), len(data)
    found = {}
    for rule in ("random", "official"):
        ties = Ties(np.random.default_rng(0).permutation(N), rule)
        hubs = find_hubs(path.short, half, cut(half, 700, ties), data.labels)
        assert hubs.alike == (1301, 2, 538)
        assert sum(hubs.kept) == 700
        found[rule] = hubs.kept
    assert 0.6 < found["random"][0] / 700 < 0.8  # 71 % of them all
    # by processor: with AVX-512, with AVX2, with neither
    assert found["official"] in {(693, 1, 6), (177, 1, 522), (691, 1, 8)}
