from __future__ import annotations

import hashlib
import os

from contrast.data import checksum
from contrast.data.checksum import file_sha256


def test_a_checksum_is_computed_once_unless_the_file_changes(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"hello")
    assert file_sha256(path) == hashlib.sha256(b"hello").hexdigest()
    hits = checksum._digest.cache_info().hits
    file_sha256(path)
    assert checksum._digest.cache_info().hits == hits + 1
    path.write_bytes(b"hellO")
    os.utime(path, ns=(1, 1))
    assert file_sha256(path) == hashlib.sha256(b"hellO").hexdigest()
