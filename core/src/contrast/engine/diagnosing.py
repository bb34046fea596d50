"""A look at a trained stage's last batch: how hard are the negatives that carry the gradient?

Its own random state, evaluation mode and no gradients: nothing of it reaches training.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from torch import Tensor

from contrast.engine.evaluating import evaluating
from contrast.engine.loop import Loop, moment
from contrast.evaluation.diagnostics import diagnose
from contrast.forms import Form, Pairs, Views
from contrast.objectives.temperature import Temperature
from contrast.reporting import save_diagnosis

USUAL_TEMPERATURE = 0.1  # of an objective that has none


def diagnose_stage(loop: Loop) -> None:
    """Write a diagnosis of the batch that was contrasted last, if its form is one of pairs.

    It is encoded anew, and gathered from all ranks as the objective saw it, but not related by the
    sampler: that may change what the sampler remembers.
    """
    reads = loop.config.chosen["objective"].reads
    if loop.work is None or loop.work.contrasted is None or not issubclass(reads, Views | Pairs):
        return
    at = moment(loop.stage, loop.config, loop.parts, loop.world, loop.step, "diagnostics")
    with evaluating(loop.parts, at):
        form = loop.work.look(loop.work.contrasted)
        pairs = pairs_of(form)
        if pairs is None or not loop.world.leads:
            return
        own = temperature_of(loop.parts.objective)
        found = diagnose(
            pairs,
            temperature=own or USUAL_TEMPERATURE,
            generator=at.shared("pairs"),
            labels=classes_of(form),
        )
    found = replace(found, assumed=own is None)
    save_diagnosis(found, loop.folder.path, loop.stage.name)


def pairs_of(form: Form) -> Pairs | None:
    """The form as aligned or related pairs: `Pairs`, or `Views` of two; None of any other."""
    if isinstance(form, Views) and form.z.ndim == 3 and len(form.z) == 2:
        return form.lower()
    if not isinstance(form, Pairs) or form.anchors.ndim != 2 or form.candidates.ndim != 2:
        return None
    aligned = form.positives is not None or len(form.anchors) <= len(form.candidates)
    return form if aligned and form.anchors.shape[1] == form.candidates.shape[1] else None


def classes_of(form: Form) -> Tensor | None:
    """The class of each sample, None where the form does not know them."""
    labels = form.labels if isinstance(form, Views) else None
    return None if labels is None or labels.is_floating_point() or labels.ndim != 1 else labels


def temperature_of(objective: Any) -> float | None:
    """The one temperature that an objective has as its attribute, None where it has no such."""
    value = getattr(objective, "temperature", None)
    if isinstance(value, Temperature):
        value = value()
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    usable = isinstance(value, (int, float)) and isfinite(value) and value > 0
    return float(value) if usable else None
