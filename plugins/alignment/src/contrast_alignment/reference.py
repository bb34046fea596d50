"""A file of the reference's log-probabilities, and what they depend on.

A cache is known by the weights of the model, the tokenizer, the tokens of every conversation, how
they were cut, and the precision. It is refused where one of them differs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from contrast.errors import DataError

NAME = "reference.safetensors"  # in a run's folder
WORDS = {
    "model": "another model: its weights differ",
    "tokenizer": "another tokenizer",
    "data": "other data: its conversations differ",
    "truncation": "conversations that were cut in another way",
    "precision": "another precision",
}


@dataclass(frozen=True)
class Cached:
    """Log-probabilities of the responses, and what they depend on.

    Shapes:  values: `train` and `valid`, (N, K) each, 0 where there is no response.
    """

    key: Mapping[str, str]
    values: Mapping[str, Tensor]

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.  Raises: DataError: it cannot be written."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            save_file(dict(self.values), part, {"reference": json.dumps(self.key)})
            part.replace(path)
        except (OSError, SafetensorError) as error:
            raise DataError(f"cannot write the reference cache {path}: {error}") from None

    @classmethod
    def load(cls, path: Path, key: Mapping[str, str]) -> Cached:
        """Read a file that was computed for this key.

        Raises: DataError: it is no such file, or depends on something else.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                known = json.loads((file.metadata() or {})["reference"])
                values = {name: file.get_tensor(name) for name in ("train", "valid")}
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise DataError(f"{path} is no reference cache: {error}") from None
        for name, words in WORDS.items():
            if known.get(name) != key[name]:
                raise DataError(
                    f"the reference cache {path} was computed for {words}\n"
                    "Give another `encoder.reference_cache`, or none to have it computed anew."
                )
        return cls(key, values)
