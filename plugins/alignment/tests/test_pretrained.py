import json
import math
import shutil

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

import contrast
from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast_alignment.batch import Item, collate
from contrast_alignment.models import locate, pretrained, tokenizer_for
from contrast_alignment.settings import PretrainedSettings
from contrast_alignment.tokens import train_tokenizer

PAIRS = [
    {"prompt": f"Name a colour, {i}.", "chosen": f" Red, {i}", "rejected": " Loud"}
    for i in range(8)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder as transformers saves it, with weights that nobody has trained."""
    path = tmp_path_factory.mktemp("model") / "small"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        eos_token_id=1,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    train_tokenizer([json.dumps(PAIRS)], 320).save_pretrained(path)
    return path


def encoder(folder, **settings):
    values = {
        "revision": "",
        "lora_rank": 0,
        "lora_alpha": 16.0,
        "gradient_checkpointing": False,
        "shared_prefix": "auto",
        "reference_model": "copy",
    }
    return pretrained(tokens=320, model=str(folder), **(values | settings))


def batch():
    draw = generator("batch")

    def tokens(count):
        return tuple(torch.randint(2, 320, (count,), generator=draw).tolist())

    return collate([Item(i, tokens(6), (tokens(4), tokens(7)), (1.0, 0.0)) for i in range(3)])


def run(tmp_path, folder, *words):
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in PAIRS))
    overrides = [
        "data=records",
        f"data.path={path}",
        "data.max_tokens=100",
        "data.max_prompt_tokens=60",
        "data.response_tokens=4",
        "sampler.batch_size=4",
        f"encoder.model={folder}",
        "trainer.align.max_steps=3",
        "trainer.align.lr=0.01",
        *words,
    ]
    return contrast.run("alignment", overrides=overrides, runs=tmp_path / "runs")


LORA = ("encoder.lora_rank=4", "encoder.reference_model=adapter_off")


@pytest.mark.parametrize("words", [(), LORA], ids=["all weights", "an adapter"])
def test_what_is_delivered_loads_in_transformers_and_is_the_policy(words, tmp_path, folder):
    result = run(tmp_path, folder, *words)
    policy = contrast.load(result.folder).encoder.model
    delivered = AutoModelForCausalLM.from_pretrained(result.folder / "model", use_safetensors=True)
    untrained = AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.arange(2, 40)[None]
    with torch.no_grad():
        now, then, before = (model(ids).logits for model in (delivered, policy, untrained))
    torch.testing.assert_close(now, then, atol=1e-5, rtol=1e-5)
    assert (now - before).abs().max() > 1e-3
    assert result.metrics["kl/response"] is not None


def test_the_adapter_alone_is_delivered_too(tmp_path, folder):
    from peft import PeftModel

    result = run(tmp_path, folder, *LORA)
    base = AutoModelForCausalLM.from_pretrained(folder)
    adapted = PeftModel.from_pretrained(base, result.folder / "adapter")
    merged = AutoModelForCausalLM.from_pretrained(result.folder / "model")
    ids = torch.arange(2, 40)[None]
    with torch.no_grad():
        torch.testing.assert_close(adapted(ids).logits, merged(ids).logits, atol=1e-5, rtol=1e-5)
    files = {path.name for path in (result.folder / "adapter").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= files


@pytest.mark.parametrize("words", [(), LORA], ids=["a copy", "adapter off"])
def test_the_first_loss_of_dpo_is_log_two(words, tmp_path, folder):
    result = run(tmp_path, folder, *words)
    lines = map(json.loads, (result.folder / "metrics.jsonl").read_text().splitlines())
    first = next(line for line in lines if line["stage"] == "align")
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-7)
    assert first["margins"] == 0


def test_only_the_adapter_is_trained(folder):
    policy = encoder(folder, lora_rank=4)
    policy(batch()).scores.sum().backward()
    for name, parameter in policy.named_parameters():
        assert parameter.requires_grad == ("lora" in name), name
        assert (parameter.grad is not None) == ("lora" in name), name


def test_under_an_adapter_weights_that_nobody_trains_are_held_once(folder):
    policy = encoder(folder, lora_rank=4)
    own = dict(policy.model.named_parameters())
    policy.keep_reference("copy")
    for name, parameter in policy.reference.named_parameters():
        assert (parameter is own[name]) == ("lora" not in name), name
    assert any(parameter.requires_grad for parameter in own.values())


def test_checkpointed_states_give_the_same_gradients(folder):
    gradients = []
    for checkpointing in (False, True):
        policy = encoder(folder, gradient_checkpointing=checkpointing)
        policy.train()
        policy(batch()).scores.sum().backward()
        gradients.append({name: p.grad for name, p in policy.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-4, rtol=1e-4, msg=name)


def test_in_bf16_log_probabilities_are_summed_in_float32(folder):
    policy = encoder(folder)
    exact = policy(batch()).scores
    with torch.autocast("cpu", torch.bfloat16):
        found = policy(batch()).scores
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=0.3, rtol=0.01)


def test_an_adapter_that_was_fine_tuned_is_no_reference_when_it_is_off(tmp_path, folder):
    with pytest.raises(ConfigError, match="the reference is the model as it came"):
        run(tmp_path, folder, *LORA, "trainer.sft.max_steps=2")


def test_a_tokenizer_without_an_end_is_refused_and_one_without_padding_pads_with_the_end(
    tmp_path, folder
):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = None
    for name in ("unpadded", "endless"):
        (tmp_path / name).mkdir()
        shutil.copy(folder / "config.json", tmp_path / name)
    tokenizer.save_pretrained(tmp_path / "unpadded")
    settings = PretrainedSettings(model=str(tmp_path / "unpadded"))
    assert tokenizer_for(settings, ()).pad_token == tokenizer.eos_token
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path / "endless")
    with pytest.raises(DataError, match="has no end-of-sequence token"):
        tokenizer_for(PretrainedSettings(model=str(tmp_path / "endless")), ())


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="names no model"):
        locate("", "")
    with pytest.raises(ConfigError, match=r"no folder here.*encoder.revision"):
        locate("somebody/model", "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no config.json"):
        encoder(tmp_path / "empty")
