"""The paper's figures: beside runs on its data, and nowhere else."""

from types import SimpleNamespace

import pytest

from contrast.interfaces import Evaluation
from contrast_mclrec.published import METRICS, published
from contrast_mclrec.stage import MclrecStage


def test_a_figure_of_the_paper_is_found_by_data_and_method():
    found = {each.metric: each.value for each in published("beauty", "mclrec")}
    assert tuple(found) == METRICS
    assert (found["hr/20"], found["ndcg/20"]) == (0.1243, 0.0539)


@pytest.mark.parametrize(("data", "method"), [("toys", "mclrec"), ("beauty", "recbole")])
def test_where_the_paper_gives_nothing_nothing_stands_beside(data, method):
    assert published(data, method) == ()


@pytest.mark.parametrize(("data", "count"), [("yelp", 6), ("ml-100k", 0)])
def test_an_evaluation_brings_them(monkeypatch, data, count):
    monkeypatch.setattr(
        "contrast_mclrec.evaluate.evaluate", lambda parts, k: Evaluation({"hr/5": 0.1})
    )
    config = SimpleNamespace(
        evaluation=SimpleNamespace(k=(5,)),
        chosen={"data": SimpleNamespace(name=data)},
        recipe=SimpleNamespace(name="mclrec"),
    )
    found = MclrecStage().evaluate(None, config, None)
    assert found.metrics == {"hr/5": 0.1}
    assert len(found.references) == count
