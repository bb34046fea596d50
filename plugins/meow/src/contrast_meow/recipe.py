"""MEOW as a recipe: its settings, its parts, its presets, its one stage. Imports no torch.

Heterogeneous Graph Contrastive Learning with Meta-path Contexts and Adaptively Weighted Negative
Samples, arXiv:2212.13847 (SDM 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
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

LABELLED = (20, 40, 60)


@dataclass(frozen=True)
class MovielensSettings(Settings):
    """MovieLens-100k from the installed recbole package."""

    min_ratings: int = setting(10, "ratings that a movie needs at least", low=1)
    labelled: tuple[int, ...] = setting(LABELLED, "training labels a class, one split each", low=1)
    validation: int = setting(200, "nodes to choose the probe's step by", low=1)


@dataclass(frozen=True)
class AcmSettings(Settings):
    """ACM papers with their published splits."""


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
class SamplerSettings(Settings):
    """Graphs, masks and clusters; one value serves all meta-paths, else one for each."""

    feature_mask: float = setting(0.2, "share of non-zero features set to 0", low=0, below=1)
    edge_masks: tuple[float, ...] = setting((0.2,), "share of edges dropped", low=0, below=1)
    neighbours: tuple[int, ...] = setting((30,), "columns of largest PathSim kept a node", low=1)
    clusters: tuple[int, ...] = setting((100, 200), "clusters of each clustering", low=1)
    restarts: int = setting(5, "restarts of k-means, the best is kept", low=1)
    iterations: int = setting(20, "iterations of k-means", low=1)
    cache: bool = setting(True, "keep cut graphs in the user's cache folder")

    def __post_init__(self) -> None:
        """Raises: ConfigError: a number out of range, or a list without any."""
        super().__post_init__()
        for name in ("edge_masks", "neighbours", "clusters"):
            if not getattr(self, name):
                raise ConfigError(f"`sampler.{name}` needs at least one value")


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """The shared graph network and what feeds it."""

    width: int = setting(64, "width of every layer and of the embedding", low=1)
    dropout: float = setting(
        0.2, "dropout on inputs, contexts, layers and attention", low=0, below=1
    )


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

    embedding: Literal["eval", "training"] = setting(
        "eval", "eval: without dropout; training: with it, as the official code has it"
    )
    probe_lr: float = setting(0.03, "learning rate of the probe", above=0)
    probe_weight_decay: float = setting(0.0, "weight decay of the probe", low=0)
    probe_steps: int = setting(200, "full-batch Adam steps of the probe", low=1)
    probe_restarts: int = setting(50, "restarts of the probe", low=1)
    baseline_restarts: int = setting(10, "restarts of the probe on each baseline; 0: none", low=0)
    cluster_runs: int = setting(10, "runs of k-means for NMI and ARI; 0: none", low=0)


class MeowStage(Stage):
    """One full-graph step an epoch; the plain step of the engine."""

    def build(self, config: RunConfig, earlier: dict[str, Parts], at: Moment) -> Parts:
        """Data, sampler, encoder, objective; clusters only for an objective that reads them."""
        relates = issubclass(config.chosen["objective"].reads, Graph)
        data = config.build("data", at.shared("data"))
        sampler = config.build("sampler", data, generator=at.shared("sampler"), relates=relates)
        sizes = {**data.sizes(), "samples": len(data)}
        encoder, objective = self.build_modules(config, sizes)
        return Parts(data, sampler, encoder, objective, sizes)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The probe alone, with a tenth of the restarts."""
        from contrast_meow.evaluate import validate

        return validate(parts, config.evaluation, at)

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Probe, clustering, and the same probe on raw features and on an SVD."""
        from contrast_meow.evaluate import evaluate

        return evaluate(parts, config.evaluation, at)


MEOW = Recipe(
    name="meow",
    summary="Node embeddings of heterogeneous graphs from meta-path contexts, without labels.",
    paper="arXiv:2212.13847",
    gives=Graph,
    slots={
        "data": (
            Part(
                "movielens",
                MovielensSettings,
                "contrast_meow.movielens:movielens",
                "798 movies by who liked and who disliked them; 3 genres; works offline",
            ),
            Part(
                "acm",
                AcmSettings,
                "contrast_meow.acm:acm",
                "4019 papers by author and by subject; 3 classes",
            ),
            Part(
                "hetero",
                HeteroSettings,
                "contrast_meow.data:own_graph",
                "your own graph, written by contrast_meow.save_graph",
            ),
        ),
        "sampler": (
            Part(
                "full_graph",
                SamplerSettings,
                "contrast_meow.sampler:MeowSampler",
                "the whole graph at every step, clustered anew on every forward",
            ),
        ),
        "encoder": (
            Part(
                "meow",
                EncoderSettings,
                "contrast_meow.encoder:MeowEncoder",
                "coarse and fine-grained view over one shared graph network",
                sizes=("features", "steps"),
            ),
        ),
        "objective": (
            ObjectivePart(
                "meow",
                MeowSettings,
                "contrast_meow.objective:Meow",
                "InfoNCE with negatives weighted by clusters, and prototypes",
                "arXiv:2212.13847",
                reads=Graph,
                needs=frozenset({"two_views"}),
                cost="O(N^2 (D + C)) time, O(N^2) memory",
            ),
        ),
    },
    stages=(MeowStage(),),
    trainer=MeowTrainer,
    evaluation=EvaluationSettings,
    presets={
        "movielens": {
            "sampler": {"neighbours": (30,), "edge_masks": (0.2,), "clusters": (100, 200)},
            "objective": {"temperature": 0.4, "prototype_weight": 1.0},
            "trainer": {"lr": 1e-3, "patience": 30, "threads": 1},  # a second one gains nothing
            "evaluation": {"probe_lr": 0.03},
        },
        "acm": {
            "sampler": {
                "feature_mask": 0.3,
                "edge_masks": (0.3, 0.2),
                "neighbours": (110, 700),
                "clusters": (100, 300),
            },
            "objective": {"temperature": 0.4, "prototype_weight": 1.0},
            "trainer": {"lr": 7e-4, "patience": 30, "max_epochs": 100},
            "evaluation": {"probe_lr": 0.03},
        },
    },
    provides=frozenset({"two_views", "sample_ids", "features", "steps", "samples"}),
    transductive=(
        "MEOW embeds the nodes of the graph it was trained on: its layer norm and its graphs mix "
        "all of them, so new data would change every embedding. Train on the new graph instead."
    ),
)
