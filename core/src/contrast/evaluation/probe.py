"""Linear probe of frozen embeddings: many logistic regressions trained as one.

The protocol of HeCo and MEOW (arXiv:2212.13847, official code): per split, R regressions that
differ in their random start, full-batch Adam, and the test score of the step that is best on
validation. All restarts share one matrix product per step, and the test part is looked at once,
with the weights kept from the best steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.init import xavier_uniform_

from contrast.errors import DataError
from contrast.evaluation.inputs import as_array, as_labels, as_matrix, number_classes
from contrast.evaluation.scores import Scores


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts; a row may stand twice in `train`, which weighs it twice."""

    train: Any
    validation: Any
    test: Any


@dataclass(frozen=True)
class ProbeScores(Scores):
    """Percent over the restarts, (R,) each; `auc` is None where the test part lacks a class."""

    macro_f1: np.ndarray
    micro_f1: np.ndarray
    auc: np.ndarray | None


# An evaluation runs without gradients; the probe is a training of its own.
@torch.inference_mode(False)
@torch.enable_grad()
def linear_probe(
    z: Any,
    labels: Any,
    splits: Mapping[str, Split],
    *,
    lr: float,
    weight_decay: float = 0.0,
    steps: int = 200,
    restarts: int = 50,
    generator: torch.Generator,
) -> dict[str, ProbeScores]:
    """Probe scores of each split: logistic regressions on frozen embeddings.

    Macro-F1 and micro-F1 each take the test value at the first step with the best validation
    value of the same metric; AUC (one against rest, macro) at the step of the best micro-F1.
    Every split starts from the same R starts, so that its scores do not depend on the others.

    Shapes:  z: (N, D) dense or sparse;  labels: (N,) integer, negative where unknown.
    Precision: float64 throughout, so that the scores equal those of one regression at a time.
    Cost: O(steps R D C (train + validation)) time;  O(D (train + validation + test)) memory.
    Edge cases: macro-F1 averages over the classes that are true or predicted, as scikit-learn does.
    Raises: DataError: fewer than two classes, a row number out of range, an empty part, a row
    without a label, or embeddings that are not finite.  ValueError: no restart or no step.
    """
    if restarts < 1 or steps < 1:
        raise ValueError(f"restarts and steps must be >= 1, got {restarts} and {steps}")
    z = as_matrix(z)
    numbered, classes = number_classes(as_labels(labels, z.shape[0]))
    start = initial_weights(restarts, classes, z.shape[1], generator)
    scores = {}
    for name, split in splits.items():
        train = take(z, numbered, split.train, f"train part of split `{name}`")
        validation = take(z, numbered, split.validation, f"validation part of split `{name}`")
        test = take(z, numbered, split.test, f"test part of split `{name}`")
        best = fit(start, train, validation, lr=lr, weight_decay=weight_decay, steps=steps)
        scores[name] = score(best, *test)
    return scores


def initial_weights(restarts: int, classes: int, width: int, generator: torch.Generator) -> Tensor:
    """The starts of all restarts, (R, C, D + 1): Xavier-uniform, and a last column of zero biases.

    They are drawn one after the other, as a loop over single regressions would draw them.
    """
    starts = torch.zeros(restarts, classes, width + 1, dtype=torch.float64)
    for start in starts:
        start[:, :-1] = xavier_uniform_(torch.empty(classes, width), generator=generator)
    return starts


def take(z: Any, labels: np.ndarray, rows: Any, part: str) -> tuple[Tensor, Tensor]:
    """The rows of one part, (n, D + 1) with a last column of ones for the bias, and their labels.

    Raises: DataError: the part is empty, out of range, or holds a row without a label.
    """
    rows = as_array(rows)
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
        raise DataError(
            f"the {part} must be a filled vector of row numbers, "
            f"got {rows.dtype} of shape {rows.shape}"
        )
    if rows.min() < 0 or rows.max() >= len(labels):
        raise DataError(
            f"the {part} names rows {rows.min()} to {rows.max()}, "
            f"but there are {len(labels)} embeddings (0 to {len(labels) - 1})"
        )
    if (labels[rows] < 0).any():
        raise DataError(f"the {part} holds row {rows[labels[rows] < 0][0]}, which has no label")
    picked = z[rows].toarray() if sparse.issparse(z) else z[rows]
    x = torch.from_numpy(picked).double()
    return torch.cat([x, torch.ones(len(x), 1)], dim=1), torch.from_numpy(labels[rows])


def fit(
    start: Tensor,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    *,
    lr: float,
    weight_decay: float,
    steps: int,
) -> Tensor:
    """The weights at the first step of the best validation macro-F1 and micro-F1, (2, R, C, D).

    One Adam over all restarts: it works element by element, so each restart moves as if alone.
    """
    x, y = train
    weight = start.clone().requires_grad_()
    adam = torch.optim.Adam([weight], lr=lr, weight_decay=weight_decay)
    best = start.repeat(2, 1, 1, 1)
    best_value = torch.full(best.shape[:2], -1.0, dtype=torch.float64)
    for _ in range(steps):
        adam.zero_grad()
        losses = cross_entropy(
            classify(x, weight).flatten(0, 1), y.repeat(len(start)), reduction="none"
        )
        (losses.sum() / len(y)).backward()
        adam.step()
        with torch.no_grad():
            value = f1(classify(validation[0], weight), validation[1])
            better = value > best_value
            best_value = torch.where(better, value, best_value)
            best = torch.where(better[..., None, None], weight, best)
    return best


def classify(x: Tensor, weight: Tensor) -> Tensor:
    """The logits of all restarts by one matrix product: (n, D) and (R, C, D) give (R, n, C)."""
    return (x @ weight.flatten(0, 1).T).unflatten(1, weight.shape[:2]).transpose(0, 1)


def f1(logits: Tensor, y: Tensor) -> Tensor:
    """Macro-F1 and micro-F1 in 0..1, (2, R), from counts: (R, n, C) logits and (n,) labels.

    The macro mean runs over the classes that are true or predicted; micro-F1 is the accuracy.
    """
    restarts, n, classes = logits.shape
    predicted = logits.argmax(-1)
    cell = torch.arange(restarts)[:, None] * classes + predicted  # (R, n)
    counts = torch.bincount(
        2 * cell.flatten() + (predicted == y).flatten(), minlength=2 * restarts * classes
    )
    wrong, right = counts.view(restarts, classes, 2).double().unbind(-1)
    denominator = wrong + right + torch.bincount(y, minlength=classes)
    f1_of_class = 2 * right / denominator.clamp(min=1)
    macro = f1_of_class.sum(1) / (denominator > 0).sum(1)
    return torch.stack([macro, right.sum(1) / n])


def score(best: Tensor, x: Tensor, y: Tensor) -> ProbeScores:
    """Test scores in percent of the weights (2, R, C, D) kept for macro-F1 and for micro-F1."""
    macro, _ = f1(classify(x, best[0]), y)
    logits = classify(x, best[1])
    _, micro = f1(logits, y)
    return ProbeScores(100 * macro.numpy(), 100 * micro.numpy(), auc(logits, y))


def auc(logits: Tensor, y: Tensor) -> np.ndarray | None:
    """One-against-rest AUC in percent, (R,); None where `y` does not hold every class."""
    if len(y.unique()) < logits.shape[-1]:
        return None
    from sklearn.metrics import roc_auc_score  # heavy, and `Split` is wanted before training

    chances = logits.softmax(-1).numpy()
    chances = chances[..., 1] if chances.shape[-1] == 2 else chances
    return np.array([100 * roc_auc_score(y, chance, multi_class="ovr") for chance in chances])
