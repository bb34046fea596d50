import json
import math
from types import SimpleNamespace

import pytest
import torch

import contrast
from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast.interfaces import Moment
from contrast.recipe import TrainerConfig
from contrast_alignment.batch import Item
from contrast_alignment.cached import cached_reference
from contrast_alignment.models import tiny
from contrast_alignment.sampler import ListSampler
from contrast_alignment.task import Task
from contrast_alignment.tokens import train_tokenizer

TEXTS = [f"The size of item {i} is {i * i}." for i in range(30)]


def policy(seed=0):
    torch.manual_seed(seed)
    return tiny(
        tokens=300,
        vocabulary=300,
        width=16,
        layers=2,
        heads=2,
        shared_prefix="auto",
        reference_model="cache",
    )


def task(seed="items"):
    draw = generator(seed)

    def tokens(most):
        count = int(torch.randint(1, most, (), generator=draw))
        return tuple(torch.randint(2, 300, (count,), generator=draw).tolist())

    items = [
        Item(
            i,
            tokens(9),
            tuple(tokens(12) for _ in range(2 + i % 3)),
            (0.0, 1.0, 2.0, 3.0)[: 2 + i % 3],
        )
        for i in range(13)
    ]
    return Task(train_tokenizer(TEXTS, 300), tuple(items[:10]), tuple(items[10:]))


def kept(path="", *, model=None, given=None, precision="float32", **window):
    given = given or task()
    config = SimpleNamespace(
        encoder=SimpleNamespace(reference_cache=str(path)),
        trainers={"align": TrainerConfig(precision=precision)},
        data=SimpleNamespace(**({"max_tokens": 64} | window)),
    )
    sampler = ListSampler(given.train, given.valid, batch_size=4)
    sampler.reference = cached_reference(model or policy(), sampler, given, config, "align")
    return sampler


def test_at_step_zero_the_log_ratio_is_zero_within_1e_5_a_token():
    encoder, sampler = policy(), kept()
    for step in range(3):
        form = encoder(sampler.draw(Moment("align", step, 0)))
        ratio = (form.scores - form.reference).masked_fill(~form.mask, 0)
        assert (ratio.abs() / form.lengths.clamp_min(1)).max() < 1e-5
    for split in ("train", "valid"):
        for batch in sampler.sweep(split):
            assert batch.reference is not None


def test_a_file_is_written_once_and_read_again(tmp_path):
    path = tmp_path / "kept.safetensors"
    first = kept(path).reference
    path.chmod(0o400)
    again = kept(path).reference
    assert first.key == again.key
    for part, values in first.values.items():
        torch.testing.assert_close(again.values[part], values, atol=0, rtol=0)


OTHERS = {
    "another model: its weights differ": {"model": policy(1)},
    "other data: its conversations differ": {"given": task("others")},
    "conversations that were cut in another way": {"max_tokens": 32},
    "another precision": {"precision": "bf16"},
}


@pytest.mark.parametrize("words", OTHERS)
def test_a_cache_of_something_else_is_refused(words, tmp_path):
    path = tmp_path / "kept.safetensors"
    kept(path)
    with pytest.raises(DataError, match=words):
        kept(path, **OTHERS[words])


def test_a_cache_of_another_tokenizer_is_refused(tmp_path):
    path = tmp_path / "kept.safetensors"
    kept(path)
    other = task()
    other.tokenizer.chat_template = "{{ messages }}"
    with pytest.raises(DataError, match="computed for another tokenizer"):
        kept(path, given=other)


def test_a_file_that_is_no_cache_is_refused(tmp_path):
    (tmp_path / "kept.safetensors").write_text("no tensors")
    with pytest.raises(DataError, match="is no reference cache"):
        kept(tmp_path / "kept.safetensors")
    with pytest.raises(DataError, match="cannot write the reference cache"):
        kept(tmp_path / "missing/kept.safetensors")


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
    "trainer.max_steps=4",
    "trainer.sft.max_steps=3",
)


def run(folder, *words):
    (folder / "text.txt").write_text(" ".join(TEXTS))
    overrides = [*SMALL, f"data.path={folder / 'text.txt'}", *words]
    return contrast.run("alignment", overrides=overrides, runs=folder / "runs")


def losses(result):
    lines = map(json.loads, (result.folder / "metrics.jsonl").read_text().splitlines())
    return [line["loss"] for line in lines if line["stage"] == "align"]


def test_a_run_with_a_cache_is_a_run_with_a_copy(tmp_path):
    copied = run(tmp_path)
    cached = run(tmp_path, "encoder.reference_model=cache")
    assert losses(cached)[0] == pytest.approx(math.log(2), abs=1e-5)
    assert losses(cached) == pytest.approx(losses(copied), abs=1e-4)
    assert (cached.folder / "reference.safetensors").is_file()
    assert cached.metrics["held_out/margins"] == pytest.approx(
        copied.metrics["held_out/margins"], abs=1e-3
    )
    assert cached.metrics["kl/response"] is None  # of new responses no log-probability is kept


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("objective=kto", "encoder.reference_model=cache"), "which no cache holds"),
        (("encoder.reference_model=none",), "keeps none: use `copy` or `cache`"),
        (("encoder.reference_cache=x",), "with `encoder.reference_model=cache` alone"),
        (("encoder.reference_model=adapter_off",), "needs an adapter to switch off"),
    ],
)
def test_references_that_cannot_serve_are_refused_before_any_work(words, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        run(tmp_path, *words)
    assert not (tmp_path / "runs").exists()


def test_without_a_reference_an_objective_that_needs_none_trains(tmp_path):
    result = run(tmp_path, "encoder.reference_model=none", "objective=rrhf")
    assert result.metrics["kl/response"] is None
