from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from contrast.data.tables import read_table, require_columns, write_embeddings
from contrast.errors import DataError

TABLE = pd.DataFrame({"user": ["a", "b"], "rating": [3, 4]})


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "jsonl"])
def test_every_kind_of_table_is_read_alike(tmp_path, suffix):
    path = tmp_path / f"ratings.{suffix}"
    write = {
        "csv": lambda: TABLE.to_csv(path, index=False),
        "tsv": lambda: TABLE.to_csv(path, index=False, sep="\t"),
        "parquet": lambda: TABLE.to_parquet(path),
        "jsonl": lambda: TABLE.to_json(path, orient="records", lines=True),
    }
    write[suffix]()
    pd.testing.assert_frame_equal(read_table(path), TABLE)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_columns_named_as_text_stay_as_they_stand(tmp_path, name):
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("id,x\n007,1\n1e5,2\n")
    elif name.endswith("jsonl"):
        path.write_text('{"id": "007", "x": 1}\n{"id": "1e5", "x": 2}\n')
    else:
        pd.DataFrame({"id": ["007", "1e5"], "x": [1, 2]}).to_parquet(path)
    frame = read_table(path, text=["id", "absent"])
    assert frame["id"].tolist() == ["007", "1e5"]
    assert frame["x"].tolist() == [1, 2]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_whole_numbers_read_as_text_stay_whole_beside_a_missing_one(tmp_path, name):
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("id,x\n7,1\n,2\n")
    elif name.endswith("jsonl"):
        path.write_text('{"id": 7, "x": 1}\n{"x": 2}\n')
    else:
        ids = pd.Series([7, None], dtype="Int64")
        pd.DataFrame({"id": ids, "also": ids.astype(float)}).to_parquet(path)
    frame = read_table(path, text=["id", "also"])
    for name in ("id", "also"):
        assert frame.get(name, frame["id"])[0] == "7"
        assert frame.get(name, frame["id"]).isna().tolist() == [False, True]


def test_a_column_named_timestamp_stays_a_number(tmp_path):
    path = written(tmp_path, "t.jsonl", '{"timestamp": 1700000000}\n')
    assert read_table(path)["timestamp"].tolist() == [1700000000]


def test_a_missing_file_is_answered_by_the_nearest_name(tmp_path):
    written(tmp_path, "ratings.csv", "a\n1\n")
    with pytest.raises(DataError, match=r"does not exist; did you mean `ratings.csv`"):
        read_table(tmp_path / "rating.csv")
    with pytest.raises(DataError, match="does not exist"):
        read_table(tmp_path / "nowhere" / "rating.csv")


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.npz"])
def test_a_foreign_suffix_lists_those_that_can_be_read(name):
    with pytest.raises(DataError, match=r"`.csv`, `.tsv`, `.parquet`, `.jsonl`"):
        read_table(name)


@pytest.mark.parametrize("name", ["t.pkl", "t.pickle", "t.pt", "t.PT"])
def test_a_pickle_is_refused_with_advice_whether_or_not_it_exists(name):
    with pytest.raises(DataError, match="save the table as CSV or Parquet"):
        read_table(name)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet", "t.jsonl"])
def test_an_empty_file_is_called_empty(tmp_path, name):
    with pytest.raises(DataError, match=r"is empty|has no rows"):
        read_table(written(tmp_path, name, ""))


