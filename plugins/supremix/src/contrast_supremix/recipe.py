"""SupReMix and a plain network as recipes: settings, parts, presets. Imports no torch.

SupReMix, arXiv:2309.16633: pre-train features whose order follows a target, then regress.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.recipe import ObjectivePart, Part, Recipe, Settings, TrainerConfig, setting
from contrast_supremix.form import Ordered, Predictions
from contrast_supremix.stage import PlainStage, PretrainStage, RegressStage

PAPER = "arXiv:2309.16633"


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
class SamplerSettings(Settings):
    """Batches of training rows."""

    batch_size: int = setting(64, "rows a batch", low=2)


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """The perceptron over a row."""

    width: int = setting(128, "width of both layers and of the embedding", low=1)
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


DATA = (
    Part(
        "diabetes",
        SplitSettings,
        "contrast_supremix.data:diabetes",
        "scikit-learn's bundled table: 442 patients, ten measurements; works offline",
    ),
    Part("table", TableSettings, "contrast_supremix.data:table", "your own table"),
)
SAMPLER = (Part("rows", SamplerSettings, "contrast_supremix.sampler:RowSampler", "training rows"),)
PROVIDES = frozenset({"labels", "targets", "sample_ids", "features", "samples"})
NEW_ROWS = (
    "New rows are read by the columns and scales of the training table: "
    "`contrast predict RUN rows.csv --embeddings z.parquet`, or `contrast_supremix.Predictor`."
)
KEEP_BEST = {"evaluate_every": 1, "monitor": "skill", "restore_best": True}

SUPREMIX = Recipe(
    name="supremix",
    summary="Features ordered by a continuous target through mixed pairs, then regression.",
    paper=PAPER,
    gives=Ordered,
    slots={
        "data": DATA,
        "sampler": SAMPLER,
        "encoder": (
            Part(
                "table",
                EncoderSettings,
                "contrast_supremix.encoder:TableEncoder",
                "two layers over a row's numbers, and a linear projector",
                sizes=("features",),
            ),
        ),
        "objective": (
            ObjectivePart(
                "supremix",
                SupremixSettings,
                "contrast_supremix.objective:SupReMix",
                "mixed negatives and mixed positives, weighed by distance of labels",
                PAPER,
                reads=Ordered,
                needs=frozenset({"targets"}),
                cost="O(N^2 D + mixtures) time, O(N^2) memory",
            ),
        ),
    },
    stages=(PretrainStage(), RegressStage()),
    trainer=SupremixTrainer,
    evaluation=EvaluationSettings,
    presets={name: {"trainer": {"regress": KEEP_BEST}} for name in ("diabetes", "table")},
    provides=PROVIDES,
    transductive=NEW_ROWS,
)

PLAIN = Recipe(
    name="plain",
    summary="A network without contrast at the same number of epochs.",
    paper=f"baseline of {PAPER}",
    gives=Predictions,
    slots={
        "data": DATA,
        "sampler": SAMPLER,
        "encoder": (
            Part(
                "regressor",
                EncoderSettings,
                "contrast_supremix.encoder:Regressor",
                "two layers over a row's numbers, and a linear head",
                sizes=("features", "fingerprint"),
            ),
        ),
        "objective": tuple(
            ObjectivePart(
                name,
                LossSettings,
                f"contrast_supremix.regression:{built}",
                summary,
                reads=Predictions,
                needs=frozenset({"targets"}),
                cost="O(N)",
            )
            for name, built, summary in (
                ("l1", "L1", "mean absolute error"),
                ("mse", "Mse", "mean squared error"),
                ("huber", "Huber", "squared up to one deviation, linear beyond"),
            )
        ),
    },
    stages=(PlainStage(),),
    trainer=SupremixTrainer,
    evaluation=EvaluationSettings,
    presets={
        name: {"trainer": {"max_epochs": 100, "regress": KEEP_BEST}}
        for name in ("diabetes", "table")
    },
    provides=PROVIDES | {"fingerprint"},
    transductive=NEW_ROWS,
)
