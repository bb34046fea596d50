"""The preference orchestrator: its loss, what it learns, and its use as a reward."""

import json
import math

import pytest
import torch

import contrast
from contrast.errors import ConfigError
from contrast.forms import Lists
from contrast.testing.battery import battery
from contrast.testing.vectors import assert_close
from contrast_alignment import rewards
from contrast_alignment.orchestrator import Scale, blended, simplex_regression, target_weights
from contrast_alignment.reward_scorer import reward_of_folder

NOUNS = ("tree", "hill", "lake", "road", "town", "boat")
THINGS = [f"{a} {b}" for a in ("red", "old", "tall", "calm", "dry") for b in NOUNS]


def records(folder):
    """Code is graded by its brackets, a story by its exclamation marks, thirty of each."""
    lines = []
    for thing in THINGS:
        lines.append(("Write code about a", thing, " f ( )", " nothing"))
        lines.append(("Tell a story about a", thing, " Oh!", " nothing"))
    rows = (
        {"prompt": f"{ask} {thing}", "chosen": good, "rejected": bad}
        for ask, thing, good, bad in lines
    )
    path = folder / "pairs.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return [f"data.path={path}"]


@pytest.fixture(scope="module", autouse=True)
def rules():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(rewards.REWARDS, "brackets", lambda x, y: 100.0 * ("(" in y))
        patch.setitem(rewards.REWARDS, "marks", lambda x, y: 1.0 * ("!" in y))
        yield


SMALL = (
    "method=orchestrator",
    "data=records",
    "data.max_tokens=48",
    "data.max_prompt_tokens=32",
    "data.valid_share=0.3",
    "sampler.batch_size=7",
    "encoder.vocabulary=300",
    "encoder.width=16",
    "encoder.hidden=8",
)
TestOrchestrator = battery("alignment", *SMALL, prepare=records)


def run(folder, *words):
    given = [*SMALL, "data.rewards=brackets,marks", "trainer.lr=0.02", *records(folder), *words]
    return contrast.run("alignment", overrides=given, runs=folder)


@pytest.fixture(scope="module")
def learnt(rules, tmp_path_factory):
    return run(tmp_path_factory.mktemp("learnt"), "trainer.max_epochs=60")


def test_new_prompts_get_the_weights_that_are_known(learnt):
    assert learnt.metrics["kl"] < 0.001 < 0.2 < learnt.metrics["kl_of_the_mean_weights"]
    blend = reward_of_folder(str(learnt.folder / "orchestrator"))
    train = json.loads((learnt.folder / "orchestrator" / "orchestrator.json").read_text())
    share = train["mean"][1]  # of stories in the training part
    spread = math.sqrt(share * (1 - share))
    z_code = [share / spread, -share / spread]
    z_story = [(share - 1) / spread, (1 - share) / spread]
    held_out = contrast.load(learnt.folder).data.data.records.valid
    assert len(held_out) == 18
    for record in held_out:
        weights = blend.weights(record.prompt)
        z = z_code if "code" in record.prompt else z_story
        assert_close(weights, torch.tensor(z).softmax(0), (0.02, 0.0), "weights")
        assert_close(weights.sum(), 1.0, 1e-6, "sum")


def test_the_rewards_are_blended_as_the_prompt_weighs_them(learnt):
    blend = reward_of_folder(str(learnt.folder / "orchestrator"))
    assert blend("Write code about a lake", " f ( )") > blend("Write code about a lake", " Oh!")
    assert blend("Tell a story about a lake", " f ( )") < blend("Tell a story about a lake", " Oh!")
    z = blend.scale.apply(torch.tensor([100.0, 0.0], dtype=torch.float64))
    wanted = (blend.weights("Write code about a lake").double() * z).sum()
    assert_close(blend("Write code about a lake", " f ( )"), wanted, 1e-6, "reward")


def test_a_policy_is_graded_by_blended_rewards(learnt, tmp_path):
    folder = learnt.folder / "orchestrator"
    (tmp_path / "text.txt").write_text(" ".join(f"The size of item {i} is {i}." for i in range(90)))
    words = ["data=text", f"data.path={tmp_path / 'text.txt'}", f"data.reward={folder}"]
    words += ["data.prompts=12", "data.prompt_tokens=3", "data.response_tokens=8"]
    words += ["encoder.vocabulary=300", "encoder.width=16", "encoder.layers=1", "encoder.heads=2"]
    words += ["sampler.piece=12", "trainer.sft.max_steps=1", "trainer.max_steps=1"]
    found = contrast.run("alignment", overrides=words, runs=tmp_path, name="policy")
    task, blend = contrast.load(found.folder).data, reward_of_folder(str(folder))
    for item in task.train:
        said = [task.decode(response) for response in item.responses]
        wanted = [blend(task.decode(item.prompt), each) for each in said]
        assert list(item.grades) == pytest.approx(wanted)


def test_weights_are_softmax_of_z_scores_and_a_constant_objective_says_nothing():
    graded = torch.tensor([[0.0, 5.0, 1.0], [2.0, 5.0, 1.0]], dtype=torch.float64)
    weights = target_weights(graded, Scale.of(graded))
    wanted = [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    assert_close(weights, torch.tensor(wanted, dtype=torch.float64).softmax(1), 1e-12, "weights")
    alone = graded[:, :1]
    assert target_weights(alone, Scale.of(alone)).tolist() == [[1.0], [1.0]]


def test_the_loss_is_its_formula_and_zero_at_the_weights_aimed_at():
    wanted = torch.tensor([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]], dtype=torch.float64)
    scores = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = simplex_regression(Lists(scores, targets=wanted), reduction="none")
    for row, w, target in zip(found, scores.softmax(1).tolist(), wanted.tolist(), strict=True):
        kl = sum(t * math.log(t / p) for t, p in zip(target, w, strict=True) if t)
        assert_close(row, kl, 1e-12, "kl")
    at = simplex_regression(Lists(wanted[1:].log(), targets=wanted[1:]))
    assert_close(at, 0.0, 1e-12, "kl")
    torch.autograd.gradcheck(
        lambda s: simplex_regression(Lists(s, targets=wanted)), scores.requires_grad_()
    )


def test_losses_and_rewards_are_weighed_along_their_last_axis():
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    assert blended(values, torch.tensor([[0.25, 0.75]])).tolist() == [[1.75, 3.75]]


@pytest.mark.parametrize(
    ("named", "says"),
    [("vowels,vowels", "each once"), ("vowls", "vowels"), ("[]", "must name rewards")],
)
def test_rewards_are_known_and_named_once(tmp_path, named, says):
    words = [*SMALL, *records(tmp_path), f"data.rewards={named}"]
    with pytest.raises(ConfigError, match=says):
        contrast.run("alignment", overrides=words, runs=tmp_path)


def test_a_folder_without_a_reward_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no reward"):
        reward_of_folder(str(tmp_path))
