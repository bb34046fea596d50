"""A small table of houses, and the page on a free port."""

import numpy as np
import pandas as pd
import pytest

from contrast.reporting.serving import serve
from contrast_regression.page import make_page, page_style


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """Sixty houses and five new ones, as files."""
    folder = tmp_path_factory.mktemp("houses")
    draw = np.random.default_rng(0)
    size, age = draw.uniform(40, 200, 65), draw.integers(0, 90, 65)
    frame = pd.DataFrame({"size": size, "age": age, "town": draw.choice(["Delft", "Gouda"], 65)})
    frame["price"] = 3 * size - age + draw.normal(0, 5, 65)
    frame[:60].to_csv(folder / "houses.csv", index=False)
    frame[60:].drop(columns="price").to_csv(folder / "new.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """Where the page is served, with a short training."""
    page = make_page(tmp_path_factory.mktemp("runs"), epochs=5)
    yield serve(page, css=page_style())
    page.close(verbose=False)
