from contrast_recommender.cards import found_list, next_and_near, taken_list


def test_what_was_taken_stands_latest_first_and_can_be_taken_back(shelf, number):
    card = taken_list(shelf, [number["f0"], number["f2"]])
    assert card.index("Fargo") < card.index("Alien (1979)")
    assert card.count('data-act="drop"') == 2


def test_the_lists_name_scores_and_what_each_is_near_to(shelf, number):
    card = next_and_near(shelf, [number["f0"]], number["f2"], 4)
    assert "Near Fargo (1996)" in card
    assert card.count("near Alien (1979)") == 4
    assert card.count('data-act="look"') == 8


def test_what_is_taken_already_cannot_be_taken_from_a_list(shelf, number):
    near = shelf.near(number["f2"], 1)[0].item
    card = next_and_near(shelf, [near], number["f2"], 1)
    section = card.partition('id="near"')[2]
    assert "✓" in section
    assert 'data-act="take"' not in section


def test_a_title_with_markup_is_shown_as_it_is_written(shelf, number):
    card = taken_list(shelf, [number["f3"]])
    assert "<b>" not in card
    assert "The &lt;b&gt;Alien&lt;/b&gt; Nation" in card


def test_nothing_taken_and_nothing_found_are_said(shelf, number):
    assert "Nothing yet" in taken_list(shelf, [])
    assert "Most popular" in next_and_near(shelf, [], number["f2"], 3)
    assert "Nothing fits “zzz”" in found_list(shelf, [], "zzz")
    assert found_list(shelf, [], "  ").strip() == ""
