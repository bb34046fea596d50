"""Token log-probabilities against log_softmax of all logits, value and gradient."""

import pytest
import torch

from contrast.primitives import vocabulary
from contrast.primitives.token_logprobs import token_logprobs

R, T, D, V = 3, 5, 4, 23


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(vocabulary, "CPU_TILE", (4, 7))


def inputs(dtype=torch.float64, bias=True):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(R, T, D, generator=generator, dtype=torch.float64).to(dtype)
    weight = torch.randn(V, D, generator=generator, dtype=torch.float64).to(dtype)
    b = torch.randn(V, generator=generator, dtype=torch.float64).to(dtype) if bias else None
    targets = torch.randint(V, (R, T), generator=generator)
    mask = torch.rand(R, T, generator=generator) < 0.7
    leaves = [hidden, weight, b] if bias else [hidden, weight]
    for leaf in leaves:
        leaf.requires_grad_()
    return hidden, weight, b, targets, mask


def plain(hidden, weight, targets, mask, *, bias=None, scale=1.0, softcap=0.0):
    logits = hidden @ weight.T
    logits = (logits if bias is None else logits + bias) * scale
    logits = softcap * torch.tanh(logits / softcap) if softcap else logits
    log_p = logits.log_softmax(-1)
    entropy = -(log_p.exp() * log_p).sum(-1)
    chosen = log_p.gather(-1, targets.clamp(0)[..., None])[..., 0]
    return chosen.masked_fill(~mask, 0), entropy.masked_fill(~mask, 0)


SETTINGS = [{}, {"softcap": 1.5}, {"scale": 0.3}, {"scale": 7.0, "softcap": 3.0}]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_log_softmax(setting, bias):
    hidden, weight, b, targets, mask = inputs(bias=bias)
    found = token_logprobs(hidden, weight, targets, mask, bias=b, entropy=True, **setting)
    log_p, entropy = plain(hidden, weight, targets, mask, bias=b, **setting)
    torch.testing.assert_close(found.log_probs, log_p, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.entropy, entropy, rtol=1e-12, atol=1e-12)
    leaves = [leaf for leaf in (hidden, weight, b) if leaf is not None]
    g, h = torch.randn(2, R, T, dtype=torch.float64)
    mine = torch.autograd.grad((found.log_probs * g + found.entropy * h).sum(), leaves)
    theirs = torch.autograd.grad((log_p * g + entropy * h).sum(), leaves)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("entropy", [False, True])
def test_gradcheck(entropy):
    hidden, weight, bias, targets, mask = inputs()

    def scores(*leaves):
        found = token_logprobs(
            leaves[0], leaves[1], targets, mask, bias=leaves[2], softcap=2.0, entropy=entropy
        )
        return (found.log_probs, found.entropy) if entropy else found.log_probs

    assert torch.autograd.gradcheck(scores, (hidden, weight, bias))


def test_a_tied_weight_gets_both_gradients():
    _, weight, _, targets, mask = inputs(bias=False)
    hidden = weight[targets]
    found = token_logprobs(hidden, weight, targets, mask).log_probs.sum()
    log_p, _ = plain(weight[targets], weight, targets, mask)
    (mine,), (theirs,) = (torch.autograd.grad(loss, weight) for loss in (found, log_p.sum()))
    torch.testing.assert_close(mine, theirs)


def test_a_frozen_weight_gets_no_gradient():
    hidden, weight, _, targets, mask = inputs(bias=False)
    found = token_logprobs(hidden, weight.detach(), targets, mask).log_probs
    (mine,) = torch.autograd.grad(found.sum(), hidden)
    (theirs,) = torch.autograd.grad(plain(hidden, weight, targets, mask)[0].sum(), hidden)
    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(dtype):
    hidden, weight, _, targets, mask = inputs(dtype, bias=False)
    found = token_logprobs(hidden, weight, targets, mask, entropy=True)
    assert found.log_probs.dtype == torch.float32
    log_p, entropy = plain(hidden.double(), weight.double(), targets, mask)
    torch.testing.assert_close(found.log_probs.double(), log_p, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.entropy.double(), entropy, rtol=1e-5, atol=1e-5)
    mine = torch.autograd.grad(found.log_probs.sum(), (hidden, weight))
    theirs = torch.autograd.grad(log_p.sum(), (hidden, weight))
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == dtype
        torch.testing.assert_close(a, b, rtol=1e-2, atol=1e-2)


