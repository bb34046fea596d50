import json
import math

import pytest
import torch
from torch.nn.functional import normalize

import contrast
from contrast.engine.randomness import generator, seeded
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_meow import save_graph
from contrast_meow.ada_objective import AdaMeow
from contrast_meow.form import Graph


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(*shape, generator=generator(seed, *shape), dtype=torch.float64)
    return normalize(drawn, dim=-1)


def build(D: int = 4, temperature: float = 0.9) -> AdaMeow:
    with seeded("init"):
        return AdaMeow(D, temperature).double()


@pytest.mark.parametrize("case", vector_cases(__file__, "meow", "soft_weight_infonce"))
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_loss_weights_and_all_gradients_equal_their_vector(case, dtype, tolerance):
    anchor, other = tensors(case, "anchor", "other", dtype=dtype, requires_grad=True)
    W1, b1, W2, b2 = tensors(case, "W1", "b1", "W2", "b2", dtype=dtype)
    objective = AdaMeow(W1.shape[1], case["tau"]).to(dtype)
    state = {"mix.weight": W1, "mix.bias": b1, "score.weight": W2, "score.bias": b2}
    objective.load_state_dict(state)
    assert_close(
        objective.weights(anchor, other).log_weight().exp(), case["weights"], tolerance, "weights"
    )
    loss = objective(Graph(torch.stack([other, anchor])))["contrast"]
    leaves = (anchor, other, *objective.parameters())
    found = torch.autograd.grad(loss, leaves)
    assert_close(loss, case["loss"], tolerance, "loss")
    names = ("grad_anchor", "grad_other", "grad_W1", "grad_b1", "grad_W2", "grad_b2")
    for name, gradient in zip(names, found, strict=True):
        assert_close(gradient, case[name], tolerance, name)


def naive(objective: AdaMeow, a: torch.Tensor, f: torch.Tensor) -> float:
    """The equation, pair by pair."""
    N, total = len(a), 0.0
    for i in range(N):
        weighted = 0.0
        for j in range(N):
            hidden = torch.tanh(objective.mix(f[i] + a[j]))
            w = torch.sigmoid(objective.score(hidden)).item()
            weighted += w * math.exp(float(f[i] @ a[j]) / objective.temperature)
        total += math.log(weighted) - float(f[i] @ a[i]) / objective.temperature
    return total / N


def test_loss_equals_a_naive_loop_with_fine_anchors_and_the_positive_inside():
    a, f, objective = draw(7, 4), draw(7, 4, seed=1), build()
    loss = objective(Graph(torch.stack([a, f])))["contrast"]
    assert_close(loss, naive(objective, a, f), 1e-12, "loss")
    swapped = objective(Graph(torch.stack([f, a])))["contrast"]
    assert abs(swapped - loss) > 1e-6


@pytest.mark.parametrize("N", [5, 450])  # at once, and by tiles
def test_gradients_equal_those_of_the_plain_formula(N):
    a, f, objective = draw(N, 4).requires_grad_(), draw(N, 4, seed=1).requires_grad_(), build()
    leaves = (a, f, *objective.parameters())
    hidden = torch.tanh(objective.mix(f[:, None] + a))
    w = torch.sigmoid(objective.score(hidden)).squeeze(2)
    logits = f @ a.T / 0.9
    plain = ((w * logits.exp()).sum(1).log() - logits.diagonal()).mean()
    loss = objective(Graph(torch.stack([a, f])))["contrast"]
    assert_close(loss, plain, 1e-12, "loss")
    found = torch.autograd.grad(loss, leaves)
    for one, other in zip(found, torch.autograd.grad(plain, leaves), strict=True):
        assert_close(one, other, 1e-12, "gradient")


def test_gradients_equal_finite_differences():
    a, f, objective = draw(5, 4).requires_grad_(), draw(5, 4, seed=1).requires_grad_(), build()

    def loss(a, f, *parameters):
        named = dict(zip(dict(objective.named_parameters()), parameters, strict=True))
        form = Graph(torch.stack([a, f]))
        return torch.func.functional_call(objective, named, (form,))["contrast"]

    assert torch.autograd.gradcheck(loss, (a, f, *objective.parameters()))


def test_shrinking_weights_lower_the_loss_without_bound_and_show_in_the_mean_weight():
    form, objective = Graph(torch.stack([draw(30, 4), draw(30, 4, seed=1)])), build()
    losses, means = [], []
    for bias in (0.0, -10.0, -100.0):
        objective.score.bias.data.fill_(bias)
        losses.append(objective(form)["contrast"].item())
        means.append(objective.mean_weight(form).item())
    assert losses[0] - losses[1] > 8
    assert losses[1] - losses[2] > 85
    assert means[0] > 0.2 > means[1] > means[2]


def run(folder, **more):
    """A short training on 40 papers of two fields."""
    from torch_geometric.data import HeteroData

    graph = HeteroData()
    graph["paper"].x, graph["paper"].y = torch.eye(40), torch.arange(40) % 2
    graph["author"].num_nodes = 10
    author = (torch.arange(40) % 2) * 5 + torch.arange(40) // 2 % 5
    edges = torch.stack([torch.arange(40), author])
    graph["paper", "by", "author"].edge_index = edges
    graph["author", "rev_by", "paper"].edge_index = edges.flip(0)
    words = [
        "method=adameow",
        "data=hetero",
        f"data.path={save_graph(graph, folder / 'graph')}",
        "data.meta_paths=paper>author>paper",
        "data.labelled=4",
        "sampler.neighbours=8",
        "sampler.cache=no",
        "trainer.max_epochs=12",
        "trainer.evaluate_every=3",
        "trainer.evaluate_from=6",
        "evaluation.probe_restarts=2",
        "evaluation.probe_steps=5",
        "evaluation.cluster_runs=1",
    ]
    return contrast.run("meow", overrides=words, runs=folder, **more)


def test_training_logs_the_mean_weight_and_ends_with_the_epoch_of_the_best_validation(tmp_path):
    done = run(tmp_path)
    lines = [json.loads(line) for line in (done.folder / "metrics.jsonl").open()]
    assert all(0 < line["mean_weight"] < 1 for line in lines if "mean_weight" in line)
    found = {e["epoch"]: e["validation"]["validation"] for e in lines if "validation" in e}
    assert list(found) == [3, 6, 9, 12]
    assert found[3] is None  # warm-up
    config = {e["key"]: e["value"] for e in json.loads((done.folder / "config.json").read_text())}
    assert (config["trainer.monitor"], config["trainer.restore_best"]) == ("validation", True)


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path):
    whole = run(tmp_path / "whole")
    stopped = run(tmp_path / "stopped", max_steps_now=7)
    assert stopped.state == "stopped"
    resumed = contrast.resume(stopped.folder)
    one, two = (contrast.load(each.folder) for each in (whole, resumed))
    for a, b in zip(one.objective.parameters(), two.objective.parameters(), strict=True):
        assert torch.equal(a, b)
    assert whole.metrics == resumed.metrics
