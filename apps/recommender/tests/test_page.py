"""The page as a program sees it: asked for over HTTP on the loopback interface."""

from urllib.request import urlopen

import pytest
from gradio_client import Client

from contrast_recommender.page import Visit, changed


@pytest.fixture(scope="session")
def client(address):
    return Client(address, verbose=False, analytics_enabled=False)


def test_the_page_is_served_with_its_title(address):
    page = urlopen(address, timeout=10).read().decode()
    assert "recommender" in page
    assert address.startswith("http://127.0.0.1:")


def test_a_program_asks_what_follows_a_history_of_ids(client, shelf, number):
    answer = client.predict("f1, f2", 4, api_name="/recommend")
    expected = shelf.following([number["f1"], number["f2"]], 4)
    assert [each["id"] for each in answer] == [shelf.ids[each.item] for each in expected]


def test_a_program_asks_what_is_near_a_title(client):
    answer = client.predict("fargo", 3, api_name="/similar")
    assert len(answer) == 3
    assert all(-1 <= each["score"] <= 1 for each in answer)


def test_a_program_that_names_nothing_known_is_told_so(client):
    with pytest.raises(Exception, match="no item `zzz`"):
        client.predict("f1,zzz", 4, api_name="/recommend")
    with pytest.raises(Exception, match="no item fits `zzz`"):
        client.predict("zzz", 4, api_name="/similar")


def test_taking_makes_an_item_the_latest_and_taking_back_forgets_it():
    assert changed([3, 1], "take", 3) == ([1, 3], 3)
    assert changed([3, 1], "drop", 3) == ([1], 3)
    assert changed([3, 1], "look", 7) == ([3, 1], 7)


def test_return_takes_the_best_fit_and_leaves_all_where_nothing_fits(shelf, number):
    visit = Visit(shelf)
    assert visit.best("fargo", [1], 1) == ([1, number["f2"]], number["f2"], "", "")
    taken, looked_at, typed, said = visit.best("zzz", [1], 1)
    assert (taken, looked_at, typed) == ([1], 1, "zzz")
    assert "Nothing fits" in said


def test_somebody_in_the_log_takes_the_place_of_what_was_taken(shelf):
    taken, looked_at, _ = Visit(shelf).person(" p3 ", [1], 1)
    assert (taken, looked_at) == (shelf.history("p3"), shelf.history("p3")[-1])


def test_somebody_unknown_changes_nothing_and_is_told(shelf):
    with pytest.warns(UserWarning, match="no user `p333`"):
        assert Visit(shelf).person("p333", [1], 1) == ([1], 1, "p333")
    assert Visit(shelf).person("  ", [1], 1) == ([1], 1, "  ")
