"""Every primitive on the device against the plain formula in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from contrast.forms import Apart, Differ, Same
from contrast.primitives.kernels import operands
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.pair_sums import pair_sum
from contrast.primitives.plain import Plan, plain
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import LogWeight, LowRank, Mask, OffDiagonal, Structure
from contrast.primitives.token_logprobs import token_logprobs
from contrast.primitives.topk import row_topk
from contrast.primitives.weights import ready

Found = dict[str, object]
Check = tuple[str, Callable[[], Found]]
TOLERANCE = {  # of the largest entry
    torch.float64: 1e-9,
    torch.float32: 3e-5,
    torch.float16: 4e-3,
    torch.bfloat16: 2e-2,
}
STATISTICS = 3e-5  # of the largest log-sum-exp, whatever the dtype: exact rows, sums in float32


class Checks:
    """The checks of one device; sizes are odd, and no tile's multiple."""

    def __init__(self, device: str, *, small: bool, quick: bool) -> None:
        self.device, self.quick = device, quick
        self.n, self.m, self.d = (21, 37, 20) if small else (777, 1031, 100)
        self.wide = 24 if small else 1100  # features: more than kernels take themselves

    def __iter__(self) -> Iterator[Check]:
        """All checks, the most telling first."""
        every = [torch.bfloat16, torch.float32, torch.float16, torch.float64]
        for dtype in every[:2] if self.quick else every:
            full = dtype in every[:2] and not self.quick
            for name, structures in self.structures(full).items():
                label = f"{str(dtype).removeprefix('torch.')}, {name}"
                yield f"lse_sum {label}", lambda d=dtype, s=structures: self.one_pass(d, s)
                yield f"row_lse {label}", lambda d=dtype, s=structures: self.alone(d, s)
                yield f"row_lse, all asked, {label}", lambda d=dtype, s=structures: self.all(d, s)
            label = str(dtype).removeprefix("torch.")
            yield f"row_lse, half the pairs, {label}", lambda d=dtype: self.half(d)
        yield "lse_sum, scores from the library, bf16", self.library
        yield "lse_sum, many strips, bf16", self.many_strips
        yield "lse_sum, scores beyond 40, bf16", self.sharp
        yield from self.edges()
        yield from self.others()

    def structures(self, full: bool) -> dict[str, Sequence[Structure]]:
        """Who counts, by a word; an anchor without any candidate among them."""
        i, j = (torch.arange(size, device=self.device) for size in (self.n, self.m))
        ids, others = i % 3, j % 4
        groups, other_groups = torch.stack((ids, ids % 2)), torch.stack((others, others % 2))
        empty = torch.where(i == 5, 99, ids)
        allowed = (7 * i[:, None] + 3 * j) % 5 > 1
        logs = self.rows(self.n, torch.float64, 9, self.m).detach().float()
        kinds: dict[str, Sequence[Structure]] = {
            "all": (),
            "one row empty": (Same(empty, others), OffDiagonal((0, 2, -7))),
            "groupings": (Apart(groups, other_groups), Differ(ids, others)),
            "mask, log-weights": (Mask(allowed), LogWeight(logs)),
        }
        return kinds if full else dict(list(kinds.items())[:2])

    def rows(self, n: int, dtype: torch.dtype, seed: int, d: int | None = None) -> Tensor:
        """Rows that need gradients."""
        generator = torch.Generator(self.device).manual_seed(seed)
        x = torch.randn(n, d or self.d, generator=generator, device=self.device)
        return (x * (20 / x.shape[1]) ** 0.25).to(dtype).requires_grad_()

    def sides(self, dtype: torch.dtype, d: int | None = None) -> list[Tensor]:
        """Anchors and candidates."""
        return [self.rows(self.n, dtype, 0, d), self.rows(self.m, dtype, 1, d)]

    def temperatures(self) -> Tensor:
        """One for each anchor."""
        t = torch.linspace(0.7, 1.3, self.n, dtype=torch.float64, device=self.device)
        return t.requires_grad_()

    def one_pass(self, dtype: torch.dtype, who: Sequence[Structure], size: float = 1.0) -> Found:
        """`lse_sum` with positives, coefficients and temperatures for each row."""
        inputs = [(x.detach() * size).requires_grad_() for x in self.sides(dtype)]
        inputs += [torch.linspace(-1, 2, self.n, device=self.device).requires_grad_()]
        inputs += [self.temperatures()]
        found = lse_sum(*inputs[:3], temperature=inputs[3], weights=who, positive=3)
        exact = widened(inputs)
        lse, _, _ = formula(*exact[:2], who, exact[3])
        each = lse - (exact[0] * exact[1][3 : self.n + 3]).sum(1) / exact[3]
        expected = (exact[2] * each.masked_fill(lse == -math.inf, 0)).sum()
        return compared([found[None]], [expected[None]], inputs, exact, dtype)

    def alone(self, dtype: torch.dtype, who: Sequence[Structure]) -> Found:
        """`row_lse` of rows alone."""
        inputs = self.sides(dtype)
        exact = widened(inputs)
        found = row_lse(*inputs, temperature=0.8, weights=who).lse
        return compared([found], [formula(*exact, who, 0.8)[0]], inputs, exact, dtype)

    def all(self, dtype: torch.dtype, who: Sequence[Structure]) -> Found:
        """`row_lse` with moment and columns, and a temperature for each row."""
        inputs = [*self.sides(dtype), self.temperatures()]
        exact, asked = widened(inputs), {"moment": True, "columns": True}
        found = row_lse(*inputs[:2], temperature=inputs[2], weights=who, **asked)
        expected = formula(*exact[:2], who, exact[2], **asked)
        kept = (found.lse, found.moment, found.column_lse)
        return compared(kept, expected, inputs, exact, dtype)

    def half(self, dtype: torch.dtype) -> Found:
        """Rows against themselves."""
        ids = torch.arange(self.n, device=self.device) % 5
        z, who = self.rows(self.n, dtype, 0), (OffDiagonal((0, 3, -3)), Differ(ids, ids))
        (exact,) = widened([z])
        found = row_lse(z, temperature=0.9, weights=who).lse
        return compared([found], [formula(exact, exact, who, 0.9)[0]], [z], [exact], dtype)

    def library(self) -> Found:
        """The way of wide rows: scores by a library product."""
        return with_setting("FUSED_WIDTH", 0, lambda: self.one_pass(torch.bfloat16, ()))

    def many_strips(self) -> Found:
        """Strips of the least height, so that there are many."""
        low = operands.LEAST
        return with_setting("HEIGHT", low, lambda: self.one_pass(torch.bfloat16, ()))

    def sharp(self) -> Found:
        """Exponentials that stand under peaks of their tiles, and are lowered."""
        return self.one_pass(torch.bfloat16, (), size=4.0)

    def edges(self) -> Iterator[Check]:
        """Sizes, widths, strides and values at the edge."""
        for shape in ((1, self.m), (self.n, 1), (self.n, self.m)):
            for d in (1, 8, self.wide):
                yield f"row_lse of {shape}, D = {d}, bf16", lambda s=shape, d=d: self.sized(s, d)
        yield "row_lse of any strides, f32 and bf16", self.strided
        yield "row_lse and lse_sum twice, the same bits", self.repeated
        yield "NaN in one row stays there, bf16", self.with_nan

    def sized(self, shape: tuple[int, int], d: int) -> Found:
        """Any number of rows and features, without a way for small problems."""
        inputs = [self.rows(size, torch.bfloat16, i, d) for i, size in enumerate(shape)]
        exact = widened(inputs)

        def work() -> Tensor:
            return row_lse(*inputs).lse

        found = never_small(work)
        return compared([found], [formula(*exact, ())[0]], inputs, exact, torch.bfloat16)

    def strided(self) -> Found:
        """Every other row, and a transposed tensor."""
        worst: Found = {}
        for dtype in (torch.float32, torch.bfloat16):
            a = self.rows(2 * self.n, dtype, 0)[::2].detach().requires_grad_()
            k = self.rows(self.d, dtype, 1, self.m).detach().T.requires_grad_()
            exact = widened([a, k])
            found = row_lse(a, k).lse
            one = compared([found], [formula(*exact, ())[0]], [a, k], exact, dtype)
            worst = max(worst or one, one, key=lambda each: each["of_tolerance"])
        return worst

    def repeated(self) -> Found:
        """The same call twice."""
        runs = []
        for _ in range(2):
            a, k = self.sides(torch.bfloat16)
            loss = lse_sum(a, k, positive=0) + row_lse(a, k, columns=True).column_lse.mean()
            runs.append(torch.autograd.grad(loss, (a, k)))
        same = all(torch.equal(x, y) for x, y in zip(*runs, strict=True))
        return {"right": same, "of_tolerance": 0.0 if same else math.inf}

    def with_nan(self) -> Found:
        """NaN comes out where it went in."""
        a, k = self.sides(torch.bfloat16)
        a = a.detach().clone()
        a[2] = math.nan
        nan = row_lse(a, k).lse.isnan()
        right = bool(nan[2]) and int(nan.sum()) == 1
        return {"right": right, "of_tolerance": 0.0 if right else math.inf}

    def others(self) -> Iterator[Check]:
        """Primitives that torch itself computes on the device."""
        yield "row_lse of squared distances, f32", self.distances
        yield "row_lse with learnt weights, f32", self.learnt
        for dtype in (torch.float32, torch.bfloat16):
            yield f"pair_sum of softplus, {dtype}", lambda d=dtype: self.pair_sums(d)
            yield f"row_topk, {dtype}", lambda d=dtype: self.top(d)
            yield f"token_logprobs, {dtype}", lambda d=dtype: self.tokens(d)

    def distances(self) -> Found:
        """Scores that are no inner products."""
        inputs = self.sides(torch.float32)
        exact = widened(inputs)
        found = row_lse(*inputs, temperature=5.0, score="distance").lse
        expected = (-torch.cdist(*exact).square() / 5).logsumexp(1)
        return compared([found], [expected], inputs, exact, torch.float32)

    def learnt(self) -> Found:
        """Weights of low rank, with gradients to them."""
        sizes = (self.n, self.m, 1)
        parts = [self.rows(n, torch.float32, 5 + i, 8) for i, n in enumerate(sizes)]
        inputs = [*self.sides(torch.float32), *parts]
        exact = widened(inputs)

        def low_rank(r: Tensor, c: Tensor, v: Tensor) -> LowRank:
            return LowRank(r, c, v[0], v[0, 0])

        found = row_lse(*inputs[:2], weights=(low_rank(*inputs[2:]),)).lse
        written = low_rank(*exact[2:]).log_weight()
        expected = (exact[0] @ exact[1].T + written).logsumexp(1)
        return compared([found], [expected], inputs, exact, torch.float32)

    def pair_sums(self, dtype: torch.dtype) -> Found:
        """A sum over all pairs."""
        inputs = self.sides(dtype)
        exact = widened(inputs)
        found = pair_sum(*inputs, softplus)[None]
        expected = softplus(exact[0] @ exact[1].T).sum()[None]
        return compared([found], [expected], inputs, exact, dtype)

    def top(self, dtype: torch.dtype) -> Found:
        """The best candidates' values and their gradients."""
        inputs = self.sides(dtype)
        exact = widened(inputs)
        found = row_topk(*inputs, 7).values.flatten()
        expected = (exact[0] @ exact[1].T).topk(7).values.flatten()
        return compared([found], [expected], inputs, exact, dtype)

    def tokens(self, dtype: torch.dtype) -> Found:
        """Log-probabilities of a head's tokens."""
        hidden, weight = self.sides(dtype)
        place = torch.arange(self.n, device=self.device)[None]
        mask, targets = place % 3 > 0, place % self.m
        exact = widened([hidden, weight])
        found = token_logprobs(hidden[None], weight, targets, mask).log_probs
        logs = (exact[0] @ exact[1].T).log_softmax(1).gather(1, targets.T)[:, 0]
        expected = logs[None].masked_fill(~mask, 0)
        return compared(found, expected, [hidden, weight], exact, dtype)


