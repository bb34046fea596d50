import pytest

from contrast.cli import main


def told(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_mistake_is_told_before_the_server_starts(tmp_path, capsys):
    assert "is not a run folder" in told(["analyse", str(tmp_path)], capsys)


def test_a_taken_port_is_named_before_anything_is_loaded(address, capsys):
    port = address.rstrip("/").rpartition(":")[2]
    assert f"port {port} is taken" in told(["analyse", "nowhere", "--port", port], capsys)
