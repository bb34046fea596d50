"""A small world, a learner over it, and the page on a free port."""

import pytest
import torch

from contrast.engine.randomness import generator
from contrast.reporting.serving import serve
from contrast_robot_teacher import learner as learning
from contrast_robot_teacher.cards import Cards
from contrast_robot_teacher.learner import Learner
from contrast_robot_teacher.page import make_page, page_style
from contrast_sirl.data import gridrobot


@pytest.fixture(autouse=True, scope="session")
def _quick():
    """Ensembles of a few steps: how well they learn is tested with the plugin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "STEPS", 60)
        patch.setattr(learning, "HIDDEN", 16)
        yield


@pytest.fixture(scope="session")
def data():
    """GridRobot's trajectories."""
    return gridrobot(generator=generator("t"), features="paper4", held_out=0.0, scale_by="all")


@pytest.fixture
def learner(data, tmp_path):
    """A learner that has begun."""
    made = Learner(data, tmp_path / "answers.csv", tmp_path / "pairs.csv").start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def served(data, tmp_path_factory):
    """A learner, and where the page over it is served."""
    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("kept")
    made = Learner(data, home / "answers.csv", home / "pairs.csv").start()
    page = make_page(Cards(made, {}), "gridrobot")
    yield made, serve(page, css=page_style())
    page.close(verbose=False)
    made.stop()
