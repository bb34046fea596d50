import numpy as np
import pandas as pd
import pytest

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_supremix.data import diabetes, rows_of, table

SHARES = {"valid_share": 0.2, "held_share": 0.133, "log_target": False}


def test_the_bundled_table_is_read_and_split():
    rows = diabetes(generator=generator(0), **SHARES)
    assert rows.x.shape == (442, 10)
    assert [len(getattr(rows.split, part)) for part in ("train", "valid", "held")] == [295, 88, 59]


def test_a_file_is_read_with_its_repeats_and_groups_told(houses_csv):
    rows = table(
        generator=generator(0), path=str(houses_csv), target="price", group="agent", **SHARES
    )
    assert len(rows) == 93
    assert any("repeat another one: " in note for note in rows.notes)
    for one, other in (("train", "valid"), ("train", "held"), ("valid", "held")):
        units = [set(rows.units[getattr(rows.split, part)].tolist()) for part in (one, other)]
        assert not units[0] & units[1]


def test_rows_without_a_target_are_left_out_and_keep_their_numbers(houses):
    houses.loc[2, "price"] = np.nan
    rows = rows_of(houses, "price", "t.csv")
    assert len(rows) == 92
    assert rows.ids[:3] == [0, 1, 3]
    assert rows.notes[0] == "Rows without `price`, left out: 1."


def test_a_logarithm_is_learnt_and_taken_back(houses):
    rows = rows_of(houses, "price", "t.csv", log_target=True)
    np.testing.assert_allclose(rows.in_unit(rows.y), houses["price"])


@pytest.mark.parametrize(("scale", "said"), [(1e-3, True), (1e6, True), (0.3, False)])
def test_a_narrow_or_wide_target_is_mapped_and_that_is_said(houses, scale, said):
    rows = rows_of(houses.assign(price=houses["price"] * scale), "price", "t.csv")
    assert any("mapped to labels" in note for note in rows.notes) is said


def test_a_long_tail_is_met_with_the_offer_of_a_logarithm(houses):
    rows = rows_of(houses.assign(price=np.exp(houses["price"] / 60)), "price", "t.csv")
    assert any("data.log_target=true" in note for note in rows.notes)


def test_other_rows_have_another_fingerprint(houses):
    one, two = rows_of(houses, "price", "t"), rows_of(houses.iloc[1:], "price", "t")
    assert one.fingerprint != two.fingerprint


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (lambda f: f.assign(price=3.0), "is 3 in every row"),
        (lambda f: f.assign(price="much"), "is 'much' in row 1, expected a number"),
        (lambda f: f.assign(price=np.inf), "is infinite in row 1"),
        (lambda f: f.head(1), "has 1 row with a target"),
        (lambda f: f.assign(price=pd.Timestamp("2020-01-01")), "holds dates or times"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused(houses, frame, message):
    with pytest.raises(DataError, match=message):
        rows_of(frame(houses), "price", "t.csv")


def test_a_logarithm_of_nothing_is_refused(houses):
    with pytest.raises(DataError, match="needs targets above 0"):
        rows_of(houses.assign(price=houses["price"] - 1000), "price", "t.csv", log_target=True)


def test_a_missing_name_and_a_missing_column_are_told_apart(houses_csv):
    given = {"generator": generator(0), "path": str(houses_csv), "group": "", **SHARES}
    with pytest.raises(DataError, match=r"data\.target=COLUMN"):
        table(target="", **given)
    with pytest.raises(DataError, match="did you mean `price`"):
        table(target="prise", **given)


def test_parquet_is_read_alike(houses, houses_csv, tmp_path):
    pd.read_csv(houses_csv).to_parquet(tmp_path / "h.parquet")
    given = {"generator": generator(0), "target": "price", "group": "", **SHARES}
    one = table(path=str(houses_csv), **given)
    two = table(path=str(tmp_path / "h.parquet"), **given)
    assert one.fingerprint == two.fingerprint


def test_repeats_follow_their_groups_and_that_is_said(houses):
    alone, grouped = (rows_of(houses, "price", "t.csv", group=g) for g in ("", "agent"))
    assert "Rows that repeat another one: 3; they stay on one side of a split." in alone.notes
    assert "Rows that repeat another one: 3; they stay where their group is." in grouped.notes


def test_a_row_of_no_group_is_refused(houses):
    with pytest.raises(DataError, match="column `agent` is empty in row 3"):
        rows_of(
            houses.assign(agent=houses["agent"].where(houses.index != 2)),
            "price",
            "t.csv",
            group="agent",
        )


def test_a_column_that_is_target_and_group_is_refused(houses_csv):
    with pytest.raises(DataError, match=r"`price` of .* is named for two things"):
        table(generator=generator(0), path=str(houses_csv), target="price", group="price", **SHARES)


def test_columns_of_parquet_may_be_numbers(tmp_path):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)))
    frame.to_parquet(tmp_path / "t.parquet")
    rows = table(
        generator=generator(0), path=str(tmp_path / "t.parquet"), target="2", group="", **SHARES
    )
    np.testing.assert_allclose(rows.y, frame[2])
