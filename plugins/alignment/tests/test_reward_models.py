import json

import pytest
import torch

import contrast
from contrast.errors import ConfigError, DataError
from contrast.testing.battery import battery

WORDS = ("apple", "birch", "cedar", "daisy", "elm", "fern", "grape", "hazel", "iris", "juniper")
PAIRS = 24


def rows(count=PAIRS, bad="wrong"):
    """Pairs in which the preferred answer says `good`, the other one another word."""
    for i in range(count):
        word = WORDS[i % len(WORDS)]
        yield {
            "id": i,
            "prompt": f"What of {word} number {i}?",
            "chosen": f" The {word} is good",
            "rejected": f" The {word} is {bad}",
        }


def write(path, lines):
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def small_pairs(folder):
    return [f"data.path={write(folder / 'pairs.jsonl', rows())}"]


def small_pairs_and_drawn(folder):
    drawn = ({"prompt": r["prompt"], "responses": [" so", " well then", " no"]} for r in rows(6))
    return [*small_pairs(folder), f"data.drawn={write(folder / 'drawn.jsonl', drawn)}"]


SMALL = (
    "method=reward",
    "data=records",
    "data.max_tokens=32",
    "data.max_prompt_tokens=16",
    "sampler.batch_size=4",
    "encoder=tiny",
    "encoder.vocabulary=300",
    "encoder.width=16",
    "encoder.heads=2",
    "trainer.lr=0.003",
)
VOTING = ("method=votes", *SMALL[1:], "sampler.voters=2")

TestReward = battery("alignment", *SMALL, prepare=small_pairs)
TestMetaRMAndContrast = battery(
    "alignment",
    *SMALL,
    "objective.contrast=swav",
    "trainer.meta_rate=0.1",
    prepare=small_pairs_and_drawn,
)
TestVotes = battery("alignment", *VOTING, prepare=small_pairs)


def run(folder, *overrides, base=SMALL, prepare=small_pairs, name="run"):
    given = [*base, *prepare(folder), *overrides]
    return contrast.run("alignment", overrides=given, runs=folder / "runs", name=name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("reward"), "trainer.max_epochs=16")


@pytest.fixture(scope="module")
def voted(tmp_path_factory):
    """Votes on pairs of which the first three have their labels the wrong way round."""
    folder = tmp_path_factory.mktemp("votes")
    lines = list(rows())
    for line in lines[:3]:
        line["chosen"], line["rejected"] = line["rejected"], line["chosen"]
    write(folder / "wrong.jsonl", lines)
    given = [*VOTING, f"data.path={folder / 'wrong.jsonl'}", "data.valid_share=0"]
    found = contrast.run(
        "alignment", overrides=[*given, "trainer.max_epochs=15"], runs=folder, name="votes"
    )
    return folder / "wrong.jsonl", found


def test_a_reward_model_learns_what_is_preferred(finished):
    assert finished.metrics["accuracy"] == 1
    assert finished.metrics["margin"] > 0.5


def test_transformers_loads_the_classifier_and_gives_the_same_rewards(finished):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = finished.folder / "model"
    model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.config.num_labels == 1
    parts = contrast.load(finished.folder)
    records = parts.data.texts.records.valid
    said = [f"{r.prompt}{y}{tokenizer.eos_token}" for r in records for y in r.responses]
    with torch.no_grad():
        logits = model(**tokenizer(said, padding=True, return_tensors="pt")).logits[:, 0]
        parts.encoder.eval()
        (batch,) = parts.sampler.sweep("valid")
        torch.testing.assert_close(parts.encoder(batch).scores.flatten(), logits)


def test_voters_doubt_the_labels_that_are_wrong(voted):
    _, found = voted
    lines = [json.loads(line) for line in (found.folder / "votes.jsonl").read_text().splitlines()]
    assert len(lines) == PAIRS
    assert {line["id"] for line in lines if line["mean"] < 0} == {"0", "1", "2"}
    assert found.metrics["doubted"] == pytest.approx(3 / PAIRS)


