import dataclasses

import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator, seeded
from contrast.interfaces import Moment, Parts
from contrast_meow.encoder import MeowEncoder
from contrast_meow.evaluate import embedding, evaluate, validate
from contrast_meow.objective import Meow
from contrast_meow.recipe import EvaluationSettings
from contrast_meow.sampler import MeowSampler

AT = Moment("train/evaluate", 0, 0)
QUICK = EvaluationSettings(probe_restarts=3, probe_steps=10, baseline_restarts=2, cluster_runs=2)


def parts(data) -> Parts:
    sampler = MeowSampler(data, generator=generator(0), clusters=(4,), neighbours=(6,), cache=False)
    with seeded("init"):
        encoder = MeowEncoder(**data.sizes(), width=6)
    return Parts(data, sampler, encoder.eval(), Meow())


def test_report_scores_the_embedding_beside_features_and_svd(data):
    found = evaluate(parts(data), QUICK, AT)
    names = {f"{m}/3" for m in ("macro_f1", "micro_f1", "auc")}
    baselines = {f"{b}/{name}" for b in ("features", "svd") for name in names}
    assert set(found.metrics) == names | baselines | {"nmi", "ari"}
    assert all(0 <= found.metrics[name] <= 100 for name in names)
    whats = [row[1] for row in found.tables[0].rows]
    assert whats == ["embedding z", "features only", "SVD (32) of the links", "constant answer"]
    assert found.maps[0].z.shape == (30, 6)
    assert found.maps[0].ids == data.ids


def test_evaluation_is_the_same_twice(data):
    made = parts(data)
    assert evaluate(made, QUICK, AT).metrics == evaluate(made, QUICK, AT).metrics


def test_no_labels_skip_the_scores_with_a_sentence(data):
    blind = parts(dataclasses.replace(data, labels=None, splits={}))
    found = evaluate(blind, QUICK, AT)
    assert found.metrics == {}
    assert found.notes == ("The nodes of `film` have no labels `y`; the evaluation is skipped.",)
    assert found.maps[0].labels is None
    assert validate(blind, QUICK, AT) == {}


def test_labels_of_one_class_are_not_scored(data):
    one = dataclasses.replace(data, labels=np.zeros(30, dtype=np.int64), splits={})
    found = evaluate(parts(one), QUICK, AT)
    assert found.metrics == {}
    assert "1 class" in found.notes[0]


def test_auc_is_none_and_not_nan_where_the_test_part_lacks_a_class(data):
    split = data.splits["3"]
    lacking = dataclasses.replace(split, test=split.test[data.labels[split.test] != 2])
    found = evaluate(parts(dataclasses.replace(data, splits={"3": lacking})), QUICK, AT)
    assert found.metrics["auc/3"] is None
    assert found.tables[0].rows[0][4] is None
    assert all(value is None or np.isfinite(value) for value in found.metrics.values())


def test_validation_is_the_probe_alone(data):
    assert set(validate(parts(data), QUICK, AT)) == {"macro_f1/3", "micro_f1/3", "auc/3"}


@pytest.mark.parametrize(("mode", "same"), [("eval", True), ("training", False)])
def test_embedding_is_taken_in_the_mode_that_the_settings_name(data, mode, same):
    made, settings = parts(data), dataclasses.replace(QUICK, embedding=mode)
    with seeded("dropout"):
        one, two = embedding(made, settings), embedding(made, settings)
    assert (one == two).all() == same
    assert not made.encoder.training
    assert not torch.is_grad_enabled() or made.encoder.head.weight.requires_grad
