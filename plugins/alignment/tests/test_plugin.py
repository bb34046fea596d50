import json
import math
import sys

import pytest
import torch

import contrast
from contrast.errors import ConfigError, DataError
from contrast.testing.battery import battery
from contrast_alignment.command import written_by
from contrast_alignment.rewards import grade

TEXT = " ".join(
    f"The {word} of item {i} is {i * i}." for i in range(60) for word in ("size", "age")
)


def small_text(folder):
    (folder / "text.txt").write_text(TEXT)
    return [f"data.path={folder / 'text.txt'}"]


SMALL = (
    "data=text",
    "data.prompts=6",
    "data.prompt_tokens=3",
    "data.response_tokens=5",
    "sampler.batch_size=4",
    "sampler.piece=12",
    "encoder.vocabulary=300",
    "encoder.width=16",
    "encoder.layers=1",
    "encoder.heads=2",
    "evaluation.prompts=2",
)

TestDpo = battery("alignment", *SMALL, prepare=small_text)
TestKto = battery("alignment", *SMALL, "objective=kto", prepare=small_text)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    steps = ("trainer.max_steps=3", "trainer.sft.max_steps=3")
    overrides = [*SMALL, *small_text(folder), *steps]
    return contrast.run("alignment", overrides=overrides, runs=folder / "runs").folder


def test_transformers_loads_the_model_that_was_trained(finished):
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(finished / "model", use_safetensors=True)
    trained = contrast.load(finished).encoder.model
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, msg=name)


def test_before_the_first_update_the_policy_is_its_reference_and_dpo_is_log_two(tmp_path):
    overrides = [*SMALL, *small_text(tmp_path), "trainer.max_steps=1", "trainer.sft.max_steps=1"]
    folder = contrast.run("alignment", overrides=overrides, runs=tmp_path / "runs").folder
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    first = next(line for line in lines if line["stage"] == "align")
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-7)
    assert first["margins"] == 0


def test_a_finished_run_writes_on(finished):
    once, again = (written_by(finished, "The size", 4, 1.0, 2, 0) for _ in range(2))
    assert len(once) == 2
    assert once == again


def test_a_users_message_is_written_out_by_the_template(finished):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(finished / "model")
    messages = [{"role": "user", "content": "The size"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "user:\nThe size<end>\nassistant:\n"
    said = written_by(finished, "The size", 6, 0.0, 1, 0, chat=True)
    tokens = tokenizer(text, return_tensors="pt")["input_ids"]
    model = contrast.load(finished).encoder.model
    likeliest = model.generate(tokens, max_new_tokens=6, do_sample=False)[0, tokens.shape[1] :]
    assert said == [tokenizer.decode(likeliest, skip_special_tokens=True)]


def test_generating_needs_a_language_model_and_a_prompt(finished, tmp_path):
    with pytest.raises(DataError, match="holds no language model"):
        written_by(tmp_path, "The", 4, 1.0, 1, 0)
    with pytest.raises(DataError, match="the prompt is empty"):
        written_by(finished, "", 4, 1.0, 1, 0)
    with pytest.raises(DataError, match="the model reads 2048 tokens; the prompt has"):
        written_by(finished, "The", 2048, 1.0, 1, 0)


def test_an_unknown_reward_is_refused_with_the_nearest_name(tmp_path):
    overrides = [*SMALL, *small_text(tmp_path), "data.reward=vowls"]
    with pytest.raises(ConfigError, match="vowels"):
        contrast.run("alignment", overrides=overrides, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


OWN = """
from torch import exp

from contrast_alignment.objectives.compared import gaps, log_ratios, mean_over_pairs, preferred


def exponential(lists):
    return mean_over_pairs(exp(-gaps(log_ratios(lists))), preferred(lists), "mean")


def length(prompt, response):
    return len(response)
"""


@pytest.fixture
def mine_is_forgotten():
    """Other tests have modules of this name, too."""
    yield
    sys.modules.pop("mine", None)


@pytest.mark.usefixtures("mine_is_forgotten")
def test_an_objective_and_a_rule_of_ones_own_are_found_in_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    named = ("objective=own", "objective.function=mine:exponential", "data.reward=mine:length")
    steps = ("trainer.max_steps=2", "trainer.sft.max_steps=1")
    overrides = [*SMALL, *small_text(tmp_path), *named, *steps]
    result = contrast.run("alignment", overrides=overrides, runs=tmp_path / "runs")
    lines = map(json.loads, (result.folder / "metrics.jsonl").read_text().splitlines())
    first = next(line for line in lines if line["stage"] == "align")
    assert first["loss"] == pytest.approx(1.0)
    assert result.metrics["reward/policy"] > 1


@pytest.mark.parametrize("name", ["", "mine", "no_such_module:f", "json:no_such_function"])
def test_a_function_that_cannot_be_imported_is_refused_before_any_work(name, tmp_path):
    overrides = [*SMALL, *small_text(tmp_path), "objective=own", f"objective.function={name}"]
    with pytest.raises(ConfigError, match=r"objective.function=.* cannot be imported"):
        contrast.run("alignment", overrides=overrides, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("mine_is_forgotten")
@pytest.mark.parametrize(
    ("text", "said"),
    [("def f(", "cannot be imported"), ("f = 3", "is of type int, expected a function")],
)
def test_what_is_no_function_is_refused_before_any_work(text, said, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    overrides = [*SMALL, *small_text(tmp_path), "data.reward=mine:f"]
    with pytest.raises(ConfigError, match=said):
        contrast.run("alignment", overrides=overrides, runs=tmp_path / "runs")


@pytest.mark.parametrize("given", [None, math.nan, "good"])
def test_a_rule_must_give_a_finite_number(given):
    with pytest.raises(DataError, match=r"`mine:rule` gives .* for the response 'yes', expected a"):
        grade(lambda prompt, response: given, "mine:rule", "?", "yes")


def test_a_text_that_is_too_short_is_refused(tmp_path):
    (tmp_path / "text.txt").write_text("short")
    overrides = [*SMALL, f"data.path={tmp_path / 'text.txt'}"]
    with pytest.raises(DataError, match="expected at least 400"):
        contrast.run("alignment", overrides=overrides, runs=tmp_path / "runs")
