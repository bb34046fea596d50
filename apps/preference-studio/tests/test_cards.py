from dataclasses import replace

from contrast_preference_studio.asking import Drawing
from contrast_preference_studio.cards import problem_card, progress_card, question_card

DRAWING = Drawing(1.0, 0, 8)


def test_a_question_shows_the_prompt_and_two_responses_as_they_are_written(asking):
    question = asking.next("Ada", DRAWING, "The <b>cat</b>\n sat")
    question = replace(question, left=replace(question.left, text="<i>", tokens=8, ended=False))
    card = question_card(question)
    assert "The &lt;b&gt;cat&lt;/b&gt;\n sat" in card
    assert "&lt;i&gt;" in card
    assert "8 tokens, cut there" in card
    assert card.count("data-side=") == 2
    assert f'data-question="{question.number}"' in card


def test_of_messages_it_is_said_who_speaks(asking, chat):
    asking.writer = chat
    card = question_card(asking.next("Ada", DRAWING))
    assert '<span class="quiet">user</span>' in card
    assert "What is " in card


def test_progress_counts_and_names_the_command_that_learns(asking):
    assert "0 preferences in" in progress_card(asking)
    assert "data=records" not in progress_card(asking)
    for said in ("left", "right", "tie"):
        asking.keep(asking.next("Ada", DRAWING), said, "Ada")
    asking.keep(asking.next("Bob", DRAWING), "left", "Bob")
    card = progress_card(asking)
    assert "3 preferences of 2 people, 1 without a winner" in card
    assert "chosen 2 times of 3" in card
    assert f"data.path={asking.answers.path} encoder.model={asking.writer.folder}/model" in card


def test_a_problem_is_said_as_text():
    assert "&lt;b&gt;" in problem_card("<b>")
