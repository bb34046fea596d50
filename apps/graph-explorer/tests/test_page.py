"""The page as a program sees it: asked for over HTTP on the loopback interface."""

import json
from urllib.request import urlopen

import numpy as np
import pytest
from gradio_client import Client

from contrast_graph_explorer.page import BY_CLASS, BY_SIMILARITY, Show


@pytest.fixture(scope="session")
def client(address):
    return Client(address, verbose=False, analytics_enabled=False)


def test_the_page_is_served_with_its_title_and_look(address):
    page = urlopen(address, timeout=10).read().decode()
    assert "graph explorer" in page
    assert address.startswith("http://127.0.0.1:")


def test_a_program_asks_for_the_neighbours_of_a_title(client, run):
    answer = client.predict("alien", 4, api_name="/neighbours")
    assert answer["id"] == "Alien (1979)"
    assert len(answer["embedding"]) == len(answer["graph"]["film > rev_liked > person"]) == 4


def test_a_program_that_asks_for_nobody_is_told_so(client):
    with pytest.raises(Exception, match="no film fits `zzz`"):
        client.predict("zzz", 4, api_name="/neighbours")


def test_the_map_holds_every_node_within_its_frame(run):
    cloud = json.loads(Show(run).cloud()["cloud"])
    assert len(cloud["x"]) == len(cloud["titles"]) == 30
    assert np.abs([cloud["x"], cloud["y"]]).max() == pytest.approx(1, abs=1e-3)


def test_the_map_is_coloured_by_similarity_where_asked(run):
    _, by_class = Show(run).chosen(5, 10, BY_CLASS)
    _, by_similarity = Show(run).chosen(5, 10, BY_SIMILARITY)
    assert json.loads(by_class)["similarity"] is None
    assert json.loads(by_similarity)["similarity"][5] == 100


def test_return_takes_the_best_fit_and_leaves_all_where_nothing_fits(run):
    assert Show(run).best("fargo", 7) == (2, "", "")
    node, typed, said = Show(run).best("zzz", 7)
    assert (node, typed) == (7, "zzz")
    assert "No film fits" in said
