"""Every objective of the catalogue at the edges of what it may be given: finite, or a clear refusal.

What exactly comes out where stands in the docstrings and in each objective's own tests.
"""

from dataclasses import asdict

import pytest
import torch

from contrast.forms import Lists, Pairs, Same, Views, lowered
from contrast.objectives.catalogue import CATALOGUE

N, D, CLASSES = 12, 5, 3
NEED_NEGATIVES = {"dcl", "dclw", "dhel", "mv_dhel", "alignment_uniformity", "cacr", "groco", "mw"}
NEED_NEGATIVES |= {"hard_contrastive", "hard_simple", "sogclr", "isogclr"}
NEED_NEGATIVES |= {"sogclr_bimodal", "isogclr_bimodal"}
NOTHING_TO_TELL_APART = {"infonce", "clip", "nt_xent", "pvc", "mv_infonce", "triplet"}
AS_THEY_ARE = {"triplet", "rank_n_contrast", "bradley_terry", "binary_nce"}
EACH = pytest.mark.parametrize("part", CATALOGUE, ids=lambda part: part.name)
WITH_TEMPERATURE = [part for part in CATALOGUE if hasattr(part.config(), "temperature")]


def rows(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def antipodal(z):
    return torch.cat((z[:1], -z[:1].expand_as(z[1:])))


def half_zero(z):
    kept = torch.arange(z.shape[-2]) % 2 == 0
    return z * kept[:, None]


ROWS = {
    "equal": torch.ones_like,
    "equal up to sign": lambda z: torch.ones_like(z) * z[..., :1].sign(),
    "antipodal views": antipodal,
    "zero": torch.zeros_like,
    "half zero": half_zero,
    "huge": lambda z: z * 1e18,
    "tiny": lambda z: z * 1e-18,
}


def evaluated(part, change=lambda z: z, n=N, labels=None, **settings):
    """The loss and its gradient to the rows."""
    torch.manual_seed(0)
    sizes = {"samples": N, "classes": CLASSES, "width": D}
    sizes = {name: sizes[name] for name in part.sizes}
    objective = part.load()(**sizes, **{**asdict(part.config()), **settings})
    if n == 1 and hasattr(objective, "gate"):
        objective.gate.eval()  # batch norm has nothing to norm by
    if part.reads is Lists:
        scores = change(rows(n, D)).requires_grad_()
        form, leaf = Lists(scores, targets=rows(n, D).sign()), scores
    else:
        leaf = change(rows(2, n, D)).requires_grad_()
        labels = torch.arange(n) % CLASSES if labels is None else labels
        form = Views(leaf, ids=torch.arange(n), labels=labels, targets=torch.linspace(0, 1, n))
    loss = objective(lowered(form, part.reads))
    loss = sum(loss.values()) if isinstance(loss, dict) else loss
    loss.backward()
    return loss, leaf.grad


@EACH
@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS)
def test_degenerate_rows_are_no_nan(part, change):
    if change is ROWS["huge"] and part.name in AS_THEY_ARE:
        pytest.skip("takes rows or scores as they are: their squares overflow float32")
    loss, grad = evaluated(part, change)
    assert loss.isfinite()
    assert grad.isfinite().all()


@pytest.mark.parametrize("part", WITH_TEMPERATURE, ids=lambda part: part.name)
@pytest.mark.parametrize("temperature", [1e-3, 1e-2, 1.0, 1e3])
@pytest.mark.parametrize("change", ["none", "equal", "antipodal views", "half zero"])
def test_any_temperature_is_finite(part, temperature, change):
    loss, grad = evaluated(part, ROWS.get(change, lambda z: z), temperature=temperature)
    assert loss.isfinite()
    assert grad.isfinite().all()


@EACH
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(part, dtype):
    loss, grad = evaluated(part, lambda z: z.to(dtype))
    exact, expected = evaluated(part, lambda z: z.to(dtype).float())
    assert loss.dtype == torch.float32
    assert grad.dtype == dtype
    torch.testing.assert_close(loss, exact, rtol=1e-4, atol=1e-6)
    largest = expected.abs().max().item()
    torch.testing.assert_close(grad.float(), expected, rtol=0, atol=0.01 * largest + 1e-6)


@EACH
def test_one_sample_is_refused_or_has_nothing_to_tell_apart(part):
    if part.name in NEED_NEGATIVES:
        with pytest.raises(ValueError, match=r"negative|2 samples|2 or more|two rows|topk_neg"):
            evaluated(part, n=1)
        return
    loss, grad = evaluated(part, n=1)
    assert loss.isfinite()
    assert grad.isfinite().all()
    if part.name in NOTHING_TO_TELL_APART:
        assert loss.abs() < 1e-5
        assert grad.abs().max() < 1e-5


@EACH
def test_one_class_and_classes_of_one_sample_are_finite(part):
    for labels in (torch.zeros(N, dtype=torch.long), torch.arange(N) % CLASSES):
        loss, grad = evaluated(part, labels=labels)
        assert loss.isfinite()
        assert grad.isfinite().all()


@pytest.mark.parametrize("name", ["supcon", "hydra"])
def test_without_any_positive_the_loss_is_zero_with_zero_gradient(name):
    (part,) = (part for part in CATALOGUE if part.name == name)
    objective = part.load()(**({"classes": 9, "width": D} if name == "hydra" else {}))
    leaf = rows(1, 3, D).requires_grad_()
    labels = torch.tensor([0, 1, 2])
    if name == "hydra":
        objective.partners = lambda labels: labels + 3  # of classes that are not in the batch
    loss = objective(Views(leaf, labels=labels))
    loss.backward()
    assert loss.item() == 0
    assert not leaf.grad.any()


@pytest.mark.parametrize(
    "part", [p for p in CATALOGUE if p.reads is Pairs], ids=lambda part: part.name
)
def test_pairs_without_any_positive_are_finite(part):
    leaf = rows(2, 4, D).requires_grad_()
    nobody = Same(torch.arange(4), torch.arange(4) + 9)
    loss = part.load()(**asdict(part.config()))(Pairs(*leaf, positives=nobody))
    loss.backward()
    assert loss.isfinite()
    assert leaf.grad.isfinite().all()
    if part.name != "siglip":  # whose negatives count by themselves
        assert loss.item() == 0
        assert not leaf.grad.any()
