import numpy as np
import pandas as pd
import pytest

import contrast
from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_supremix import Predictor
from contrast_supremix.scaling import ChannelScaling
from contrast_supremix.series import Series, series

SHARES = {"valid_share": 0.2, "held_share": 0.133, "log_target": False}


def waves(n=40, length=32):
    """Noisy sines of a frequency each, which is the target."""
    draw = np.random.default_rng(0)
    pace = draw.uniform(1, 6, n)
    phase = draw.uniform(0, 6, (n, 1))
    x = np.sin(phase + pace[:, None] * np.linspace(0, 6, length))
    return x + draw.normal(0, 0.05, x.shape), pace


def long_table(n=24):
    """The same as rows, in no order of time, the series of different lengths."""
    x, pace = waves(n)
    rows = [
        (f"s{i}", t, x[i, t], pace[i], i % 5)
        for i in range(n)
        for t in np.random.default_rng(i).permutation(32 - i % 4)
    ]
    return pd.DataFrame(rows, columns=["who", "when", "volt", "pace", "site"])


def own(path, **changed):
    given = {"target": "pace", "id": "", "time": "", "group": "", "length": 0}
    return series(generator=generator(0), path=str(path), **given | changed, **SHARES)


@pytest.fixture
def arrays(tmp_path):
    x, pace = waves()
    np.savez(tmp_path / "waves.npz", x=x, pace=pace, site=np.arange(40) % 6)
    return tmp_path / "waves.npz"


@pytest.fixture
def table(tmp_path):
    long_table().to_csv(tmp_path / "waves.csv", index=False)
    return tmp_path / "waves.csv"


LONG = {"id": "who", "time": "when"}


def test_arrays_are_read_with_their_groups(arrays):
    rows = own(arrays, group="site")
    assert (rows.kind, rows.x.shape) == ("series", (40, 1, 32))
    assert not set(rows.units[rows.split.held]) & set(rows.units[rows.split.train])
    assert own(arrays, length=10).x.shape == (40, 1, 10)


def test_a_long_table_is_put_in_order_and_its_gaps_are_missing(table):
    rows = own(table, **LONG, group="site")
    x, pace = waves(24)
    assert rows.x.shape == (24, 1, 32)
    np.testing.assert_allclose(rows.x[0, 0], x[0])
    assert np.isnan(rows.x[3, 0]).sum() == 3
    np.testing.assert_allclose(rows.y, pace)
    assert rows.ids[:2] == ["s0", "s1"]


def test_channels_are_scaled_by_training_and_gaps_are_flagged():
    x = np.stack([np.full((2, 5), 3.0), np.arange(10.0).reshape(2, 5)], 1)
    scaling = ChannelScaling.of(x, flagged=True)
    x[0, 0, 1] = np.nan
    found = scaling(x)
    assert found.shape == (2, 3, 5)
    assert found[0, :, 1].tolist() == [0, pytest.approx((1 - 4.5) / 8.25**0.5), 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "pase"}, "did you mean `pace`"),
        ({"target": ""}, r"data\.target=NAME"),
        ({"group": "x"}, r"`x` must be \(40,\), one value a series"),
    ],
)
def test_arrays_that_are_described_wrongly_are_refused(arrays, change, message):
    with pytest.raises(DataError, match=message):
        own(arrays, **change)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(40), r"must be numbers \(N, T\)"),
        (np.full((40, 2), np.inf), "infinite in series 0"),
        (np.array([["a"]] * 40), "must be numbers"),
    ],
)
def test_values_that_are_no_series_are_refused(tmp_path, x, message):
    np.savez(tmp_path / "a.npz", x=x, pace=np.arange(40))
    with pytest.raises(DataError, match=message):
        own(tmp_path / "a.npz")


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        own(tmp_path / "none.npz")
    (tmp_path / "a.npz").write_text("no arrays")
    with pytest.raises(DataError, match="cannot be read as"):
        own(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([object()] * 3), pace=np.arange(3))
    with pytest.raises(DataError, match="cannot be read as"):  # pickles stay shut
        own(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("given", "change", "message"),
    [
        ({}, lambda f: f, r"data\.id=COLUMN"),
        (LONG, lambda f: f.drop(columns="when"), "no column `when`"),
        (LONG, lambda f: f.drop(columns=["volt", "site"]), "has no channels"),
        (LONG, lambda f: f.assign(pace=range(len(f))), "changes within the series 's0'"),
        (LONG, lambda f: f.assign(volt="high"), "column `volt` holds 'high' in row 1"),
        (LONG, lambda f: f.assign(who=f.who.where(f.index != 5)), "`who` is empty in row 6"),
        (LONG, lambda f: f.assign(when=f.when.where(f.index != 5)), "`when` is empty in row 6"),
        (
            LONG,
            lambda f: f.assign(when="soon"),
            "`when` holds 'soon' in row 1, expected a number or",
        ),
        (LONG | {"id": "pace"}, lambda f: f, "`pace` of .* is named for two things"),
    ],
)
def test_long_tables_that_cannot_be_read_are_refused(table, given, change, message):
    change(long_table()).to_csv(table, index=False)
    with pytest.raises(DataError, match=message):
        own(table, **given)


