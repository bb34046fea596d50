import json

import numpy as np
import pytest
import torch

import contrast
from contrast.config import resolve
from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast.testing.battery import battery

SMALL = (
    "method=deep",
    "sampler.warmup=40",
    "sampler.envs=2",
    "sampler.batch_size=8",
    "encoder.width=8",
    "encoder.rank=6",
    "evaluation.episodes=2",
)

TestDeep = battery("ucb", *SMALL, "data=deepsea", "data.size=4")
TestOfficial = battery(
    "ucb", *SMALL, "objective=spr", "reference=official", "encoder.atoms=11", "sampler.jumps=2"
)


def small(tmp_path, **sections):
    return contrast.run("ucb", overrides=[*SMALL, "trainer.max_steps=4"], runs=tmp_path, **sections)


def test_a_cart_is_balanced_far_longer_than_by_chance(tmp_path):
    result = contrast.run(
        "ucb",
        method="deep",
        env="CartPole-v1",
        sampler={"warmup": 200, "decay": 500, "gamma": 0.0},
        encoder={"width": 32},
        trainer={"max_steps": 200, "contrast_weight": 0.1},
        evaluation={"episodes": 5},
        runs=tmp_path,
    )
    assert result.metrics["return"] > 40  # chance: 22
    policy = contrast.load(result.folder).policy
    assert policy.predict(np.array([0.0, 0.0, 0.2, 0.5], np.float32)) == 1  # falls to the right
    assert policy.predict(np.zeros((3, 4), np.float32)).shape == (3,)
    with pytest.raises(DataError, match="NaN"):
        policy.predict(np.full(4, np.nan, np.float32))
    with pytest.raises(DataError, match="no observation"):
        policy.predict(np.zeros(5, np.float32))
    report = (result.folder / "report.html").read_text()
    assert "Returns of fresh episodes" in report
    assert "data:image/gif" in report or "No episode is shown" in report


def test_a_report_on_a_grid_shows_visits_bonus_and_an_episode(tmp_path):
    result = small(tmp_path, data={"name": "deepsea", "size": 4})
    report = (result.folder / "report.html").read_text()
    assert all(word in report for word in ("Visits", "Bonus", "data:image/gif"))
    assert 4 <= result.metrics["met"] <= 1 + 4 * 5 / 2


def test_env_is_a_word_for_the_environment():
    config = resolve("ucb", ["method=deep", "env=Acrobot-v1"]).config
    assert config.data.env == "Acrobot-v1"
    with pytest.raises(ConfigError, match="given twice"):
        resolve("ucb", ["method=deep", "env=A-v0", "data.env=B-v0"])


@pytest.mark.parametrize(
    ("objective", "jumps"), [("spr", 3), ("nce", 3), ("infonce", 1), ("siglip", 1)]
)
def test_the_objective_is_swapped_alone(tmp_path, objective, jumps):
    result = small(tmp_path, objective=objective, sampler={"jumps": jumps})
    assert result.state == "done"


def test_without_bonus_and_without_contrast_it_still_learns(tmp_path):
    result = small(tmp_path, sampler={"gamma": 0.0}, trainer={"contrast_weight": 0.0})
    lines = (result.folder / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines if "loss" in line]
    assert all("contrast" not in step and step["bonus"] == 0 for step in steps)


def test_vectors_cannot_be_moved_by_pixels(tmp_path):
    with pytest.raises(ConfigError, match=r"encoder\.shift=0"):
        small(tmp_path, encoder={"shift": 4})


def test_the_official_bonus_needs_the_atoms_that_it_is_made_of(tmp_path):
    with pytest.raises(ConfigError, match=r"encoder\.atoms=51"):
        small(tmp_path, reference="official")


@pytest.mark.parametrize(
    ("env", "package", "shape", "actions"),
    [
        ("MiniGrid-Empty-5x5-v0", "minigrid", (21, 7, 7), 7),
        ("MinAtar/Breakout-v1", "minatar", (4, 10, 10), 3),
    ],
)
def test_families_of_environments_run_where_they_are_installed(
    tmp_path, env, package, shape, actions
):
    pytest.importorskip(package)
    result = small(tmp_path, env=env, data={"horizon": 30})
    parts = contrast.load(result.folder)
    assert (parts.data.shape, parts.data.actions) == (shape, actions)
    obs, _ = parts.data.make().reset(seed=0)
    assert 0 <= parts.policy.predict(obs) < actions


def test_what_is_no_atari_game_is_refused():
    pytest.importorskip("ale_py")
    from contrast_ucb.deep.task import atari_task

    with pytest.raises(ConfigError, match="no Atari game"):
        atari_task(generator=generator(0), env="CartPole-v1", horizon=100, rewards="sign", stack=4)


def test_an_atari_game_is_seen_in_four_grey_frames():
    pytest.importorskip("ale_py")
    pytest.importorskip("cv2")
    from contrast_ucb.deep.task import atari_task

    generator = torch.Generator().manual_seed(0)
    task = atari_task(generator=generator, env="ALE/Pong-v5", horizon=100, rewards="sign", stack=4)
    obs, _ = task.make().reset(seed=0)
    assert task.arrays(obs).shape == task.shape == (4, 84, 84)
    assert task.reward(-3.0) == -1
