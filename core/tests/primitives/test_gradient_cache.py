"""The cached gradient is that of the whole batch, dropout and all, and memory stays small."""

import weakref
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from contrast.errors import ConfigError
from contrast.forms import Pairs, Views, over
from contrast.objectives.infonce import infonce
from contrast.primitives.gradient_cache import encode_in_chunks
from contrast.primitives.join import join

X = torch.randn(11, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@dataclass(frozen=True)
class Scaled(Views):
    temperature: Tensor | None = over(None, default=None)


class Encoder(nn.Module):
    def __init__(self, dtype, dropout):
        super().__init__()
        torch.manual_seed(1)
        self.body = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 4))
        self.log_temperature, self.unused = nn.Parameter(torch.tensor(-1.0)), nn.Linear(2, 2)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.to(dtype)

    def forward(self, x):
        z = torch.stack([self.body(x), self.frozen(self.body(x))])
        ids = x[:, 0].argsort()
        return Scaled(z, ids=ids, targets=x[:, :1], temperature=self.log_temperature.exp())


def loss(form):
    found = infonce(form.z[0], form.z[1], temperature=0.5)
    return found / form.temperature + form.targets.mean() * form.z.square().mean()


def gradients(form, encoder):
    parameters = [p for p in encoder.parameters() if p.requires_grad]
    return torch.autograd.grad(loss(form), parameters, allow_unused=True)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("size", [1, 4, 10])
