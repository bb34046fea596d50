import sys
from importlib.util import find_spec

import pytest
import torch

import contrast
from contrast.errors import ConfigError
from contrast_mclrec import recbole_model
from contrast_mclrec.recbole_model import RecboleModel
from contrast_mclrec.rows import Rows
from contrast_mclrec.sampler import Batch

pytestmark = pytest.mark.skipif(find_spec("recbole") is None, reason="needs recbole")
SIZES = {"items": 20, "max_length": 6, "catalogue": 0}


def batch():
    lengths = torch.tensor([3, 6, 1])
    items = torch.arange(1, 19).view(3, 6).masked_fill(torch.arange(6) >= lengths[:, None], 0)
    return Batch(Rows.of(items, lengths), torch.arange(3), torch.tensor([4, 5, 6]))


@pytest.mark.parametrize("name", ["GRU4Rec", "NARM", "STAMP", "SASRec", "Caser", "FPMC"])
def test_models_of_histories_learn_and_score(name):
    if name in ("Caser", "FPMC"):
        with pytest.raises(ConfigError, match=name):
            RecboleModel(**SIZES, model=name)(batch())
        return
    made = RecboleModel(**SIZES, model=name)
    form = made(batch())
    form.loss.backward()
    assert form.loss.isfinite()
    (scores,) = made.eval().scores(batch())
    assert scores.shape == (3, 20)
    assert made.embed(batch())["z"].shape[0] == 3


def test_ray_is_never_imported():
    assert "ray" not in sys.modules


def test_options_reach_the_model_and_wrong_ones_are_answered():
    made = RecboleModel(**SIZES, options=("hidden_size=24",))
    assert made.model.gru_layers.hidden_size == 24
    with pytest.raises(ConfigError, match="did you mean `hidden_size`"):
        RecboleModel(**SIZES, options=("hiden_size=24",))
    with pytest.raises(ConfigError, match="name=value"):
        RecboleModel(**SIZES, options=("hidden_size",))


def test_unknown_models_are_answered_by_the_nearest():
    with pytest.raises(ConfigError, match="did you mean `GRU4Rec`"):
        RecboleModel(**SIZES, model="Gru4Rec")


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(recbole_model, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'contrast-mclrec\[recbole\]'"):
        RecboleModel(**SIZES)


def test_a_run_of_a_recbole_model_is_ranked_as_ours(tmp_path, small_csv):
    path = small_csv(tmp_path / "log.csv")
    found = contrast.run(
        "mclrec",
        method="recbole",
        data={"name": "interactions", "path": str(path)},
        encoder={"model": "GRU4Rec", "options": ["hidden_size=8", "embedding_size=8"]},
        trainer={"max_steps": 2},
        runs=tmp_path,
    )
    assert 0 <= found.metrics["hr/10"] <= 1
