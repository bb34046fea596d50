"""Bimodal iSogCLR against reference sequences of the authors' code."""

import pytest
import torch

from contrast.forms import Views
from contrast.objectives.isogclr import Temperatures
from contrast.objectives.isogclr_bimodal import ISogCLRBimodal
from contrast.objectives.sogclr_bimodal import sogclr_bimodal
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    "case", vector_cases(__file__, "objectives_sogclr", "isogclr_bimodal_authors")
)
def test_each_step_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    log_u = torch.full((2, p["n_samples"]), -torch.inf, dtype=dtype)
    tables = [
        Temperatures(
            p["n_samples"],
            p["tau"],
            eta=p["eta"],
            beta=p["beta"],
            lowest=p["tau_min"],
            highest=p["tau_max"],
            clip=p["grad_clip"],
        ).to(dtype)
        for _ in range(2)
    ]
    for table in tables:
        table.table.values.fill_(p["tau"])  # a float32 until now
    for step in case["steps"]:
        a, b = tensors(step, "a", "b", dtype=dtype, requires_grad=True)
        ids = torch.tensor(step["index"])
        t = torch.stack([table(ids) for table in tables])
        options = {"temperature": t, "gamma": p["gamma"], "normalize": p["normalize"]}
        sides = sogclr_bimodal(torch.stack((a, b)), log_u[:, ids], **options)
        loss = sum(side.losses.mean() for side in sides)
        loss.backward()
        log_u[:, ids] = torch.stack([side.log_u for side in sides])
        for table, side in zip(tables, sides, strict=True):
            table.descend(ids, side.slope + p["rho"])
        expected = step["expected"]
        assert_vector(loss, expected["loss"], "loss")
        assert_vector(a.grad, expected["grad_a"], "grad of a")
        assert_vector(b.grad, expected["grad_b"], "grad of b")
        after = expected.get("state_after", step.get("state_after"))
        for found, table, side in zip(log_u, tables, ("img", "txt"), strict=True):
            s, top = (torch.tensor(after[f"{n}_{side}"], dtype=torch.float64) for n in "sb")
            seen = found > -torch.inf
            assert_vector(found[seen], (s.log() + top)[seen], f"log u of {side}")
            assert_vector(table.table.values, after[f"tau_{side}"], f"tau of {side}")
            assert_vector(table.momentum.values, after[f"u_{side}"], f"v of {side}")


def test_the_module_makes_the_steps_of_its_parts():
    z, ids = draw(2, 3, 4), torch.tensor([5, 0, 2])
    objective = ISogCLRBimodal(6, temperature=0.2, rho=0.5).double()
    sides = sogclr_bimodal(z, torch.full((2, 3), -torch.inf), temperature=0.2, gamma=0.8)
    found = objective(Views(z, ids=ids))
    torch.testing.assert_close(found, sum(side.losses.mean() for side in sides))
    for table, temperature, side in zip(objective.log_u, objective.temperature, sides, strict=True):
        torch.testing.assert_close(table.read(ids), side.log_u)
        moved = 0.2 - 0.03 * 0.9 * (side.slope + 0.5)
        torch.testing.assert_close(temperature(ids), moved.clamp(0.005, 1.0))


def test_libaucs_variant_takes_its_first_batch_whole_and_leaves_the_positive_out():
    z, ids = draw(2, 3, 4), torch.tensor([5, 0, 2])
    objective = ISogCLRBimodal(6, temperature=0.2, clip=0, variant="libauc").double()
    new = torch.full((2, 3), -torch.inf)
    options = {"temperature": 0.2, "gamma": 1.0, "variant": "libauc"}
    sides = sogclr_bimodal(z, new, **options)
    found = objective(Views(z, ids=ids))
    torch.testing.assert_close(found, sum(side.losses.mean() for side in sides))
    for temperature, side in zip(objective.temperature, sides, strict=True):
        moved = 0.2 - 0.03 * 0.9 * (side.slope + 8.0)
        torch.testing.assert_close(temperature(ids), moved.clamp(0.005, 1.0))


def test_the_state_moves_in_training_alone():
    objective = ISogCLRBimodal(4).eval()
    form = Views(draw(2, 4, 3).float(), ids=torch.arange(4))
    objective(form)
    assert not any(table.seen.any() for table in objective.log_u)
    objective.train()(form)
    assert all(table.seen.all() for table in objective.log_u)


def test_small_temperatures_stay_finite_in_float32():
    objective = ISogCLRBimodal(6, temperature=1e-3, lowest=1e-3)
    z = draw(2, 6, 3).float().requires_grad_()
    for _ in range(3):
        objective(Views(z, ids=torch.arange(6))).backward()
    assert z.grad.isfinite().all()
    assert all(value.isfinite().all() for value in objective.state_dict().values())
