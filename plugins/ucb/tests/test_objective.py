import torch
from torch.autograd import gradcheck

from contrast.engine.randomness import generator
from contrast_ucb.form import Transitions
from contrast_ucb.objective import TransitionNCE, transition_loss


def features(steps=1, rows=6, states=4, rank=3):
    draw = generator("features")
    phi = torch.rand(steps, rows, rank, dtype=torch.float64, generator=draw) + 0.1
    psi = torch.rand(steps, states, rank, dtype=torch.float64, generator=draw) + 0.1
    return phi, psi


def test_transitions_taken_together_cost_what_single_samples_cost():
    phi, psi = features()
    draw = generator("samples")
    row = torch.randint(6, (40,), generator=draw)
    after = torch.randint(4, (40,), generator=draw)
    y = (torch.rand(40, generator=draw) < 0.5).double()
    seen, noise = torch.zeros(2, 1, 6, 4, dtype=torch.float64)
    for counts, kept in ((seen, y > 0.5), (noise, y < 0.5)):
        counts.index_put_(
            (torch.zeros(int(kept.sum()), dtype=torch.long), row[kept], after[kept]),
            torch.ones(int(kept.sum()), dtype=torch.float64),
            accumulate=True,
        )
    together = TransitionNCE()(Transitions((phi @ psi.mT).log(), seen, noise))
    single = transition_loss(phi[0, row], psi[0, after], y) * len(y) / y.sum()
    torch.testing.assert_close(together, single)


def test_the_gradient_of_the_loss_is_its_derivative():
    y = torch.tensor([1.0, 0, 1, 0, 0, 1], dtype=torch.float64)
    phi, psi = (each[0, :4].repeat(2, 1)[:6].clone().requires_grad_() for each in features())
    assert gradcheck(lambda p, q: transition_loss(p, q, y), (phi, psi))


def test_at_the_minimum_the_score_is_the_ratio_of_truth_to_noise():
    truth = torch.tensor([[[0.5, 0.3, 0.2, 0.0]]], dtype=torch.float64)
    noise = torch.full_like(truth, 0.25)
    log_f = torch.zeros_like(truth, requires_grad=True)
    for _ in range(2000):
        loss = TransitionNCE()(Transitions(log_f, truth, noise))
        (gradient,) = torch.autograd.grad(loss, log_f)
        log_f = (log_f - 2 * gradient).detach().requires_grad_()
    torch.testing.assert_close(log_f.exp()[..., :3], (truth / noise)[..., :3], atol=1e-3, rtol=0)


def test_a_step_without_samples_adds_nothing():
    phi, psi = features(steps=2)
    seen = torch.ones(2, 6, 4, dtype=torch.float64)
    seen[1] = 0
    both = TransitionNCE()(Transitions((phi @ psi.mT).log(), seen, seen))
    first = TransitionNCE()(Transitions((phi[:1] @ psi[:1].mT).log(), seen[:1], seen[:1]))
    torch.testing.assert_close(both, first)


def test_a_score_of_zero_gives_a_finite_loss_and_gradient():
    phi = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    loss = transition_loss(phi, torch.ones(2, 3, dtype=torch.float64), torch.tensor([1.0, 0.0]))
    assert loss.isfinite()
    assert torch.autograd.grad(loss, phi)[0].isfinite().all()
