"""Alignment as a recipe: parts and presets. Imports no torch."""

from __future__ import annotations

from contrast.recipe import ObjectivePart, Part, Recipe, Settings
from contrast_alignment.form import Responses
from contrast_alignment.settings import (
    AlignTrainer,
    AskingSettings,
    CopgSettings,
    DnoContrastiveSettings,
    DnoSettings,
    DpoSettings,
    EvaluationSettings,
    FdivSettings,
    IpoSettings,
    IrpoSettings,
    KtoSettings,
    LipoSettings,
    OwnSettings,
    PreferenceSettings,
    PretrainedSettings,
    RankingSettings,
    RecordSettings,
    RrhfSettings,
    SamplerSettings,
    SlicHfSettings,
    SlicSettings,
    TextSettings,
    TinySettings,
)
from contrast_alignment.stage import AlignStage, FineTuneStage

HOME = "contrast_alignment"
REF = "reference"


def objective(
    name: str, config: type[Settings], build: str, summary: str, paper: str, *needs: str
) -> ObjectivePart:
    """An objective of this plugin on lists."""
    return ObjectivePart(
        name,
        config,
        f"{HOME}.objectives.{build}",
        summary,
        f"https://arxiv.org/abs/{paper}" if paper else "",
        reads=Responses,
        needs=frozenset(needs),
        cost="O(N K^2) beside the model",
    )


OBJECTIVES = (
    objective("dpo", DpoSettings, "dpo:build", "log-ratios in order, logistic", "2305.18290", REF),
    objective("ipo", IpoSettings, "ipo:build", "log-ratios 1 / (2 tau) apart", "2310.12036", REF),
    objective("copg", CopgSettings, "copg:build", "rewards as log-ratios", "2406.19185", REF),
    objective("slic", SlicSettings, "slic:build", "log-ratios apart, a hinge", "2309.06657", REF),
    objective("slic_hf", SlicHfSettings, "slic:build_hf", "SLiC-HF, no reference", "2305.10425"),
    objective(
        "kto", KtoSettings, "kto:build", "responses one by one", "2402.01306", REF, "mismatched"
    ),
    objective("rrhf", RrhfSettings, "rrhf:build", "ranks and best, no reference", "2304.05302"),
    objective(
        "pro_ranking", RankingSettings, "plackett_luce:build", "the whole order", "2306.17492"
    ),
    objective("lipo", LipoSettings, "lipo:build", "learning to rank, 7 losses", "2402.01878", REF),
    objective("irpo", IrpoSettings, "irpo:build", "each against the others", "2504.15477", REF),
    objective("dno", DnoSettings, "dno:build", "differences of win rates", "2404.03715", REF),
    objective(
        "dno_contrastive",
        DnoContrastiveSettings,
        "dno:build_contrastive",
        "pairs with a large gap",
        "2404.03715",
        REF,
    ),
    objective("fdiv_sft", FdivSettings, "fdiv_sft:build", "the best alone", "2507.00018", REF),
    objective("own", OwnSettings, "own:build", "your own function of lists", ""),
)

SMALL_STAGES = {
    "trainer.sft": {"max_steps": 600, "lr": 3e-3, "schedule": "cosine", "warmup_steps": 50}
}
OWN_RECORDS = {
    "encoder": {"name": "pretrained"},
    "trainer": {"max_steps": 0, "max_epochs": 1, "lr": 1e-6, "schedule": "linear"},
    "trainer.sft": {"max_epochs": 0},
    "evaluation": {"prompts": 64},
}
DIALOGUES = {
    "data": {"max_tokens": 640},
    "sampler": {"batch_size": 8},
    "trainer": {"max_steps": 100},
    "trainer.sft": {"max_steps": 400, "lr": 3e-3, "schedule": "cosine", "warmup_steps": 50},
    "evaluation": {"prompts": 64, "shown": 0},  # what people ask there is no sight
}
ALIGNMENT = Recipe(
    name="alignment",
    summary="A language model learns a text, then what is preferred.",
    paper="arXiv:2305.18290",
    gives=Responses,
    slots={
        "data": (
            Part("topics", AskingSettings, f"{HOME}.texts:topics", "the topics of Python's help"),
            Part(
                "tinyshakespeare",
                AskingSettings,
                f"{HOME}.texts:tinyshakespeare",
                "plays, a million characters; downloaded, or from CONTRAST_DATA_DIR",
            ),
            Part("text", TextSettings, f"{HOME}.texts:own_text", "your own text"),
            Part(
                "records",
                RecordSettings,
                f"{HOME}.preferences:own_records",
                "your own pairs, lists, unpaired responses, or prompts",
            ),
            Part(
                "hh_harmless",
                PreferenceSettings,
                f"{HOME}.published:hh_harmless",
                "1,669 dialogues with two replies; downloaded, or from CONTRAST_DATA_DIR",
            ),
        ),
        "sampler": (
            Part(
                "lists",
                SamplerSettings,
                f"{HOME}.sampler:ListSampler",
                "prompts with their responses, by similar length",
            ),
        ),
        "encoder": (
            Part(
                "tiny",
                TinySettings,
                f"{HOME}.models:tiny",
                "a small Llama from scratch",
                sizes=("tokens",),
            ),
            Part(
                "pretrained",
                PretrainedSettings,
                f"{HOME}.models:pretrained",
                "a model that transformers can load",
                sizes=("tokens",),
            ),
        ),
        "objective": OBJECTIVES,
    },
    stages=(FineTuneStage(), AlignStage()),
    trainer=AlignTrainer,
    evaluation=EvaluationSettings,
    presets={
        "topics": SMALL_STAGES,
        "tinyshakespeare": SMALL_STAGES,
        "text": SMALL_STAGES,
        "records": OWN_RECORDS,
        "hh_harmless": DIALOGUES,
    },
    provides=frozenset({"reference", "targets", "mismatched", "sample_ids", "tokens"}),
    transductive=(
        "A language model is used by what it writes: `contrast generate RUN --prompt TEXT`; "
        "RUN/model is a folder that transformers loads."
    ),
)
