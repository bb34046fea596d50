"""Rewards as a prompt weighs them: an orchestrator written out, read, and used as a reward."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from contrast.files import write_atomically
from contrast.interfaces import Parts
from contrast.recipe import RunConfig
from contrast_alignment.batch import pad
from contrast_alignment.orchestrator import Scale, blended
from contrast_alignment.orchestrator_data import Prompts, Weighed
from contrast_alignment.orchestrator_model import Orchestrator, bag, frozen
from contrast_alignment.preferences import Window
from contrast_alignment.records import Record
from contrast_alignment.reward_data import prompt_tokens
from contrast_alignment.rewards import reward_named

DESCRIPTION = "orchestrator.json"
BUILDERS = {"bag": bag, "pretrained": frozen}


class Blend:
    """sum_k w_k(x) z_k(x, y): the rewards in units of their spread, as the prompt weighs them.

    z are the z-scores over the preferred responses of the training records, by which the weights
    were found; raw rewards, as the paper's formula reads, may differ by orders of magnitude.
    """

    def __init__(
        self, model: Orchestrator, tokenizer: Any, window: Window, names: list[str], scale: Scale
    ) -> None:
        self.model, self.tokenizer, self.window = model.eval(), tokenizer, window
        self.names, self.scale = names, scale
        self.rewards = [reward_named(name) for name in names]

    @torch.no_grad()
    def weights(self, prompt: str) -> Tensor:
        """What the prompt asks for.  (K,)."""
        ids = prompt_tokens(Record("", prompt), self.tokenizer, self.window)
        tokens, lengths = pad([ids])
        return self.model.weights(Prompts(tokens, lengths, None, torch.zeros(1, dtype=torch.long)))[
            0
        ]

    def __call__(self, prompt: str, response: str) -> float:
        """The reward of a response."""
        found = torch.tensor([rule(prompt, response) for rule in self.rewards])
        z = self.scale.apply(found.to(self.scale.mean))
        return float(blended(z[None], self.weights(prompt).to(z)[None]))


def save(parts: Parts, config: RunConfig, folder: Path) -> None:
    """The weights that were learnt, the tokenizer, and what else `load` needs."""
    folder.mkdir(exist_ok=True)
    data: Weighed = parts.data
    settings = config.encoder
    learnt = {
        name: p.detach().cpu().contiguous() for name, p in learnt_state(parts.encoder).items()
    }
    save_file(learnt, folder / "orchestrator.safetensors")
    data.tokenizer.save_pretrained(folder)
    window = data.data.records.window
    described = {
        "encoder": config.chosen["encoder"].name,
        "settings": {item.name: getattr(settings, item.name) for item in fields(settings)},
        "sizes": parts.sizes,
        "rewards": list(data.data.rewards),
        "mean": data.scale.mean.tolist(),
        "deviation": data.scale.deviation.tolist(),
        "window": [window.tokens, window.prompt_tokens, window.prompt_side],
    }
    write_atomically(folder / DESCRIPTION, json.dumps(described, indent=2))


def learnt_state(model: Orchestrator) -> dict[str, Tensor]:
    """What is not that of a frozen language model."""
    frozen_names = {name for name, p in model.named_parameters() if not p.requires_grad}
    return {
        name: value
        for name, value in model.state_dict().items()
        if name not in frozen_names and not name.startswith("reader.model.")
    }


def load(folder: Path) -> Blend:
    """The orchestrator of a run's folder `orchestrator`, with its rewards."""
    from transformers import AutoTokenizer

    described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    model = BUILDERS[described["encoder"]](**described["sizes"], **described["settings"])
    model.load_state_dict(load_file(folder / "orchestrator.safetensors"), strict=False)
    scale = Scale(
        *(torch.tensor(described[name], dtype=torch.float64) for name in ("mean", "deviation"))
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return Blend(model, tokenizer, Window(*described["window"]), described["rewards"], scale)
