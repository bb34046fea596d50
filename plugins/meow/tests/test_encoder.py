import dataclasses

import pytest
import torch
from torch.nn.functional import elu, layer_norm, normalize

from contrast.engine.placement import move
from contrast.engine.randomness import generator, seeded
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_meow.encoder import GraphNetwork, MeowEncoder, ViewAttention
from contrast_meow.metapaths import parse
from contrast_meow.operators import Operator
from contrast_meow.sampler import MeowSampler

PRECISIONS = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)]
)


@PRECISIONS
@pytest.mark.parametrize("case", vector_cases(__file__, "meow", "gcn_encoder"))
def test_graph_network_equals_its_vector(case, dtype, tolerance):
    x, A, first, second = tensors(case, "x", "adjacency", "W1", "W2", dtype=dtype)
    net = GraphNetwork(*first.shape, dropout=0.5).to(dtype).eval()
    slope = torch.tensor([case["prelu"]], dtype=dtype)
    net.load_state_dict({"first": first, "second": second, "slope": slope})
    assert_close(net(x, Operator(A)), case["output"], tolerance, "output")


@PRECISIONS
@pytest.mark.parametrize("case", vector_cases(__file__, "meow", "view_attention"))
def test_view_attention_equals_its_vector(case, dtype, tolerance):
    views, W, b, q = tensors(case, "views", "W", "b", "q", dtype=dtype)
    attention = ViewAttention(W.shape[0], dropout=0.5).to(dtype).eval()
    attention.load_state_dict({"transform.weight": W, "transform.bias": b, "query": q})
    assert_close(attention.weights(views), case["beta"], tolerance, "beta")
    assert_close(attention(views), case["output"], tolerance, "output")


def build(data, **settings):
    settings = {"clusters": (4, 7), "neighbours": (6,), "cache": False} | settings
    sampler = MeowSampler(data, generator=generator("sampler"), **settings)
    with seeded("init"):
        encoder = MeowEncoder(**data.sizes(), width=5, projection=5).double()
    return encoder, move(sampler.batch, torch.device("cpu"), torch.float64)


def dense(operator: Operator, columns: int = 30) -> torch.Tensor:
    """The matrix that the operator multiplies by."""
    return operator @ torch.eye(columns, dtype=torch.float64)


