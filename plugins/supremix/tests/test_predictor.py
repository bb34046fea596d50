import numpy as np
import pandas as pd
import pytest

import contrast
from contrast.cli import main
from contrast.errors import ConfigError, DataError
from contrast.interfaces import Parts
from contrast_supremix import Predictor
from contrast_supremix.predictor import Predicted


@pytest.fixture(scope="module")
def run(houses_csv, tmp_path_factory):
    """A short run on the houses."""
    return contrast.run(
        "supremix",
        data={"name": "table", "path": str(houses_csv), "target": "price"},
        trainer={"max_epochs": 20, "lr": 0.01},
        evaluation={"compare": False},
        runs=tmp_path_factory.mktemp("runs"),
    ).folder


def new_rows():
    return pd.DataFrame(
        {
            "size": [50.0, 100, 180, np.nan],
            "age": [10, 10, 10, 10],
            "town": ["Leiden", "Delft", "Paris", None],
            "sold": "2021-05-05",
            "agent": 3,
        }
    )


def test_larger_houses_cost_more_and_lie_in_their_intervals(run):
    found = Predictor.load(run).predict(new_rows())
    assert found.value[0] < found.value[1] < found.value[2]
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()
    assert found.z.shape == (4, 128)
    assert "`Paris`" in found.notes[0]


def test_a_wider_coverage_gives_a_wider_interval(run):
    wide, narrow = (Predictor.load(run, coverage).margin for coverage in (0.9, 0.5))
    assert wide > narrow


def test_predicting_the_training_table_gives_what_the_run_found(run, houses_csv):
    from contrast_supremix.evaluate import predictions

    predictor = Predictor.load(run)
    found = predictor.predict(pd.read_csv(houses_csv))
    np.testing.assert_allclose(found.value, predictions(predictor.parts, "all"), rtol=1e-5)


def test_the_command_writes_rows_with_their_intervals(run, tmp_path, capsys):
    new_rows().to_csv(tmp_path / "new.csv", index=False)
    words = ["predict", str(run), str(tmp_path / "new.csv")]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--out", str(tmp_path / "p.csv"), "--embeddings", str(tmp_path / "z.npz")])
    assert not ended.value.code
    assert list(pd.read_csv(tmp_path / "p.csv").columns[-3:]) == ["prediction", "low", "high"]
    assert np.load(tmp_path / "z.npz")["z"].shape == (4, 128)
    assert "never seen" in capsys.readouterr().err


def test_a_table_that_has_changed_is_noticed(run, houses_csv):
    text = houses_csv.read_text()
    try:
        houses_csv.write_text(text + text.splitlines()[-1].replace("h2,", "h3,") + "\n")
        with pytest.raises(DataError, match="has changed since"):
            Predictor.load(run)
    finally:
        houses_csv.write_text(text)


def test_a_run_of_another_plugin_is_refused(monkeypatch):
    monkeypatch.setattr(contrast, "load", lambda run: Parts(None, None, None, None))
    with pytest.raises(ConfigError, match="no run of the plugin `supremix`"):
        Predictor.load("runs/meow-acm-seed0")


def test_a_row_keeps_its_own_columns_of_the_same_names():
    found = Predicted(*(np.array([float(i)]) for i in range(3)), z=np.zeros((1, 1)))
    frame = found.beside(pd.DataFrame({"low": [7.0], "predicted_low": [8.0]}))
    assert frame.to_dict("list") == {
        "low": [7],
        "predicted_low": [8],
        "prediction": [0],
        "predicted_predicted_low": [1],
        "high": [2],
    }
