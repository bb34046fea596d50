"""A folder as a reward: a reward model, or rewards that an orchestrator weighs."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from contrast.errors import ConfigError
from contrast_alignment.models import loaded
from contrast_alignment.preferences import Window, tokenized
from contrast_alignment.records import Record
from contrast_alignment.tokens import usable

WINDOW = "window.json"


class Scorer:
    """The reward that a sequence classifier with one label gives a response."""

    def __init__(self, model: Any, tokenizer: Any, window: Window) -> None:
        self.model, self.tokenizer, self.window = model.eval(), tokenizer, window

    @torch.no_grad()
    def __call__(self, prompt: str, response: str) -> float:
        """The reward, tokenised and cut as in training."""
        item, _ = tokenized(Record("", prompt, (response,), (0.0,)), self.tokenizer, self.window)
        ids = torch.tensor([[*item.prompt, *item.responses[0]]])
        return float(self.model(ids, attention_mask=torch.ones_like(ids)).logits[0, 0])


@lru_cache(maxsize=8)
def reward_of_folder(folder: str) -> Any:
    """A callable of prompt and response; each folder is read once.

    Raises: ConfigError: the folder holds neither; DataError: transformers cannot load it.
    """
    from contrast_alignment import orchestrator_blend

    path = Path(folder)
    if (path / orchestrator_blend.DESCRIPTION).is_file():
        return orchestrator_blend.load(path)
    if not (path / "config.json").is_file():
        raise ConfigError(
            f"`{folder}` holds no reward: expected a sequence classifier with one label, such as "
            "RUN/model of `method=reward`, or RUN/orchestrator of `method=orchestrator`"
        )
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    load = AutoModelForSequenceClassification.from_pretrained
    model = loaded(load, folder, "", use_safetensors=True, dtype=torch.float32)
    if model.config.num_labels != 1:
        raise ConfigError(f"`{folder}` has {model.config.num_labels} labels; a reward has one")
    tokenizer = usable(loaded(AutoTokenizer.from_pretrained, folder, ""), folder)
    return Scorer(model, tokenizer, window_of(path, model))


def window_of(folder: Path, model: Any) -> Window:
    """How conversations were cut in training; for models of others, all that the model reads."""
    if (folder / WINDOW).is_file():
        return Window(*json.loads((folder / WINDOW).read_text(encoding="utf-8")))
    limit = getattr(model.config, "max_position_embeddings", None) or 1024
    return Window(limit, limit // 2, "left")
