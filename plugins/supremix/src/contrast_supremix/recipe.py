"""SupReMix and a plain network as recipes: parts and presets. Imports no torch.

SupReMix, arXiv:2309.16633: pre-train features whose order follows a target, then regress.
"""

from __future__ import annotations

from typing import Any

from contrast.recipe import ObjectivePart, Part, Recipe
from contrast_supremix import settings
from contrast_supremix.form import Ordered, Predictions
from contrast_supremix.stage import PlainStage, PretrainStage, RegressStage

PAPER = "arXiv:2309.16633"


DATA = (
    Part(
        "diabetes",
        settings.SplitSettings,
        "contrast_supremix.data:diabetes",
        "scikit-learn's bundled table: 442 patients, ten measurements; works offline",
    ),
    Part("table", settings.TableSettings, "contrast_supremix.data:table", "your own table"),
    Part(
        "digits",
        settings.DigitsSettings,
        "contrast_supremix.pictures:digits",
        "digits turned by an angle, which is predicted; scikit-learn's work offline",
    ),
    Part(
        "images",
        settings.ImagesSettings,
        "contrast_supremix.pictures:images",
        "your own images, with a table of labels",
    ),
    Part(
        "stsb",
        settings.StsbSettings,
        "contrast_supremix.texts:stsb",
        "pairs of sentences, how alike people find them, as split by the paper",
    ),
    Part(
        "texts",
        settings.TextsSettings,
        "contrast_supremix.texts:texts",
        "your own pairs of texts",
    ),
    Part(
        "series",
        settings.SeriesSettings,
        "contrast_supremix.series:series",
        "your own series, as arrays or a long table",
    ),
)
# Epochs of each stage, by data; an epoch of a convolution costs more.
EPOCHS = {
    "diabetes": 50,
    "table": 50,
    "digits": 20,
    "images": 20,
    "stsb": 20,
    "texts": 20,
    "series": 30,
}
SAMPLER = (
    Part(
        "rows", settings.SamplerSettings, "contrast_supremix.sampler:RowSampler", "training samples"
    ),
)
READ_BY = "two layers over numbers, convolutions over images and series, words over texts"
PROVIDES = frozenset({"labels", "targets", "sample_ids", "kind", "sample", "samples"})
NEW_ROWS = (
    "New rows are read by the columns and scales of the training table: "
    "`contrast predict RUN rows.csv --embeddings z.parquet`, or `contrast_supremix.Predictor`."
)
KEEP_BEST = {"evaluate_every": 1, "monitor": "skill", "restore_best": True}


def _presets(times: int) -> dict[str, dict[str, dict[str, Any]]]:
    """The epochs of each data, some times over."""
    return {
        name: {"trainer": {"max_epochs": times * epochs, "regress": KEEP_BEST}}
        for name, epochs in EPOCHS.items()
    }


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
                "features",
                settings.EncoderSettings,
                "contrast_supremix.encoder:Features",
                f"{READ_BY}; and a linear projector",
                sizes=("kind", "sample"),
            ),
        ),
        "objective": (
            ObjectivePart(
                "supremix",
                settings.SupremixSettings,
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
    trainer=settings.SupremixTrainer,
    evaluation=settings.EvaluationSettings,
    # The paper's window on STS-B is half a point of the scale 0..5.
    presets=_presets(1) | {"stsb": _presets(1)["stsb"] | {"objective": {"window": 4.0}}},
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
                settings.EncoderSettings,
                "contrast_supremix.encoder:Regressor",
                f"{READ_BY}; and a linear head",
                sizes=("kind", "sample", "fingerprint"),
            ),
        ),
        "objective": tuple(
            ObjectivePart(
                name,
                settings.LossSettings,
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
    trainer=settings.SupremixTrainer,
    evaluation=settings.EvaluationSettings,
    presets=_presets(2),
    provides=PROVIDES | {"fingerprint"},
    transductive=NEW_ROWS,
)
