import numpy as np
import pytest

from contrast.data.arrays import read_arrays
from contrast.errors import DataError


def test_needed_arrays_come_with_the_optional_ones_that_are_there(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.arange(3), y=np.ones(2), z=np.array([object()]))
    found = read_arrays(path, ["x"], ["y", "w"])
    assert list(found) == ["x", "y"]
    np.testing.assert_array_equal(found["x"], [0, 1, 2])
    with pytest.raises(DataError, match=r"a\.npz has no array `xs`; did you mean `x`"):
        read_arrays(path, ["xs"])
    with pytest.raises(DataError, match="without Python objects"):
        read_arrays(path, ["z"])


def test_a_file_that_is_missing_or_one_array_is_told_as_such(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_arrays(tmp_path / "no.npz", ["x"])
    with open(tmp_path / "one.npz", "wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(DataError, match=r"is one array; write several by name with numpy\.savez"):
        read_arrays(tmp_path / "one.npz", ["x"])


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 and no more", "half", "flipped"])
def test_a_damaged_file_is_told_as_such(tmp_path, content):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).random(1000))
    whole = path.read_bytes()
    known = {"half": whole[: len(whole) // 2], "flipped": whole[:200] + b"!!!!" + whole[204:]}
    path.write_bytes(known.get(content, content))
    with pytest.raises(DataError, match=r"cannot be read as \.npz"):
        read_arrays(path, ["x"])
