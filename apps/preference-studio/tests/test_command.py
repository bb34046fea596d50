import pytest

from contrast.cli import main


def told(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_mistakes_are_told_before_the_server_starts(folder, tmp_path, capsys):
    answers = tmp_path / "answers.jsonl"
    assert "is not a run folder" in told(["prefer", tmp_path, "--answers", answers], capsys)
    assert not answers.exists()
    assert "should end in" in told(["prefer", folder, "--answers", tmp_path / "a.csv"], capsys)
    answers.write_text("{}\n")
    assert "no field `prompt`" in told(["prefer", folder, "--answers", answers], capsys)


def test_a_taken_port_is_named_before_anything_is_loaded(served, capsys):
    port = served[1].rstrip("/").rpartition(":")[2]
    assert f"port {port} is taken" in told(["prefer", "nowhere", "--port", port], capsys)