def test_longer_series_are_cut_at_prediction_and_that_is_said():
    reader = Series(("volt",), 3, "who", "when")
    frame = pd.DataFrame({"who": "a", "when": range(5), "volt": range(5)})
    x, notes = reader.matrix(frame, "new.csv")
    assert x.tolist() == [[[0, 1, 2]]]
    assert notes == ("Series longer than 3, cut there: 1.",)


@pytest.mark.parametrize(
    "when",
    [
        ["8:30", "9:00", "10:30", "11:00"],
        ["12/30/2023", "12/31/2023", "1/2/2024", "1/10/2024"],
        ["30/12/2023", "31/12/2023", "2/1/2024", "10/1/2024"],
        ["2024-1-2", "2024-1-10", "2024-2-1", "2024-10-1"],
        ["2", "10", "100", "1000"],
    ],
)
def test_text_that_tells_the_time_orders_a_series_by_it(when):
    frame = pd.DataFrame({"who": "a", "when": when, "volt": range(4)}).sample(
        frac=1, random_state=1
    )
    x, _ = Series(("volt",), 4, "who", "when").matrix(frame, "new.csv")
    assert x[0, 0].tolist() == [0, 1, 2, 3]


def test_a_new_row_of_no_series_is_refused():
    frame = pd.DataFrame({"who": ["a", None], "when": [0, 1], "volt": [0, 1]})
    with pytest.raises(DataError, match="`who` is empty in row 2"):
        Series(("volt",), 2, "who", "when").matrix(frame, "new.csv")


def test_arrays_that_are_longer_are_cut_as_in_training(arrays):
    rows = own(arrays, length=10)
    _, x, notes = rows.reader.read(arrays)
    np.testing.assert_array_equal(x, rows.x)
    assert notes == ("Series longer than 10, cut there: 40.",)


@pytest.mark.parametrize("kind", ["arrays", "table"])
def test_new_series_are_predicted(kind, arrays, table, tmp_path):
    long = kind == "table"
    path = table if long else arrays
    run = contrast.run(
        "supremix",
        data={"name": "series", "path": str(path), "target": "pace", **(LONG if long else {})},
        trainer={"max_epochs": 8, "lr": 0.01},
        sampler={"batch_size": 8},
        evaluation={"compare": False},
        runs=tmp_path / "runs",
    ).folder
    frame, found = Predictor.load(run).predict_file(path)
    assert list(frame.columns) == ["who" if long else "series"]
    assert len(frame) == len(found.value) == (24 if long else 40)
    assert np.corrcoef(found.value, waves(len(frame))[1])[0, 1] > 0.5
    np.savez(tmp_path / "short.npz", x=np.zeros((2, 5)))
    with pytest.raises(DataError, match="the run was trained on"):
        Predictor.load(run).predict_file(tmp_path / "short.npz")
