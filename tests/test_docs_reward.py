"""The page on reward models holds what it shows."""

import re

from test_docs import DOCS, blocks, commands, resolves
from test_docs_alignment import run

from contrast.config import resolve, write

PAGE = DOCS / "methods/reward-models.md"


def test_the_walk_from_doubted_labels_to_a_policy_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    begun, names = text.index("## Train on your own"), {}
    walk = [block for block in blocks("methods/reward-models.md") if text.index(block[2]) > begun]
    for language, _, code in walk:
        if language == "python":
            exec(compile(code, "reward-models.md", "exec"), names)
        for words in commands(code) if language == "console" else ():
            run(words)
    assert names["rewards"][0] > names["rewards"][1]  # a fifth of the labels said otherwise


def test_every_command_of_the_page_can_be_resolved():
    for words in commands(PAGE.read_text()):
        if words[0] == "run":
            resolve("alignment", words[1:])


def test_the_settings_of_reward_models_are_those_of_the_page():
    columns = [
        {e.key: write(e.value) for e in resolve("alignment", [f"method={method}"]).entries}
        for method in ("reward", "votes")
    ]
    rows = re.findall(r"^\| `(\w+\.\w+)` \|(.*?)\|(.*?)\|", PAGE.read_text(), re.MULTILINE)
    assert len(rows) >= 20
    for key, *cells in rows:
        default, votes = (cell.strip(" `") for cell in cells)
        assert columns[0].get(key, "–") == default, key
        assert columns[1].get(key, "–") == (votes or default), key


def test_every_name_on_the_page_exists():
    for name in re.findall(r"`(contrast_alignment(?:\.\w+)+)`", PAGE.read_text()):
        assert resolves(name), name
