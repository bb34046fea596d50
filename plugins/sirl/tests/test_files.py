import json
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from contrast.errors import DataError
from contrast_sirl.files import read_trajectories

STATES = np.arange(24.0).reshape(3, 4, 2)


def save(folder, **arrays):
    np.savez(folder / "paths.npz", **arrays)
    return read_trajectories(folder / "paths.npz")


def test_states_side_by_side_are_cut_to_their_lengths(tmp_path):
    found = save(
        tmp_path, states=STATES, lengths=np.array([4, 2, 3]), ids=np.array(["a", "b", "c"])
    )
    assert [len(each) for each in found.states] == [4, 2, 3]
    assert found.ids == ("a", "b", "c")
    assert (found.states[1] == STATES[1, :2]).all()
    assert found.names == ("x0", "x1")


def test_states_one_after_another_are_cut_by_their_lengths(tmp_path):
    found = save(tmp_path, states=STATES.reshape(12, 2), lengths=np.array([5, 3, 4]))
    assert found.ids == (0, 1, 2)
    assert (found.states[1] == STATES.reshape(12, 2)[5:8]).all()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"state": STATES}, "no array `states`; did you mean `state`"),
        ({"states": STATES.reshape(12, 2)}, "need `lengths` as well"),
        ({"states": STATES.reshape(12, 2), "lengths": np.array([5, 3])}, "add up to 8, not to 12"),
        ({"states": STATES, "lengths": np.array([9, 1, 1])}, "do not fit"),
        ({"states": STATES, "ids": np.array([1, 2])}, "2 ids"),
        ({"states": STATES, "ids": np.array([1, 2, 2])}, "named `2`"),
        ({"states": STATES, "lengths": np.array([4, 0, 1])}, "trajectory `1` has no step"),
        ({"states": np.array([["a"]])}, "must be numbers"),
        ({"states": STATES, "lengths": np.array([4.0, 2, 3])}, "whole numbers"),
        ({"states": STATES, "lengths": np.array([4, -2, 3])}, "whole numbers"),
        ({"states": STATES.reshape(12, 2), "lengths": np.array([5.5, 6.5])}, "whole numbers"),
        ({"states": STATES.reshape(12, 2), "lengths": np.array([14, -2])}, "whole numbers"),
        ({"states": STATES, "lengths": np.array([[4, 2, 3]])}, "whole numbers"),
        ({"states": STATES[:0]}, "holds no trajectory"),
        ({"states": STATES[..., :0]}, "holds no trajectory"),
        ({"states": STATES[0, :0], "lengths": np.array([], int)}, "holds no trajectory"),
    ],
)
def test_an_npz_that_does_not_fit_is_refused_with_the_reason(tmp_path, arrays, said):
    with pytest.raises(DataError, match=said):
        save(tmp_path, **arrays)


def test_a_pickled_array_is_never_read(tmp_path):
    np.savez(tmp_path / "paths.npz", states=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="cannot be read"):
        read_trajectories(tmp_path / "paths.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more"])
def test_a_file_that_was_cut_off_is_refused(tmp_path, content):
    (tmp_path / "paths.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read_trajectories(tmp_path / "paths.npz")


def test_many_trajectories_are_told_apart_at_once(tmp_path):
    begun = perf_counter()
    save(tmp_path, states=np.zeros((20_000, 1, 1)))
    assert perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("a,last,1", "`step` must be numbers"),
        ("a,,1", "`step` is empty in row 3"),
        (",2,1", "`trajectory` is empty in row 3"),
    ],
)
def test_a_row_that_stands_nowhere_is_refused(tmp_path, last, said):
    (tmp_path / "paths.csv").write_text(f"trajectory,step,x\na,0,1\na,1,1\n{last}\n")
    with pytest.raises(DataError, match=said):
        read_trajectories(tmp_path / "paths.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_holds_a_row_a_step_in_any_order(tmp_path, suffix):
    frame = pd.DataFrame(
        {"trajectory": ["10", "9", "10"], "step": [1, 0, 0], "x": [3.0, 1.0, 2.0], "y": [0, 0, 1]}
    )
    path = tmp_path / f"paths.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    found = read_trajectories(path)
    assert found.ids == ("9", "10")
    assert found.names == ("x", "y")
    assert found.states[1].tolist() == [[2, 1], [3, 0]]


def test_a_table_of_words_is_refused(tmp_path):
    (tmp_path / "paths.csv").write_text("trajectory,x\n1,left\n")
    with pytest.raises(DataError, match="`x` is not"):
        read_trajectories(tmp_path / "paths.csv")
    (tmp_path / "other.csv").write_text("trajectoy,x\n1,2\n")
    with pytest.raises(DataError, match="no column `trajectory`; did you mean `trajectoy`"):
        read_trajectories(tmp_path / "other.csv")


def test_a_lerobot_folder_gives_its_states_by_episode(tmp_path):
    (tmp_path / "meta").mkdir()
    (tmp_path / "data/chunk-000").mkdir(parents=True)
    described = {"features": {"observation.state": {"names": {"motors": ["lift", "turn"]}}}}
    (tmp_path / "meta/info.json").write_text(json.dumps(described))
    for episode in (0, 1):
        frame = pd.DataFrame(
            {
                "episode_index": [episode] * 2,
                "frame_index": [1, 0],
                "observation.state": [[episode + 0.5, 1.0], [episode, 2.0]],
            }
        )
        frame.to_parquet(tmp_path / f"data/chunk-000/episode_{episode}.parquet")
    found = read_trajectories(tmp_path)
    assert found.ids == (0, 1)
    assert found.names == ("lift", "turn")
    assert found.states[1].tolist() == [[1, 2], [1.5, 1]]


def test_a_minari_data_set_gives_its_observations_by_episode(tmp_path):
    h5py = pytest.importorskip("h5py")
    (tmp_path / "data").mkdir()
    with h5py.File(tmp_path / "data/main_data.hdf5", "w") as held:
        for episode in (0, 2, 10):
            group = held.create_group(f"episode_{episode}/observations")
            group["goal"] = np.full((3, 1), episode)
            group["place"] = np.arange(6).reshape(3, 2)
    found = read_trajectories(tmp_path)
    assert found.ids == ("0", "2", "10")
    assert found.names == ("goal", "place0", "place1")
    assert found.states[2].tolist() == [[10, 0, 1], [10, 2, 3], [10, 4, 5]]


def test_another_folder_or_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither"):
        read_trajectories(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        read_trajectories(tmp_path / "nothing.npz")
