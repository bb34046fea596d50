import re

from contrast.engine import memory


def test_the_peak_is_no_less_than_what_is_resident_now():
    status = memory.STATUS.read_text()
    resident = 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])
    assert memory.peak_memory()["cpu"] >= resident > 0


def test_the_peak_is_read_in_bytes(tmp_path, monkeypatch):
    (tmp_path / "status").write_text("Name:\tpython\nVmPeak:\t 9999 kB\nVmHWM:\t    2048 kB\n")
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    assert memory.peak_memory()["cpu"] == 2 * 2**20


def test_a_system_without_that_file_still_knows(tmp_path, monkeypatch):
    known = memory.peak_memory()["cpu"]
    monkeypatch.setattr(memory, "STATUS", tmp_path / "nothing")
    assert memory.peak_memory()["cpu"] >= known / 2