def test_nobody_votes_on_what_it_was_trained_on(voted):
    sampler = contrast.load(voted[1].folder).sampler
    trained, held_out = sampler.trained_on(), sampler.held_out()
    assert len(trained) == 4
    for mine, others in zip(trained, held_out, strict=True):
        assert sorted([*mine.tolist(), *others.tolist()]) == list(range(PAIRS))
    per_voter = [torch.cat(held_out[2 * m : 2 * m + 2]).sort().values for m in range(2)]
    assert all(rows.tolist() == list(range(PAIRS)) for rows in per_voter)


@pytest.mark.parametrize("kind", ["margin", "flip", "flip_margin", "soft_label_margin"])
def test_votes_change_what_is_learnt(voted, tmp_path, kind):
    path, votes = voted
    given = [*SMALL, f"data.path={path}", "data.valid_share=0", "trainer.max_steps=2"]
    at = f"data.votes={votes.folder / 'votes.jsonl'}"
    weights = []
    for words in ([], [f"objective.kind={kind}", at]):
        name = f"run{len(weights)}"
        found = contrast.run("alignment", overrides=[*given, *words], runs=tmp_path, name=name)
        weights.append(contrast.load(found.folder).encoder.model.score.weight)
    assert not torch.equal(*weights)


def test_flipped_labels_are_learnt_the_right_way_round(voted, tmp_path):
    path, votes = voted
    elsewhere = write(
        tmp_path / "elsewhere.jsonl", ({**r, "id": None, "subset": "a"} for r in rows(8))
    )
    given = [*SMALL, f"data.path={path}", "data.valid_share=0", "objective.kind=flip"]
    given += [f"data.votes={votes.folder / 'votes.jsonl'}", f"data.elsewhere={elsewhere}"]
    given += ["trainer.max_epochs=15"]
    found = contrast.run("alignment", overrides=given, runs=tmp_path, name="flip")
    assert found.metrics["elsewhere/accuracy"] == 1
    assert found.metrics["elsewhere/accuracy_of_the_shorter"] == 1  # `good` is shorter
    (table,) = found.evaluations["reward"].tables
    assert table.rows == (("a", 8, 1.0, 1.0),)


def test_kinds_that_need_votes_say_where_votes_come_from(tmp_path):
    with pytest.raises(ConfigError, match="method=votes"):
        run(tmp_path, "objective.kind=margin")


def test_votes_and_responses_that_nothing_uses_are_refused(voted, tmp_path):
    votes = voted[1].folder / "votes.jsonl"
    given = [*SMALL, f"data.path={voted[0]}", "data.valid_share=0", f"data.votes={votes}"]
    with pytest.raises(ConfigError, match=r"no use to `objective\.kind=plain`.*`flip`"):
        contrast.run("alignment", overrides=given, runs=tmp_path)
    with pytest.raises(ConfigError, match=r"`data\.drawn` is of no use"):
        run(tmp_path, prepare=small_pairs_and_drawn)


def test_metarm_needs_what_a_policy_writes(tmp_path):
    with pytest.raises(ConfigError, match=r"data\.drawn"):
        run(tmp_path, "trainer.meta_rate=0.1")


def test_a_contrast_of_dropouts_needs_dropout(tmp_path):
    with pytest.raises(ConfigError, match=r"set `encoder\.dropout` above 0"):
        run(tmp_path, "objective.contrast=simcse", "encoder.dropout=0")


def test_votes_on_other_records_are_refused(voted, tmp_path):
    with pytest.raises(DataError, match="has no votes on 3 of 24 training records"):
        run(
            tmp_path,
            "data.valid_share=0",
            "objective.kind=flip",
            f"data.votes={voted[1].folder / 'votes.jsonl'}",
        )


def test_a_file_without_votes_is_refused(tmp_path):
    path = write(tmp_path / "other.jsonl", rows(2))
    with pytest.raises(DataError, match="is no vote"):
        run(tmp_path, "objective.kind=flip", f"data.votes={path}")


def test_a_file_of_single_responses_is_refused(tmp_path):
    alone = [{"prompt": "a", "completion": "b", "label": True}]
    path = write(tmp_path / "alone.jsonl", alone)
    with pytest.raises(DataError, match="compares responses to one prompt"):
        contrast.run("alignment", overrides=[*SMALL, f"data.path={path}"], runs=tmp_path)