def test_both_views_equal_the_equations_written_out(data):
    encoder, batch = build(data)
    encoder.eval()

    def project(features, layer):
        return elu(dense(features, layer.in_features) @ layer.weight.T + layer.bias)

    def network(h, A):
        net = encoder.gcn
        h = torch.where((g := A @ h @ net.first) > 0, g, net.slope * g)
        h = A @ h @ net.second
        return (h - h.mean()) / (h.var(correction=0) + 1e-5).sqrt()

    def head(z):
        return normalize(torch.tanh(z @ encoder.head.weight.T + encoder.head.bias), dim=1)

    (layer,) = encoder.targets
    H, masked = project(batch.features[0], layer), project(batch.masked[0], layer)
    views = []
    for p in range(2):
        neighbour = project(batch.features[p + 1], encoder.others[p])
        mean = dense(batch.contexts[p][0], len(neighbour))
        agg = mean @ neighbour @ encoder.context[p][0].weight.T
        views.append(normalize(network(elu(H + agg), dense(batch.graphs[p])), dim=1))
        views.append(normalize(network(elu(masked + agg), dense(batch.masked_graphs[p])), dim=1))
    z = encoder.attention(torch.stack(views))
    a = head(network(H, (dense(batch.graphs[0]) + dense(batch.graphs[1])) / 2))
    form = encoder(batch)
    torch.testing.assert_close(form.z[0], a, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(form.z[1], head(z), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(encoder.embed(batch)["z"], z, rtol=1e-9, atol=1e-11)
    assert form.ids.tolist() == list(range(30))


def test_layer_norm_takes_the_whole_matrix():
    x = torch.randn(6, 4, generator=generator(0), dtype=torch.float64)
    net = GraphNetwork(4, 4, dropout=0.0).double()
    out = net(x, Operator(torch.eye(6, dtype=torch.float64)))
    assert out.mean().abs() < 1e-12
    assert not torch.allclose(out, layer_norm(out, (4,)))


def test_training_draws_dropout_and_evaluation_does_not(data):
    encoder, batch = build(data)
    with seeded("dropout"):
        assert not torch.equal(encoder(batch).z, encoder(batch).z)
        encoder.eval()
        assert torch.equal(encoder(batch).z, encoder(batch).z)


def test_every_parameter_receives_a_finite_gradient(data):
    encoder, batch = build(data)
    form = encoder(batch)
    weight = torch.randn(form.z.shape, generator=generator(3), dtype=torch.float64)
    (form.z * weight).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_isolated_target_and_zero_features_give_no_nan(data):
    encoder, batch = build(data)
    assert not dense(batch.contexts[0][0], 12)[0].any()
    assert not dense(batch.features[0], 8)[1].any()
    assert encoder(batch).z.isfinite().all()


def test_target_without_features_is_one_hot(graph, data):
    del graph["film"].x
    graph["film"].num_nodes = 30
    encoder, batch = build(data)
    assert torch.equal(dense(batch.features[0]), torch.eye(30, dtype=torch.float64))
    assert encoder(batch).z.shape == (2, 30, 5)


def test_path_through_several_types_has_a_context_for_each(data):
    path = parse("film>topic>film>topic>film", data.graph, "film")
    encoder, batch = build(dataclasses.replace(data, paths=(path,)))
    shapes = [
        tuple(dense(each, n).shape) for each, n in zip(batch.contexts[0], (5, 30, 5), strict=True)
    ]
    assert shapes == [(30, 5), (30, 30), (30, 5)]
    assert encoder(batch).z.isfinite().all()


def test_initial_weights_follow_the_official_code(data):
    encoder, _ = build(data)
    bound = 5**-0.5
    assert encoder.gcn.first.abs().max() <= bound
    assert encoder.gcn.first.abs().max() > 0.6 * bound
    assert encoder.gcn.slope.item() == 0.25


def test_target_with_a_projection_for_each_meta_path_uses_their_mean_in_the_coarse_view(data):
    data = dataclasses.replace(data, per_path=True)
    encoder, batch = build(data)
    encoder.eval()
    assert len(encoder.targets) == len(batch.masked) == 2
    assert not torch.equal(dense(batch.masked[0], 8), dense(batch.masked[1], 8))
    mean = sum(encoder.inputs(batch.features[0], each) for each in encoder.targets) / 2
    a = encoder.view(encoder.gcn(mean, batch.coarse))
    torch.testing.assert_close(encoder(batch).z[0], a)
    before = encoder.embed(batch)["z"]
    with torch.no_grad():
        encoder.targets[1].weight.zero_()
    assert not torch.allclose(encoder.embed(batch)["z"], before)


@pytest.mark.parametrize("drops", [True, False])
def test_masked_targets_draw_dropout_of_their_own_unless_told_otherwise(data, drops, monkeypatch):
    encoder, batch = build(data)
    encoder.drop_masked = drops
    drawn = []
    once = encoder.context_of
    monkeypatch.setattr(encoder, "context_of", lambda steps: drawn.append(once(steps)) or drawn[-1])
    encoder(batch)
    assert len(drawn) == (4 if drops else 2)  # of two paths
    assert not torch.equal(*drawn[:2])


def test_form_carries_the_embedding_behind_the_fine_view(data):
    encoder, batch = build(data)
    encoder.eval()
    form = encoder(batch)
    assert torch.equal(form.embedding, encoder.embed(batch)["z"])
    assert torch.equal(encoder.view(form.embedding), form.z[1])


def test_layers_done_again_in_the_backward_pass_give_the_same_gradients(data, monkeypatch):
    encoder, batch = build(data)
    found = []
    for limit in (20_000, 0):
        monkeypatch.setattr("contrast_meow.encoder.KEEP_UP_TO", limit)
        with seeded("dropout"):
            z = encoder(batch).z
            found.append(
                [z, *torch.autograd.grad(z[0].sum() + z[1, 0].sum(), encoder.parameters())]
            )
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_a_large_graph_keeps_few_matrices_of_its_layers(data, monkeypatch):
    encoder, batch = build(data)
    kept = []
    for limit in (20_000, 0):
        monkeypatch.setattr("contrast_meow.encoder.KEEP_UP_TO", limit)
        held = {}

        def pack(x, held=held):
            held[x.untyped_storage().data_ptr()] = x if x.shape == (30, 5) else None
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            form = encoder(batch)
        kept.append(sum(x is not None for x in held.values()))
        del form
    all_layers, lean = kept
    assert lean <= all_layers / 3
