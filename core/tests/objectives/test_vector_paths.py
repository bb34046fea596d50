"""All reference vectors by tiles through the gradient cache, and shared out among processes.

That they hold directly, in both precisions, is told by the tests of each objective. Here every input
of a case is a field of a form, cut into parts of unequal size along its samples.
"""

import math
from dataclasses import fields, make_dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from torch import nn

from contrast.forms import Form, Views, over
from contrast.objectives import infonce, nt_xent
from contrast.objectives.alignment_uniformity import alignment, uniformity
from contrast.objectives.cacr import cacr
from contrast.objectives.cacr_momentum import cacr_momentum_euclidean, cacr_momentum_rbf
from contrast.objectives.dcl import dcl, dclw
from contrast.objectives.dhel import dhel
from contrast.objectives.groco import groco
from contrast.objectives.hard import hard_contrastive, hard_simple
from contrast.objectives.hydra import hydra
from contrast.objectives.isogclr import ISogCLR, Temperatures
from contrast.objectives.meco import Meco
from contrast.objectives.mv_dhel import mv_dhel
from contrast.objectives.mv_infonce import mv_infonce
from contrast.objectives.mw import mw
from contrast.objectives.pvc import pvc
from contrast.objectives.siglip import siglip
from contrast.objectives.sogclr import SogCLR
from contrast.objectives.sogclr_bimodal import sogclr_bimodal
from contrast.objectives.supcon import supcon
from contrast.objectives.triplet import triplet
from contrast.primitives.gather import gather
from contrast.primitives.gradient_cache import encode_in_chunks
from contrast.primitives.row_lse import row_lse
from contrast.primitives.sharing import pairs_shared
from contrast.primitives.structure import LogWeight
from contrast.testing.processes import in_processes
from contrast.testing.vectors import assert_close, load_vectors

OBJECTIVES = ["cacr", "groco", "hydra", "meco", "mw", "sogclr", "two_tower", "views"]
SMALL = [f"contrast.primitives.{m}.SMALL" for m in ("row_lse", "lse_sum", "pair_sums", "topk")]
TILES = [f"contrast.primitives.{m}.CPU_TILE" for m in ("tiles", "topk")]
FLOATS = {"float64": torch.float64, "float32": torch.float32}


def towers(x, p, symmetric=False):
    k = torch.cat([x["k"], *([x["extra"]] if "extra" in x else [])])
    return infonce.infonce(x["q"], k, temperature=p["tau"], symmetric=symmetric)


def sigmoids(x, p):
    scale = x["log_scale"].exp() if "log_scale" in x else p["logit_scale"]
    return siglip(x["q"], x["k"], temperature=1 / scale, bias=x.get("bias", p.get("bias")))


def ranked(x, p):
    others = [x["neg"].flatten(0, 1)] if "neg" in x else []
    k = torch.cat((x["pos"], *others))
    return mw(x["q"], k, temperature=p["tau"], reduction=p["reduction"])


def attracted(x, p):
    return cacr(
        x["z"],
        t_pos=p["tau_pos"] if p["choice"] in ("full", "without_w2") else 0,
        t_neg=p["tau_neg"] if p["choice"] in ("full", "without_w1") else 0,
        alpha=p["alpha"],
        beta=p["beta"],
        tau_plus=p["tau_plus"] if p.get("debiased") else 0.0,
        detach_weights=p.get("detach_weights", False),
    )


def gated(x, p):
    gates, y, y2 = x["gate_logit"].sigmoid(), x["y"].long(), x["y2"].long()
    return hydra(x["z"], x["k"], gates, y, y2, temperature=p["tau"], variant=p["variant"])


def labelled(x, p):
    options = {"variant": p["variant"], "base_temperature": p["base_tau"]}
    return supcon(x["z"], x["labels"].long(), temperature=p["tau"], **options)


