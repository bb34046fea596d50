import pytest

from contrast.errors import DataError
from contrast_sirl.answers import read_answers, read_preferences

ROWS = {name: row for row, name in enumerate("abcdef")}
HEAD = "first,second,third,odd,annotator,time\n"


def answers(folder, *lines, head=HEAD, end="\n"):
    path = folder / "answers.csv"
    path.write_text(head + "\n".join(lines) + end)
    return read_answers(path, ROWS)


def preferences(folder, *lines):
    path = folder / "pairs.csv"
    path.write_text("first,second,preferred\n" + "\n".join(lines) + "\n")
    return read_preferences(path, ROWS)


def test_the_odd_one_out_comes_last_and_the_two_others_first(tmp_path):
    found, notes = answers(tmp_path, "c,a,b,a,ada,1", "d,e,f,f,bob,2")
    assert found.triples.tolist() == [[1, 2, 0], [3, 4, 5]]
    assert found.annotators == ("ada", "bob")
    assert notes == []


def test_annotator_and_time_may_be_missing_and_skipped_questions_are_counted(tmp_path):
    found, notes = answers(tmp_path, "a,b,c,c", "a,b,d,skip", head="first,second,third,odd\n")
    assert found.triples.tolist() == [[0, 1, 2]]
    assert notes == ["1 questions were skipped."]


def test_of_contradictory_answers_the_majority_counts(tmp_path):
    lines = ["a,b,c,c,ada,1", "b,a,c,c,bob,2", "a,b,c,a,eve,3", "d,e,f,f,ada,4", "d,e,f,e,bob,5"]
    found, notes = answers(tmp_path, *lines)
    assert found.triples.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert notes[0].startswith("2 questions have contradictory answers")
    assert "1 without a majority" in notes[0]


def test_a_last_line_that_was_cut_off_is_left_out_and_said(tmp_path):
    found, notes = answers(tmp_path, "a,b,c,c,ada,1", "d,e,f", end="")
    assert len(found) == 1
    assert notes == ["The last line of answers.csv was cut off and is left out."]


def test_a_whole_last_line_without_its_end_counts(tmp_path):
    found, notes = answers(tmp_path, "a,b,c,c,ada,1", "d,e,f,d,ada,2", end="")
    assert len(found) == 2
    assert notes == []


def test_a_broken_line_before_the_last_is_named(tmp_path):
    with pytest.raises(DataError, match="line 2: 2 fields, expected 6"):
        answers(tmp_path, "a,b", "a,b,c,c,ada,1")


def test_an_unknown_trajectory_is_answered_by_line_and_name(tmp_path):
    with pytest.raises(DataError, match="line 3: no trajectory `z`"):
        answers(tmp_path, "a,b,c,c,ada,1", "a,b,z,a,ada,2")


def test_a_trajectory_beside_itself_and_an_odd_one_not_shown_are_refused(tmp_path):
    with pytest.raises(DataError, match="beside itself"):
        answers(tmp_path, "a,a,c,c,ada,1")
    with pytest.raises(DataError, match="`d` is none of the three"):
        answers(tmp_path, "a,b,c,d,ada,1")


def test_a_missing_column_or_file_names_what_is_expected(tmp_path):
    with pytest.raises(DataError, match="no column `odd`") as caught:
        answers(tmp_path, "a,b,c,c", head="first,second,third,outlier\n")
    assert "first,second,third,odd,annotator,time" in str(caught.value)
    with pytest.raises(DataError, match=r"did you mean `answers\.csv`"):
        read_answers(tmp_path / "answer.csv", ROWS)


def test_preferences_are_first_second_or_equal(tmp_path):
    found, notes = preferences(tmp_path, "a,b,a", "a,c,c", "d,e,equal", "e,f,skip")
    assert found.pairs.tolist() == [[0, 1], [0, 2], [3, 4]]
    assert found.second.tolist() == [0, 1, 0.5]
    assert notes == []


def test_pairs_preferred_both_ways_both_count_and_are_told(tmp_path):
    found, notes = preferences(tmp_path, "a,b,a", "b,a,b", "c,d,c")
    assert len(found) == 3
    assert notes == ["1 pairs were preferred both ways; both count."]


def test_a_preference_for_neither_of_the_two_is_refused(tmp_path):
    with pytest.raises(DataError, match="`c` is none of the two shown, nor `equal`"):
        preferences(tmp_path, "a,b,c")


def test_an_empty_file_of_answers_has_none(tmp_path):
    found, _ = answers(tmp_path)
    assert found.triples.shape == (0, 3)
