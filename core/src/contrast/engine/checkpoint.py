"""Checkpoints: numbered folders that are either whole or not there.

A folder is written under another name, its manifest with checksums last, everything is synced, and
only then is it renamed; `latest` is replaced atomically after that. A crash at any moment leaves
the last complete checkpoint in force.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from contrast.data.checksum import file_sha256
from contrast.engine.state import load_tree, save_tree
from contrast.errors import CheckpointError, listing
from contrast.files import sync, write_atomically

MANIFEST, LATEST = "manifest.json", "latest"


def save_checkpoint(root: Path, stage: str, step: int, trees: dict[str, Any], *, keep: int) -> Path:
    """Write `root/<stage>-<step>` with one pair of files a tree, and point `latest` at it.

    Of this stage's checkpoints only the newest `keep` stay.
    """
    root.mkdir(parents=True, exist_ok=True)
    target = root / f"{stage}-{step:08d}"
    for left in root.glob(".*-[0-9]*"):  # a crash came before the rename
        shutil.rmtree(left)
    draft = root / f".{target.name}"
    draft.mkdir()
    save_files(draft, trees)
    if target.exists():  # a crash came between the rename and `latest`
        shutil.rmtree(target)
    draft.rename(target)
    write_atomically(root / LATEST, target.name + "\n")
    _prune(root, stage, keep)
    return target


def save_files(folder: Path, trees: dict[str, Any]) -> None:
    """Write a pair of files for each tree, then a manifest with their checksums; sync them all."""
    files = [path for name, tree in trees.items() for path in save_tree(tree, folder / name)]
    manifest = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)} for path in files
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    for path in (*files, folder / MANIFEST, folder):
        sync(path)


def latest_checkpoint(root: Path) -> Path | None:
    """The checkpoint that `latest` names, or None when there is none yet."""
    pointer = root / LATEST
    return root / pointer.read_text().strip() if pointer.is_file() else None


def last_of_stage(root: Path, stage: str) -> Path:
    """The newest checkpoint of a stage.

    Raises: CheckpointError: there is none.
    """
    found = _of_stage(root, stage)
    if not found:
        raise CheckpointError(
            f"{root} holds no checkpoint of stage `{stage}`; the run stopped before its first one:"
            " start it again with `contrast run`"
        )
    return found[-1]


def load_checkpoint(folder: Path, *names: str) -> dict[str, Any]:
    """The named trees of a checkpoint, every file checked against the manifest first.

    Raises: CheckpointError: a file is missing or differs from what was written.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as cause:
        raise _damaged(folder, f"{MANIFEST} cannot be read ({cause})") from None
    for name in names:
        for file in (f"{name}.safetensors", f"{name}.json"):
            _verify(folder, file, manifest.get(file))
    return {name: load_tree(folder / name) for name in names}


def _verify(folder: Path, file: str, entry: dict[str, Any] | None) -> None:
    path = folder / file
    if entry is None or not path.is_file():
        raise _damaged(folder, f"{file} is missing")
    if path.stat().st_size != entry["bytes"] or file_sha256(path) != entry["sha256"]:
        raise _damaged(folder, f"{file} is not what was written")


def _damaged(folder: Path, flaw: str) -> CheckpointError:
    others = sorted(path.name for path in folder.parent.glob("[!.]*-[0-9]*") if path != folder)
    advice = (
        f"To go on from an earlier one, write its name into {folder.parent / LATEST} and resume; "
        f"there are: {listing(others)}."
        if others
        else "No other is left beside it."
    )
    return CheckpointError(f"checkpoint {folder} is damaged: {flaw}\n{advice}")


def _prune(root: Path, stage: str, keep: int) -> None:
    for old in _of_stage(root, stage)[:-keep]:
        shutil.rmtree(old)


def _of_stage(root: Path, stage: str) -> list[Path]:
    """A stage's checkpoints, oldest first; the name of another may begin with its own."""
    found = root.glob("*-[0-9]*")
    return sorted(path for path in found if path.name.rpartition("-")[0] == stage)
