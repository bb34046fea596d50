import dataclasses

from contrast_graph_explorer.search import find


def test_a_number_finds_its_node_before_titles_that_hold_it(run):
    numbered = dataclasses.replace(run, ids=[1986, *range(29)])
    assert find(numbered, "1986")[:2] == [0, 1]


def test_beginnings_of_titles_come_first_and_short_ones_before_long_ones(run):
    assert find(run, "ALIEN")[:2] == [0, 1]


def test_all_words_must_occur_in_any_order(run):
    assert find(run, "1996 fargo") == [2]


def test_nothing_typed_and_nothing_fitting_find_nothing(run):
    assert find(run, "  ") == []
    assert find(run, "zzz") == []


def test_no_more_are_found_than_asked_for(run):
    assert len(find(run, "film", limit=3)) == 3
