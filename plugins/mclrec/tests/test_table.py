import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from contrast.errors import DataError
from contrast_mclrec.table import read_events

COLUMNS = {"user": "user_id", "item": "item_id", "time": "timestamp", "separator": ""}
HEADER = "user_id,item_id,timestamp"


def read(tmp_path, text, name="log.csv", **columns):
    path = tmp_path / name
    path.write_text(text)
    return read_events(path, **{**COLUMNS, **columns})


def test_ids_stay_text_and_are_numbered_as_they_appear(tmp_path):
    found = read(tmp_path, f"{HEADER}\n007,b,3\n7,a,1\n007,a,2\n")
    assert found.user_ids == ["007", "7"]
    assert found.item_ids == ["b", "a"]
    assert found.users.tolist() == [0, 1, 0]
    assert found.items.tolist() == [0, 1, 1]
    assert found.times.tolist() == [3, 1, 2]


def test_columns_are_named_by_the_user_and_others_are_ignored(tmp_path):
    found = read(
        tmp_path, "what;who;note\nx;1;a\ny;1;b\n", user="who", item="what", time="", separator=";"
    )
    assert found.item_ids == ["x", "y"]
    assert found.times is None


def test_atomic_files_of_recbole_are_read(tmp_path):
    text = "user_id:token\titem_id:token\ttimestamp:float\n1\t2\t3.5\n"
    assert read(tmp_path, text, "log.inter").times.tolist() == [3.5]


@pytest.mark.parametrize(
    ("times", "ordered"),
    [
        (("20", "3"), [1, 0]),
        (("1.5", "1"), [1, 0]),
        (("2024-01-02", "2023-12-31"), [1, 0]),
        (("2024-01-02T10:00:00", "2024-01-02T09:59:59.5"), [1, 0]),
        (("2024-01-02T10:00:00Z", "2024-01-02T11:00:00+02:00"), [1, 0]),
        (("2024-01-02 10:00:00.000000002", "2024-01-02 10:00:00.000000001"), [1, 0]),
    ],
)
def test_times_are_numbers_or_dates(tmp_path, times, ordered):
    rows = "\n".join(f"u,{i},{t}" for i, t in enumerate(times))
    found = read(tmp_path, f"{HEADER}\n{rows}\n")
    assert found.times.argsort().tolist() == ordered


def test_parquet_is_read_with_numbers_as_ids(tmp_path):
    table = pa.table({"user_id": [3, 3, None], "item_id": [1.0, 2.0, 5.0], "timestamp": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "log.parquet")
    found = read_events(tmp_path / "log.parquet", **COLUMNS)
    assert (found.user_ids, found.item_ids) == (["3"], ["1", "2"])
    assert found.notes == ("1 rows without user_id or item_id or timestamp were left out.",)


@pytest.mark.parametrize("items", [[[1], [2]], [1.0, float("inf")]])
def test_columns_that_hold_no_ids_are_refused(tmp_path, items):
    table = pa.table({"user_id": [3, 3], "item_id": items, "timestamp": [1, 2]})
    parquet.write_table(table, tmp_path / "log.parquet")
    with pytest.raises(DataError, match=r"`item_id` of .* must hold texts or whole numbers"):
        read_events(tmp_path / "log.parquet", **COLUMNS)


def test_a_tab_may_be_written_as_in_the_answer_that_names_it(tmp_path):
    text = f"{HEADER}\n1,a,1\n".replace(",", "\t")
    assert read(tmp_path, text, separator=r"\t").item_ids == ["a"]


def test_a_separator_is_one_character(tmp_path):
    with pytest.raises(DataError, match=r"`data\.separator` must be one character, got '::'"):
        read(tmp_path, "user_id::item_id\n1::2\n", separator="::")


def test_rows_with_missing_values_are_left_out_and_counted(tmp_path):
    found = read(tmp_path, f"{HEADER}\n1,a,1\n,b,2\n1,NaN,3\n1,c,\n1,d,4\n")
    assert found.item_ids == ["a", "d"]
    assert found.notes == ("3 rows without user_id or item_id or timestamp were left out.",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (f"{HEADER}\n", "has no rows"),
        (f"{HEADER}\n1,,\n", "no row of .* has all of"),
        ("user,item_id,timestamp\n1,2,3\n", "no column `user_id`; did you mean `user`"),
        ("user_id;item_id;timestamp\n1;2;3\n", r"cut at ';': set `data\.separator=';'`"),
        ("user_id\titem_id\ttimestamp\n1\t2\t3\n", r"looks cut at '\\t'"),
        (f"{HEADER}\n1,a,1\n1,b,yesterday\n", "got 'yesterday' in row 3"),
        (f"{HEADER}\n1,a,2024-01-01\n1,b,soon\n", "got 'soon' in row 3"),
        (f"{HEADER}\n1,a,2024-01-01\n1,b,2024-01-02T00:00Z\n", "got '2024-01-02T00:00Z' in row 3"),
        (f"{HEADER}\n1,a,1\n1,b,inf\n", "must be finite, got inf in row 3"),
        (f"{HEADER}\n1,a,1\n1,b\n", "cannot be read: .*Expected 3 columns, got 2"),
    ],
)
def test_bad_tables_are_refused_in_words(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, text)


def test_a_missing_file_is_answered_by_the_nearest(tmp_path):
    (tmp_path / "log.csv").touch()
    with pytest.raises(DataError, match=r"does not exist; did you mean `log\.csv`"):
        read_events(tmp_path / "logs.csv", **COLUMNS)


def test_other_kinds_of_file_and_other_encodings_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"use `\.csv`"):
        read(tmp_path, "x", "log.xlsx")
    (tmp_path / "log.csv").write_bytes(f"{HEADER}\n1,caf\xe9,2\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read_events(tmp_path / "log.csv", **COLUMNS)


def test_codes_are_small(tmp_path):
    assert read(tmp_path, f"{HEADER}\n1,a,1\n").users.dtype == np.int32
