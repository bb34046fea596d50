"""Settings of the toy, and how they bind its parts. Importable without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contrast.forms import Views
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

if TYPE_CHECKING:
    from contrast.interfaces import Evaluation, Moment, Parts

PARTS = "contrast.testing.toy.parts"


@dataclass(frozen=True)
class BlobsConfig(Settings):
    """Points drawn around a few centres."""

    samples: int = setting(96, "points to draw", low=2)
    classes: int = setting(3, "centres", low=1)
    features: int = setting(8, "width of a point", low=1)
    spread: float = setting(0.5, "standard deviation around a centre", low=0)


@dataclass(frozen=True)
class TableConfig(Settings):
    """Points of your own."""

    path: str = setting("", "table of numbers, one row a point; columns `id` and `label` optional")


@dataclass(frozen=True)
class TwoViewsConfig(Settings):
    """Batches of points, each seen twice."""

    batch_size: int = setting(32, "points a batch", low=1)
    jitter: float = setting(0.3, "standard deviation of a view around its point", low=0)


@dataclass(frozen=True)
class MlpConfig(Settings):
    """A perceptron with one hidden layer."""

    hidden: int = setting(16, "width of the hidden layer", low=1)
    width: int = setting(8, "width of the embedding", low=1)


@dataclass(frozen=True)
class AgreementConfig(Settings):
    """Both views of a point must find one another."""

    temperature: float = setting(0.5, "temperature of the cosine similarity", above=0)


@dataclass(frozen=True)
class ToyTrainer(TrainerConfig):
    """The loop, with defaults that finish in a second."""

    max_epochs: int = setting(5, "epochs to train at most; 0 trains nothing", low=0)
    lr: float = setting(1e-2, "learning rate", above=0)
    checkpoint_every: int = setting(1, "epochs between checkpoints; 0: only the last", low=0)


@dataclass(frozen=True)
class KnnConfig(Settings):
    """Nearest neighbours on the embeddings, half of the points against the other half."""

    neighbours: int = setting(5, "neighbours that vote", low=1)


class ToyStage(Stage):
    """The plain stage, which needs to know no more than how wide a point is."""

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """The width of a point, for the encoder; the number of points, for objectives."""
        return {"features": data.x.shape[1], "samples": len(data.x)}

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """Accuracy of nearest neighbours on the embeddings and on the points themselves."""
        from contrast.testing.toy.evaluate import evaluate

        return evaluate(parts, config.evaluation.neighbours)


TOY = Recipe(
    name="toy",
    summary="two noisy views of points around a few centres",
    paper="arXiv:1807.03748 (InfoNCE)",
    gives=Views,
    slots={
        "data": (
            Part("blobs", BlobsConfig, f"{PARTS}:make_blobs", "points around a few centres"),
            Part("table", TableConfig, f"{PARTS}:read_points", "points of your own"),
        ),
        "sampler": (Part("two_views", TwoViewsConfig, f"{PARTS}:TwoViews", "each point twice"),),
        "encoder": (
            Part("mlp", MlpConfig, f"{PARTS}:Mlp", "one hidden layer", sizes=("features",)),
        ),
        "objective": (
            ObjectivePart(
                "agreement",
                AgreementConfig,
                f"{PARTS}:Agreement",
                "InfoNCE both ways",
                reads=Views,
                needs=frozenset({"two_views"}),
                cost="O(N² D)",
            ),
        ),
    },
    stages=(ToyStage(),),
    trainer=ToyTrainer,
    evaluation=KnnConfig,
    presets={"table": {"trainer": {"max_epochs": 20}}},
    provides=frozenset({"two_views", "sample_ids", "features", "samples"}),
)
