import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

import contrast
from contrast.engine.randomness import generator, seeded
from contrast.errors import ConfigError
from contrast.interfaces import Parts
from contrast_mclrec import recbole_model, to_recbole
from contrast_mclrec.encoder import SASRec
from contrast_mclrec.evaluate import metrics, rank
from contrast_mclrec.recbole_model import RecboleModel
from contrast_mclrec.rows import Rows
from contrast_mclrec.sampler import Batch, histories

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


def test_ray_is_never_imported_and_anomaly_detection_stays_off():
    code = (
        "import sys, torch; from contrast_mclrec.recbole_model import RecboleModel; "
        "RecboleModel(items=9, max_length=4, catalogue=0); "
        "print('ray' in sys.modules, torch.is_anomaly_enabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


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


def test_one_set_of_weights_has_one_set_of_metrics_here_and_in_recbole(log, monkeypatch):
    """SASRec's weights in RecBole's model, judged by RecBole's collector and evaluator."""
    monkeypatch.setattr(np, "float", float, raising=False)  # which RecBole still asks for
    from recbole.evaluator import Collector, Evaluator

    with seeded(0):
        ours = SASRec(items=log.catalogue, max_length=6, width=16).eval()
        for p in ours.parameters():
            p.data.add_(torch.randn_like(p), alpha=0.1)
    theirs = RecboleModel(
        items=log.catalogue, max_length=6, catalogue=0, model="SASRec", options=("hidden_size=16",)
    ).eval()
    theirs.model.load_state_dict(to_recbole(ours))
    parts = Parts(log, histories(log, generator=generator(0), max_length=6), ours, None)
    (tested,) = parts.sampler.sweep("test")
    settings = {"metrics": ["Hit", "NDCG", "MRR"], "topk": [5, 10], "metric_decimal_place": 12}
    settings = recbole_model.Options({**settings, "device": "cpu", "eval_args": {"mode": "full"}})
    collector = Collector(settings)
    with torch.no_grad():
        scores = theirs.model.full_sort_predict(theirs.interaction(tested))
        found = metrics(rank(parts, "test").rank, (5, 10))
    scores[:, 0] = -torch.inf
    rows = torch.arange(len(scores))
    collector.eval_batch_collect(scores, None, rows, tested.targets)
    expected = Evaluator(settings).evaluate(collector.get_data_struct())
    for theirs_name, name in (("hit", "hr"), ("ndcg", "ndcg"), ("mrr", "mrr")):
        for k in (5, 10):
            assert abs(expected[f"{theirs_name}@{k}"] - found[f"{name}/{k}"]) < 1e-6
    assert found["hr/10"] > 0
