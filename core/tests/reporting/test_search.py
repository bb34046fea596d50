from contrast.reporting.search import find

TITLES = ["Alien (1979)", "Aliens (1986)", "Fargo (1996)", "Alien Nation (1988)"]


def test_a_number_finds_its_own_before_titles_that_hold_it():
    assert find("1986", TITLES, [1986, 1, 2, 3])[:2] == [0, 1]


def test_beginnings_of_titles_come_first_and_short_ones_before_long_ones():
    assert find("ALIEN", TITLES, range(4)) == [0, 1, 3]


def test_all_words_must_occur_in_any_order():
    assert find("1996 fargo", TITLES, range(4)) == [2]


def test_nothing_typed_and_nothing_fitting_find_nothing():
    assert find("  ", TITLES, range(4)) == []
    assert find("zzz", TITLES, range(4)) == []


def test_no_more_are_found_than_asked_for():
    assert len(find("alien", TITLES, range(4), limit=2)) == 2
