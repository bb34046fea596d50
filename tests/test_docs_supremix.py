"""SupReMix's page of images, texts and series holds what it shows."""

import pytest
from test_docs import blocks, commands

from contrast.cli import main


def test_the_walk_from_images_texts_and_series_to_predictions_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, _, text in blocks("own-images-and-texts.md"):
        if language == "python":
            exec(compile(text, "own-images-and-texts.md", "exec"), names)
        for words in commands(text) if language == "console" else ():
            with pytest.raises(SystemExit) as ended:
                main(words)
            assert not ended.value.code, words
    assert list(names["table"]["file"]) == ["60.png", "61.png", "62.png", "63.png"]
    assert (names["found"].low < names["found"].high).all()
