"""The parts: what sampler, encoder and objective promise one another, at untrained weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from contrast.config import resolve
from contrast.engine.evaluating import evaluating
from contrast.engine.state import load_tree, save_tree
from contrast.errors import ContrastError
from contrast.forms import Form
from contrast.testing.checks.built import Built, build_stages
from contrast.testing.equality import equal

STEPS = 3


class PartsChecks:
    """Tests of the parts of every stage; the stages before it are built and left untrained."""

    plugin: str

    def test_one_moment_is_drawn_twice_alike(self, overrides: list[str]) -> None:
        """`draw` depends on the moment and the sampler's state, and on nothing else."""
        for built in build_stages(self.plugin, overrides):
            first, second = (built.parts.sampler.draw(built.at(0)) for _ in range(2))
            assert equal(first, second), f"stage `{built.stage.name}` drew two different batches"

    def test_the_samples_of_a_batch_have_names(self, overrides: list[str]) -> None:
        """`ids` gives numbers or texts, by which an error can point at samples."""
        for built in build_stages(self.plugin, overrides):
            ids = built.parts.sampler.ids(built.draw(0))
            assert ids, "a batch names no sample"
            assert all(isinstance(item, (int, str)) for item in ids)

    def test_the_encoder_gives_the_form_that_the_recipe_states(self, overrides: list[str]) -> None:
        """What the encoder gives, before and after `relate`, is a `recipe.gives`."""
        for built in contrasting(build_stages(self.plugin, overrides)):
            batch, gives = built.draw(0), built.config.recipe.gives
            assert isinstance(built.parts.encoder(batch), gives)
            form = built.work(0).encode(batch)
            assert isinstance(form, gives)
            assert len(form) > 0
            assert not holds_nan(form), "the encoder gives NaN"

    def test_the_objective_gives_a_finite_scalar(self, overrides: list[str]) -> None:
        """A scalar, or named scalars that sum to it."""
        for built in contrasting(build_stages(self.plugin, overrides)):
            work = built.work(0)
            loss = work.contrast(work.encode(built.draw(0)))
            assert loss.shape == (), f"the loss has shape {tuple(loss.shape)}"
            assert loss.isfinite(), f"the loss is {loss.item()}"

    def test_gradients_are_finite_and_reach_every_parameter(self, overrides: list[str]) -> None:
        """Whatever requires a gradient gets one within a few steps, or says that it needs none."""
        for built in build_stages(self.plugin, overrides):
            groups = built.groups()
            for step in range(STEPS):
                built.step(step, groups)
            reached = {id(p) for group in groups.values() for p in group.reached}
            assert all(group.finite for group in groups.values()), "a gradient is not finite"
            missed = [name for name, p in built.parameters() if id(p) not in reached]
            assert not missed, (
                f"no gradient in {STEPS} steps of stage `{built.stage.name}` for: {missed}; "
                "use them, or call `requires_grad_(False)`"
            )

    def test_parts_work_in_evaluation_mode(self, overrides: list[str]) -> None:
        """Validation may ask for the loss: no gradient, no random layer, no change of mode."""
        for built in contrasting(build_stages(self.plugin, overrides)):
            with evaluating(built.parts, built.at(0)):
                work = built.work(0)
                loss = work.contrast(work.encode(built.draw(0)))
            assert loss.isfinite(), f"the loss is {loss.item()} in evaluation mode"
            assert not loss.requires_grad, "the loss of a block without gradients has one"
            assert all(module.training for module in built.parts.modules().values())

    @pytest.mark.parametrize("precision", ["float32", "float64"])
    def test_a_step_keeps_its_precision(self, overrides: list[str], precision: str) -> None:
        """Encoder and objective work in float32 and in float64, and the loss is no narrower."""
        wanted = getattr(torch, precision)
        for built in build_stages(self.plugin, [*overrides, f"trainer.precision={precision}"]):
            loss = built.step(0, built.groups())
            assert torch.promote_types(loss.dtype, wanted) == loss.dtype, f"loss: {loss.dtype}"
            assert loss.isfinite(), f"the loss is {loss.item()}"

    def test_embeddings_have_one_named_row_a_sample(self, overrides: list[str]) -> None:
        """A sweep sees every sample once, in one order; evaluation needs no gradient."""
        for built in build_stages(self.plugin, overrides):
            (ids, arrays), (again, repeated) = built.sweep(), built.sweep()
            assert len(set(ids)) == len(ids), "a sweep must see each sample once"
            assert ids == again
            assert equal(arrays, repeated), "embedding twice gives two results"
            assert arrays, "`embed` gives no embedding"
            for name, z in arrays.items():
                assert z.ndim == 2, f"`{name}` has shape {tuple(z.shape)}, expected (N, D)"
                assert len(z) == len(ids), f"`{name}` has {len(z)} rows for {len(ids)} ids"
                assert z.is_floating_point()
                assert z.isfinite().all(), f"`{name}` holds NaN or infinity"
                assert not z.requires_grad

    def test_a_batch_of_one_sample_is_defined_or_refused(self, overrides: list[str]) -> None:
        """One sample gives a finite loss, or an error with a message; never NaN."""
        config = resolve(self.plugin, overrides).config
        if not hasattr(config.sampler, "batch_size"):
            pytest.skip("the sampler has no `batch_size`")
        try:
            for built in build_stages(self.plugin, [*overrides, "sampler.batch_size=1"]):
                assert built.step(0, built.groups()).isfinite(), "one sample gives no finite loss"
        except (ContrastError, ValueError) as refusal:
            if not str(refusal):
                raise

    def test_a_restored_sampler_draws_as_the_one_that_was_saved(
        self, overrides: list[str], tmp_path: Path
    ) -> None:
        """`state_dict` survives the disk, and is all that a new sampler needs."""
        pairs = zip(*(build_stages(self.plugin, overrides) for _ in range(2)), strict=True)
        for old, new in pairs:
            groups = old.groups()
            for step in range(STEPS):
                old.step(step, groups)
            save_tree(old.parts.sampler.state_dict(), tmp_path / old.stage.name)
            for name, module in old.parts.modules().items():
                new.parts.modules()[name].load_state_dict(module.state_dict())
            new.parts.sampler.load_state_dict(load_tree(tmp_path / old.stage.name))
            assert equal(old.draw(STEPS), new.draw(STEPS))


def contrasting(stages: list[Built]) -> list[Built]:
    """The stages that have an objective; one that only fits or collects has none."""
    return [built for built in stages if built.parts.objective is not None]


def holds_nan(form: Form) -> bool:
    """Whether a number of a form is NaN; an infinity may be a mask."""
    return any(bool((value != value).any()) for _, value, _ in form.tensors())
