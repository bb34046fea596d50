"""MEOW as a recipe: its settings, its parts, its one stage. Imports no torch.

Heterogeneous Graph Contrastive Learning with Meta-path Contexts and Adaptively Weighted Negative
Samples, arXiv:2212.13847 (SDM 2023).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

from contrast.errors import ConfigError
from contrast.interfaces import Evaluation, Moment, Parts
from contrast.recipe import (
    ObjectivePart,
    Part,
    Recipe,
    RunConfig,
    Settings,
    Stage,
    TrainerConfig,
    setting,
)
from contrast_meow.form import Graph
from contrast_meow.memory import KEEP_UP_TO, give_back_large_blocks
from contrast_meow.presets import PRESETS

LABELLED = (20, 40, 60)


@dataclass(frozen=True)
class MovielensSettings(Settings):
    """MovieLens-100k from the installed recbole package."""

    min_ratings: int = setting(10, "ratings that a movie needs at least", low=1)
    labelled: tuple[int, ...] = setting(LABELLED, "training labels a class, one split each", low=1)
    validation: int = setting(200, "nodes to choose the probe's step by", low=1)


@dataclass(frozen=True)
class PublishedSettings(Settings):
    """A published graph with its splits: nothing to set."""


@dataclass(frozen=True)
class HeteroSettings(Settings):
    """Your own graph, in a folder that `contrast_meow.save_graph` wrote."""

    path: str = setting("graph", "folder with graph.json and graph.safetensors")
    target: str = setting("", "node type to embed; empty: the one that the meta-paths begin with")
    meta_paths: tuple[str, ...] = setting((), "paths such as movie>user>movie, one or more")
    labelled: tuple[int, ...] = setting(
        LABELLED, "training labels a class, where masks are absent", low=1
    )
    validation: float = setting(
        0.3, "share of the other labelled nodes to choose the probe's step by", above=0, below=1
    )


@dataclass(frozen=True)
class GraphSettings(Settings):
    """Graphs and masks; one value serves all meta-paths, else one for each."""

    feature_mask: float = setting(0.2, "share of non-zero features set to 0", low=0, below=1)
    edge_masks: tuple[float, ...] = setting((0.2,), "share of edges dropped", low=0, below=1)
    neighbours: tuple[int, ...] = setting((30,), "columns of largest PathSim kept a node", low=1)
    ties: Literal["auto", "random", "official", "larger_index", "next_index"] = setting(
        "auto",
        "who is kept among equal PathSim; auto: random, or official under reference=official",
    )
    cache: bool = setting(True, "keep cut graphs in the user's cache folder")

    def __post_init__(self) -> None:
        """Raises: ConfigError: a number out of range, or a list without any."""
        super().__post_init__()
        for item in fields(self):
            if getattr(self, item.name) == ():
                raise ConfigError(f"`sampler.{item.name}` needs at least one value")


@dataclass(frozen=True)
class SamplerSettings(GraphSettings):
    """Graphs, masks and clusters."""

    clusters: tuple[int, ...] = setting((100, 200), "clusters of each clustering", low=1)
    restarts: int = setting(5, "restarts of k-means, the best is kept", low=1)
    iterations: int = setting(20, "iterations of k-means", low=1)


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """The shared graph network and what feeds it."""

    width: int = setting(64, "width of every layer and of the embedding", low=1)
    projection: int = setting(64, "width of the views that are compared", low=1)
    dropout: float = setting(
        0.2, "dropout on inputs, contexts, layers and attention", low=0, below=1
    )
    drop_masked: bool = setting(True, "masked targets draw a dropout of their own")


@dataclass(frozen=True)
class MeowSettings(Settings):
    """Weighted contrast and prototypes."""

    temperature: float = setting(0.4, "temperature of the contrast and of the prototypes", above=0)
    prototype_weight: float = setting(1.0, "weight lambda of the prototype loss", low=0)


@dataclass(frozen=True)
class MeowTrainer(TrainerConfig):
    """Adam on the whole graph, until the loss has not fallen for `patience` epochs."""

    max_epochs: int = setting(200, "epochs to train at most, one step each", low=0)
    patience: int = setting(30, "epochs without a smaller loss before stopping; 0: never", low=0)


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """The official protocol: logistic regressions on the frozen embedding, and k-means."""

    embedding: Literal["auto", "eval", "training"] = setting(
        "auto",
        "eval: without dropout; training: that of the last training step, with it; "
        "auto: eval, or training under reference=official",
    )
    probe_lr: float = setting(0.03, "learning rate of the probe", above=0)
    probe_weight_decay: float = setting(0.0, "weight decay of the probe", low=0)
    probe_steps: int = setting(200, "full-batch Adam steps of the probe", low=1)
    probe_restarts: int = setting(50, "restarts of the probe", low=1)
    baseline_restarts: int = setting(10, "restarts of the probe on each baseline; 0: none", low=0)
    cluster_runs: int = setting(10, "runs of k-means for NMI and ARI; 0: none", low=0)


class MeowStage(Stage):
    """One full-graph step an epoch; the plain step of the engine."""

    official_figures = True  # whether those of the data are of this method

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """Data, sampler, encoder, objective; clusters only for an objective that needs them.

        Raises: ConfigError: the embedding of the last step is asked for, and the best weights.
        """
        refuse_best_of_training(config, self)
        data = config.build("data", at.shared("data"))
        if not self.official_figures:
            data = replace(data, official=None)
        if len(data) > KEEP_UP_TO:
            give_back_large_blocks()
        sampler = config.build(
            "sampler",
            data,
            generator=at.shared("sampler"),
            relates="clusters" in config.chosen["objective"].needs,
            remembers=scoring(config).embedding == "training",
            official=config.reference == "official",
        )
        compared = config.encoder.projection
        sizes = {**data.sizes(), "samples": len(data), "compared": compared}
        encoder, objective = self.build_modules(config, sizes)
        return Parts(data, sampler, encoder, objective, sizes)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The probe alone, with a tenth of the restarts."""
        from contrast_meow.evaluate import validate

        return validate(parts, scoring(config), at)

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Probe, clustering, the same probe on raw features and on an SVD, and who decided ties."""
        from contrast_meow.evaluate import evaluate

        return evaluate(parts, scoring(config), at)


def refuse_best_of_training(config: RunConfig, stage: Stage) -> None:
    """Raises: ConfigError: scores and weights would be of different epochs."""
    best = config.trainers[stage.name].restore_best
    if best and scoring(config).embedding == "training":
        raise ConfigError(
            "`evaluation.embedding=training`, which `reference=official` implies, is the embedding "
            "of the last step, and `trainer.restore_best` ends with the weights of another\n"
            "Set `trainer.restore_best=false`, as the official code picks no epoch, or "
            "`evaluation.embedding=eval`."
        )


def scoring(config: RunConfig) -> EvaluationSettings:
    """The settings of the evaluation with the embedding that the reference has."""
    if config.evaluation.embedding != "auto":
        return config.evaluation
    mode = "training" if config.reference == "official" else "eval"
    return replace(config.evaluation, embedding=mode)


DATA = (
    Part(
        "movielens",
        MovielensSettings,
        "contrast_meow.movielens:movielens",
        "798 movies by who liked and who disliked them; 3 genres; works offline",
    ),
    Part(
        "acm",
        PublishedSettings,
        "contrast_meow.published:acm",
        "4019 papers by author and by subject; 3 classes",
    ),
    Part(
        "dblp",
        PublishedSettings,
        "contrast_meow.published:dblp",
        "4057 authors by paper, conference and term; 4 classes",
    ),
    Part(
        "aminer",
        PublishedSettings,
        "contrast_meow.published:aminer",
        "6564 papers by author and reference, one-hot; 4 classes",
    ),
    Part(
        "imdb",
        PublishedSettings,
        "contrast_meow.published:imdb",
        "4275 films by actor, director and keyword; 3 classes",
    ),
    Part(
        "hetero",
        HeteroSettings,
        "contrast_meow.data:own_graph",
        "your own graph, written by contrast_meow.save_graph",
    ),
)
ENCODER = Part(
    "meow",
    EncoderSettings,
    "contrast_meow.encoder:MeowEncoder",
    "coarse and fine-grained view over one shared graph network",
    sizes=("features", "steps", "per_path"),
)
PROVIDES = frozenset(
    {"two_views", "sample_ids", "features", "steps", "per_path", "samples", "compared"}
)
TRANSDUCTIVE = (
    "MEOW embeds the nodes of the graph it was trained on: its layer norm and its graphs mix "
    "all of them, so new data would change every embedding. Train on the new graph instead."
)

MEOW = Recipe(
    name="meow",
    summary="Node embeddings of heterogeneous graphs from meta-path contexts, without labels.",
    paper="arXiv:2212.13847",
    gives=Graph,
    slots={
        "data": DATA,
        "sampler": (
            Part(
                "full_graph",
                SamplerSettings,
                "contrast_meow.sampler:MeowSampler",
                "the whole graph at every step, clustered anew on every forward",
            ),
        ),
        "encoder": (ENCODER,),
        "objective": (
            ObjectivePart(
                "meow",
                MeowSettings,
                "contrast_meow.objective:Meow",
                "InfoNCE with negatives weighted by clusters, and prototypes",
                "arXiv:2212.13847",
                reads=Graph,
                needs=frozenset({"two_views", "clusters"}),
                cost="O(N^2 (D + C)) time, O(N (D + C)) memory",
            ),
        ),
    },
    stages=(MeowStage(),),
    trainer=MeowTrainer,
    evaluation=EvaluationSettings,
    presets=PRESETS,
    provides=PROVIDES | {"clusters"},
    references=("paper", "official"),
    transductive=TRANSDUCTIVE,
)
