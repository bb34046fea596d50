"""The page as a program sees it: asked for over HTTP on the loopback interface."""

from urllib.request import urlopen

import numpy as np
import pytest
from gradio_client import Client

from contrast_exploration.page import LAST, THIS, Look


@pytest.fixture(scope="session")
def client(address):
    return Client(address, verbose=False, analytics_enabled=False)


def test_the_page_is_served_with_its_title(address):
    page = urlopen(address, timeout=10).read().decode()
    assert "exploration" in page
    assert address.startswith("http://127.0.0.1:")


def test_a_program_asks_for_the_plan_at_an_iteration(client, journey):
    answer = client.predict(12, api_name="/plan")
    assert answer["iteration"] == 12
    frame = journey.frame(journey.nearest(12))
    np.testing.assert_allclose(answer["visits"], frame.visits)
    np.testing.assert_allclose(answer["true"], frame.worth)


def test_a_program_asks_for_an_episode(client):
    moves = client.predict(5, api_name="/episode")
    assert [move["step"] for move in moves] == [0, 1, 2]
    assert client.predict(5, api_name="/episode") == moves


def test_the_last_plan_plays_or_the_one_that_is_looked_at(journey):
    look = Look(journey)
    assert look.begin(3, LAST, 1).who == "The plan of iteration 29"
    assert look.begin(3, THIS, 1).who == f"The plan of iteration {journey.history.steps[2]}"
    assert look.begin(3, LAST, None).seed == 0


def test_a_step_begins_an_episode_where_none_is_played(journey):
    look = Look(journey)
    first = look.step(3, LAST, 1, None)
    assert first.shown == 1
    assert look.step(3, LAST, 7, first) == first.further(1)
    assert look.end(3, LAST, 7, first).over
