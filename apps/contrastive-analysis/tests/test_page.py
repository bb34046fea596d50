"""The page as a program sees it: asked for over HTTP on the loopback interface."""

from urllib.request import urlopen

import pytest
from gradio_client import Client

from contrast_contrastive_analysis.page import ALL, Visit


@pytest.fixture(scope="session")
def client(address):
    return Client(address, verbose=False, analytics_enabled=False)


def test_the_page_is_served_with_its_title(address):
    page = urlopen(address, timeout=10).read().decode()
    assert "contrastive analysis" in page
    assert address.startswith("http://127.0.0.1:")


def test_a_program_asks_for_neighbours_by_id(client, cohort):
    answer = client.predict("ill/early/3.png", "common", 4, "background", api_name="/neighbours")
    near = cohort.analysis.nearest(cohort.of_id("ill/early/3.png"), "common", 4, "background")
    assert [each["id"] for each in answer] == [cohort.ids[each.row] for each in near]
    assert {each["group"] for each in answer} == {"background"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("77", "common", 4, "all"), "no sample has the id"),
        (("ill/early/3.png", "comon", 4, "all"), "comon"),
    ],
)
def test_a_program_that_names_nothing_known_is_told_so(client, asked, words):
    with pytest.raises(Exception, match=words):
        client.predict(*asked, api_name="/neighbours")


def test_what_is_drawn_follows_what_was_chosen(cohort):
    visit = Visit(cohort)
    targets, picked = visit.draw(cohort.first, "subfolder: early", "", 60, 6, "Background")
    assert targets.count("<button") == 8
    assert picked.count("healthy/") >= 12
    assert visit.draw(cohort.first, ALL, "", 5, 6, "Targets")[0].count("<button") == 5


def test_a_file_that_cannot_be_read_changes_nothing_and_is_told_by_its_name(cohort, home):
    visit, first = Visit(cohort), cohort.first
    chosen, said = visit.read(str(home / "people.csv"), first)
    assert chosen is first
    assert "people.csv cannot be read as an image" in said
    assert str(home) not in said
    chosen, said = visit.read(str(home / "ill/early/1.png"), first)
    assert (chosen.name, chosen.row, said) == ("1.png", None, "")
    assert visit.read(None, first) == (first, "")
