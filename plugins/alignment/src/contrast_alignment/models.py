"""Where the language model comes from: a small one from scratch, a folder, or the hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contrast.errors import ConfigError, DataError
from contrast_alignment.policy import Policy, Share
from contrast_alignment.tokens import train_tokenizer, usable


def tiny(
    *,
    tokens: int,
    vocabulary: int,
    width: int,
    layers: int,
    heads: int,
    shared_prefix: Share,
    reference_model: str,
    reference_cache: str = "",
) -> Policy:
    """An untrained Llama with tied embeddings.

    Raises: ConfigError: the heads do not divide the width evenly.
    """
    if width % (2 * heads):
        raise ConfigError(f"`encoder.width` must be a multiple of 2 heads = {2 * heads}: {width}")
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=tokens,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    return Policy(LlamaForCausalLM(config), shared_prefix=shared_prefix)


def pretrained(
    *,
    tokens: int,
    model: str,
    revision: str,
    lora_rank: int,
    lora_alpha: float,
    gradient_checkpointing: bool,
    shared_prefix: Share,
    reference_model: str,
    reference_cache: str = "",
) -> Policy:
    """A causal language model of transformers in float32, if asked with an adapter to train alone.

    Raises: ConfigError, DataError: see `locate`; there is no such model, or no safetensors.
    """
    import torch
    from transformers import AutoModelForCausalLM

    load = AutoModelForCausalLM.from_pretrained
    found = loaded(load, model, revision, use_safetensors=True, dtype=torch.float32)
    if gradient_checkpointing:
        found.gradient_checkpointing_enable({"use_reentrant": False})
        found.enable_input_require_grads()
    if lora_rank:
        found = with_adapter(found, lora_rank, lora_alpha)
    return Policy(found, shared_prefix=shared_prefix, checkpointing=gradient_checkpointing)


def with_adapter(model: Any, rank: int, alpha: float) -> Any:
    """The model with low-rank updates of all its linear layers but the head.

    Raises: ConfigError: peft is not installed.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise ConfigError(
            "`encoder.lora_rank` needs peft: pip install 'contrast-alignment[lora]'"
        ) from None
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def tokenizer_for(encoder: Any, texts: tuple[str, ...]) -> Any:
    """The tokenizer of the chosen model, or one trained on the texts for a tiny one."""
    if not hasattr(encoder, "model"):
        return train_tokenizer(texts, encoder.vocabulary)
    from transformers import AutoTokenizer

    found = loaded(AutoTokenizer.from_pretrained, encoder.model, encoder.revision)
    return usable(found, encoder.model)


def locate(model: str, revision: str) -> dict[str, Any]:
    """How transformers is to find a model: a folder, or a name on the hub with its revision.

    Raises: ConfigError: no model is named, or one of the hub without a revision;
    DataError: the folder holds none.
    """
    if not model:
        raise ConfigError(
            "`encoder.model` names no model: give a folder that transformers can load, or a name "
            "on the hub with `encoder.revision`"
        )
    if Path(model).is_dir():
        if not Path(model, "config.json").is_file():
            raise DataError(f"{model} holds no model of transformers: it has no config.json")
        return {"local_files_only": True}
    if not revision:
        raise ConfigError(
            f"`encoder.model={model}` is no folder here; a model of the hub needs "
            "`encoder.revision` (a commit), so that the run can be repeated"
        )
    return {"revision": revision}


@contextmanager
def without_progress() -> Iterator[None]:
    """transformers shows no bars of its own in the block."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def loaded(load: Any, model: str, revision: str, **settings: Any) -> Any:
    """What transformers loads; its refusals become one sentence. No code of the model is run."""
    where = locate(model, revision)
    try:
        with without_progress():
            return load(model, trust_remote_code=False, **where, **settings)
    except (OSError, ValueError) as cause:
        reason = str(cause).strip().splitlines()[0]
        raise DataError(
            f"transformers cannot load {model}: {reason}\n"
            "Only safetensors are read, and no code that comes with a model is run."
        ) from None