def test_responses_of_a_policy_come_in_twos_at_least(tmp_path):
    path = write(tmp_path / "drawn.jsonl", [{"prompt": "a", "responses": ["b"]}])
    with pytest.raises(DataError, match="a list of two or more"):
        run(tmp_path, "trainer.meta_rate=0.1", f"data.drawn={path}")


def test_an_encoder_without_a_score_is_refused(tmp_path):
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    from contrast_alignment.tokens import train_tokenizer

    tokenizer: PreTrainedTokenizerFast = train_tokenizer([r["chosen"] for r in rows()], 300)
    config = BertConfig(
        vocab_size=300,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    base = tuple(w for w in SMALL if not w.startswith("encoder"))
    with pytest.raises(ConfigError, match="expected a decoder whose"):
        run(tmp_path, "encoder=pretrained", f"encoder.model={tmp_path / 'bert'}", base=base)


def test_a_delivered_model_is_trained_on(finished, tmp_path):
    base = tuple(word for word in SMALL if not word.startswith("encoder"))
    model = f"encoder.model={finished.folder / 'model'}"
    found = run(tmp_path, "encoder=pretrained", model, "trainer.max_epochs=0", base=base)
    assert found.metrics["accuracy"] == finished.metrics["accuracy"]


def test_lists_longer_than_two_are_voted_on_and_learnt(tmp_path):
    lists = [
        {
            "prompt": f"What of {word}?",
            "responses": [" It is good", " It is fair", " It is wrong"][: 3 - i % 2],
            "scores": [2.0, 1.0, 0.0][: 3 - i % 2],
        }
        for i, word in enumerate(WORDS)
    ]
    path = write(tmp_path / "lists.jsonl", lists)
    given = [f"data.path={path}", "data.valid_share=0"]
    votes = contrast.run(
        "alignment", overrides=[*VOTING, *given, "trainer.max_steps=2"], runs=tmp_path, name="v"
    )
    words = [*given, f"data.votes={votes.folder / 'votes.jsonl'}", "objective.kind=margin"]
    words += ["objective.contrast=simcse", "objective.contrast_on=responses"]
    found = contrast.run(
        "alignment", overrides=[*SMALL, *words, "trainer.max_steps=2"], runs=tmp_path, name="r"
    )
    lines = (found.folder / "metrics.jsonl").read_text().splitlines()
    assert all(torch.tensor(json.loads(line)["loss"]).isfinite() for line in lines)


def test_all_methods_of_one_seed_hold_the_same_prompts_out(finished, tmp_path):
    words = [*VOTING, *small_pairs(tmp_path), "trainer.max_steps=1"]
    votes = contrast.run("alignment", overrides=words, runs=tmp_path)
    held_out = [
        [record.prompt for record in contrast.load(folder).data.texts.records.valid]
        for folder in (finished.folder, votes.folder)
    ]
    assert held_out[0] == held_out[1]
    assert len(held_out[0]) == 2


@pytest.mark.slow
def test_a_reward_model_is_ahead_of_chance_on_the_published_dialogues(tmp_path):
    words = ["method=reward", "trainer.threads=1"]
    found = contrast.run("alignment", overrides=words, runs=tmp_path)
    assert found.metrics["accuracy"] > 0.5
    assert found.metrics["accuracy_of_the_shorter"] == pytest.approx(0.5571, abs=1e-4)


def test_a_delivered_model_is_a_reward_for_a_policy(finished):
    from contrast_alignment.rewards import reward_named

    rule = reward_named(str(finished.folder / "model"))
    parts = contrast.load(finished.folder)
    parts.encoder.eval()
    with torch.no_grad():
        (batch,) = parts.sampler.sweep("valid")
        wanted = parts.encoder(batch).scores
    for row, record in zip(wanted, parts.data.texts.records.valid, strict=True):
        found = torch.tensor([rule(record.prompt, y) for y in record.responses])
        torch.testing.assert_close(found, row)
