import pytest

from contrast.errors import DataError
from contrast_robot_teacher.log import AnswerLog
from contrast_sirl.answers import QUESTION, read_answers

ROWS = {name: row for row, name in enumerate("abcd")}
HEAD = "first,second,third,odd,annotator,time\n"


def test_answers_are_appended_and_read_again(tmp_path):
    path = tmp_path / "new/answers.csv"
    AnswerLog(path, QUESTION).add("a", "b", "c", "c", annotator="Ada, the first")
    AnswerLog(path, QUESTION).add("a", "b", "d", "skip", annotator="two\nlines")
    found, notes = read_answers(path, ROWS)
    assert found.triples.tolist() == [[0, 1, 2]]
    assert found.annotators == ("Ada, the first",)
    assert notes == ["1 questions were skipped."]
    assert path.read_text().startswith(HEAD)


def test_a_line_that_a_crash_cut_off_does_not_spoil_the_next_one(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(HEAD + "a,b,c,c,ada,1\na,b,d")
    AnswerLog(path, QUESTION).add("b", "c", "d", "d", annotator="ada")
    found, notes = read_answers(path, ROWS)
    assert found.triples.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert notes == []


def test_a_whole_last_line_without_its_end_is_kept(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(HEAD + "a,b,c,c,ada,1")
    AnswerLog(path, QUESTION).add("b", "c", "d", "d", annotator="ada")
    assert len(read_answers(path, ROWS)[0]) == 2


def test_a_file_of_other_columns_is_refused(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("first,second,third,odd\n")
    with pytest.raises(DataError, match="has the columns"):
        AnswerLog(path, QUESTION)
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="no column `first`"):
        AnswerLog(path, QUESTION)


def test_a_place_that_takes_no_file_is_named(tmp_path):
    (tmp_path / "in the way").write_text("")
    with pytest.raises(DataError, match="cannot keep answers in"):
        AnswerLog(tmp_path / "in the way/answers.csv", QUESTION)
