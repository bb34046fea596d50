"""Small finished runs on images and on a table, and the page over one of them on a free port."""

import numpy as np
import pytest
from PIL import Image

import contrast
from contrast.reporting.serving import serve
from contrast_contrastive_analysis.cohort import open_run
from contrast_contrastive_analysis.page import make_page, page_style

SMALL = {
    "encoder": {"name": "mlp", "hidden": 8, "projection": 8, "common_width": 4, "salient_width": 3},
    "trainer": {"max_steps": 3},
}


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Images of healthy and of ill ones, early and late, and a table of people."""
    home, draw = tmp_path_factory.mktemp("cohort"), np.random.default_rng(0)
    for kind in ("healthy", "ill/early", "ill/<b>late"):
        (home / kind).mkdir(parents=True)
        for i in range(8):
            pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(home / kind / f"{i}.png")
    rows = [
        f"{a:.2f},{b:.2f},{'control' if i < 8 else 'ill'}"
        for i, (a, b) in enumerate(draw.normal(size=(16, 2)))
    ]
    (home / "people.csv").write_text("\n".join(["a,b,group", *rows]) + "\n")
    return home


@pytest.fixture(scope="session")
def folder(home):
    """A run on the images."""
    data = {"name": "folders", "background": str(home / "healthy"), "target": str(home / "ill")}
    return contrast.run("sepclr", data=data | {"side": 8}, runs=home, name="run", **SMALL).folder


@pytest.fixture(scope="session")
def cohort(folder):
    """The run, opened."""
    return open_run(folder)


@pytest.fixture(scope="session")
def people(home):
    """A run on the table, opened."""
    data = {"name": "table", "path": str(home / "people.csv")}
    return open_run(contrast.run("sepclr", data=data, runs=home, **SMALL).folder)


@pytest.fixture(scope="session")
def address(cohort):
    """Where the page over the run is served."""
    page = make_page(cohort)
    yield serve(page, css=page_style())
    page.close(verbose=False)
