from contrast_robot_teacher.cards import Cards


def test_a_question_shows_three_behaviours_that_can_be_clicked(learner):
    page = Cards(learner, {}).question([3, 500, 1700])
    assert page.count("<button") == page.count("<svg") == 3
    assert "data-row='500'" in page


def test_a_picture_or_film_takes_the_place_of_the_drawing(learner, tmp_path):
    (tmp_path / "3.gif").write_bytes(b"GIF89a")
    (tmp_path / "4.mp4").write_bytes(b"film")
    cards = Cards(learner, {3: tmp_path / "3.gif", 4: tmp_path / "4.mp4"})
    page = cards.question([3, 4, 5])
    assert "<img src='data:image/gif;base64,R0lGODlh'" in page
    assert "<video src='data:video/mp4;base64," in page
    assert page.count("<svg") == 1


def test_progress_counts_answers_people_and_preferences(learner):
    learner.answer([0, 1, 2], 2, "ada")
    learner.answer([3, 4, 5], 4, "bob")
    learner.prefer([0, 1], 1, "bob")
    told = Cards(learner, {}).progress()
    assert "2 answers of 2 people, 1 preferences." in told
    assert "The reward appears after" in Cards(learner, {}).reward()
