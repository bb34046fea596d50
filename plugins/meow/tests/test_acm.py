import re

import pytest

from contrast.data.sources import Source, local_copy
from contrast.engine.randomness import generator
from contrast_meow import acm as source
from contrast_meow.acm import acm
from contrast_meow.graph import path_counts
from contrast_meow.metapaths import incidence


def test_every_file_is_pinned_by_commit_and_checksum():
    assert re.fullmatch("[0-9a-f]{40}", source.COMMIT)
    assert all(re.fullmatch("[0-9a-f]{64}", found) for found in source.CHECKSUMS.values())
    assert {f"{p}_{L}.npy" for p in ("train", "val", "test") for L in (20, 40, 60)} < set(
        source.CHECKSUMS
    )


def here() -> bool:
    item = Source("hgraph/acm/pa.txt", "https://example.org", source.CHECKSUMS["pa.txt"])
    return local_copy(item) is not None


@pytest.mark.skipif(not here(), reason="needs local copies of ACM in CONTRAST_DATA_DIR")
def test_graph_has_the_counts_of_its_readme():
    data = acm(generator(0))
    counts = [path_counts(incidence(data.graph, path.half)) for path in data.paths]
    assert len(data) == 4019
    assert [each.nnz for each in counts] == [57_853, 4_338_213]
    assert [len(data.splits[L].train) for L in ("20", "40", "60")] == [60, 120, 180]
    assert [data.width(t) for t in data.types] == [1902, 1902, 60]
    assert abs(data.features("paper").sum(1) - 1).max() < 1e-6