def rows(x, p):
    """The cases of `row_lse` itself: weights that are given, learnt or soft targets."""
    if "targets" in p:
        targets = x["q"].new_tensor(p["targets"])
        lse = row_lse(x["q"], x["k"], temperature=x["tau"]).lse
        return (targets.sum(1) * lse - (x["q"] * (targets @ x["k"])).sum(1) / x["tau"]).mean()
    weights = x["w"] if "w" in x else x["q"].new_tensor(p["weights"])
    lse = row_lse(x["q"], x["k"], temperature=x["tau"], weights=(LogWeight(weights.log()),)).lse
    pulled = (x["q"] * x["k"][torch.tensor(p["pos_index"])]).sum(1) / x["tau"]
    losses = (lse - pulled).masked_fill((weights == 0).all(1), 0)
    share = losses.new_tensor(p["grad_out"]) if "grad_out" in p else 1 / len(losses)
    return (losses * share).sum()


LOSSES = {
    "info_nce": towers,
    "info_nce_symmetric": lambda x, p: towers(x, p, symmetric=True),
    "siglip": sigmoids,
    "triplet": lambda x, p: triplet(x["a"], x["p"], x["n"], **p),
    "mw": ranked,
    "hydra": gated,
    "supcon": labelled,
    "cacr": attracted,
    "cacr_momentum_rbf": lambda x, p: cacr_momentum_rbf(x["z"], x["k"], temperature=p["T"]),
    "cacr_momentum_euclidean": lambda x, p: cacr_momentum_euclidean(
        x["z"], x["k"], temperature=p["T"]
    ),
    "groco": lambda x, p: groco(
        x["z"], topk_neg=p["topk_neg"], steepness=p["steepness"], stop_grad=p["stop_grad"]
    ),
    "nt_xent": lambda x, p: nt_xent.nt_xent(x["z"], temperature=p["tau"]),
    "nt_xent_pairwise": lambda x, p: nt_xent.nt_xent(
        x["z"], temperature=p["tau"], several="pairwise"
    ),
    "pvc_geometric": lambda x, p: pvc(x["z"], temperature=p["tau"]),
    "dcl": lambda x, p: dcl(x["z"], temperature=p["tau"]),
    "dclw": lambda x, p: dclw(x["z"], temperature=p["tau"], sigma=p["sigma"]),
    "dhel": lambda x, p: dhel(x["z"], temperature=p["tau"], include_augs=p["include_augs"]),
    "mv_dhel": lambda x, p: mv_dhel(x["z"], temperature=p["tau"]),
    "mv_infonce": lambda x, p: mv_infonce(
        x["z"], temperature=p["tau"], denominator=p["denominator"]
    ),
    "hard_contrastive": lambda x, p: hard_contrastive(
        x["z"], temperature=p["tau"], alpha=p["alpha"]
    ),
    "hard_simple": lambda x, p: hard_simple(x["z"], alpha=p["alpha"], lam=p["lam"]),
    "alignment": lambda x, p: alignment(x["z"][0], x["z"][1], alpha=p["alpha"]),
    "uniformity": lambda x, p: uniformity(x["z"][0], t=p["t"]),
    "weighted_lse_rows": rows,
    "weighted_lse_rows_empty": rows,
    "weighted_lse_rows_learnable_weights": rows,
    "soft_target_ce": rows,
}


