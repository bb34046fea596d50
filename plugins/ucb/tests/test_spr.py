import torch
from torch.autograd import gradcheck

from contrast.engine.randomness import generator
from contrast_ucb.spr import renormalize, spr_loss


def states(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator("spr"))


def test_the_loss_does_not_depend_on_lengths():
    p, t = states(2, 3, 4, 5), states(2, 3, 4, 5).flip(0)
    torch.testing.assert_close(spr_loss(p, t), spr_loss(3 * p, 7 * t))
    torch.testing.assert_close(spr_loss(p, p), torch.zeros(3, 4, dtype=torch.float64))


def test_the_gradient_of_the_loss_is_its_derivative():
    p, t = states(1, 2, 2, 3).requires_grad_(), states(1, 2, 2, 3).flip(-1)
    assert gradcheck(lambda p: spr_loss(p, t), p)


def test_a_constant_image_becomes_zero():
    x = states(2, 3, 2, 2)
    x[0] = 5
    y = renormalize(x)
    assert (y[0] == 0).all()
    assert y[1].min() == 0
    assert y[1].max() == 1
