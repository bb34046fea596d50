from __future__ import annotations

import pytest

from contrast.data.checksum import file_sha256
from contrast.data.sources import Source, cache_path, fetch
from contrast.errors import DataError

DIGEST = "0" * 64


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a\\..\\x", "C:x"])
def test_a_name_that_leaves_the_data_folder_is_refused(name):
    with pytest.raises(DataError, match="relative name"):
        Source(name, "https://data.example/x", DIGEST)


@pytest.mark.parametrize("url", ["http://data.example/x", "file:///x", "ftp://x", "x"])
def test_any_other_scheme_than_https_is_refused(url):
    with pytest.raises(DataError, match="https"):
        Source("x", url, DIGEST)


@pytest.mark.parametrize("sha256", ["", "abc", "G" * 64])
def test_a_malformed_checksum_is_refused(sha256):
    with pytest.raises(DataError, match="64 hexadecimal digits"):
        Source("x", "https://data.example/x", sha256)


def test_a_local_copy_comes_before_the_network(server, tmp_path, monkeypatch):
    source = server.source("graph/a.bin", b"hello")
    local = tmp_path / "local" / "graph" / "a.bin"
    local.parent.mkdir(parents=True)
    local.write_bytes(b"hello")
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(tmp_path / "local"))
    assert fetch(source, opener=server.opener) == local
    assert server.requests == []


def test_a_local_copy_with_other_content_is_named_with_both_checksums(
    server, tmp_path, monkeypatch
):
    source = server.source("a.bin", b"hello")
    (tmp_path / "a.bin").write_bytes(b"other")
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match="differs") as caught:
        fetch(source, opener=server.opener)
    assert source.sha256 in str(caught.value)
    assert file_sha256(tmp_path / "a.bin") in str(caught.value)


def test_a_file_that_is_not_in_the_local_folder_is_downloaded(server, tmp_path, monkeypatch):
    source = server.source("a.bin", b"hello")
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(tmp_path))
    assert fetch(source, opener=server.opener).read_bytes() == b"hello"


def test_a_data_folder_that_is_no_folder_is_said(server, tmp_path, monkeypatch):
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="not a folder"):
        fetch(server.source("a.bin", b"hello"), opener=server.opener)


def test_a_cached_file_is_fetched_once(server):
    source = server.source("a.bin", b"hello")
    assert fetch(source, opener=server.opener) == fetch(source, opener=server.opener)
    assert len(server.requests) == 1


def test_a_damaged_cached_file_is_fetched_again(server):
    source = server.source("a.bin", b"hello")
    cache_path(source).parent.mkdir(parents=True)
    cache_path(source).write_bytes(b"hellO")
    assert fetch(source, opener=server.opener).read_bytes() == b"hello"


def test_two_versions_of_one_name_live_side_by_side_in_the_cache(server):
    first = fetch(server.source("a.bin", b"one"), opener=server.opener)
    second = fetch(server.source("a.bin", b"two"), opener=server.opener)
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")


def test_an_unreachable_server_is_answered_by_what_to_put_where(monkeypatch, tmp_path):
    def offline(request):
        raise OSError("Name or service not known")

    source = Source("graph/a.bin", "https://data.example/a.bin", DIGEST)
    with pytest.raises(DataError) as caught:
        fetch(source, opener=offline)
    message = str(caught.value)
    assert "Name or service not known" in message
    assert "https://data.example/a.bin" in message
    assert "$CONTRAST_DATA_DIR/graph/a.bin" in message
    assert len(message.splitlines()) <= 3
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=str(tmp_path / "graph" / "a.bin")):
        fetch(source, opener=offline)


def test_a_file_that_the_server_does_not_have_is_said(server):
    source = Source("a.bin", "https://data.example/gone", DIGEST)
    with pytest.raises(DataError, match="404"):
        fetch(source, opener=server.opener)


def test_a_cache_that_cannot_be_written_is_said(server, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"cannot keep `a.bin`"):
        fetch(server.source("a.bin", b"hello"), opener=server.opener)
