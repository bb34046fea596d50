import pytest

from contrast.cli import main


def test_a_mistake_is_told_before_the_server_starts(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["recommender", str(tmp_path)])
    assert stopped.value.code == 2
    assert "is not a run folder" in capsys.readouterr().err
