from importlib.util import find_spec

import pytest

from contrast.data import ml_100k as source
from contrast.errors import DataError


@pytest.mark.skipif(find_spec("recbole") is None, reason="needs the files of recbole")
def test_changed_file_of_the_package_is_refused(monkeypatch):
    monkeypatch.setitem(source.CHECKSUMS, "ml-100k.user", "0" * 64)
    with pytest.raises(DataError, match="not the published file"):
        source.ml_100k_file("ml-100k.user")


def test_without_the_package_the_pinned_address_is_fetched(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    monkeypatch.setattr(source, "fetch", lambda item: asked.append(item) or tmp_path)
    assert source.ml_100k_file("ml-100k.item") == tmp_path
    assert asked[0].url.startswith("https://raw.githubusercontent.com/RUCAIBox/RecBole/")
    assert asked[0].sha256 == source.CHECKSUMS["ml-100k.item"]
