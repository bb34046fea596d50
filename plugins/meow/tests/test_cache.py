import numpy as np
import pytest
from safetensors import SafetensorError
from scipy import sparse

from contrast_meow import cache
from contrast_meow.cut import Ties

HALF = sparse.csr_array(np.array([[1.0, 0, 1], [1, 1, 0], [0, 0, 0], [0, 1, 1]]))
RANK = np.array([2, 0, 3, 1])


def dense(folder, keep=2, rank=RANK, half=HALF):
    return cache.kept_graph(half, keep, Ties(rank), folder).toarray()


def test_cached_graph_is_identical_and_not_computed_again(tmp_path, monkeypatch):
    first = dense(tmp_path)
    monkeypatch.setattr(cache, "cut", None)
    assert (dense(tmp_path) == first).all()
    assert (first == np.array([[2, 1, 0, 0], [0, 2, 0, 1], [0, 0, 0, 0], [0, 1, 0, 2]])).all()


def test_every_ingredient_changes_the_hash():
    other = HALF.copy()
    other.data[0] = 2
    hashes = {
        cache.content_hash(HALF, 2, Ties(RANK)),
        cache.content_hash(HALF, 3, Ties(RANK)),
        cache.content_hash(HALF, 2, Ties(RANK[::-1])),
        cache.content_hash(HALF, 2, Ties(RANK, "next_index")),
        cache.content_hash(other, 2, Ties(RANK)),
    }
    assert len(hashes) == 5


def test_damaged_file_is_computed_anew_and_replaced(tmp_path):
    first = dense(tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    assert (dense(tmp_path) == first).all()
    assert path.read_bytes() == whole


def test_folder_that_cannot_be_written_is_done_without(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert (dense(blocked / "cache") == dense(None)).all()


def test_no_partial_file_is_left(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(cache.os, "replace", fail)
    dense(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_done_without(tmp_path, monkeypatch):
    def fail(*_):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(cache, "save_file", fail)
    assert (dense(tmp_path) == dense(None)).all()


@pytest.mark.parametrize("keep", [1, 4])
def test_cache_keeps_different_cuts_apart(tmp_path, keep):
    dense(tmp_path, keep=2)
    assert (dense(tmp_path, keep=keep) == dense(None, keep=keep)).all()