def test_autocast_does_not_round_the_logits():
    hidden, weight, _, targets, mask = inputs(torch.float32, bias=False)
    wanted = token_logprobs(hidden, weight, targets, mask).log_probs
    with torch.autocast("cpu", torch.bfloat16):
        found = token_logprobs(hidden, weight, targets, mask).log_probs
    assert torch.equal(found, wanted)


def test_the_tile_size_does_not_matter(monkeypatch):
    hidden, weight, bias, targets, mask = inputs(torch.float32)
    found = token_logprobs(hidden, weight, targets, mask, bias=bias, entropy=True)
    monkeypatch.setattr(vocabulary, "CPU_TILE", (100, 100))
    whole = token_logprobs(hidden, weight, targets, mask, bias=bias, entropy=True)
    torch.testing.assert_close(found.log_probs, whole.log_probs, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found.entropy, whole.entropy, rtol=1e-6, atol=1e-6)


def test_extreme_logits_stay_finite():
    hidden, weight, bias, targets, mask = inputs(torch.float32)
    found = token_logprobs(hidden, weight, targets, mask, bias=bias, scale=1e4, entropy=True)
    assert found.log_probs.isfinite().all()
    assert (found.entropy > -1e-6).all()
    loss = found.log_probs.sum() + found.entropy.sum()
    for gradient in torch.autograd.grad(loss, (hidden, weight, bias)):
        assert gradient.isfinite().all()


def test_a_forbidden_token_has_no_share():
    hidden, weight, bias, targets, mask = inputs()
    with torch.no_grad():
        bias[3:9] = -torch.inf
    targets = targets % 3
    kept = [v for v in range(V) if not 3 <= v < 9]
    found = token_logprobs(hidden, weight, targets, mask, bias=bias, entropy=True)
    log_p, entropy = plain(hidden, weight[kept], targets, mask, bias=bias[kept])
    torch.testing.assert_close(found.log_probs, log_p)
    torch.testing.assert_close(found.entropy, entropy)
    (gradient,) = torch.autograd.grad(found.entropy.sum(), hidden)
    assert gradient.isfinite().all()


def test_no_scored_position_stays_attached_to_the_graph():
    hidden, weight, _, targets, mask = inputs(bias=False)
    found = token_logprobs(hidden, weight, targets, torch.zeros_like(mask), entropy=True)
    assert torch.equal(found.log_probs, torch.zeros(R, T, dtype=torch.float64))
    loss = found.log_probs.sum() + found.entropy.sum()
    for gradient in torch.autograd.grad(loss, (hidden, weight)):
        assert torch.equal(gradient, torch.zeros_like(gradient))


def test_masked_targets_may_be_anything():
    hidden, weight, _, targets, mask = inputs(bias=False)
    found = token_logprobs(hidden, weight, targets.masked_fill(~mask, -100), mask)
    torch.testing.assert_close(found.log_probs, plain(hidden, weight, targets, mask)[0])
    assert found.entropy is None


def test_mistakes_are_told():
    hidden, weight, bias, targets, mask = inputs()
    with pytest.raises(ValueError, match=r"targets must lie in 0\.\.22, got -100"):
        token_logprobs(hidden, weight, targets.masked_fill(mask, -100), mask)
    with pytest.raises(ValueError, match="hidden and weight"):
        token_logprobs(hidden, weight.T, targets, mask)
    with pytest.raises(ValueError, match="the mask bool"):
        token_logprobs(hidden, weight, targets, mask.long())
    with pytest.raises(ValueError, match="bias must be"):
        token_logprobs(hidden, weight, targets, mask, bias=bias[:3])
    with pytest.raises(ValueError, match="softcap must be"):
        token_logprobs(hidden, weight, targets, mask, softcap=-1.0)
