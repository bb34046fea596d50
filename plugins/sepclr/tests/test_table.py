import numpy as np
import pandas as pd
import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_sepclr.table import table


def people(n=24):
    """Two visits of each of n / 2 people, the later half of them ill."""
    draw, who = np.random.default_rng(0), np.arange(n) // 2
    return pd.DataFrame(
        {
            "participant_id": [f"sub-{i:03}" for i in who],
            "row": np.arange(1, n + 1),
            "age": draw.uniform(20, 80, n).round(1),
            "sex": draw.choice(["F", "M"], n),
            "site": [["Delft", "Gouda", "Leiden"][i % 3] for i in who],
            "thickness": draw.normal(2.5, 0.2, n),
            "volume": draw.normal(1000, 100, n),
            "constant": 7,
            "diagnosis": ["control" if i < n // 4 else ["AD", "MCI"][i % 2] for i in who],
        }
    )


@pytest.fixture
def write(tmp_path):
    """A function that writes a table and reads it as the plugin does."""

    def read(frame, **changed):
        path = tmp_path / "participants.tsv"
        frame.to_csv(path, sep="\t", index=False, na_rep="n/a")
        return read_file(path, **changed)

    return read


def read_file(path, **changed):
    settings = {
        "group": "diagnosis", "control": "control", "subject": "participant_id",
        "covariates": ("age", "sex", "site"), "test_share": 0.25,
    }  # fmt: skip
    return table(generator=generator(0), path=str(path), **(settings | changed))


def test_numbers_are_learnt_from_and_covariates_are_not(write):
    data = write(people())
    assert data.x.shape == (24, 2)
    assert data.notes[0].startswith("Learnt from `thickness`, `volume`;")
    assert [factor.name for factor in data.factors] == ["age", "sex", "site", "diagnosis"]
    assert [len(factor.classes) for factor in data.factors] == [0, 2, 3, 2]
    assert data.factors[3].belongs == "salient"


def test_training_rows_have_mean_zero_and_deviation_one(write):
    data = write(people())
    train = data.x[data.train]
    assert train.mean(0).abs().max() < 1e-6
    assert (train.std(0, correction=0) - 1).abs().max() < 1e-6


def test_no_subject_is_split_between_training_and_test(write):
    data = write(people())
    who = np.array(data.ids)
    assert not set(who[data.train]) & set(who[data.test])
    assert len(data.train) + len(data.test) == 24


def test_a_subject_that_was_both_stays_on_one_side(write):
    frame = people()
    frame.loc[0:1, "diagnosis"] = ["control", "AD"]
    data = write(frame)
    assert ({0, 1} <= set(data.train.tolist())) != ({0, 1} <= set(data.test.tolist()))


def test_gaps_become_the_mean_and_are_no_class(write):
    frame = people()
    frame.loc[3, "thickness"] = np.nan
    frame.loc[4, ["age", "sex"]] = np.nan
    data = write(frame)
    assert data.x[3, 0] == 0
    age, sex, *_ = data.factors
    assert not age.known[4]
    assert not sex.known[4]
    assert sex.classes == ("F", "M")


@pytest.mark.parametrize(
    ("values", "classes"), [([0, 1, 2], ("0.0", "1.0", "2.0")), ([0.5, 1.25, 2], ())]
)
def test_few_whole_numbers_are_classes_and_fractions_amounts(write, values, classes):
    frame = people()
    frame["severity"] = [values[i % 3] if i >= 6 else np.nan for i in range(24)]
    (severity, _) = write(frame, covariates=("severity",)).factors
    assert severity.classes == classes
    assert severity.known.tolist() == [i >= 6 for i in range(24)]


def test_a_row_without_a_subject_is_refused(write):
    frame = people()
    frame.loc[3, "participant_id"] = None
    with pytest.raises(DataError, match="`participant_id` is empty in row 4"):
        write(frame)


def test_ids_and_constants_are_left_out(write):
    data = write(people(), subject="", covariates=())
    assert "`age`, `thickness`, `volume`;" in data.notes[0]
    assert data.ids == list(range(24))


def test_h5ad_is_read_sparse_or_not_with_the_names_of_its_observations(tmp_path):
    anndata, scipy = pytest.importorskip("anndata"), pytest.importorskip("scipy.sparse")
    frame = people()
    x = frame[["thickness", "volume", "constant"]].to_numpy(np.float32)
    obs = frame[["participant_id", "age", "sex", "site", "diagnosis"]].astype(
        {"diagnosis": "category"}
    )
    obs.index = [f"cell-{i}" for i in range(24)]
    var = pd.DataFrame(index=["a", "b", "c"])
    found = []
    for name, values in (("dense", x), ("sparse", scipy.csr_matrix(x))):
        path = tmp_path / f"{name}.h5ad"
        anndata.AnnData(values, obs=obs, var=var).write_h5ad(path)
        found.append(read_file(path, subject=""))
    assert torch.equal(found[0].x, found[1].x)
    assert found[0].x.shape == (24, 2)
    assert found[0].ids[:2] == ["cell-0", "cell-1"]
    assert found[0].factors[-1].classes == ("AD", "MCI")
    new, names = found[0].read(str(tmp_path / "sparse.h5ad"))
    assert torch.equal(new, found[0].x)
    assert names == found[0].ids


def test_a_damaged_h5ad_and_one_without_numbers_are_refused(tmp_path):
    anndata = pytest.importorskip("anndata")
    (tmp_path / "cells.h5ad").write_text("no hdf5")
    with pytest.raises(DataError, match="cannot be read as h5ad"):
        read_file(tmp_path / "cells.h5ad")
    with pytest.raises(DataError, match="does not exist"):
        read_file(tmp_path / "none.h5ad")
    anndata.AnnData(obs=people().set_axis([str(i) for i in range(24)])).write_h5ad(
        tmp_path / "x.h5ad"
    )
    with pytest.raises(DataError, match="no `X`"):
        read_file(tmp_path / "x.h5ad", subject="")


def with_infinity(frame):
    frame.loc[5, "volume"] = np.inf
    return frame


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (lambda frame: frame, {"group": "diagnosed"}, r"no column `diagnosed`; did you mean `diagnosis`"),
        (lambda frame: frame, {"control": "controls"}, r"never is `controls`; did you mean `control`"),
        (lambda frame: frame, {"covariates": ("agee",)}, r"no column `agee`; did you mean `age`"),
        (lambda frame: frame[frame.diagnosis == "control"], {}, r"the target has 0 samples, expected at least 4"),
        (lambda frame: frame.replace({"AD": np.nan}), {}, r"column `diagnosis` is empty in row"),
        (lambda frame: frame.assign(participant_id="one"), {}, r"0 subjects have no target among their samples"),
        (lambda frame: frame.drop(columns=["thickness", "volume"]), {}, r"no column of numbers beside"),
        (with_infinity, {}, r"column `volume` is infinite in row 6"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_from_is_refused(write, change, settings, words):
    with pytest.raises(DataError, match=words):
        write(change(people()), **settings)


def test_new_rows_are_standardised_by_the_training_rows(write, tmp_path):
    data = write(people())
    new = people()[["volume", "thickness", "age"]].iloc[5:7]
    new.to_csv(tmp_path / "new.csv", index=False)
    x, names = data.read(str(tmp_path / "new.csv"))
    assert torch.equal(x, data.x[5:7])
    assert names == ["row 1", "row 2"]


def test_new_rows_without_a_column_or_with_text_in_it_are_refused(write, tmp_path):
    data = write(people())
    (tmp_path / "new.csv").write_text("volume\n3\n")
    with pytest.raises(DataError, match="no column `thickness`"):
        data.read(str(tmp_path / "new.csv"))
    (tmp_path / "new.csv").write_text("volume,thickness\n3,thin\n")
    with pytest.raises(DataError, match="`thickness` must be numbers"):
        data.read(str(tmp_path / "new.csv"))
