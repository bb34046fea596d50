"""A gathered form on one, two and three processes: values, and the gradients of one process."""

from unittest.mock import patch

import pytest
import torch
from torch.nn.functional import normalize

from contrast.engine.distribution import World
from contrast.forms import Pairs, Same, Tokens, Views
from contrast.objectives.infonce import infonce
from contrast.primitives import gather as module
from contrast.primitives.gather import gather
from contrast.primitives.state_table import StateTable
from contrast.testing.processes import in_processes

N, CUTS = 12, {1: [], 2: [3], 3: [3, 4]}
EMPTY = {1: [], 2: [0], 3: [5, 5]}  # where one rank has no sample at all


def inputs(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return {
        "x": torch.randn(N, 5, generator=generator, dtype=dtype),
        "w": torch.randn(5, 3, generator=generator, dtype=dtype),
        "ids": torch.arange(N) // 2,
        "labels": torch.arange(N) % 3,
    }


def of_rank(given, world, cuts):
    mine = torch.arange(N).tensor_split(cuts[world.size])[world.rank]
    return {k: v if k == "w" else v[mine] for k, v in given.items()}, len(mine) / N


def pairs_loss(x, w, ids, labels, world):
    form = gather(Pairs(x @ w, x @ w.flip(0), excluded=Same(ids, ids)), world)
    return infonce(form.anchors, form.candidates, temperature=0.3, excluded=form.excluded)


def labels_loss(x, w, ids, labels, world):
    form = gather(Views(torch.stack([x @ w, x @ w.flip(0)]), ids=ids, labels=labels), world)
    z, labels = normalize(form.z.flatten(0, 1), dim=1), form.labels.repeat(2)
    itself = torch.eye(len(z), dtype=torch.bool)
    logits = (z @ z.T / 0.3).masked_fill(itself, -torch.inf)
    positive = (labels[:, None] == labels) & ~itself
    log_p = logits.log_softmax(1).masked_fill(~positive, 0)
    return -(log_p.sum(1) / positive.sum(1)).mean()


def own_rows_loss(x, w, ids, labels, world):
    """Each rank evaluates its own anchors only, against all candidates: the scalable form."""
    whole = gather(Views((x @ w)[None]), world).z[0]
    logits = (x @ w.flip(0)) @ whole.T
    return (logits.logsumexp(1) - logits.square().mean(1)).mean()


LOSSES = {"pairs": pairs_loss, "labels": labels_loss, "own rows": own_rows_loss}


def gradient(loss, world, cuts):
    """What the engine makes of a loss: weighed by share, differentiated, summed over ranks."""
    given, share = of_rank(inputs(), world, cuts)
    w = given.pop("w").requires_grad_()
    value = loss(**given, w=w, world=world)
    (found,) = torch.autograd.grad(value * share, w)
    return world.sum(value.detach() * share), world.sum(found)


def divided(blocks, world, right=module._reduce_scatter):
    return right(blocks, world) / world.size


def _check_gradients(world):
    for name, loss in LOSSES.items():
        value, found = gradient(loss, World(), CUTS)
        for cuts in (CUTS, EMPTY) if name != "own rows" else (CUTS,):
            got, mine = gradient(loss, world, cuts)
            torch.testing.assert_close(got, value, rtol=0, atol=1e-10)
            torch.testing.assert_close(mine, found, rtol=0, atol=1e-10)
        if world.size > 1:  # an error of 1 / world size does not go unseen
            with patch.object(module, "_reduce_scatter", divided):
                _, off = gradient(loss, world, CUTS)
            assert (off - found).abs().max() > 1e-3


def _check_values(world):
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        given, _ = of_rank(inputs(dtype), world, EMPTY)
        form = Views(
            given["x"].repeat_interleave(2, 0)[None, ::2],  # strided, as slices of a batch are
            ids=given["ids"].int().repeat_interleave(2)[::2],
            labels=given["labels"] == 1,
        )
        whole = gather(form, world)
        assert torch.equal(whole.z[0], inputs(dtype)["x"])
        assert torch.equal(whole.ids, inputs()["ids"].int())
        assert torch.equal(whole.labels, inputs()["labels"] == 1)
        assert whole.z.dtype == dtype
        assert not whole.z.requires_grad
    rows, T = world.rank + 1, 3 - world.rank
    policy = torch.full((rows, T), world.rank + 1.0, requires_grad=True)
    tokens = Tokens(policy, torch.ones(rows, T, dtype=torch.bool), torch.full((rows,), world.rank))
    whole = gather(tokens, world)
    assert len(whole) == sum(range(1, world.size + 1))
    assert whole.policy.shape[1] == 3
    assert whole.mask.sum() == sum((r + 1) * (3 - r) for r in range(world.size))
    (whole.policy.sum() * (world.rank + 1)).backward()
    assert torch.equal(policy.grad, torch.full((rows, T), float(sum(range(1, world.size + 1)))))


def _check_tables(world):
    """What every rank writes from the gathered form is what one process would have written."""
    table, alone = StateTable(N), StateTable(N)
    ids, x = torch.randperm(N, generator=torch.Generator().manual_seed(2)), inputs()["x"]
    mine = torch.arange(N).tensor_split(CUTS[world.size])[world.rank]
    for k in range(2):
        form = gather(Views(x[None, mine], ids=ids[mine]), world)
        table.write(form.ids, table.read(form.ids) + form.z[0, :, k])
        alone.write(ids, alone.read(ids) + x[:, k])
    assert torch.equal(table.values, alone.values)


def _check(world):
    _check_gradients(world)
    _check_tables(world)
    _check_values(world)


@pytest.mark.parametrize("size", [2, 3])
def test_processes_of_unequal_batches_are_one_process(size):
    in_processes(size, _check)


def test_one_process_gathers_nothing():
    form = Views(torch.ones(1, 2, 3))
    assert gather(form, World()) is form
    _check_gradients(World())
