from dataclasses import replace

import pytest

from contrast import api
from contrast.config import resolve
from contrast.engine.randomness import generator
from contrast.reporting import load_evaluations
from contrast_supremix.data import rows_of
from contrast_supremix.evaluate import budget_of, judged_by


@pytest.fixture(scope="module")
def evaluation(houses_csv, tmp_path_factory):
    words = ["data=table", f"data.path={houses_csv}", "data.target=price", "evaluation.folds=2"]
    small = ["encoder.width=8", "encoder.projection=8", "trainer.max_epochs=3"]
    run = api.run("supremix", overrides=[*words, *small], runs=tmp_path_factory.mktemp("runs"))
    return load_evaluations(run.folder)


def test_the_report_compares_and_recommends(evaluation):
    found = evaluation["regress"]
    titles = [table.title for table in found.tables]
    assert titles[0] == "Predicting price: every method, 2 folds, each row held out once"
    assert "Intervals of 90%" in titles
    assert len(found.tables[0].rows) == 11
    assert found.notes[0].startswith("Recommended for `price`")
    assert found.metrics["mae"] > 0


def test_the_order_of_the_features_is_measured_and_drawn(evaluation):
    found = evaluation["pretrain"]
    assert -1 <= found.metrics["ordinality"] <= 1
    assert found.maps[0].z.shape == (93, 8)
    assert len(found.maps[0].labels) == 93


def test_a_large_table_is_split_at_random_and_a_small_one_in_folds(houses):
    config = resolve("supremix", []).config
    rows = rows_of(houses, "price", "t.csv")
    splits, seeds, how = judged_by(rows, config)
    assert (len(splits), len(set(seeds)), how[0]) == (5, 5, "5")


def test_a_published_split_is_kept_for_every_seed(houses):
    config = resolve("supremix", ["data=stsb", "evaluation.seeds=2"]).config
    rows = rows_of(houses, "price", "t.csv").parted(generator(0), 0.2, 0.2)
    splits, seeds, how = judged_by(replace(rows, published=True), config)
    assert splits == [rows.split] * 2
    assert (seeds, how) == ([0, 1], "the published split, 2 seeds")


def test_the_comparison_has_the_epochs_of_the_run():
    class Parts:
        class sampler:
            steps_per_epoch = 4

    run = resolve("supremix", ["trainer.max_epochs=7", "trainer.pretrain.max_steps=9"]).config
    budget = budget_of(Parts, run)
    assert (budget.pretrain_epochs, budget.tune_epochs, budget.whole) == (3, 7, 10)
    plain = resolve("supremix", ["method=plain"]).config
    assert budget_of(Parts, plain).whole == 100
