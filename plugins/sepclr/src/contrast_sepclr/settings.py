"""The settings of SepCLR, by part. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.recipe import Settings, TrainerConfig, setting


@dataclass(frozen=True)
class MadeSettings(Settings):
    """Images put together from public ones."""

    train: int = setting(2000, "training images of each group", low=2)
    test: int = setting(1000, "test images of each group", low=2)
    judged_on: Literal["test", "valid"] = setting(
        "test", "valid: a fifth of the training images is held out and the test left alone"
    )


@dataclass(frozen=True)
class StripSettings(MadeSettings):
    """Two digits side by side; the right one stands only in targets."""

    digits: Literal["sklearn", "mnist"] = setting("sklearn", "sklearn's need no download")


@dataclass(frozen=True)
class SpritesSettings(StripSettings):
    """A drawn sprite on a grid of four digits; the grid alone is the background."""


@dataclass(frozen=True)
class OwnSettings(Settings):
    """What your own data have in common."""

    test_share: float = setting(0.25, "share of each group to test on", above=0, below=1)


@dataclass(frozen=True)
class FoldersSettings(OwnSettings):
    """Two folders of images; names of subfolders of the target become its classes."""

    background: str = setting("", "folder of the images that lack what is looked for")
    target: str = setting("", "folder of the images that have it")
    side: int = setting(64, "images are resized to this many pixels each way", low=8, high=512)


@dataclass(frozen=True)
class TableSettings(OwnSettings):
    """One table with a row a sample: a .tsv, .csv, .parquet, .jsonl or .h5ad file."""

    path: str = setting("", "the table; of .h5ad, `obs` holds groups and covariates")
    group: str = setting("group", "column that says who is a control")
    control: str = setting("control", "value of `group` that means the background")
    subject: str = setting("", "column whose equal rows stay on one side of the split")
    covariates: tuple[str, ...] = setting((), "columns to be found in the spaces, not learnt from")


@dataclass(frozen=True)
class VolumesSettings(TableSettings):
    """NIfTI volumes that a table lists."""

    file: str = setting("file", "column with the path of each volume, relative to the table")
    side: int = setting(32, "volumes are resampled to this many voxels each way", low=8, high=128)


@dataclass(frozen=True)
class SamplerSettings(Settings):
    """Batches of both groups."""

    batch_size: int = setting(256, "samples a batch; fewer where there are fewer", low=2)
    mix: Literal["natural", "balanced"] = setting(
        "natural", "shares of the groups as in the data, or half and half whatever their sizes"
    )


@dataclass(frozen=True)
class SpaceSettings(Settings):
    """Sizes of the two spaces."""

    common_width: int = setting(32, "width of the common space", low=1)
    salient_width: int = setting(32, "width of the salient space", low=1)


@dataclass(frozen=True)
class WidthSettings(SpaceSettings):
    """Sizes of the two spaces, and of what the loss sees of them."""

    projection: int = setting(128, "hidden units of the projectors", low=1)


@dataclass(frozen=True)
class MlpSettings(WidthSettings):
    """Two perceptrons of two hidden layers."""

    hidden: int = setting(256, "units of both hidden layers", low=1)
    noise: float = setting(0.1, "deviation of the noise of a view", low=0)
    masked: float = setting(0.2, "share of a table's numbers that a view lacks", low=0, below=1)


@dataclass(frozen=True)
class PhotoSettings(WidthSettings):
    """Two convolutional networks over photos that are cropped, flipped and recoloured."""

    crop_from: float = setting(0.2, "least share of the area that a crop keeps", above=0, high=1)
    crop_side: int = setting(0, "pixels of a crop each way; 0: as many as the image", low=0)
    flip: bool = setting(True, "mirror half of the views")
    colour: bool = setting(True, "jitter colours, and drop them now and then")


@dataclass(frozen=True)
class PlaceSettings(SpaceSettings):
    """Two five-layer networks that know places, without projectors."""

    channels: int = setting(
        32,
        "channels of the first layer, half as many in each next, 32 at least; paper: 512",
        low=32,
    )
    noise: float = setting(0.1, "deviation of the noise of a view", low=0)


@dataclass(frozen=True)
class VolumeSettings(WidthSettings):
    """Two small 3-D networks."""

    noise: float = setting(0.1, "deviation of the noise of a view", low=0)


@dataclass(frozen=True)
class SepclrSettings(Settings):
    """The four terms of SepCLR."""

    salient_weight: float = setting(1000.0, "beta_s, of the salient term", low=0)
    informationless_weight: float = setting(
        1000.0, "beta_r, of the constraint that the background has no salient part", low=0
    )
    leakage_weight: float = setting(10.0, "lambda, of the term that keeps spaces apart", low=0)
    mi_term: Literal["jem", "none", "kmi", "vclub", "vub", "vl1out", "tc", "mmd"] = setting(
        "jem", "what keeps them apart: the paper's k-JEM, or one it is compared with"
    )
    tau: float = setting(0.5, "half the squared bandwidth of all kernels", above=0)
    uniform_factor: float = setting(2.0, "weight of uniformity beside alignment", low=0)
    inner_lr: float = setting(1e-3, "learning rate of an estimator that is fitted", above=0)
    inner_steps: int = setting(1, "its steps within one step", low=1)


@dataclass(frozen=True)
class SupervisedSettings(Settings):
    """The supervised variant: a salient dimension for each attribute of the targets."""

    salient_weight: float = setting(100.0, "of the salient term", low=0)
    leakage_weight: float = setting(10.0, "lambda, of k-JEM", low=0)
    tau: float = setting(0.5, "half the squared bandwidth of all kernels on embeddings", above=0)


@dataclass(frozen=True)
class SepclrTrainer(TrainerConfig):
    """Adam at the paper's rate."""

    max_epochs: int = setting(250, "epochs to train at most; 0 trains nothing", low=0)
    lr: float = setting(3e-4, "learning rate", above=0, high=1e30)


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """The probes."""

    probe_max_iter: int = setting(100, "iterations of a logistic regression at most", low=1)
    neighbours: int = setting(5, "neighbours shown of each query", low=1, high=12)
