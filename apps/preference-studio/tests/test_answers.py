import json
import os

import pytest

from contrast.errors import DataError
from contrast_alignment.records import kind_of, parsed
from contrast_alignment.rows import read_rows
from contrast_preference_studio.answers import Answers

PAIR = {"prompt": "p", "chosen": "a", "rejected": "b", "annotator": "Ada", "side": "left"}
TIE = {"prompt": "p", "left": "a", "right": "b", "said": "tie", "annotator": "Bob"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "answers.jsonl"


def test_pairs_are_appended_and_are_what_the_plugin_reads(path):
    Answers(path).add(PAIR | {"chosen": "zwei\nZeilen ü\u2028"}, decided=True)
    Answers(path).add(PAIR, decided=True)
    rows, notes = read_rows(path)
    assert kind_of(rows) == "pair"
    records = parsed(rows, "pair")
    assert [record.responses for record in records] == [("zwei\nZeilen ü\u2028", "b"), ("a", "b")]
    assert notes == ()
    assert rows[0][1]["time"].endswith("+00:00")


def test_what_has_no_winner_stands_in_a_file_beside(path):
    answers = Answers(path)
    assert not path.with_name("answers.undecided.jsonl").exists()
    answers.add(TIE, decided=False)
    assert path.read_text() == ""
    assert json.loads(path.with_name("answers.undecided.jsonl").read_text())["said"] == "tie"


def test_another_day_knows_what_was_said_on_those_before(path):
    answers = Answers(path)
    answers.add(PAIR, decided=True)
    answers.add(TIE, decided=False)
    answers.add(TIE | {"annotator": "Ada"}, decided=False)
    again = Answers(path)
    assert again.counts("Ada") == {"p": 2}
    assert again.counts("Bob") == {"p": 1}
    assert again.people == {"Ada", "Bob"}
    assert again.on_the_left == (1, 1)


@pytest.mark.parametrize("cut", ['{"prompt": "p", "cho', '{"prompt": "\u00fc'])
def test_a_line_that_a_crash_cut_off_does_not_spoil_the_next_one(path, cut):
    Answers(path).add(PAIR, decided=True)
    with path.open("ab") as file:
        file.write(cut.encode()[:-1])
    answers = Answers(path)
    answers.add(PAIR | {"prompt": "q"}, decided=True)
    assert [record.prompt for record in parsed(read_rows(path)[0], "pair")] == ["p", "q"]


def test_a_whole_last_line_without_its_end_is_kept(path):
    path.parent.mkdir()
    path.write_text(json.dumps(PAIR))
    Answers(path).add(PAIR, decided=True)
    assert len(read_rows(path)[0]) == 2


def test_a_full_disk_is_told_and_leaves_no_half_line(path, monkeypatch):
    answers = Answers(path)
    answers.add(PAIR, decided=True)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"the answer is not kept.*No space left"):
        answers.add(PAIR, decided=True)
    assert path.read_bytes() == before
    assert len(answers.decided.rows) == 1


def test_a_file_of_something_else_is_refused_and_left_alone(path):
    path.parent.mkdir()
    for content, said in [
        ('{"prompt": "p", "completion": "c", "label": true}\n', "line 1 has no field `chosen`"),
        ('{"prompt": "p"\n{}\n', "line 1 is no JSON"),
        ("[1]\n", "expected an object"),
    ]:
        path.write_text(content)
        with pytest.raises(DataError, match=said):
            Answers(path)
        assert path.read_text() == content
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(DataError, match="is not UTF-8"):
        Answers(path)


def test_a_place_that_takes_no_file_and_a_name_that_is_not_read_are_refused(tmp_path):
    (tmp_path / "in the way").write_text("")
    with pytest.raises(DataError, match="cannot keep answers in"):
        Answers(tmp_path / "in the way/answers.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match="cannot keep answers in"):
        Answers(tmp_path / "folder.jsonl")
    with pytest.raises(DataError, match=r"should end in \.jsonl"):
        Answers(tmp_path / "answers.csv")
