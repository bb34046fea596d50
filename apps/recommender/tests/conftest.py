"""A small finished run on a log of films, and the page over it on a free port."""

import numpy as np
import pytest

import contrast
from contrast.reporting.serving import serve
from contrast_recommender.page import make_page, page_style
from contrast_recommender.shelf import open_run

TITLES = ["Alien (1979)", "Aliens (1986)", "Fargo (1996)", "The <b>Alien</b> Nation (1988)"]


@pytest.fixture(scope="session")
def log(tmp_path_factory):
    """A log of 24 people who walk through 30 films, most of them past film 5, and its titles."""
    home, draw = tmp_path_factory.mktemp("recommender"), np.random.default_rng(0)
    rows = [
        f"p{who},f{(start + step) % 30},{step}"
        for who in range(24)
        for start, steps in [(draw.integers(30), draw.integers(5, 12))]
        for step in range(steps)
    ]
    rows += [f"p{who},f5,99" for who in range(24)] + [f"p{who},f6,{100 + who}" for who in range(24)]
    rows += [f"p{who},f7,200" for who in range(24)]
    (home / "log.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    named = [f"f{i},{title}" for i, title in enumerate(TITLES)]
    (home / "films.csv").write_text("\n".join(["item_id,title", *named]) + "\n")
    return home


@pytest.fixture(scope="session")
def trained(log):
    """A function that trains a run of a few steps on the log and gives its folder."""

    def train(**settings):
        data = {"path": str(log / "log.csv"), "titles": str(log / "films.csv")}
        return contrast.run(
            "mclrec",
            data={"name": "interactions", **data},
            trainer={"max_steps": 3},
            runs=log / "runs",
            **settings,
        ).folder

    return train


@pytest.fixture(scope="session")
def folder(trained):
    """A run folder of MCLRec itself."""
    return trained(encoder={"width": 8, "inner": 8})


@pytest.fixture(scope="session")
def shelf(folder):
    """The run, opened."""
    return open_run(folder)


@pytest.fixture(scope="session")
def number(shelf):
    """The number of a film by id."""
    return {id: item for item, id in enumerate(shelf.ids)}


@pytest.fixture(scope="session")
def address(shelf):
    """Where the page over the run is served."""
    page = make_page(shelf)
    yield serve(page, css=page_style())
    page.close(verbose=False)
