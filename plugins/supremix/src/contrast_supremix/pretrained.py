"""Texts through a language model of transformers that lies in a local folder, as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from contrast.errors import DataError

BATCH, LONGEST = 64, 128  # texts at once, and tokens of a text that are looked at


@torch.no_grad()
def embedded(folder: str, columns: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """The mean of the last layer over a text's tokens, (N, D) float64 for each column of N texts.

    The model is read from safetensors, runs on the CPU, and is not trained.

    Raises: DataError: transformers are not installed, or there is no such model.
    """
    model, tokenizer = _loaded(folder)
    return [
        np.concatenate(
            [
                _means(model, tokenizer, texts[begin : begin + BATCH])
                for begin in range(0, len(texts), BATCH)
            ]
        )
        for texts in columns
    ]


def _loaded(folder: str) -> tuple:
    try:
        from transformers import AutoModel, AutoTokenizer
    except ImportError as error:
        raise DataError(
            "`data.model` needs transformers: pip install 'contrast-supremix[texts]'"
        ) from error
    if not (Path(folder) / "config.json").is_file():
        raise DataError(
            f"`data.model` must be a folder with a model of transformers (config.json, "
            f"model.safetensors, its tokenizer), got {folder!r}"
        )
    try:
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:  # what transformers raises for a bad folder
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"the model in {folder} cannot be read: {reason}") from error
    return model.float().eval(), tokenizer


def _means(model: torch.nn.Module, tokenizer: object, texts: Sequence[str]) -> np.ndarray:
    given = tokenizer(
        list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
    )
    there = given["attention_mask"][..., None].float()
    ids = {k: v for k, v in given.items() if k in ("input_ids", "attention_mask")}
    last = model(**ids).last_hidden_state
    return ((last * there).sum(1) / there.sum(1).clamp(min=1)).double().numpy()
