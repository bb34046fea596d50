"""MCLRec and its baselines as recipes: parts and presets. Imports no torch.

Meta-optimized Contrastive Learning for Sequential Recommendation, arXiv:2304.07763 (SIGIR 2023).
"""

from __future__ import annotations

from dataclasses import replace

from contrast.recipe import ObjectivePart, Part, Recipe
from contrast_mclrec import settings
from contrast_mclrec.form import NextItem, OwnLoss, Sequences
from contrast_mclrec.stage import Cl4srecStage, MclrecStage, RecommenderStage

PAPER = "arXiv:2304.07763"
SETS = {
    "beauty": "Amazon Beauty: 22363 people, 12101 items, 198502 events",
    "sports": "Amazon Sports and Outdoors: 35598 people, 18357 items, 296337 events",
    "toys": "Amazon Toys and Games: 19412 people, 11924 items, 167597 events",
    "yelp": "Yelp: 30431 people, 20033 places, 316354 events",
}
DATA = (
    Part(
        "ml-100k",
        settings.SplitSettings,
        "contrast_mclrec.data:ml_100k",
        "MovieLens-100k: 943 people, 1682 films, 100000 ratings; works offline",
    ),
    *(
        Part(name, settings.PublishedSettings, f"contrast_mclrec.data:{name}", summary)
        for name, summary in SETS.items()
    ),
    Part(
        "interactions",
        settings.InteractionsSettings,
        "contrast_mclrec.data:interactions",
        "your own table of users, items and times",
    ),
)
TRANSDUCTIVE = (
    "A recommender knows the items it was trained on. For other people, give their histories: "
    "`contrast recommend RUN --history ITEM,ITEM,...`, or `contrast_mclrec.Recommender.embed`."
)
HISTORY = Part(
    "history",
    settings.SamplerSettings,
    "contrast_mclrec.sampler:histories",
    "every event but a user's first, predicted from those before it",
)
HISTORY_ALONE = replace(
    HISTORY, config=settings.HistorySettings
)  # a model that brings its own loss
VIEWS = Part(
    "two_views",
    settings.ViewSettings,
    "contrast_mclrec.sampler:HistorySampler",
    "every event but a user's first, with two augmented views of those before it",
)
SIZES = ("items", "max_length", "catalogue")
PROVIDES = frozenset({*SIZES, "samples", "mask_token"})
# Films are rated in long sessions: twice the length costs twice the time and ranks no better, see
# the page of the method.
FILMS = {
    "sampler": {"max_length": 10},
    "encoder": {"dropout": 0.1, "attention_dropout": 0.1},
    "trainer": {"patience": 3},  # best after 2 to 5 of these epochs
}

MCLREC = Recipe(
    name="mclrec",
    summary="Next-item recommendation with augmented and learned views of a history.",
    paper=PAPER,
    gives=Sequences,
    slots={
        "data": DATA,
        "sampler": (VIEWS,),
        "encoder": (
            Part(
                "mclrec",
                settings.EncoderSettings,
                "contrast_mclrec.encoder:Mclrec",
                "SASRec and two augmenters",
                sizes=(*SIZES, "mask_token"),
            ),
        ),
        "objective": (
            ObjectivePart(
                "mclrec",
                settings.MclrecSettings,
                "contrast_mclrec.objective:MclrecContrast",
                "InfoNCE of data and model views, with a margin",
                PAPER,
                reads=Sequences,
                needs=frozenset({"two_views"}),
                cost="O(B^2 D) time, O(B^2) memory",
            ),
        ),
    },
    stages=(MclrecStage(),),
    trainer=settings.MclrecTrainer,
    evaluation=settings.EvaluationSettings,
    presets={
        "ml-100k": {**FILMS, "trainer": {"model_weight": 0.01, "patience": 3}},
        "beauty": {"trainer": {"data_weight": 0.0, "model_weight": 0.05}},
        "sports": {"trainer": {"data_weight": 0.04, "model_weight": 0.4}},
        "toys": {"trainer": {"data_weight": 0.01, "model_weight": 0.1}},
        "yelp": {"trainer": {"data_weight": 0.03, "model_weight": 0.1}},
    },
    provides=PROVIDES | {"two_views"},
    contrasts_per_step=11,
    transductive=TRANSDUCTIVE,
)

CL4SREC = Recipe(
    name="cl4srec",
    summary="Next-item recommendation with augmented views of a history.",
    paper="arXiv:2010.14395",
    gives=Sequences,
    slots={
        "data": DATA,
        "sampler": (VIEWS,),
        "encoder": (
            Part(
                "cl4srec",
                settings.EncoderSettings,
                "contrast_mclrec.encoder:cl4srec",
                "SASRec",
                sizes=(*SIZES, "mask_token"),
            ),
        ),
        "objective": (
            ObjectivePart(
                "cl4srec",
                settings.ContrastSettings,
                "contrast_mclrec.objective:Contrast",
                "InfoNCE of the two views of a history",
                "arXiv:2010.14395",
                reads=Sequences,
                needs=frozenset({"two_views"}),
                cost="O(B^2 D) time, O(B D) memory",
            ),
        ),
    },
    stages=(Cl4srecStage(),),
    trainer=settings.Cl4srecTrainer,
    evaluation=settings.EvaluationSettings,
    presets={"ml-100k": FILMS},
    provides=PROVIDES | {"two_views"},
    transductive=TRANSDUCTIVE,
)

SASREC = Recipe(
    name="sasrec",
    summary="Next-item recommendation by a transformer over the history.",
    paper="arXiv:1808.09781",
    gives=NextItem,
    slots={
        "data": DATA,
        "sampler": (HISTORY,),
        "encoder": (
            Part(
                "sasrec",
                settings.EncoderSettings,
                "contrast_mclrec.encoder:SASRec",
                "a transformer, with RecBole's names of parameters",
                sizes=SIZES,
            ),
        ),
        "objective": (
            ObjectivePart(
                "softmax",
                settings.SoftmaxSettings,
                "contrast_mclrec.softmax:Softmax",
                "cross-entropy over all items",
                reads=NextItem,
                cost="O(B I D) time, O((B + I) D) memory",
            ),
        ),
    },
    stages=(RecommenderStage(),),
    trainer=settings.RecommenderTrainer,
    evaluation=settings.EvaluationSettings,
    presets={"ml-100k": FILMS},
    provides=PROVIDES,
    transductive=TRANSDUCTIVE,
)

RECBOLE = Recipe(
    name="recbole",
    summary="Any sequential model of RecBole under this data and evaluation.",
    paper="arXiv:2011.01731",
    gives=OwnLoss,
    slots={
        "data": DATA,
        "sampler": (HISTORY_ALONE,),
        "encoder": (
            Part(
                "recbole",
                settings.RecboleSettings,
                "contrast_mclrec.recbole_model:RecboleModel",
                "a sequential model of the installed RecBole",
                sizes=SIZES,
            ),
        ),
        "objective": (
            ObjectivePart(
                "own",
                settings.SoftmaxSettings,
                "contrast_mclrec.recbole_model:Own",
                "the loss that the model brings",
                reads=OwnLoss,
            ),
        ),
    },
    stages=(RecommenderStage(),),
    trainer=settings.RecommenderTrainer,
    evaluation=settings.EvaluationSettings,
    presets={"ml-100k": {"sampler": {"max_length": 10}, "trainer": {"patience": 3}}},
    provides=PROVIDES,
    transductive=TRANSDUCTIVE,
)
