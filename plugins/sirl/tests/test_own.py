import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast_sirl.encoder import TrajectoryEncoder
from contrast_sirl.own import trajectories
from contrast_sirl.sampler import QuestionSampler

SETTINGS = {"answers": "", "preferences": "", "features": "", "draw": (), "held_out": 0.0}
ASKED = {
    "queries": 5,
    "batch_size": 4,
    "answer_rule": "closest_pair",
    "rationality": None,
    "held_out": 0.0,
}


def walks(folder, lengths=(3, 5, 4, 5), **changed):
    """Trajectories of these lengths, as a file."""
    states = np.arange(2.0 * sum(lengths)).reshape(-1, 2)
    states[:2] = changed.pop("first", states[:2])
    np.savez(folder / "walks.npz", states=states, lengths=np.array(lengths))
    return trajectories(
        generator=generator(0), path=str(folder / "walks.npz"), **{**SETTINGS, **changed}
    )


def test_shorter_trajectories_are_padded_with_a_mask(tmp_path):
    data = walks(tmp_path)
    assert data.steps.shape == (4, 5, 2)
    assert data.mask.sum(1).tolist() == [3, 5, 4, 5]
    assert (data.steps[~data.mask] == 0).all()
    assert data.notes == ("Trajectories have 3 to 5 steps: padded, with a mask.",)


def test_what_stands_behind_the_end_says_nothing(tmp_path):
    data = walks(tmp_path)
    encoder = TrajectoryEncoder(
        length=5, numbers=2, constants=0, ragged=True, hidden=8, width=3, standardise=True
    )
    encoder.fit_scale(data)
    other = torch.where(data.mask[..., None], data.steps, 99.0)
    z = encoder.represent(data.steps, data.mask, data.constants)
    assert torch.equal(z, encoder.represent(other, data.mask, data.constants))
    cut = encoder.represent(data.steps[:1, :3], data.mask[:1, :3], data.constants[:1])
    torch.testing.assert_close(cut, z[:1])


def test_trajectories_that_the_encoder_cannot_take_are_refused(tmp_path):
    encoder = TrajectoryEncoder(
        length=4, numbers=2, constants=0, ragged=False, hidden=8, width=3, standardise=False
    )
    for shape, said in (((1, 6, 2), "up to 4 steps"), ((1, 4, 3), "of 2"), ((1, 3, 2), "had 4")):
        steps = torch.zeros(shape)
        with pytest.raises(DataError, match=said):
            encoder.represent(steps, torch.ones(shape[:2], dtype=torch.bool), torch.zeros(1, 0))


def test_a_state_that_is_nan_is_named_with_its_trajectory_and_step(tmp_path):
    with pytest.raises(DataError, match="trajectory `0`, step 1 holds NaN or infinity"):
        walks(tmp_path, first=[[0, 0], [np.nan, 0]])


def test_two_trajectories_make_no_question(tmp_path):
    data = walks(tmp_path, lengths=(3, 3))
    with pytest.raises(DataError, match="2 trajectories to learn from: a question shows 3"):
        QuestionSampler(data, generator=generator(0), **ASKED)


def test_without_answers_or_features_nothing_can_be_learnt(tmp_path):
    with pytest.raises(ConfigError, match=r"give `data\.answers=answers\.csv`"):
        QuestionSampler(walks(tmp_path), generator=generator(0), **ASKED)


def test_true_features_are_read_by_id_and_brought_to_the_unit_range(tmp_path):
    (tmp_path / "f.csv").write_text("trajectory,speed,noise\n3,8,1\n2,4,1\n1,2,1\n0,0,1\n")
    data = walks(tmp_path, features=str(tmp_path / "f.csv"))
    assert data.features.tolist() == [[0, 0], [0.25, 0], [0.5, 0], [1, 0]]
    assert data.feature_names == ("speed", "noise")
    assert len(QuestionSampler(data, generator=generator(0), **ASKED).answers) == 5


def test_features_that_lack_a_trajectory_are_refused(tmp_path):
    (tmp_path / "f.csv").write_text("trajectory,speed\n3,8\n2,4\n1,2\n")
    with pytest.raises(DataError, match="no features of 1 trajectories: 0"):
        walks(tmp_path, features=str(tmp_path / "f.csv"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trajectory,speed\n0,8\n1,4\n2,2\n3,1\n1,5\n", "`1` twice"),
        ("trajectory,speed,mass\n0,8,1\n1,4,2\n2,2,3\n3,1,heavy\n", "`mass` is not"),
    ],
)
def test_features_that_say_two_things_or_none_are_refused(tmp_path, text, said):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        walks(tmp_path, features=str(tmp_path / "f.csv"))


def test_a_number_that_never_changed_in_training_does_not_swamp_the_others(tmp_path):
    data = walks(tmp_path)
    data.steps[..., 1] = 0.0
    encoder = TrajectoryEncoder(
        length=5, numbers=2, constants=0, ragged=True, hidden=8, width=3, standardise=True
    )
    encoder.fit_scale(data)
    data.steps[0, 0, 1] = 1.0
    assert encoder.inputs(data.steps, data.mask, data.constants).abs().max() < 10


def test_ids_are_found_whatever_spaces_stand_around_them(tmp_path):
    np.savez(tmp_path / "s.npz", states=np.zeros((3, 1, 2)), ids=np.array(["a ", " b", "c"]))
    (tmp_path / "a.csv").write_text("first,second,third,odd\na , b,c, b\n")
    settings = {**SETTINGS, "answers": str(tmp_path / "a.csv")}
    data = trajectories(generator=generator(0), path=str(tmp_path / "s.npz"), **settings)
    assert data.answers.triples.tolist() == [[0, 2, 1]]


def test_an_unknown_number_to_draw_is_answered_by_those_there_are(tmp_path):
    with pytest.raises(DataError, match=r"no number `x7`.*\nIt has `x0`, `x1`"):
        walks(tmp_path, draw=("x0", "x7"))


def test_a_share_of_peoples_answers_is_kept_for_testing(tmp_path):
    undecided = (f"0,1,2,{i % 3}" for i in range(3))
    lines = ["first,second,third,odd", *undecided, *(f"1,2,{i},{i}" for i in range(3, 11))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    data = walks(tmp_path, lengths=(3,) * 11, answers=str(tmp_path / "a.csv"))
    sampler = QuestionSampler(data, generator=generator(0), **{**ASKED, "held_out": 0.25})
    assert len(sampler.answers) == 6
    assert len(sampler.tested) == 2


def test_a_question_that_several_answered_is_not_both_learnt_from_and_tested_on(tmp_path):
    lines = ["first,second,third,odd", *(f"1,2,{3 + i % 4},{3 + i % 4}" for i in range(20))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    data = walks(tmp_path, lengths=(3,) * 7, answers=str(tmp_path / "a.csv"))
    sampler = QuestionSampler(data, generator=generator(0), **{**ASKED, "held_out": 0.05})
    odd = [set(triples[:, 2].tolist()) for triples in (sampler.answers.triples, sampler.tested)]
    assert len(sampler.tested) == 5
    assert odd[0] | odd[1] == {3, 4, 5, 6}
    assert not odd[0] & odd[1]


def test_a_file_of_answers_without_one_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("first,second,third,odd\n0,1,2,skip\n")
    data = walks(tmp_path, answers=str(tmp_path / "a.csv"))
    with pytest.raises(DataError, match="no answer is left"):
        QuestionSampler(data, generator=generator(0), **ASKED)
