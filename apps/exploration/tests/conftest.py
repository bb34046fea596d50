"""Small finished runs of three kinds, and the page over one of them on a free port."""

import pytest

import contrast
from contrast.reporting.serving import serve
from contrast_exploration.journey import open_run
from contrast_exploration.page import make_page, page_style


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A function that explores for a few iterations and gives the run folder."""
    home = tmp_path_factory.mktemp("exploration")

    def train(**settings):
        settings.setdefault("trainer", {"max_epochs": 3})
        return contrast.run("ucb", evaluation={"compare": []}, runs=home, **settings).folder

    return train


@pytest.fixture(scope="session")
def folder(trained):
    """A run on a lock of 3 steps, 2 actions and 6 states."""
    return trained(data={"horizon": 3, "actions": 2, "observations": 2})


@pytest.fixture(scope="session")
def journey(folder):
    """The run, opened."""
    return open_run(folder)


@pytest.fixture(scope="session")
def game(trained):
    """A run of two players, opened."""
    return open_run(trained(method="game", data={"horizon": 2, "observations": 1}))


@pytest.fixture(scope="session")
def lake(trained):
    """A run on FrozenLake, opened."""
    return open_run(trained(data={"name": "gymnasium", "horizon": 4}))


@pytest.fixture(scope="session")
def address(journey):
    """Where the page over the run is served."""
    page = make_page(journey)
    yield serve(page, css=page_style())
    page.close(verbose=False)
