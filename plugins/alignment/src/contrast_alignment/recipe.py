"""Alignment as a recipe: settings, parts, presets. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.errors import ConfigError
from contrast.recipe import ObjectivePart, Part, Recipe, Settings, TrainerConfig, setting
from contrast_alignment.form import Responses
from contrast_alignment.stage import AlignStage, FineTuneStage

HOME = "contrast_alignment"
REF = "reference"


@dataclass(frozen=True)
class AskingSettings(Settings):
    """A text to learn from, and how the trained model is asked for responses to grade."""

    prompts: int = setting(512, "openings of the text that the trained model answers", low=1)
    responses: int = setting(2, "responses to each", low=2)
    prompt_tokens: int = setting(8, "tokens of an opening", low=1)
    response_tokens: int = setting(24, "tokens of a response at most", low=1)
    temperature: float = setting(1.0, "of the responses", above=0)
    reward: str = setting("vowels", "rule: vowels, short_words, new_words or your module:function")


@dataclass(frozen=True)
class TextSettings(AskingSettings):
    """Your own text."""

    path: str = setting("text.txt", "a text file, UTF-8")


@dataclass(frozen=True)
class PreferenceSettings(Settings):
    """Records of what people prefer."""

    valid_share: float = setting(0.1, "share of the prompts that is held out", low=0, below=1)
    max_tokens: int = setting(1024, "of a prompt and a response; longer responses are cut", low=2)
    max_prompt_tokens: int = setting(512, "of a prompt; longer ones are cut", low=1)
    prompt_side: Literal["left", "right"] = setting("left", "where a long prompt is cut")
    response_tokens: int = setting(128, "tokens of a response of the model's own at most", low=1)
    responses: int = setting(4, "own responses to each prompt, where records are prompts", low=2)
    temperature: float = setting(1.0, "of these responses", above=0)
    reward: str = setting("", "rule that grades them, as in `data=text`")


@dataclass(frozen=True)
class RecordSettings(PreferenceSettings):
    """Your own records."""

    path: str = setting("", "JSON lines, JSON or Parquet")


@dataclass(frozen=True)
class SamplerSettings(Settings):
    """Batches of prompts with their responses."""

    batch_size: int = setting(32, "prompts a batch", low=1)
    piece: int = setting(64, "tokens of a piece of text, in the first stage", low=2)


@dataclass(frozen=True)
class ModelSettings(Settings):
    """What every model is compared with, and how."""

    reference_model: Literal["copy", "adapter_off", "cache", "none"] = setting(
        "copy",
        "a frozen copy, the model without its adapter, log-probabilities computed once, or none",
    )
    reference_cache: str = setting("", "file that keeps those, for other runs; written or read")
    shared_prefix: Literal["auto", "on", "off"] = setting(
        "auto", "encode a prompt once for all its responses"
    )

    def __post_init__(self) -> None:
        """Raises: ConfigError: a file of something that is not computed, or no adapter."""
        super().__post_init__()
        if self.reference_cache and self.reference_model != "cache":
            raise ConfigError(
                "`encoder.reference_cache` is used with `encoder.reference_model=cache` alone, "
                f"got `{self.reference_model}`"
            )
        if self.reference_model == "adapter_off" and not getattr(self, "lora_rank", 0):
            raise ConfigError(
                "`encoder.reference_model=adapter_off` needs an adapter to switch off: use "
                "`encoder=pretrained encoder.lora_rank=8`, or `encoder.reference_model=copy`"
            )


@dataclass(frozen=True)
class TinySettings(ModelSettings):
    """A small Llama from scratch."""

    vocabulary: int = setting(512, "tokens, learnt from the text", low=300)
    width: int = setting(128, "width of the states", low=4)
    layers: int = setting(2, "layers", low=1)
    heads: int = setting(4, "heads of each attention", low=1)


@dataclass(frozen=True)
class PretrainedSettings(ModelSettings):
    """A causal language model that transformers can load."""

    model: str = setting("", "a folder, or a name on the hub with `revision`")
    revision: str = setting("", "commit of a model on the hub")
    lora_rank: int = setting(0, "rank of the adapter that is trained; 0: all weights", low=0)
    lora_alpha: float = setting(16.0, "scale of the adapter, over its rank", above=0)
    gradient_checkpointing: bool = setting(False, "compute states twice, keep fewer")


@dataclass(frozen=True)
class AlignTrainer(TrainerConfig):
    """AdamW on clipped gradients; the stage `sft` has settings of its own, see the presets."""

    max_steps: int = setting(150, "steps to train at most; 0 leaves it to max_epochs", low=0)
    lr: float = setting(3e-4, "learning rate", above=0, high=1e30)
    optimizer: Literal["adam", "adamw", "sgd"] = setting("adamw", "optimiser of every group")
    clip_norm: float = setting(1.0, "largest norm of the gradient; 0 clips nothing", low=0)
    checkpoint_every: int = setting(0, "epochs between checkpoints; 0: only the last", low=0)


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """Responses to held-out prompts, before and after."""

    prompts: int = setting(256, "held-out prompts that are answered", low=1)
    shown: int = setting(8, "of these, shown side by side", low=0)
    temperature: float = setting(1.0, "of the responses", low=0)


@dataclass(frozen=True)
class DpoSettings(Settings):
    """Direct preference optimisation."""

    beta: float = setting(0.1, "strength of the pull to the reference", above=0)
    label_smoothing: float = setting(0.0, "chance that a label is wrong (cDPO)", low=0, below=0.5)
    length_normalize: bool = setting(False, "means over tokens instead of sums")


@dataclass(frozen=True)
class IpoSettings(Settings):
    """Identity preference optimisation."""

    tau: float = setting(0.1, "the gap of log-ratios aimed at is 1 / (2 tau)", above=0)
    length_normalize: bool = setting(
        True, "means over tokens (TRL); false: sums (formula, official DPO code)"
    )


@dataclass(frozen=True)
class CopgSettings(Settings):
    """Contrastive policy gradient."""

    beta: float = setting(0.05, "pull to the reference, on the scale of the grades", above=0)
    variant: Literal["gradient", "squared"] = setting(
        "gradient", "the loss of the policy gradient, or the square with 2 beta times its gradient"
    )


@dataclass(frozen=True)
class SlicSettings(Settings):
    """A hinge on log-ratios."""

    beta: float = setting(0.1, "scale of the log-ratios; the margin is 1", above=0)


@dataclass(frozen=True)
class SlicHfSettings(Settings):
    """A hinge on log-probabilities, with a pull to the best response."""

    delta: float = setting(1.0, "margin in nats", low=0)
    sft_weight: float = setting(0.1, "weight of the best response's log-probability", low=0)


@dataclass(frozen=True)
class KtoSettings(Settings):
    """Each response by itself, desirable or not."""

    beta: float = setting(0.1, "strength of the pull to the reference", above=0)
    weight_desirable: float = setting(1.0, "weight of desirable responses", low=0)
    weight_undesirable: float = setting(1.0, "weight of undesirable ones", low=0)


@dataclass(frozen=True)
class RrhfSettings(Settings):
    """Mean log-probabilities in the order of the grades."""

    sft_weight: float = setting(1.0, "weight of the best response's mean log-probability", low=0)


@dataclass(frozen=True)
class RankingSettings(Settings):
    """The likelihood of the whole order."""

    sft_weight: float = setting(0.0, "weight of the best response's mean log-probability", low=0)


@dataclass(frozen=True)
class LipoSettings(Settings):
    """Learning to rank."""

    beta: float = setting(0.05, "scale of the log-ratios", above=0)
    kind: Literal["lambda", "logistic", "hinge", "list_mle", "softmax", "mse", "sigmoid"] = setting(
        "lambda", "the ranking loss"
    )


@dataclass(frozen=True)
class IrpoSettings(Settings):
    """Each response against all others, by grade and place."""

    beta: float = setting(1.0, "scale of the mean log-ratios", above=0)
    variant: Literal["clean", "official", "paper"] = setting(
        "clean", "self term masked, as in the official code, or the paper's written sum"
    )


@dataclass(frozen=True)
class DnoSettings(Settings):
    """Regression onto differences of win rates."""

    eta: float = setting(0.1, "scale of the log-ratios", above=0)


@dataclass(frozen=True)
class DnoContrastiveSettings(Settings):
    """DPO on pairs with a large gap."""

    beta: float = setting(0.1, "strength of the pull to the reference", above=0)
    margin: float = setting(0.0, "least gap of the grades", low=0)
    floor: float = setting(0.0, "least grade of the winner")


@dataclass(frozen=True)
class FdivSettings(Settings):
    """Fine-tuning on the best response."""

    beta: float = setting(1.0, "scale of the log-ratio", above=0)
    phi: Literal[
        "total_variation", "pearson_chi2", "squared_hellinger", "jensen_shannon", "reverse_kl"
    ] = setting("total_variation", "concave function of the implicit reward (inferred)")


@dataclass(frozen=True)
class OwnSettings(Settings):
    """A function of your own on lists."""

    function: str = setting("", "as `module:function`, of a package or of the working folder")


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