def widened(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The same values in float64, to be differentiated."""
    return [t.detach().double().requires_grad_() for t in tensors]


def formula(
    a: Tensor, k: Tensor, who: Sequence[Structure], t: float | Tensor = 1.0, **asked: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """l, e and c in float64 from all pairs at once."""
    t = torch.as_tensor(t, dtype=torch.float64, device=a.device)
    weights = ready(who, (len(a), len(k)), a)
    lse, moment, columns = plain(a / t.reshape(-1, 1), k, Plan(weights, **asked))
    return lse, None if moment is None else moment * t, columns


def compared(
    found: Sequence[Tensor | None],
    expected: Sequence[Tensor | None],
    inputs: Sequence[Tensor],
    exact: Sequence[Tensor],
    dtype: torch.dtype,
) -> Found:
    """The largest error of values and gradients over its tolerance, and where it is."""
    gradients = zip(_gradients(found, inputs), _gradients(expected, exact), strict=True)
    errors = {f"gradient {i}": _apart(*pair) / TOLERANCE[dtype] for i, pair in enumerate(gradients)}
    for i, (x, y) in enumerate(zip(found, expected, strict=True)):
        if y is not None:
            errors[f"value {i}"] = _apart(x, y) / min(STATISTICS, TOLERANCE[dtype])
    worst = max(errors, key=errors.get)
    right = all(error <= 1 for error in errors.values())
    return {"right": right, "of_tolerance": errors[worst], "worst": worst}


def _gradients(outputs: Sequence[Tensor | None], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of a weighting of all finite outputs."""
    total = 0
    for y in outputs:
        if y is not None:
            by = torch.linspace(1, 2, len(y), dtype=torch.float64, device=y.device)
            total = total + (y.double().masked_fill(y == -math.inf, 0) * by).sum()
    return torch.autograd.grad(total, inputs)


def _apart(x: Tensor, y: Tensor) -> float:
    """The largest difference over the largest entry; infinite where x is NaN or emptier."""
    if not torch.equal(x == -math.inf, y == -math.inf):
        return math.inf
    x, y = (z.detach().double().masked_fill(z == -math.inf, 0) for z in (x, y))
    apart = ((x - y).abs().max() / y.abs().max().clamp_min(1e-30)).item()
    return math.inf if math.isnan(apart) else apart


def with_setting(name: str, value: int, work: Callable[[], Found]) -> Found:
    """The work under another setting of the kernels."""
    before = getattr(operands, name)
    setattr(operands, name, value)
    try:
        return work()
    finally:
        setattr(operands, name, before)


def never_small(work: Callable[[], Tensor]) -> Tensor:
    """The work without the way that holds all pairs of a small problem."""
    import contrast.primitives.row_lse as module

    before, module.SMALL = module.SMALL, 0
    try:
        return work()
    finally:
        module.SMALL = before
