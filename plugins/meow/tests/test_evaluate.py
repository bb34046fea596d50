import dataclasses
from types import SimpleNamespace

import numpy as np
import torch

from contrast.engine.randomness import generator, seeded
from contrast.interfaces import Moment, Parts, Reference
from contrast_meow.encoder import MeowEncoder
from contrast_meow.evaluate import embedding, evaluate, named_labels, validate
from contrast_meow.hubs import Official, by_class, comparability
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
    assert validate(blind, QUICK, AT) == {"validation": None}


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
    found = validate(parts(data), QUICK, AT)
    assert set(found) == {"macro_f1/3", "micro_f1/3", "auc/3", "validation"}


def test_embedding_is_that_of_the_last_training_step_where_the_settings_name_it(data):
    made = parts(data)
    settings = dataclasses.replace(QUICK, embedding="training")
    plain = embedding(made, dataclasses.replace(QUICK, embedding="eval"))
    assert (embedding(made, settings) == plain).all()  # nothing was trained yet
    made.sampler.last = torch.randn(30, 6, generator=generator("last"))
    assert (embedding(made, settings) == made.sampler.last.numpy()).all()
    assert (embedding(made, dataclasses.replace(QUICK, embedding="eval")) == plain).all()
    assert not made.encoder.training


def test_epoch_is_chosen_by_validation_nodes_and_never_by_test_nodes(data):
    made = parts(data)
    split = data.splits["3"]
    spoilt = data.labels.copy()
    spoilt[split.test] = (spoilt[split.test] + 1) % 3
    other = dataclasses.replace(made, data=dataclasses.replace(data, labels=spoilt))
    one, two = validate(made, QUICK, AT), validate(other, QUICK, AT)
    assert one["validation"] == two["validation"]
    assert one["macro_f1/3"] != two["macro_f1/3"]


def test_report_says_whom_ties_kept_and_whether_official_figures_compare(data):
    topic = torch.zeros(30, dtype=torch.int64)
    graph = data.graph.clone()
    edges = torch.stack([torch.arange(30), topic])
    graph["film", "rev_covers", "topic"].edge_index = edges
    graph["topic", "covers", "film"].edge_index = edges.flip(0)
    alike = dataclasses.replace(data, graph=graph)
    made = parts(alike)
    table = next(t for t in evaluate(made, QUICK, AT).tables if t.title == "Ties in the cut")
    (row,) = table.rows
    assert row[:2] == ("film>topic>film", "10 / 10 / 10")
    kept = tuple(map(int, row[2].split(" / ")))
    assert sum(kept) == 6
    figures = (Reference("nmi", 51.4, "official code"),)
    for hubs, word in ((kept, "Comparable"), ((6, 0, 0), "Not comparable")):
        made.data = dataclasses.replace(alike, official=Official(hubs, figures))
        found = evaluate(made, QUICK, AT)
        assert found.notes[-1].startswith(word)
        assert found.references == figures


def test_hubs_are_counted_by_the_classes_that_there_are():
    labels = np.where(np.arange(30) % 2, 10**12, 1990)
    labels[0] = -1
    assert by_class(labels, np.arange(10)) == (4, 5)
    assert by_class(labels, np.array([1, 3])) == (0, 2)


def test_classes_too_many_for_a_look_each_are_names_and_not_amounts():
    labels = torch.arange(60) % 40 - 1
    data = SimpleNamespace(labels=labels.numpy(), classes=())
    assert named_labels(data)[:3] == ["unlabelled", "class 0", "class 1"]
    few = SimpleNamespace(labels=labels.numpy() % 3, classes=())
    assert named_labels(few)[:3] == [2, 0, 1]
    named = SimpleNamespace(labels=labels.numpy()[:3], classes=("drama", "comedy"))
    assert named_labels(named) == ["unlabelled", "drama", "comedy"]


def test_where_nothing_is_cut_among_equals_official_figures_are_not_comparable():
    said = comparability(None, Official(hubs=(693, 1, 6), references=()), "random")
    assert "nothing is cut among equals here, theirs keeps hubs by class 693 / 1 / 6" in said
