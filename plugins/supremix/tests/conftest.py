"""A small table that has everything: gaps, categories, dates, ids, groups, repeats."""

import numpy as np
import pandas as pd
import pytest


def table(rows: int = 90) -> pd.DataFrame:
    """Houses whose price follows from their size, age and town."""
    draw = np.random.default_rng(0)
    town = draw.choice(["Delft", "Gouda", "Leiden"], rows)
    size, age = draw.uniform(40, 200, rows), draw.integers(0, 90, rows)
    sold = pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 900, rows), unit="D")
    price = 3 * size - age + 40 * (town == "Leiden") + draw.normal(0, 10, rows)
    frame = pd.DataFrame(
        {
            "house_id": [f"h{i}" for i in range(rows)],
            "size": np.where(draw.random(rows) < 0.1, np.nan, size),
            "age": age,
            "town": np.where(draw.random(rows) < 0.1, None, town),
            "sold": sold.strftime("%Y-%m-%d"),
            "country": "NL",
            "agent": draw.integers(0, 30, rows),
            "price": price,
        }
    )
    return pd.concat([frame, frame.iloc[:3]], ignore_index=True)


@pytest.fixture
def houses():
    """The table as a frame."""
    return table()


@pytest.fixture(scope="session")
def houses_csv(tmp_path_factory):
    """The table as a file."""
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    table().to_csv(path, index=False)
    return path
