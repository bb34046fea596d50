"""Pairs of texts with a number each: a table of one's own, and STS-B as SupReMix has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Generator

from contrast.data.checksum import file_sha256
from contrast.data.sources import DATA_DIR_VARIABLE, local_path
from contrast.data.tables import read_table
from contrast.errors import DataError
from contrast_supremix.data import Rows, samples_of
from contrast_supremix.labels import Labelled, read_labels, require_filled
from contrast_supremix.split import Split
from contrast_supremix.wording import numbered

# The split of Yang et al. (ICML 2021) with its columns score, sentence1 and sentence2.
STSB = {
    "train": "22d5df948bcf9032c646fb79e5dba610bd7935b24fc64481b6ffbb11705dc52b",
    "dev": "ad64c705afd12311234b792be484f173d454df4230f5001d2ba56a7117be6f7d",
    "test": "d37f9113c66cfae75c65032c18e79a7aa38e11e5a10da1034ce4306e07ce0612",
}
STSB_ORIGIN = (
    "https://github.com/YyzHarry/imbalanced-regression/tree/a6fdc45/sts-b-dir/glue_data/STS-B"
)


@dataclass(frozen=True)
class Pairs:
    """Pairs of texts from two columns: as terms, or as what a language model makes of them.

    `model` is a local folder of transformers; empty: a network learns words from scratch.
    """

    first: str
    second: str
    model: str = ""

    def rows(self, known: Labelled, source: str) -> Rows:
        """The pairs of a table as samples; two are alike where their terms are."""
        if not self.model:
            x, _ = self.matrix(known.frame, source)
            return samples_of(known, x, self, kind="texts")
        terms = replace(self, model="").matrix(known.frame, source)[0]
        return samples_of(known, self.matrix(known.frame, source)[0], self, read=terms)

    def matrix(self, frame: pd.DataFrame, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """The pairs, (N, 2, L) int64 numbers of terms, or (N, 2 D + 1) float64 with a model.

        Raises: DataError: a column is missing or empty somewhere, or the model cannot be read.
        """
        require_filled(frame, (self.first, self.second), source)
        texts = [frame[column].astype(str).tolist() for column in (self.first, self.second)]
        if not self.model:
            return numbered(*texts), ()
        from contrast_supremix.pretrained import embedded

        u, v = embedded(self.model, texts)
        alike = (u * v).sum(1) / np.maximum(
            np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1), 1e-12
        )
        return np.concatenate([np.abs(u - v), u * v, alike[:, None]], 1), ()

    def read(self, path: Path) -> tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]:
        """New pairs from a table; see `matrix`."""
        frame = read_table(path, [self.first, self.second])
        return frame, *self.matrix(frame, str(path))


def texts(
    *,
    generator: Generator,
    path: str,
    first: str,
    second: str,
    target: str,
    group: str,
    model: str,
    log_target: bool,
    valid_share: float,
    held_share: float,
) -> Rows:
    """The user's own table with two columns of text.

    Raises: DataError: no such file or column, an empty text, a model that cannot be read, or a
    target that nothing can be learnt of.
    """
    frame = read_labels(path, target, group, first, second)
    known = Labelled.of(frame, target, path, group=group, log_target=log_target)
    made = Pairs(first, second, model).rows(known, path)
    return made.parted(generator, valid_share, held_share)


def stsb(*, generator: Generator, model: str) -> Rows:
    """STS-B with the split for imbalanced regression, as the paper uses it: 5,249 pairs to train,
    1,000 to choose and 1,000 to judge by, scored 0 to 5 by people.

    Raises: DataError: the files are not at hand, or have other content.
    """
    parts = [_stsb_part(part, sha256) for part, sha256 in STSB.items()]
    frame = pd.concat(parts, ignore_index=True)
    known = Labelled.of(frame, "score", "stsb")
    ends = np.cumsum([len(part) for part in parts])[:-1]
    split = Split(*np.split(np.arange(len(frame)), ends))
    words = frame["sentence1"] + "\t" + frame["sentence2"]
    again = int(words[ends[0] :].isin(words[: ends[0]]).sum())
    note = f"The split is the published one; {again} pairs to choose or judge by are in training."
    made = Pairs("sentence1", "sentence2", model).rows(known, "stsb")
    return replace(made, split=split, published=True, notes=(note,))


def _stsb_part(part: str, sha256: str) -> pd.DataFrame:
    name = f"text/stsb_dir/{part}.tsv"
    path = local_path(name)
    if path is None:
        raise DataError(
            f"STS-B needs {name} below the folder of `{DATA_DIR_VARIABLE}`: the columns score, "
            f"sentence1 and sentence2 of {part}_new.tsv\nat {STSB_ORIGIN}"
        )
    if file_sha256(path) != sha256:
        raise DataError(f"{path} is not the published split: expected SHA-256 {sha256}")
    return pd.read_csv(path, sep="\t", quoting=3, keep_default_na=False).astype({"score": float})
