import numpy as np
import pandas as pd
import pytest

from contrast.errors import DataError
from contrast_supremix.columns import Columns


def kinds(frame, skip=("price",)):
    return {each.name: each.kind for each in Columns.of(frame, list(skip), "t.csv").kept}


def test_numbers_categories_and_dates_are_recognised_and_ids_left_out(houses):
    found = Columns.of(houses, ["price"], "t.csv")
    assert kinds(houses) == {
        "size": "number",
        "age": "number",
        "town": "category",
        "sold": "date",
        "agent": "number",
    }
    assert any("`house_id`" in note for note in found.notes)
    assert any("`country`" in note for note in found.notes)


def test_a_column_that_counts_the_rows_is_an_id_and_one_that_repeats_is_not():
    frame = pd.DataFrame({"n": range(1, 31), "v": [1, 2, 3] * 10})
    assert kinds(frame, ()) == {"v": "number"}


def test_the_matrix_holds_one_column_a_level_three_a_date_and_nan_for_gaps(houses):
    columns = Columns.of(houses, ["price"], "t.csv")
    x, notes = columns.matrix(houses, "t.csv")
    assert x.shape == (93, 1 + 1 + 3 + 3 + 1)
    assert notes == ()
    assert (np.isnan(x[:, 0]) == houses["size"].isna()).all()
    assert (x[:, 2:5].sum(1) == houses["town"].notna()).all()


def test_a_value_never_seen_is_no_level_and_is_said(houses):
    columns = Columns.of(houses, ["price"], "t.csv")
    x, notes = columns.matrix(houses.head(1).assign(town="Paris"), "new.csv")
    assert not x[0, 2:5].any()
    assert "`Paris`" in notes[0]


def test_text_of_numbers_is_read_as_numbers():
    frame = pd.DataFrame({"a": ["1", "2.5", None, "4"] * 5})
    assert kinds(frame, ()) == {"a": "number"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="size"), "new.csv has no column `size`"),
        (lambda f: f.assign(age="old"), "column `age` holds 'old' in row 1"),
        (lambda f: f.assign(age=np.inf), "column `age` is infinite in row 1"),
        (lambda f: f.assign(sold="soon"), "column `sold` holds no date in row 1"),
    ],
)
def test_new_rows_of_another_kind_are_refused(houses, change, message):
    columns = Columns.of(houses, ["price"], "t.csv")
    with pytest.raises(DataError, match=message):
        columns.matrix(change(houses), "new.csv")


def test_a_table_of_ids_alone_is_refused():
    with pytest.raises(DataError, match="nothing to predict from"):
        Columns.of(pd.DataFrame({"id": range(30), "y": range(30)}), ["y"], "t.csv")


def test_columns_of_lists_and_objects_are_left_out_and_said():
    frame = pd.DataFrame({"v": [1.0, 2, 3] * 10, "tags": [["a"], ["b"], []] * 10, "at": [{}] * 30})
    found = Columns.of(frame, (), "t.jsonl")
    assert [each.name for each in found.kept] == ["v"]
    assert found.notes == ("Left out since they hold lists or objects: `tags`, `at`.",)


def test_a_gap_does_not_make_another_value_of_a_category():
    columns = Columns.of(pd.DataFrame({"zip": ["1", "2", "x"] * 10}), (), "t.csv")
    x, notes = columns.matrix(pd.DataFrame({"zip": [1.0, np.nan]}), "new.csv")
    assert x.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert notes == ()


def test_columns_may_be_named_by_numbers():
    columns = Columns.of(pd.DataFrame({"0": [1.0, 2, 3] * 10}), (), "t.csv")
    assert columns.matrix(pd.DataFrame({0: [5.0]}), "new.csv")[0].tolist() == [[5]]
