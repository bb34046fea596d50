"""SepCLR's page holds what it shows."""

import re

from test_docs import DOCS

from contrast.config import resolve, write

SETS = ("strip", "cifar", "sprites", "folders", "table")  # the first: the default


def test_the_settings_of_sepclr_are_those_of_the_page():
    text = (DOCS / "methods/sepclr.md").read_text()
    columns = [
        {e.key: write(e.value) for e in resolve("sepclr", [f"data={data}"]).entries}
        for data in SETS
    ]
    rows = re.findall(r"^\| `(\w+\.\w+)` \|" + r"(.*?)\|" * len(SETS), text, re.MULTILINE)
    assert len(rows) >= 15
    for key, *cells in rows:
        default, *presets = (cell.strip(" `") for cell in cells)
        for shown, real in zip(
            (default, *(each or default for each in presets)), columns, strict=True
        ):
            assert real.get(key, "–") == shown, key