class Sequence:
    """The cases of several steps with a state: a loss that remembers."""

    def __init__(self, kind, p, dtype):
        self.kind, self.p, start = kind, p, p.get("tau", p.get("tau_init"))
        samples, self.gamma = p.get("n_samples", 1), p["gamma"]
        if kind.endswith("bimodal_authors"):
            self.log_u = torch.full((2, samples), -torch.inf, dtype=dtype)
        if kind.startswith("iso"):
            options = {
                "eta": p.get("eta", p.get("eta_init")),
                "beta": p.get("beta", p.get("beta_u")),
            }
            options |= {"lowest": p["tau_min"], "highest": p["tau_max"]}
            options |= {"clip": p.get("grad_clip", 0.0)}
            tables = [Temperatures(samples, start, **options).to(dtype) for _ in range(2)]
            for table in tables:
                table.table.values.fill_(start)  # a float32 until now
            self.tables = tables
        if kind.startswith("isogclr_unimodal"):
            options |= {"temperature": start, "gamma": self.gamma, "rho": p["rho"]}
            self.module = ISogCLR(samples, **options).to(dtype)
            self.module.temperature = self.tables[0]
        if kind == "sogclr_unimodal":
            self.module = SogCLR(samples, start, self.gamma).to(dtype)
        if kind == "meco_moving_average":
            self.module = Meco(self.gamma).to(dtype)

    def __call__(self, x, step):
        if self.kind == "meco_moving_average":
            density = -x["noise"].square() / 2 - math.log(2 * math.pi) / 2
            f = [-(x[name] - x["mu"]).square() / 2 for name in ("x", "noise")]
            return self.module(*f, density)
        ids = x["index"].long()
        if not self.kind.endswith("bimodal_authors"):
            first = self.kind == "isogclr_unimodal_authors" and step["epoch"] == 0
            self.module.gamma = 1.0 if first else self.gamma
            return self.module(Views(torch.stack((x["a"], x["b"])), ids=ids))
        learnt = self.kind.startswith("iso")
        t = torch.stack([table(ids) for table in self.tables]) if learnt else self.p["tau"]
        z = torch.stack((x["a"], x["b"]))
        options = {"temperature": t, "gamma": self.gamma, "normalize": False}
        sides = sogclr_bimodal(z, self.log_u[:, ids], **options)
        self.log_u[:, ids] = torch.stack([side.log_u for side in sides])
        for table, side in zip(self.tables if learnt else (), sides, strict=False):
            table.descend(ids, side.slope + self.p["rho"])
        return sum(side.losses.mean() for side in sides)


def steps(case, dtype):
    """Each step of a case: its inputs, its loss as a function of them, and what is expected."""
    kind, p = case["loss"], case["params"]
    if "steps" not in case:
        yield case["inputs"], lambda x: LOSSES[kind](x, p), case["expected"]
        return
    loss = Sequence(kind, p, dtype)
    for step in case["steps"]:
        names = ("x", "noise", "mu") if "mu" in step else ("a", "b", "index")
        expected = step["expected"]
        grad = {name[5:]: value for name, value in expected.items() if name.startswith("grad_")}
        value = expected.get("loss", expected.get("surrogate"))
        inputs = {name: step[name] for name in names}
        yield inputs, lambda x, step=step: loss(x, step), {"loss": value, "grad": grad}


def cases(float32):
    """All cases of all files; one at a temperature of 0.001 is none for float32."""
    kernel = Path(__file__).parents[1] / "primitives" / "test_kernel_vectors.py"
    files = [(__file__, f"objectives_{name}") for name in OBJECTIVES]
    for place, name in [*files, (kernel, "objectives_kernel")]:
        for case in load_vectors(place, name)["cases"]:
            if not float32 or case["params"].get("tau", 1) >= 0.01:
                yield case


def form_of(inputs, dtype):
    """The inputs of a step as a form: (V, N, D) has its samples second, a scalar has none."""
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in inputs.items()}
    axes = {
        name: int(name == "z" and x.ndim == 3) if x.ndim else None for name, x in tensors.items()
    }
    kind = make_dataclass(
        "Inputs",
        [(name, torch.Tensor, over(axis)) for name, axis in axes.items()],
        bases=(Form,),
        frozen=True,
    )
    whole = {"y", "y2", "labels", "index"}
    return kind(**{n: x.to(dtype).requires_grad_(n not in whole) for n, x in tensors.items()})


def pieces(form, parts):
    """The form in so many parts of unequal size, as leaves; a scalar is in each."""
    found = []
    for part in range(parts):
        values = {}
        for name, value, axis in form.tensors():
            if axis is not None:
                value = value.tensor_split(cuts(value.shape[axis], parts), axis)[part]
            values[name] = value.detach().requires_grad_(value.requires_grad)
        found.append(type(form)(**values))
    return found


