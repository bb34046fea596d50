"""Exports: the trained encoder and objective as a folder that needs no data and no run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contrast.config import restore
from contrast.engine.checkpoint import load_checkpoint, save_files
from contrast.engine.folder import RunFolder, read_json
from contrast.engine.loop import load_weights, weights
from contrast.errors import RunFolderError
from contrast.interfaces import Parts
from contrast.recipe import Stage

EXPORT = "export.json"


def is_export(path: Path) -> bool:
    """Whether the folder was written by `contrast export`."""
    return (path / EXPORT).is_file()


def export_parts(run: RunFolder, stage: Stage, parts: Parts, to: Path) -> Path:
    """Write weights (safetensors), configuration and a card to a folder that is not there yet.

    Raises: RunFolderError: the folder exists.
    """
    try:
        to.mkdir(parents=True)
    except FileExistsError:
        raise RunFolderError(f"{to} exists already; export to a new folder") from None
    save_files(to, {"model": weights(parts)})
    record = run.record()
    described = {"stage": stage.name, "sizes": parts.sizes, "config": run.entries(), "run": record}
    (to / EXPORT).write_text(json.dumps(described, indent=1) + "\n")
    (to / "README.md").write_text(_card(record, parts))
    return to


def load_export(path: Path) -> Parts:
    """The exported encoder and objective; data and sampler are None.

    Raises: CheckpointError: a file is missing or damaged.
    """
    described = read_json(path / EXPORT)
    config = restore(described["config"]).config
    stage = next(s for s in config.recipe.stages if s.name == described["stage"])
    encoder, objective = stage.build_modules(config, described["sizes"])
    parts = Parts(None, None, encoder, objective, described["sizes"])
    load_weights(parts, load_checkpoint(path, "model")["model"])
    return parts


def _card(record: dict[str, Any], parts: Parts) -> str:
    made = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    count = sum(p.numel() for p in parts.encoder.parameters())
    return f"""# {record["recipe"]} on {record["data"]}

{record["summary"]} Paper: {record["paper"]}

- Objective `{record["objective"]}`, seed {record["seed"]}, {count:,} parameters in the encoder.
- Made with {made}.
- `contrast.load("this folder")` gives `encoder` and `objective`; `model.safetensors` holds their
  weights, `export.json` the configuration.
"""
