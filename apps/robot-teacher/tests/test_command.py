import numpy as np
import pytest

from contrast.cli import main
from contrast_robot_teacher.command import open_trajectories


def told(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_mistakes_are_told_before_the_server_starts(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("two.npz", states=np.zeros((2, 4, 3)))
    np.savez("three.npz", states=np.zeros((3, 4, 3)))
    assert "does not exist" in told(["teach", "nothing.npz"], capsys)
    assert "2 trajectories; a question shows 3" in told(["teach", "two.npz"], capsys)
    assert "no number `z`" in told(["teach", "three.npz", "--draw", "x0,z"], capsys)
    assert "is no folder" in told(["teach", "three.npz", "--media", "films"], capsys)
    (tmp_path / "answers.csv").write_text("a,b\n1,2\n")
    assert "no column `first`" in told(["teach", "three.npz"], capsys)


def test_the_two_numbers_to_draw_are_named(tmp_path):
    np.savez(tmp_path / "p.npz", states=np.zeros((3, 4, 3)), names=np.array(["t", "x", "y"]))
    assert open_trajectories(str(tmp_path / "p.npz"), "x,y").scene.axes == ("x", "y")