def cuts(n, parts):
    """Where n samples are cut into parts of unequal size, also of none."""
    return {2: [1 + n // 4], 3: [n // 4, n // 4 + 1]}[parts]


def seen(form):
    return {item.name: getattr(form, item.name) for item in fields(form)}


def check(loss, gradients, expected, dtype, what):
    """1e-9 + 1e-7 |y|, in float32 2e-4 of the largest entry."""
    for name, found in {"loss": loss, **gradients}.items():
        value = expected["loss"] if name == "loss" else expected["grad"][name]
        tolerance = (1e-9, 1e-7)
        if dtype == torch.float32:
            largest = torch.as_tensor(value, dtype=torch.float64).abs().max().item()
            tolerance = (2e-4 * max(largest, 1e-3), 0.0)
        assert_close(found, value, tolerance, f"{what}: {name}")


def by_tiles():
    """Nothing is small enough to be computed at once, and tiles are of 2 x 4 pairs."""
    for name in SMALL:
        patch(name, 0).start()
    for name in TILES:
        patch(name, (2, 4)).start()
    patch("contrast.primitives.row_lse.KEPT", 0, create=True).start()


@pytest.fixture
def tiled():
    by_tiles()
    yield
    patch.stopall()


class Leaves(nn.Module):
    """An encoder whose parameters are the inputs themselves: chunk i is part i of them."""

    def __init__(self, parts):
        super().__init__()
        self.parts = [
            {n: nn.Parameter(v, v.requires_grad) for n, v in seen(p).items()} for p in parts
        ]
        self.kind = type(parts[0])
        leaves = [v for part in self.parts for v in part.values() if v.requires_grad]
        self.leaves = nn.ParameterList(leaves)

    def forward(self, chunk):
        return self.kind(**{name: value * 1 for name, value in self.parts[chunk].items()})


@pytest.mark.parametrize("dtype", FLOATS.values(), ids=FLOATS)
def test_all_vectors_hold_through_the_gradient_cache(tiled, dtype):
    for case in cases(dtype == torch.float32):
        for inputs, loss_of, expected in steps(case, dtype):
            whole = form_of(inputs, dtype)
            encoder = Leaves(pieces(whole, 3))
            form = encode_in_chunks(encoder, range(3), encoder)
            loss = loss_of(seen(form))
            loss.backward()
            gradients = {}
            for name, _, axis in whole.tensors():
                if name in expected["grad"]:
                    leaves = [part[name] for part in encoder.parts]
                    found = [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves]
                    gradients[name] = sum(found) if axis is None else torch.cat(found, axis)
            check(loss, gradients, expected, dtype, case["id"])


def _check(world, dtype):
    by_tiles()
    for case in cases(dtype == torch.float32):
        for inputs, loss_of, expected in steps(case, dtype):
            whole = form_of(inputs, dtype)
            own = pieces(whole, world.size)[world.rank]
            with pairs_shared(world):
                loss = loss_of(seen(gather(own, world)))
            share = 2 * (world.rank + 1) / world.size / (world.size + 1)
            (loss * share).backward()
            gradients = {}
            for name, value, axis in whole.tensors():
                if name in expected["grad"]:
                    mine, grad = torch.zeros_like(value), getattr(own, name).grad
                    if grad is not None:
                        mine += _placed(grad, value, axis, world)
                    gradients[name] = world.sum(mine.detach())
            check(loss, gradients, expected, dtype, case["id"])


def _placed(grad, value, axis, world):
    """The gradient of this rank's part where it belongs, zeros elsewhere."""
    if axis is None:
        return grad
    n = value.shape[axis]
    numbers = torch.arange(n).tensor_split(cuts(n, world.size))[world.rank]
    return torch.zeros_like(value).index_copy(axis, numbers, grad)


def _check_both(world):
    for dtype in FLOATS.values():
        _check(world, dtype)


@pytest.mark.parametrize("size", [2, 3])
def test_all_vectors_hold_on_several_processes(size):
    in_processes(size, _check_both)
