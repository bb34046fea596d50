"""Four toys: two stages, an acting sampler, alternating groups, a composed loss. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass

from contrast.forms import Lists, Views
from contrast.interfaces import Evaluation, Parts
from contrast.recipe import ObjectivePart, Part, Recipe, Settings, Stage, TrainerConfig, setting


@dataclass(frozen=True)
class BlobsConfig(Settings):
    samples: int = setting(48, "samples in all", low=4)
    classes: int = setting(3, "blobs", low=2)


@dataclass(frozen=True)
class ChainConfig(Settings):
    length: int = setting(5, "states of the chain", low=2)


@dataclass(frozen=True)
class BatchConfig(Settings):
    batch_size: int = setting(16, "samples a step", low=1)
    noise: float = setting(0.1, "of a view", low=0)


@dataclass(frozen=True)
class ExplorerConfig(Settings):
    episodes: int = setting(4, "episodes collected a step", low=1)


@dataclass(frozen=True)
class EncoderConfig(Settings):
    width: int = setting(8, "of the embedding", low=1)
    dropout: float = setting(0.1, "share of units dropped", low=0, below=1)


@dataclass(frozen=True)
class AlignConfig(Settings):
    power: float = setting(2.0, "of the distance", above=0)


@dataclass(frozen=True)
class ChoiceConfig(Settings):
    smoothing: float = setting(0.0, "of the labels", low=0, below=1)


@dataclass(frozen=True)
class ToyTrainer(TrainerConfig):
    max_epochs: int = setting(4, "epochs to train", low=0)
    checkpoint_every: int = setting(1, "epochs between checkpoints", low=0)
    lr: float = setting(0.01, "learning rate", above=0)


@dataclass(frozen=True)
class ComposedTrainer(ToyTrainer):
    contrast_weight: float = setting(0.5, "of the contrastive term", low=0)


class Represent(Stage):
    name = "represent"

    def sizes(self, data, sampler):
        return {"inputs": data.x.shape[1], "classes": data.classes}

    def evaluate(self, parts, config, at):
        z = next(iter(parts.encoder.embed(parts.data.x.to(parts.encoder.dtype)).values()))
        return Evaluation(metrics={"spread": float(z.std())})


class Probe(Represent):
    """Trains the head alone, on the embedding that the stage before has learnt."""

    name = "probe"

    def build(self, config, earlier, at):
        before = earlier["represent"]
        return Parts(before.data, before.sampler, before.encoder, before.objective, before.sizes)

    def groups(self, parts):
        return {"head": list(parts.encoder.head.parameters())}

    def step(self, batch, work):
        from torch.nn.functional import cross_entropy

        z = work.encode(batch).z[0].detach()
        work.descend(cross_entropy(work.parts.encoder.head(z), batch.labels))


class Explore(Stage):
    """Collect with the policy that is being learnt, fit on what was met, plan on the fit."""

    def sizes(self, data, sampler):
        return {"states": data.length}

    def step(self, batch, work):
        for _ in range(2):  # fit
            work.descend(work.contrast(work.encode(batch)))
        work.log(value=work.parts.sampler.plan(work.parts.encoder))

    def evaluate(self, parts, config, at):
        return Evaluation(metrics={"regret": parts.sampler.regret})


class Alternate(Represent):
    """Three updates a step: encoder, augmenter against it, then the encoder again."""

    name = "alternate"

    def groups(self, parts):
        encoder = parts.encoder
        body = [*encoder.body.parameters(), *encoder.head.parameters()]
        return {"encoder": body, "augmenter": list(encoder.augmenter.parameters())}

    def optimizer(self, group, parameters, trainer):
        from torch.optim import SGD

        if group == "augmenter":
            return SGD(parameters, lr=trainer.lr, momentum=0.9)
        return super().optimizer(group, parameters, trainer)

    def step(self, batch, work):
        work.descend(work.contrast(work.encode(batch)), "encoder")
        work.descend(-work.contrast(work.encode(batch)), "augmenter")
        work.descend(work.contrast(work.encode(batch)), "encoder")


class Composed(Represent):
    name = "composed"

    def step(self, batch, work):
        from torch.nn.functional import cross_entropy

        form, encoder = work.encode(batch), work.parts.encoder
        work.descend(
            {
                "task": cross_entropy(encoder.head(form.z[0]), form.labels),
                "contrast": work.trainer.contrast_weight * work.contrast(form),
                "penalty": 1e-3 * form.z.square().mean(),
            }
        )


ALIGN = ObjectivePart(
    "align", AlignConfig, "contrast_toys.parts:Align", "pull two views together", reads=Views
)
LABELLED = ObjectivePart(
    "labelled",
    AlignConfig,
    "contrast_toys.parts:Align",
    reads=Views,
    needs=frozenset({"reference"}),
)
STATEFUL = ObjectivePart(
    "stateful", AlignConfig, "contrast_toys.parts:Align", reads=Views, per_sample_state=True
)
CHOICE = ObjectivePart("choice", ChoiceConfig, "contrast_toys.parts:Choice", reads=Lists)
BLOBS = {
    "data": (Part("blobs", BlobsConfig, "contrast_toys.parts:make_blobs"),),
    "sampler": (Part("views", BatchConfig, "contrast_toys.parts:ViewSampler"),),
    "encoder": (
        Part("mlp", EncoderConfig, "contrast_toys.parts:Encoder", sizes=("inputs", "classes")),
    ),
    "objective": (ALIGN, LABELLED, STATEFUL),
}
PRESETS = {"blobs": {"objective": {"power": 1.5}, "sampler": {"noise": 0.2}}}
CHAIN = {
    "data": (Part("chain", ChainConfig, "contrast_toys.parts:Chain"),),
    "sampler": (Part("explorer", ExplorerConfig, "contrast_toys.parts:Explorer"),),
    "encoder": (Part("table", EncoderConfig, "contrast_toys.parts:Policy", sizes=("states",)),),
    "objective": (CHOICE,),
}


def toy(name, stages, slots=BLOBS, gives=Views, trainer=ToyTrainer, contrasts=1):
    return Recipe(
        name=name,
        summary=f"The toy `{name}`.",
        paper="https://example.org/toys",
        gives=gives,
        slots=slots,
        stages=stages,
        trainer=trainer,
        provides=frozenset({"two_views", "labels", "sample_ids"}),
        contrasts_per_step=contrasts,
        presets=PRESETS if slots is BLOBS else {},
    )


STAGES = toy("stages", (Represent(), Probe()))
EXPLORE = toy("explore", (Explore(),), CHAIN, Lists, contrasts=2)
ALTERNATE = toy("alternate", (Alternate(),), contrasts=3)
COMPOSED = toy("composed", (Composed(),), trainer=ComposedTrainer)
