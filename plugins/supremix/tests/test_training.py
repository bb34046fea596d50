from dataclasses import replace

import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator
from contrast_supremix.comparison import compare, contrast
from contrast_supremix.objective import SupReMix, binned, supremix
from contrast_supremix.split import draw_folds
from contrast_supremix.training import Budget, Stack, batches, network, pretrain, probe, tune

QUICK = Budget(3, 10, 10, batch_size=16, width=16, lr=1e-2)


def data(n=80):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(n, 3))
    return x, 10 * x[:, 0] + draw.normal(size=n)


@pytest.fixture
def stack():
    x, y = data()
    return Stack.of(x, y, draw_folds(np.arange(80), 2, 0.2, generator(0)), [5, 6])


def alone(stack, i):
    """One member of a stack."""
    own = {k: getattr(stack, k)[i : i + 1] for k in ("x", "y", "labels", "train", "valid")}
    return Stack(**own, seeds=stack.seeds[i : i + 1], scales=stack.scales[i : i + 1])


@pytest.mark.parametrize("name", ["supcon", "rank_n_contrast"])
def test_a_member_learns_in_company_what_it_learns_alone(stack, name):
    together = pretrain(stack, contrast(name, SupReMix(), stack.seeds), QUICK, name)
    for i in range(2):
        one = alone(stack, i)
        own = pretrain(one, contrast(name, SupReMix(), one.seeds), QUICK, name)
        torch.testing.assert_close(together.weights[1][i], own.weights[1][0], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ["supcon", "rank_n_contrast"])
def test_contrasts_in_step_are_those_of_the_core(name):
    from contrast.objectives.rank_n_contrast import rank_n_contrast
    from contrast.objectives.supcon import supcon

    draw = generator("z")
    z, targets = torch.randn(2, 9, 4, generator=draw), 3 * torch.rand(2, 9, generator=draw)
    labels = targets.round()
    labels[0, 0] = 50  # an anchor without a mate
    found = contrast(name, SupReMix(temperature=0.2), [0, 1])(z, labels, targets)
    for i in range(2):
        wanted = {
            "supcon": lambda i: supcon(z[i : i + 1], labels[i].long(), temperature=0.2),
            "rank_n_contrast": lambda i: rank_n_contrast(z[i : i + 1], targets[i]),
        }[name](i)
        torch.testing.assert_close(found[i], wanted)


def test_methods_beside_one_another_change_nothing(stack):
    net = network(stack.times(2), 16, "vanilla")
    both = tune(stack.times(2), net, ["l1", "l1", "mse", "mse"], 5, QUICK, "v")
    single = tune(stack, network(stack, 16, "vanilla"), ["mse"] * 2, 5, QUICK, "v")
    torch.testing.assert_close(both.predicted[2:], single.predicted, atol=1e-4, rtol=1e-3)


def test_an_epoch_sees_every_training_row_once_in_batches_of_one_size(stack):
    found = list(batches(stack, 10, 0, "x"))
    assert {each.shape[1] for each in found} <= {8, 9, 10}
    rows = torch.cat(found, 1).sort(1).values
    assert (rows == stack.train.sort(1).values).all()


def test_the_best_epoch_of_each_member_is_kept(stack):
    fitted = tune(stack, network(stack, 16, "v"), ["l1"] * 2, 20, QUICK, "v")
    rows = torch.arange(2)[:, None], stack.valid
    error = (fitted.predicted[rows] - stack.y[rows]).abs().mean(1)
    torch.testing.assert_close(error, fitted.valid_mae)


def test_a_probe_leaves_the_features_alone(stack):
    net = network(stack, 16, "v")
    before = [p.detach().clone() for p in net.parameters()]
    fitted = probe(stack, net, QUICK, "p")
    assert all((a == b).all() for a, b in zip(before, net.parameters(), strict=True))
    assert (fitted.valid_mae < 1).all()


def test_every_method_is_tried_on_the_same_splits():
    x, y = data()
    splits = draw_folds(np.arange(80), 2, 0.2, generator(0))
    found = compare(x, y, splits, [0, 1], budget=QUICK, supremix=SupReMix())
    assert list(found) == [
        "ridge",
        "gradient boosting",
        "network, l1",
        "network, mse",
        "network, huber",
        "supcon, probe",
        "supcon, tune",
        "rank_n_contrast, probe",
        "rank_n_contrast, tune",
        "supremix, probe",
        "supremix, tune",
    ]
    for each in found.values():
        assert each.predicted.shape == (2, 80)
        held = [np.abs(p - y)[s.held].mean() for p, s in zip(each.predicted, splits, strict=True)]
        assert max(held) < np.abs(y - np.median(y)).mean() * 1.2


def test_a_network_without_contrast_gets_the_epochs_of_both_stages():
    assert QUICK.whole == 13


def test_batches_of_two_leave_no_row_alone(stack):
    odd = replace(stack, train=stack.train[:, :31])
    assert {each.shape[1] for each in batches(odd, 2, 0, "x")} == {2, 3}


def test_without_epochs_the_error_is_that_of_the_untrained(stack):
    net, none = network(stack, 16, "v"), replace(QUICK, probe_epochs=0)
    for fitted in (tune(stack, net, ["l1"] * 2, 0, QUICK, "v"), probe(stack, net, none, "p")):
        rows = torch.arange(2)[:, None], stack.valid
        error = (fitted.predicted[rows] - stack.y[rows]).abs().mean(1)
        torch.testing.assert_close(error, fitted.valid_mae)


def test_the_comparison_bins_labels_as_the_run_does():
    draw = generator("z")
    z, targets = torch.randn(2, 9, 4, generator=draw), 40 * torch.rand(2, 9, generator=draw)
    objective = SupReMix(label_bin=8.0, mix_neg=False)
    found = contrast("supremix", objective, [0, 1])(z, targets.round(), targets)
    for i in range(2):
        wanted = supremix(z[i : i + 1], binned(targets[i], 8.0), mix_neg=False)
        torch.testing.assert_close(found[i], wanted)
