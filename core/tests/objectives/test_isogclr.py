"""iSogCLR against reference sequences of LibAUC and of the authors' code, and its temperatures."""

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.isogclr import ISogCLR, Temperatures
from contrast.objectives.sogclr import sogclr
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def check(step, loss, a, b, state, assert_vector):
    expected = step["expected"]
    assert_vector(loss, expected["loss"], "loss")
    assert_vector(a.grad, expected["grad_a"], "grad of a")
    assert_vector(b.grad, expected["grad_b"], "grad of b")
    after = expected.get("state_after", step.get("state_after"))
    assert set(after) == set(state)
    for name, value in state.items():
        assert_vector(value, after[name], name)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_sogclr", "isogclr_unimodal"))
def test_each_step_equals_its_vector_of_libauc(case, dtype, assert_vector):
    p = case["params"]
    assert p.get("normalize", True)
    objective = ISogCLR(
        p["n_samples"],
        temperature=p["tau"],
        gamma=p["gamma"],
        rho=p["rho"],
        eta=p["eta"],
        beta=p["beta"],
        lowest=p["tau_min"],
        highest=p["tau_max"],
    ).to(dtype)
    objective.temperature.table.values.fill_(p["tau"])  # a float32 until now
    for step in case["steps"]:
        a, b = tensors(step, "a", "b", dtype=dtype, requires_grad=True)
        loss = objective(Views(torch.stack((a, b)), ids=torch.tensor(step["index"])))
        loss.backward()
        state = {
            "u": objective.log_u.values.double().exp(),
            "tau": objective.temperature.table.values,
            "v": objective.temperature.momentum.values,
        }
        check(step, loss, a, b, state, assert_vector)


@pytest.mark.parametrize(
    "case", vector_cases(__file__, "objectives_sogclr", "isogclr_unimodal_authors")
)
def test_each_step_equals_its_vector_of_the_authors(case, dtype, assert_vector):
    p = case["params"]
    assert p.get("normalize", True)
    objective = ISogCLR(
        p["n_samples"],
        temperature=p["tau_init"],
        gamma=p["gamma"],
        rho=p["rho"],
        eta=p["eta_init"],
        beta=p["beta_u"],
        lowest=p["tau_min"],
        highest=p["tau_max"],
        clip=p["grad_clip"],
    ).to(dtype)
    objective.temperature.table.values.fill_(p["tau_init"])  # a float32 until now
    gamma = objective.gamma
    for step in case["steps"]:
        a, b = tensors(step, "a", "b", dtype=dtype, requires_grad=True)
        # the authors replace by epoch, and in these sequences a first batch is epoch 0
        objective.gamma, objective.first = (1.0 if step["epoch"] == 0 else gamma), "batch"
        loss = objective(Views(torch.stack((a, b)), ids=torch.tensor(step["index"])))
        loss.backward()
        state = {
            "s": objective.log_u.values.double().exp(),
            "tau": objective.temperature.table.values,
            "u": objective.temperature.momentum.values,
        }
        check(step, loss, a, b, state, assert_vector)


def test_temperatures_descend_with_momentum_within_their_bounds():
    table = Temperatures(3, 0.2, eta=0.1, beta=0.25, lowest=0.1, highest=0.3)
    ids = torch.tensor([2, 0])
    table.descend(ids, torch.tensor([1.0, -0.4]))
    assert table.table.values.tolist() == pytest.approx([0.21, 0.2, 0.175])
    table.descend(ids, torch.tensor([4.0, -8.0]))
    assert table.momentum.values.tolist() == pytest.approx([-2.075, 0, 1.1875])
    assert table.table.values.tolist() == pytest.approx([0.3, 0.2, 0.1])


def test_the_gradient_of_a_temperature_can_be_clipped():
    table = Temperatures(1, 0.2, eta=0.1, beta=1.0, lowest=0.01, highest=1.0, clip=0.5)
    table.descend(torch.tensor([0]), torch.tensor([7.0]))
    assert table(torch.tensor([0])).item() == pytest.approx(0.15)


def test_a_temperature_descends_the_dual_it_is_the_minimiser_of():
    z, t = draw(2, 5, 3), draw(5, seed=1).exp().requires_grad_()
    unit = torch.nn.functional.normalize(z, dim=2)
    rows, own = unit.flatten(0, 1), torch.eye(5, dtype=torch.bool).repeat(2, 2)
    logits = (rows @ rows.T / t.repeat(2)[:, None]).masked_fill(own, -torch.inf)
    mean = logits.exp().sum(1).view(2, 5) / 8
    (expected,) = torch.autograd.grad((t * (mean.log() + 0.3)).mean(0).sum(), t)
    unseen = torch.full((5,), -torch.inf)
    found = sogclr(z, unseen, temperature=t.detach(), gamma=1.0)
    torch.testing.assert_close(found.slope + 0.3, expected)


def test_without_steps_of_the_temperature_it_is_sogclr():
    z, ids = draw(2, 4, 3), torch.arange(4)
    objective = ISogCLR(4, temperature=0.2, eta=1e-12).double()
    expected = sogclr(z, torch.full((4,), -torch.inf), temperature=0.2, gamma=1.0)
    assert objective(Views(z, ids=ids)).item() == pytest.approx(expected.losses.mean().item())


def test_the_state_moves_in_training_alone():
    objective = ISogCLR(4).eval()
    objective(Views(draw(2, 4, 3).float(), ids=torch.arange(4)))
    assert not objective.log_u.seen.any()
    assert (objective.temperature.table.values == 0.1).all()
    objective.train()
    objective(Views(draw(2, 4, 3).float(), ids=torch.arange(4)))
    assert objective.log_u.seen.all()
    assert (objective.temperature.table.values != 0.1).all()


def test_small_temperatures_stay_finite_in_float32():
    objective = ISogCLR(6, temperature=1e-3, lowest=1e-3)
    z = draw(2, 6, 3).float().requires_grad_()
    for _ in range(3):
        objective(Views(z, ids=torch.arange(6))).backward()
    assert z.grad.isfinite().all()
    assert all(value.isfinite().all() for value in objective.state_dict().values())


def test_a_form_without_ids_is_refused():
    with pytest.raises(ValueError, match="needs the form's `ids`"):
        ISogCLR(4)(Views(draw(2, 4, 3)))
