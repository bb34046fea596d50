"""The settings of alignment, by part. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.errors import ConfigError
from contrast.recipe import Settings, TrainerConfig, setting


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
