"""SepCLR as a recipe: parts and presets. Imports no torch.

SepCLR, arXiv:2402.11928: what two sets have in common, and what only the target set has.
"""

from __future__ import annotations

from contrast.recipe import ObjectivePart, Part, Recipe
from contrast_sepclr import settings
from contrast_sepclr.form import Spaces
from contrast_sepclr.stage import SeparateStage

PAPER = "arXiv:2402.11928"

DATA = (
    Part(
        "strip",
        settings.StripSettings,
        "contrast_sepclr.strip:strip",
        "two digits side by side, the right one in targets only; works offline",
    ),
    Part(
        "cifar",
        settings.MadeSettings,
        "contrast_sepclr.overlaid:mnist_over_cifar",
        "CIFAR-10 photos, in targets with an MNIST digit laid over",
    ),
    Part(
        "sprites",
        settings.SpritesSettings,
        "contrast_sepclr.sprites:sprites",
        "a grid of digits, in targets with a drawn sprite whose factors are known; works offline",
    ),
    Part(
        "folders",
        settings.FoldersSettings,
        "contrast_sepclr.folders:folders",
        "two folders of images",
    ),
    Part(
        "table",
        settings.TableSettings,
        "contrast_sepclr.table:table",
        "one table, controls in a column",
    ),
    Part("volumes", settings.VolumesSettings, "contrast_sepclr.volumes:volumes", "NIfTI volumes"),
)
SIZES = ("shape", "kind")
ENCODERS = (
    Part(
        "mlp", settings.MlpSettings, "contrast_sepclr.encoder:mlp", "two perceptrons", sizes=SIZES
    ),
    Part(
        "conv",
        settings.PhotoSettings,
        "contrast_sepclr.encoder:conv",
        "two four-layer nets",
        sizes=SIZES,
    ),
    Part(
        "resnet18",
        settings.PhotoSettings,
        "contrast_sepclr.encoder:resnet18",
        "two ResNet-18 of 3 x 3 stem without pooling, as in the paper",
        sizes=SIZES,
    ),
    Part(
        "conv5",
        settings.PlaceSettings,
        "contrast_sepclr.encoder:conv5",
        "two five-layer nets that know places, as in the paper on sprites",
        sizes=SIZES,
    ),
    Part(
        "conv3d",
        settings.VolumeSettings,
        "contrast_sepclr.encoder:conv3d",
        "two small 3-D nets",
        sizes=SIZES,
    ),
)
MILD = {"salient_weight": 1.0, "informationless_weight": 10.0}
QUICK = {"lr": 1e-3, "max_epochs": 15}
OWN = {"objective": MILD, "trainer": {"lr": 1e-3, "max_epochs": 100}}
BALANCED = {"mix": "balanced"}

SEPCLR = Recipe(
    name="sepclr",
    summary="What two sets have in common, and what only the target set has.",
    paper=PAPER,
    gives=Spaces,
    slots={
        "data": DATA,
        "sampler": (
            Part(
                "groups",
                settings.SamplerSettings,
                "contrast_sepclr.sampler:GroupSampler",
                "both groups",
            ),
        ),
        "encoder": ENCODERS,
        "objective": (
            ObjectivePart(
                "sepclr",
                settings.SepclrSettings,
                "contrast_sepclr.objective:SepCLR",
                "alignment, uniformity, an empty salient space of the background, k-JEM",
                PAPER,
                sizes=("common_width", "salient_width"),
                reads=Spaces,
                needs=frozenset({"two_views"}),
                cost="O(N^2 (Dc + Ds)) time, O(N (Dc + Ds)) memory",
            ),
            ObjectivePart(
                "supervised",
                settings.SupervisedSettings,
                "contrast_sepclr.supervised:SupervisedSepCLR",
                "what is known of targets alone is learnt, a salient dimension each",
                PAPER,
                sizes=("categorical",),
                reads=Spaces,
                needs=frozenset({"two_views", "attributes"}),
                cost="O(N^2 (Dc + Ds)) time, O(N^2) memory",
            ),
        ),
    },
    stages=(SeparateStage(),),
    trainer=settings.SepclrTrainer,
    evaluation=settings.EvaluationSettings,
    presets={
        "strip": {"objective": MILD, "trainer": QUICK},
        "cifar": {
            "data": {"train": 25_000, "test": 500},
            "sampler": {"batch_size": 512},
            "encoder": {"name": "resnet18", "crop_side": 24},
        },
        "sprites": {
            "encoder": {"name": "conv5", "salient_width": 5},
            "objective": {"name": "supervised"},
            "trainer": QUICK,
        },
        "folders": {"encoder": {"name": "conv", "crop_from": 0.5}, "sampler": BALANCED, **OWN},
        "table": {"sampler": BALANCED, **OWN},
        "volumes": {"encoder": {"name": "conv3d"}, "sampler": BALANCED, **OWN},
    },
    transductive=(
        "New samples are read by the sizes and scales of the run's own: "
        "`contrast neighbours RUN NEW`, or `contrast_sepclr.Analysis`."
    ),
    provides=frozenset(
        {"two_views", "sample_ids", "samples", "common_width", "salient_width"}
        | {"attributes", "categorical"}
    ),
)
