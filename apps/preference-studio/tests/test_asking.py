import json
from threading import Thread

import pytest

import contrast
from contrast.errors import DataError
from contrast_preference_studio.answers import Answers
from contrast_preference_studio.asking import Asking, Drawing

DRAWING = Drawing(1.0, 0, 8)


def test_everybody_is_asked_every_held_out_prompt_before_one_comes_again(asking):
    prompts = asking.writer.prompts
    for who in ("Ada", "Bob"):
        asked = []
        for _ in prompts:
            question = asking.next(who, DRAWING)
            asked.append(question.prompt)
            asking.keep(question, "skip" if len(asked) == 1 else "left", who)
        assert asked == list(prompts)
    again = asking.next("Ada", DRAWING)
    assert (again.prompt, again.turn) == (prompts[0], 1)


def test_two_people_see_the_same_responses_and_sides_are_random(asking):
    sides = []
    for who in map(str, range(12)):
        question = asking.next(who, DRAWING)
        sides.append(question.first)
        pair = (question.left.text, question.right.text)
        assert set(pair) == {question.left.text, question.right.text}
        first = question.left if question.first == "left" else question.right
        assert (
            first
            == asking.writer.pair(question.prompt, seed=0, turn=0, temperature=1.0, tokens=8)[0]
        )
    assert {"left", "right"} == set(sides)


@pytest.mark.parametrize("said", ["left", "right"])
def test_a_line_holds_who_chose_what_and_how_it_was_drawn(asking, said):
    question = asking.next(" Ada  L ", DRAWING, "The cat")
    asking.keep(question, said, " Ada  L ")
    kept = json.loads(asking.answers.path.read_text())
    better, worse = (question.left, question.right)[:: 1 if said == "left" else -1]
    assert (kept["prompt"], kept["chosen"], kept["rejected"]) == (
        "The cat",
        better.text,
        worse.text,
    )
    assert (kept["side"], kept["first"], kept["annotator"]) == (said, question.first, "Ada L")
    assert (kept["typed"], kept["turn"], kept["max_tokens"]) == (True, 0, 8)
    drawn = {name: kept[name] for name in ("seed", "turn", "temperature")}
    pair = asking.writer.pair(kept["prompt"], tokens=kept["max_tokens"], **drawn)
    assert {each.text for each in pair} == {kept["chosen"], kept["rejected"]}


def test_a_question_is_answered_once_however_fast_one_clicks(asking):
    question = asking.next("Ada", DRAWING)
    clicks = [Thread(target=asking.keep, args=(question, "left", "Ada")) for _ in range(8)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(asking.answers.path.read_text().splitlines()) == 1


def test_an_answer_that_was_not_kept_can_be_given_again(asking, monkeypatch):
    question = asking.next("Ada", DRAWING)
    with monkeypatch.context() as broken:
        broken.setattr(
            asking.answers, "add", lambda *_, **__: (_ for _ in ()).throw(DataError("no"))
        )
        with pytest.raises(DataError):
            asking.keep(question, "left", "Ada")
    asking.keep(question, "left", "Ada")
    assert len(asking.answers.decided.rows) == 1


def test_no_prompt_is_said(asking):
    with pytest.raises(DataError, match="Type a prompt"):
        asking.next("Ada", DRAWING, "  ")
    asking.writer, asked = type("Bare", (), {"prompts": ()})(), asking.writer
    with pytest.raises(DataError, match="no held-out prompts"):
        asking.next("Ada", DRAWING)
    asking.writer = asked


@pytest.mark.parametrize("which", ["writer", "chat"])
def test_a_run_trains_on_the_clicks(which, request, tmp_path):
    opened = request.getfixturevalue(which)
    asking = Asking(opened, Answers(tmp_path / "answers.jsonl"))
    for said in ("left", "right", "tie", "left"):
        asking.keep(asking.next("Ada", DRAWING), said, "Ada")
    result = contrast.run(
        "alignment",
        data={"name": "records", "path": str(asking.answers.path), "valid_share": 0.34},
        encoder={"model": str(opened.folder / "model")},
        trainer={"max_steps": 2},
        evaluation={"prompts": 1, "shown": 0},
        runs=tmp_path,
    )
    assert "held_out/accuracy" in result.metrics
