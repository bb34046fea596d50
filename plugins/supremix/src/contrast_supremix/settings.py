"""The settings of SupReMix's recipes, by part. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.recipe import Settings, TrainerConfig, setting


@dataclass(frozen=True)
class SplitSettings(Settings):
    """How the rows are split, and what is learnt."""

    valid_share: float = setting(0.2, "share of rows that epochs are chosen by", above=0, below=0.5)
    held_share: float = setting(
        0.133, "share of rows that the run is judged by", above=0, below=0.5
    )
    log_target: bool = setting(False, "learn the logarithm of the target, which must be above 0")


@dataclass(frozen=True)
class TableSettings(SplitSettings):
    """Your own table: a row a sample, a number to be predicted in one column."""

    path: str = setting("table.csv", "a .csv, .tsv, .parquet or .jsonl file")
    target: str = setting("", "column of the number to be predicted")
    group: str = setting("", "column whose equal rows stay on one side of a split; empty: none")


@dataclass(frozen=True)
class ImagesSettings(SplitSettings):
    """Your own images: a folder, and in it a table with a row an image."""

    path: str = setting("images", "the folder")
    labels: str = setting("labels.csv", "the table, below the folder")
    file: str = setting("file", "its column of file names, relative to the table")
    target: str = setting("", "its column of the number to be predicted")
    group: str = setting("", "column whose equal rows stay on one side of a split; empty: none")
    side: int = setting(32, "pixels of a side that images are brought to", low=8, high=512)


@dataclass(frozen=True)
class DigitsSettings(SplitSettings):
    """Handwritten digits turned by up to 60 degrees."""

    source: Literal["scikit-learn", "mnist"] = setting(
        "scikit-learn", "1,797 bundled digits of 8 x 8 pixels, enlarged, or 6,000 of MNIST"
    )
    digit: int = setting(-1, "this digit alone; -1: all", low=-1, high=9)


@dataclass(frozen=True)
class TextsSettings(SplitSettings):
    """Your own pairs of texts: a table with two columns of text and a number."""

    path: str = setting("pairs.csv", "a .csv, .tsv, .parquet or .jsonl file")
    first: str = setting("sentence1", "column of the one text")
    second: str = setting("sentence2", "column of the other")
    target: str = setting("", "column of the number to be predicted")
    group: str = setting("", "column whose equal rows stay on one side of a split; empty: none")
    model: str = setting("", "folder of a transformers model; empty: learn words from scratch")


@dataclass(frozen=True)
class StsbSettings(Settings):
    """STS-B with the split of the paper."""

    model: str = setting("", "folder of a transformers model; empty: learn words from scratch")


@dataclass(frozen=True)
class SeriesSettings(SplitSettings):
    """Your own series: arrays in an .npz, or a long table with a row a moment."""

    path: str = setting("series.npz", "an .npz with `x`, (N, T) or (N, C, T), or a table")
    target: str = setting("", "the array or column of the number to be predicted")
    id: str = setting("", "of a table: column that names a row's series")
    time: str = setting("", "of a table: column that orders a series")
    group: str = setting("", "array or column whose equal values stay together; empty: none")
    length: int = setting(0, "places of a series that are looked at; 0: all", low=0)


@dataclass(frozen=True)
class SamplerSettings(Settings):
    """Batches of training samples."""

    batch_size: int = setting(64, "samples a batch", low=2)


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """The network that samples are read by."""

    width: int = setting(128, "width of the last layers and of the embedding", low=1)
    projection: int = setting(128, "width of the projection that is contrasted", low=1)


@dataclass(frozen=True)
class SupremixSettings(Settings):
    """SupReMix, in label units: any target's range is mapped to 0..40 first."""

    temperature: float = setting(0.3, "divides the cosine similarity", above=0)
    window: float = setting(5.0, "mixed positives lie within this distance of labels", low=0)
    label_bin: float = setting(1.0, "labels within a bin count as equal; 0: as they are", low=0)
    beta_a: float = setting(2.0, "Beta(a, b) of the anchor's share in a mixed negative", above=0)
    beta_b: float = setting(8.0, "b of that Beta", above=0)
    mix_neg: bool = setting(True, "mix anchors with others as negatives")
    mix_pos: bool = setting(True, "mix smaller with larger labels as positives")
    distance_weight: Literal["l1", "l2", "inverse_l1", "inverse_l2", "none"] = setting(
        "l1", "weight of a pair by distance d of labels: d + 1, d^2 + 1, their inverses, or 1"
    )
    denominator: Literal["count_plus_one", "count"] = setting(
        "count_plus_one", "divide by positives + 1 (official code), or by positives"
    )


@dataclass(frozen=True)
class LossSettings(Settings):
    """A regression loss on standardised targets."""


@dataclass(frozen=True)
class SupremixTrainer(TrainerConfig):
    """Adam for 50 epochs a stage; the regression keeps its best epoch."""

    max_epochs: int = setting(50, "epochs of each stage; 0 trains nothing", low=0)
    schedule: Literal["constant", "cosine", "linear"] = setting("cosine", "of the learning rate")
    checkpoint_every: int = setting(0, "epochs between checkpoints; 0: only the last", low=0)
    fine_tune: bool = setting(True, "tune the features with the head, or train the head alone")
    head_lr: float = setting(1e-2, "learning rate of a head alone", above=0)
    loss: Literal["l1", "mse", "huber"] = setting("l1", "of the regression")


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """The comparison with what needs no contrast."""

    compare: bool = setting(True, "train every method beside, on the same splits")
    seeds: int = setting(3, "random splits of 2,000 rows and more", low=1)
    folds: int = setting(5, "parts of a table below 2,000 rows, each held out once", low=2)
    coverage: float = setting(0.9, "share of new rows that intervals cover", above=0, below=1)