def test_a_header_without_rows_is_named(tmp_path):
    with pytest.raises(DataError, match="no rows, only the columns `a`, `b`"):
        read_table(written(tmp_path, "t.csv", "a,b\n"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "a,b\n1,2\n1,2,3\n"),
        ("t.csv", "a,b\n1,2,3\n"),
        ("t.parquet", "not parquet"),
        ("t.jsonl", '{"a": 1'),
    ],
)
def test_a_malformed_file_is_refused_with_the_reason_on_one_line(tmp_path, name, text):
    with pytest.raises(DataError, match="cannot be read as") as caught:
        read_table(written(tmp_path, name, text))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_text_that_is_not_utf8_is_said(tmp_path, name):
    path = tmp_path / name
    path.write_bytes('{"a": "é"}\n'.encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_table(path)


def test_a_missing_column_is_answered_by_the_nearest_one(tmp_path):
    with pytest.raises(DataError, match="no column `users`; did you mean `user`"):
        require_columns(TABLE, ["rating", "users"], tmp_path / "t.csv")
    require_columns(TABLE, ["rating", "user"], tmp_path / "t.csv")


EMBEDDINGS = {"z": np.arange(6, dtype=np.float32).reshape(2, 3), "salient": np.ones((2, 1))}


def test_parquet_holds_ids_and_one_list_column_a_name(tmp_path):
    write_embeddings(tmp_path / "z.parquet", [7, 9], EMBEDDINGS)
    frame = pd.read_parquet(tmp_path / "z.parquet")
    assert list(frame) == ["ids", "z", "salient"]
    assert frame["ids"].tolist() == [7, 9]
    assert np.array_equal(np.stack(frame["z"]), EMBEDDINGS["z"])
    assert np.stack(frame["z"]).dtype == np.float32


@pytest.mark.parametrize(("ids", "kind"), [([7, 9], "i"), (["a", "ü"], "U"), ([1, "a"], "U")])
def test_npz_holds_ids_and_arrays_without_pickles(tmp_path, ids, kind):
    write_embeddings(tmp_path / "z.npz", ids, EMBEDDINGS)
    with np.load(tmp_path / "z.npz", allow_pickle=False) as held:
        assert held["ids"].dtype.kind == kind
        assert [str(item) for item in held["ids"]] == [str(item) for item in ids]
        assert np.array_equal(held["z"], EMBEDDINGS["z"])


def test_ids_from_numpy_stay_integers(tmp_path):
    write_embeddings(tmp_path / "z.parquet", list(np.array([1, 2])), EMBEDDINGS)
    assert pd.read_parquet(tmp_path / "z.parquet")["ids"].dtype == np.int64


@settings(max_examples=20, deadline=None)
@given(
    z=arrays.arrays(
        np.float32,
        st.tuples(st.integers(0, 5), st.integers(1, 4)),
        elements=st.floats(-1, 1, width=32),
    )
)
def test_both_formats_give_back_any_embedding(z, tmp_path_factory):
    folder = tmp_path_factory.mktemp("z")
    ids = list(range(len(z)))
    write_embeddings(folder / "z.npz", ids, {"z": z})
    write_embeddings(folder / "z.parquet", ids, {"z": z})
    held = pd.read_parquet(folder / "z.parquet")["z"].tolist()
    assert np.array_equal(np.array(held, np.float32).reshape(z.shape), z)
    assert np.array_equal(np.load(folder / "z.npz", allow_pickle=False)["z"], z)


def test_an_existing_file_is_not_overwritten(tmp_path):
    path = written(tmp_path, "z.npz", "precious")
    with pytest.raises(DataError, match="exists and is not overwritten"):
        write_embeddings(path, [1, 2], EMBEDDINGS)
    assert path.read_text() == "precious"


def test_an_unknown_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(DataError, match=r"`.parquet`, `.npz`, got 'z.csv'"):
        write_embeddings(tmp_path / "z.csv", [1, 2], EMBEDDINGS)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot write"):
        write_embeddings(tmp_path / "nowhere" / "z.npz", [1, 2], EMBEDDINGS)


@pytest.mark.parametrize(
    "arrays", [{"ids": np.ones((2, 1))}, {"z": np.ones((3, 1))}, {"z": np.ones(2)}]
)
def test_arrays_of_another_shape_are_refused(tmp_path, arrays):
    with pytest.raises(ValueError, match=r"must be \(2, D\)"):
        write_embeddings(tmp_path / "z.npz", [1, 2], arrays)
    assert list(tmp_path.iterdir()) == []


def test_the_data_room_imports_nothing_heavy():
    code = (
        "import sys, contrast.data.sources, contrast.data.tables, contrast.data.download\n"
        "print({'torch', 'numpy', 'pandas', 'pyarrow', 'filelock'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