def test_the_gradient_is_that_of_one_graph_over_all_chunks(dtype, tolerance, dropout, size):
    encoder, chunks = Encoder(dtype, dropout), X.to(dtype).split(size)
    torch.manual_seed(2)
    whole = join([encoder(chunk) for chunk in chunks])
    after = torch.rand(2)
    torch.manual_seed(2)
    form = encode_in_chunks(encoder, chunks, encoder)
    assert torch.equal(torch.rand(2), after)
    assert torch.equal(form.z, whole.z)
    assert torch.equal(form.ids, whole.ids)
    assert not form.targets.requires_grad
    random = torch.get_rng_state()
    for mine, theirs in zip(gradients(form, encoder), gradients(whole, encoder), strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            torch.testing.assert_close(mine, theirs, rtol=0, atol=tolerance)
    assert torch.equal(torch.get_rng_state(), random)


def test_without_dropout_it_is_that_of_the_plain_batch():
    encoder = Encoder(torch.float64, 0.0)
    form = encode_in_chunks(encoder, X.split(3), encoder)
    plain = encoder(X)
    for mine, theirs in zip(gradients(form, encoder), gradients(plain, encoder), strict=True):
        if mine is not None:
            torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


def test_gradcheck_of_second_use_and_retained_graphs():
    encoder = Encoder(torch.float64, 0.5)
    form = encode_in_chunks(encoder, X.split(4), encoder)
    weight = encoder.body[0].weight
    first, second = (torch.autograd.grad(form.z.sum(), weight, retain_graph=True) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert first[0].abs().sum() > 0


class Saved:
    """A tensor kept for a backward pass; knows how many bytes are kept at once."""

    now = most = 0

    def __init__(self, tensor):
        self.tensor = tensor.detach()  # an output that is saved would else keep its own graph
        Saved.now += tensor.nbytes
        Saved.most = max(Saved.most, Saved.now)

    def __del__(self):
        Saved.now -= self.tensor.nbytes


def most_saved(encode):
    encoder = Encoder(torch.float64, 0.5)
    Saved.now = Saved.most = 0
    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
        torch.autograd.grad(encode(encoder).z.sum(), encoder.body[0].weight)
    return Saved.most


def test_what_is_saved_is_that_of_one_chunk():
    x = X.repeat(40, 1)
    chunk, whole = most_saved(lambda e: e(x[:55])), most_saved(lambda e: e(x))
    cached = most_saved(lambda e: encode_in_chunks(e, x.split(55), e))
    assert whole > 5 * chunk
    assert cached < 1.3 * chunk


def test_pairs_with_further_candidates_keep_their_partners():
    torch.manual_seed(0)
    layer = nn.Linear(6, 3).double()

    def encode(x):
        return Pairs(layer(x), layer(torch.cat([x + 0.1, x - 3])))

    form, plain = encode_in_chunks(encode, X.split(4), layer), encode(X)
    found, wanted = (infonce(f.anchors, f.candidates, temperature=0.5) for f in (form, plain))
    torch.testing.assert_close(found, wanted)
    mine, theirs = (torch.autograd.grad(each, layer.weight)[0] for each in (found, wanted))
    torch.testing.assert_close(mine, theirs)


def test_where_no_gradient_is_wanted_nothing_is_kept():
    encoder = Encoder(torch.float64, 0.0)
    with torch.no_grad():
        form = encode_in_chunks(encoder, X.split(4), encoder)
    assert not form.z.requires_grad
    torch.testing.assert_close(form.z, encoder(X).z.detach())
    encoder.requires_grad_(False)
    assert not encode_in_chunks(encoder, X.split(4), encoder).z.requires_grad


def test_weights_that_were_stepped_since_are_refused():
    encoder = Encoder(torch.float64, 0.0)
    form = encode_in_chunks(encoder, X.split(4), encoder)
    with torch.no_grad():
        encoder.body[0].weight.add_(1)
    with pytest.raises(RuntimeError, match="changed between encoding and the backward pass"):
        gradients(form, encoder)


def test_an_encoder_that_mixes_rows_is_refused():
    mixing = Encoder(torch.float64, 0.0)
    mixing.mixes_rows = True
    normed = Encoder(torch.float64, 0.0)
    normed.body.insert(1, nn.BatchNorm1d(8).double())
    for encoder, name in ((mixing, "Encoder"), (normed, "BatchNorm1d")):
        with pytest.raises(ConfigError, match=f"`{name}` mixes the rows"):
            encode_in_chunks(encoder, X.split(4), encoder)
    normed.eval()
    assert encode_in_chunks(normed, X.split(4), normed).z.requires_grad


def test_an_encoder_that_changes_a_buffer_is_refused():
    class Counting(nn.Linear):
        def __init__(self):
            super().__init__(6, 2, dtype=torch.float64)
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x):
            self.seen += len(x)
            return Views(super().forward(x)[None])

    encoder = Counting()
    with pytest.raises(ConfigError, match="changes its buffer `seen`"):
        encode_in_chunks(encoder, X.split(4), encoder)


def test_autocast_is_the_same_both_times():
    encoder = Encoder(torch.float32, 0.0)

    def encode(x):
        with torch.autocast("cpu", torch.bfloat16):
            return encoder(x)

    chunks = X.float().split(4)
    form, whole = encode_in_chunks(encode, chunks, encoder), join([encode(c) for c in chunks])
    assert torch.equal(form.z, whole.z)
    for mine, theirs in zip(gradients(form, encoder), gradients(whole, encoder), strict=True):
        if mine is not None:
            torch.testing.assert_close(mine, theirs, rtol=1e-2, atol=1e-3)


class Remembered(torch.autograd.Function):
    """The rows as they are, with something in the graph that tells whether it is still there."""

    @staticmethod
    def forward(ctx, z, alive):
        ctx.held = torch.zeros(1)
        alive.append(weakref.ref(ctx.held))
        return z.clone()

    @staticmethod
    def backward(ctx, g):
        return g, None


def test_the_first_chunks_graph_is_gone_when_the_second_is_encoded():
    encoder, alive, seen = Encoder(torch.float64, 0.0), [], []

    def encode(x):
        seen.append([each() is not None for each in alive])
        form = encoder(x)
        return replace(form, z=Remembered.apply(form.z, alive))

    assert encode_in_chunks(encode, X.split(4), encoder).z.requires_grad
    assert seen == [[], [False], [False, False]]
