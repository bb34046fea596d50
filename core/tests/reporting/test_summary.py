import pytest

from contrast.interfaces import Evaluation, Reference
from contrast.reporting import summarise
from contrast.reporting.summary import reference_tables


def test_mean_and_spread_over_the_runs():
    table = summarise([{"f1": 1.0}, {"f1": 3.0}])
    assert table.columns == ("metric", "mean", "std", "min", "max", "n")
    assert table.rows == (("f1", 2.0, pytest.approx(2**0.5), 1.0, 3.0, 2),)
    assert table.caption == ""


def test_missing_values_are_skipped_and_said():
    table = summarise([{"f1": 1.0, "auc": None}, {"f1": 3.0, "auc": 5.0}, {"f1": 2.0}])
    assert table.rows[1] == ("auc", 5.0, None, 5.0, 5.0, 1)
    assert "auc (2 of 3)" in table.caption
    assert "f1" not in table.caption


def test_a_metric_that_no_run_has_is_a_row_of_dashes():
    assert summarise([{"auc": None}]).rows == (("auc", None, None, None, None, 0),)


def test_no_run_gives_an_empty_table():
    assert summarise([]).rows == ()


def test_what_was_found_stands_beside_the_figures_of_others():
    given = (Reference("f1", 53.0, "official code", 1.25), Reference("auc", 78.0, "the paper"))
    (table,) = reference_tables(Evaluation({"f1": 54.5, "auc": None}, references=given))
    assert table.rows[0] == ("f1", 54.5, "53.0 ± 1.2", "+1.50", "official code")
    assert table.rows[1] == ("auc", None, "78.00", None, "the paper")
    assert reference_tables(Evaluation({"f1": 54.5})) == ()


def test_one_source_of_all_figures_is_said_once():
    given = (Reference("f1", 53.0, "official code", 1.25), Reference("auc", 78.0, "official code"))
    (table,) = reference_tables(Evaluation({"f1": 54.5, "auc": None}, references=given))
    assert table.columns == ("metric", "this run", "reference", "difference")
    assert table.rows[0] == ("f1", 54.5, "53.0 ± 1.2", "+1.50")
    assert table.caption == "Reference: official code."
