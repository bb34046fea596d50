import pandas as pd
import pytest

from contrast.cli import main
from contrast.errors import DataError
from contrast_regression.page import Show, comparison, wrong
from contrast_regression.session import Line, Progress, Question, columns_of, compared


@pytest.fixture
def question(table):
    return Question(str(table / "houses.csv"), "price", epochs=2)


def test_numbers_may_be_predicted_and_the_last_is_proposed(table):
    numeric, everything = columns_of(str(table / "houses.csv"))
    assert numeric == ["price", "age", "size"]
    assert everything == ["size", "age", "town", "price"]


def test_the_comparison_grows_and_ends_in_a_recommendation(question):
    found = list(compared(question))
    counts = [len(each.lines) for each in found]
    assert counts == [1, 2, 5, 8, 11, 11]
    assert [each.done for each in found] == [False] * 5 + [True]
    assert found[-1].notes[0].startswith("Recommended for `price`")


def test_the_page_leads_from_a_table_to_predictions(question, table, tmp_path):
    show = Show(tmp_path / "runs")
    *_, last = show.compare(question.path, "price", "(none)", False, 2)
    found, run, new, _ = last
    assert "data-done" in found
    assert new["visible"]
    out, _ = show.predict(run, str(table / "new.csv"))
    assert list(pd.read_csv(out["value"]).columns[-3:]) == ["prediction", "low", "high"]
    refused, said = show.predict(run, question.path.replace("houses", "none"))
    assert not refused["visible"]
    assert "does not exist" in said


def test_mistakes_are_shown_in_the_place_of_the_answer(table, tmp_path):
    show = Show(tmp_path)
    assert "Drop a table" in next(show.compare(None, None, "(none)", False, 2))[0]
    (tmp_path / "t.csv").write_text("a,b\nx,y\n")
    assert "no column of numbers" in show.columns(str(tmp_path / "t.csv"))[2]
    (tmp_path / "one.csv").write_text("a,b\n1,2\n")
    *_, last = show.compare(str(tmp_path / "one.csv"), "b", "(none)", False, 2)
    assert "at least 20" in last[0]
    with pytest.raises(DataError):
        columns_of(str(tmp_path / "t.csv"))


def test_names_of_the_user_are_escaped():
    import numpy as np

    assert "<b>" not in wrong("<b>")
    line = Line("ridge", np.array([1.0, 3.0]))
    assert "<b>" not in comparison(Progress((line,), ("<b>",), True))


def test_a_file_in_place_of_the_folder_is_told_before_the_server_starts(tmp_path, capsys):
    (tmp_path / "runs").write_text("")
    with pytest.raises(SystemExit) as stopped:
        main(["regress", "--runs", str(tmp_path / "runs")])
    assert stopped.value.code == 2
    assert "is a file" in capsys.readouterr().err
