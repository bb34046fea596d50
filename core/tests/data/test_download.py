from __future__ import annotations

import os
import subprocess
import sys
from urllib.error import URLError
from urllib.request import Request

import pytest

from contrast.data.download import ATTEMPTS, _OnlyHttps, open_https
from contrast.data.sources import cache_path, fetch
from contrast.errors import DataError

CONTENT = bytes(range(256)) * 4096  # 1 MiB


def part_of(source):
    return cache_path(source).with_name(cache_path(source).name + ".part")


def test_a_cut_transfer_goes_on_where_it_stopped(server):
    source = server.source("a.bin", CONTENT)
    server.cuts = [300_000, 100_000]
    assert fetch(source, opener=server.opener).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=300000-", "bytes=400000-"]


def test_what_an_earlier_run_received_is_continued(server):
    source = server.source("a.bin", CONTENT)
    server.cuts = [1000] * ATTEMPTS
    with pytest.raises(DataError, match=f"{ATTEMPTS * 1000} bytes are kept"):
        fetch(source, opener=server.opener)
    assert part_of(source).stat().st_size == ATTEMPTS * 1000
    assert fetch(source, opener=server.opener).read_bytes() == CONTENT
    assert server.requests[-1] == f"bytes={ATTEMPTS * 1000}-"


def test_a_server_without_ranges_starts_anew(server):
    source = server.source("a.bin", CONTENT)
    server.ranges = False
    server.cuts = [5000]
    assert fetch(source, opener=server.opener).read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_taken(server):
    source = server.source("a.bin", CONTENT)
    part_of(source).parent.mkdir(parents=True)
    part_of(source).write_bytes(CONTENT)
    assert fetch(source, opener=server.opener).read_bytes() == CONTENT
    assert server.requests == [f"bytes={len(CONTENT)}-"]


def test_other_content_is_refused_and_its_part_removed(server):
    source = server.source("a.bin", CONTENT)
    server.files["a.bin"] = b"changed"
    with pytest.raises(DataError, match="other content") as caught:
        fetch(source, opener=server.opener)
    assert source.url in str(caught.value)
    assert source.sha256 in str(caught.value)
    assert not part_of(source).exists()
    assert not cache_path(source).exists()


def test_an_empty_file_can_be_fetched(server):
    assert fetch(server.source("empty", b""), opener=server.opener).read_bytes() == b""


def test_progress_counts_to_the_size_of_the_file_through_a_cut(server):
    source, heard = server.source("a.bin", CONTENT), []
    server.cuts = [300_000]
    fetch(source, opener=server.opener, on_progress=lambda *numbers: heard.append(numbers))
    done = [number for number, _ in heard]
    assert done == sorted(done)
    assert {total for _, total in heard} == {len(CONTENT)}
    assert done[-1] == len(CONTENT)


def test_processes_that_want_one_file_download_it_once(server, tmp_path):
    source = server.source("a.bin", CONTENT * 8)
    script = f"""
from urllib.request import Request, urlopen
from contrast.data.sources import Source, fetch
def opener(request):
    url = request.full_url.replace("https://data.example", "http://127.0.0.1:{server.port}")
    return urlopen(Request(url, headers=dict(request.headers)), timeout=5)
print(fetch({source!r}, opener=opener).stat().st_size)
"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "shared")}
    command = [sys.executable, "-c", script]
    jobs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [int(job.communicate()[0]) for job in jobs] == [len(CONTENT) * 8] * 3
    assert server.requests == [None]


def test_the_opener_refuses_an_address_without_encryption():
    with pytest.raises(URLError, match="not https"):
        open_https(Request("http://data.example/x"))


def test_a_redirect_away_from_https_is_refused():
    request = Request("https://data.example/x")
    with pytest.raises(URLError, match="not https"):
        _OnlyHttps().redirect_request(request, None, 302, "Found", {}, "http://data.example/x")
    onward = _OnlyHttps().redirect_request(request, None, 302, "Found", {}, "https://b.example/x")
    assert onward.full_url == "https://b.example/x"
