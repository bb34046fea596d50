"""The settings of the recommenders, by part. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.errors import ConfigError
from contrast.recipe import Settings, TrainerConfig, setting

SPLITS = "leave_one_out: each user's last two events; time: what follows a moment"


@dataclass(frozen=True)
class PublishedSettings(Settings):
    """A published data set, which lists events in the order of time but not their times."""


@dataclass(frozen=True)
class SplitSettings(Settings):
    """How the events to be tested on are chosen."""

    split: Literal["leave_one_out", "time"] = setting("leave_one_out", SPLITS)
    held_out: float = setting(
        0.1, "share of all events in each of the two last spans of time", above=0, below=0.5
    )


@dataclass(frozen=True)
class InteractionsSettings(SplitSettings):
    """Your own log: a row is a user, an item and a time, in any order."""

    path: str = setting("log.csv", "a .csv, .tsv, .inter or .parquet file")
    user: str = setting("user_id", "column of the user")
    item: str = setting("item_id", "column of the item")
    time: str = setting("timestamp", "column of the time; empty: the order of the file")
    separator: str = setting("", "between columns; empty: by the file's suffix")
    titles: str = setting("", "table with the item's column and `title`; empty: none")
    min_user_events: int = setting(1, "events that a user needs to stay", low=1)
    min_item_events: int = setting(1, "events that an item needs to stay", low=1)


@dataclass(frozen=True)
class HistorySettings(Settings):
    """Batches of histories, each with the item that followed."""

    batch_size: int = setting(256, "histories a batch", low=1)
    max_length: int = setting(50, "latest items of a history that are looked at", low=1)


@dataclass(frozen=True)
class SamplerSettings(HistorySettings):
    """The same, and the items that stand for all in the softmax."""

    negatives: int = setting(
        0, "items a batch that stand for all in the softmax, log-Q corrected; 0: all", low=0
    )
    negative_power: float = setting(
        0.0, "draw them by popularity to this power; 0: uniformly", low=0, high=1
    )


@dataclass(frozen=True)
class ViewSettings(SamplerSettings):
    """Histories with two augmented views each."""

    crop: float = setting(0.5, "share of a history that cropping removes", low=0, below=1)
    mask: float = setting(0.5, "share of a history that is hidden", low=0, below=1)
    reorder: float = setting(0.8, "share of a history that is shuffled", low=0, high=1)
    mask_token: bool = setting(
        False, "hide behind a token of its own (CL4SRec) instead of padding (official code)"
    )


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """The transformer over a history."""

    width: int = setting(64, "width of states and items", low=1)
    layers: int = setting(2, "layers", low=1)
    heads: int = setting(2, "heads of each attention; they divide the width", low=1)
    inner: int = setting(256, "width within the feed-forward network", low=1)
    dropout: float = setting(0.5, "dropout of states", low=0, below=1)
    attention_dropout: float = setting(0.5, "dropout of attention's probabilities", low=0, below=1)

    def __post_init__(self) -> None:
        """Raises: ConfigError: a number out of range, or heads that do not divide the width."""
        super().__post_init__()
        if self.width % self.heads:
            raise ConfigError(
                f"`encoder.heads` must divide the width {self.width}, got {self.heads}"
            )


@dataclass(frozen=True)
class RecboleSettings(Settings):
    """A sequential model of RecBole, with its own settings."""

    model: str = setting("GRU4Rec", "its name in recbole.model.sequential_recommender")
    options: tuple[str, ...] = setting((), "its settings as name=value, such as hidden_size=64")


@dataclass(frozen=True)
class ContrastSettings(Settings):
    """InfoNCE of the two views of a history."""

    temperature: float = setting(1.0, "divides similarities of data views", above=0)
    similarity: Literal["dot", "cosine"] = setting("dot", "of data views")


@dataclass(frozen=True)
class MclrecSettings(ContrastSettings):
    """InfoNCE of data and model views, and the margin."""

    margin_weight: float = setting(0.1, "weight of the margin beside each contrast", low=0)
    margin_scope: Literal["anchor", "global"] = setting(
        "anchor", "bounds of each row (official code), or of the whole batch (paper)"
    )
    margin_pairs: Literal["all", "model"] = setting(
        "all", "every pair with a model view (official code), or of two (paper)"
    )


@dataclass(frozen=True)
class SoftmaxSettings(Settings):
    """The softmax over all items, or over those that `sampler.negatives` draws."""


@dataclass(frozen=True)
class RecommenderTrainer(TrainerConfig):
    """Adam, until the validation has not improved for more than ten epochs."""

    max_epochs: int = setting(100, "epochs to train at most", low=0)
    evaluate_every: int = setting(1, "epochs between validations; 0: none while training", low=0)
    monitor: str = setting("mrr/10", "what patience watches: loss (smaller) or a metric (larger)")
    patience: int = setting(11, "epochs without a better one before stopping; 0: never", low=0)
    restore_best: bool = setting(True, "end with the weights of the best `monitor`")


@dataclass(frozen=True)
class Cl4srecTrainer(RecommenderTrainer):
    """Recommendation and one contrast."""

    data_weight: float = setting(0.1, "weight lambda of the contrast of data views", low=0)


@dataclass(frozen=True)
class MclrecTrainer(RecommenderTrainer):
    """Three updates a batch: encoder, augmenters, encoder."""

    data_weight: float = setting(0.0, "weight lambda of the contrast of data views", low=0)
    model_weight: float = setting(0.05, "weight beta of contrasts with model views", low=0)
    joint: bool = setting(False, "update encoder and augmenters together, once (MCLRec-J)")


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """The target's rank among all items, seen ones included."""

    k: tuple[int, ...] = setting((5, 10, 20), "cuts of hr, ndcg and mrr", low=1)

    def __post_init__(self) -> None:
        """Raises: ConfigError: a number out of range, or no cut."""
        super().__post_init__()
        if not self.k:
            raise ConfigError("`evaluation.k` needs at least one value")
