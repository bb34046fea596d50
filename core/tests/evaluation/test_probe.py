import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.metrics import f1_score, roc_auc_score
from torch import nn

from contrast.errors import DataError
from contrast.evaluation import ProbeScores, Split, linear_probe


def blobs(classes=3, width=6, per_class=40, spread=1.6, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), per_class)
    z = rng.normal(size=(classes, width))[labels] + spread * rng.normal(size=(len(labels), width))
    order = rng.permutation(len(labels))
    return z[order].astype(np.float32), labels[order]


def thirds(n):
    return Split(np.arange(n // 3), np.arange(n // 3, 2 * n // 3), np.arange(2 * n // 3, n))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def one_at_a_time(z, labels, split, lr, weight_decay, steps, restarts, generator):
    """The official protocol, as plain as it can be written."""
    z, y = torch.from_numpy(z).double(), torch.from_numpy(labels)
    scores = []
    for _ in range(restarts):
        layer = nn.Linear(z.shape[1], int(y.max()) + 1, dtype=torch.float64)
        start = nn.init.xavier_uniform_(torch.empty(*layer.weight.shape), generator=generator)
        layer.weight.data.copy_(start)
        layer.bias.data.zero_()
        adam = torch.optim.Adam(layer.parameters(), lr=lr, weight_decay=weight_decay)
        trace = []
        for _ in range(steps):
            adam.zero_grad()
            nn.functional.cross_entropy(layer(z[split.train]), y[split.train]).backward()
            adam.step()
            with torch.no_grad():
                row = {}
                for part, rows in (("val", split.validation), ("test", split.test)):
                    logits = layer(z[rows])
                    for average in ("macro", "micro"):
                        named = logits.argmax(1)
                        row[part, average] = f1_score(y[rows], named, average=average)
                chance = logits.softmax(1).numpy()
                chance = chance[:, 1] if chance.shape[1] == 2 else chance
                row["auc"] = roc_auc_score(y[split.test], chance, multi_class="ovr")
            trace.append(row)
        macro = max(trace, key=lambda row: row["val", "macro"])  # max keeps the first
        micro = max(trace, key=lambda row: row["val", "micro"])
        scores.append((macro["test", "macro"], micro["test", "micro"], micro["auc"]))
    return 100 * np.array(scores).T


@pytest.mark.parametrize(("classes", "weight_decay"), [(3, 0.0), (4, 1e-2), (2, 0.0)])
def test_scores_equal_those_of_one_regression_at_a_time(classes, weight_decay):
    z, labels = blobs(classes, per_class=30)
    split = thirds(len(z))
    given = {"lr": 0.05, "weight_decay": weight_decay, "steps": 12, "restarts": 3}
    found = linear_probe(z, labels, {"a": split}, **given, generator=generator())["a"]
    expected = one_at_a_time(z, labels, split, **given, generator=generator())
    np.testing.assert_allclose(
        [found.macro_f1, found.micro_f1, found.auc], expected, rtol=0, atol=1e-9
    )


def test_macro_f1_counts_a_class_that_is_only_predicted():
    z, labels = blobs(3, spread=3.0)
    split = thirds(len(z))
    rows = split.test[labels[split.test] != 2]
    split = Split(split.train, rows, rows)
    found = linear_probe(
        z, labels, {"a": split}, lr=0.05, steps=1, restarts=1, generator=generator()
    )["a"]
    assert found.auc is None
    # One step from the start: predict with the start's own regression and let sklearn judge.
    from contrast.evaluation.probe import classify, f1, fit, initial_weights, take

    train, test = (take(z, labels, part, "part") for part in (split.train, rows))
    best = fit(
        initial_weights(1, 3, z.shape[1], generator()),
        train,
        test,
        lr=0.05,
        weight_decay=0,
        steps=1,
    )
    named = classify(test[0], best[0]).argmax(-1)[0]
    assert 2 in named
    assert found.macro_f1[0] == pytest.approx(100 * f1_score(labels[rows], named, average="macro"))
    assert f1(classify(test[0], best[0]), test[1])[0, 0] * 100 == pytest.approx(found.macro_f1[0])


def test_separable_classes_score_a_hundred():
    z, labels = blobs(3, spread=0.01)
    found = linear_probe(
        z, labels, {"a": thirds(len(z))}, lr=0.1, steps=60, restarts=3, generator=generator()
    )["a"]
    assert found.mean() == pytest.approx({"macro_f1": 100, "micro_f1": 100, "auc": 100})
    assert found.std()["macro_f1"] == 0


def test_a_split_scores_the_same_alone_and_beside_others():
    z, labels = blobs()
    a, b = thirds(len(z)), thirds(len(z) - 9)
    given = {"lr": 0.05, "steps": 5, "restarts": 3}
    both = linear_probe(z, labels, {"b": b, "a": a}, **given, generator=generator())
    alone = linear_probe(z, labels, {"a": a}, **given, generator=generator())
    np.testing.assert_array_equal(both["a"].macro_f1, alone["a"].macro_f1)


@pytest.mark.parametrize(
    "convert",
    [
        torch.from_numpy,
        sparse.csr_matrix,
        lambda z: torch.from_numpy(z).to_sparse(),
        lambda z: torch.from_numpy(z).requires_grad_(),
    ],
)
def test_embeddings_may_come_as_tensor_or_sparse(convert):
    z, labels = blobs()
    z = np.where(z > 0, z, 0)
    given = {"lr": 0.05, "steps": 4, "restarts": 2}
    plain = linear_probe(z, labels, {"a": thirds(len(z))}, **given, generator=generator())["a"]
    other = linear_probe(
        convert(z), torch.from_numpy(labels), {"a": thirds(len(z))}, **given, generator=generator()
    )["a"]
    np.testing.assert_array_equal(plain.micro_f1, other.micro_f1)


def test_class_numbers_may_have_gaps_and_rows_may_be_unlabelled():
    z, labels = blobs()
    split = thirds(len(z) - 10)
    given = {"lr": 0.05, "steps": 4, "restarts": 2}
    plain = linear_probe(z, labels, {"a": split}, **given, generator=generator())["a"]
    gaps = np.array([3, 10, 20])[labels]
    gaps[-10:] = -1
    other = linear_probe(z, gaps, {"a": split}, **given, generator=generator())["a"]
    np.testing.assert_array_equal(plain.macro_f1, other.macro_f1)


def test_auc_is_undefined_when_the_test_part_lacks_a_class():
    z, labels = blobs()
    split = thirds(len(z))
    split = Split(split.train, split.validation, split.test[labels[split.test] != 1])
    found = linear_probe(
        z, labels, {"a": split}, lr=0.05, steps=2, restarts=2, generator=generator()
    )["a"]
    assert found.auc is None
    assert found.mean()["auc"] is None
    assert found.std()["auc"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(120, int)}, "at least two classes"),
        ({"labels": np.full(120, -1)}, "at least two classes"),
        ({"labels": np.zeros(7, int)}, "120 labels"),
        ({"labels": np.full(120, 0.5)}, "whole numbers"),
        ({"z": np.full((120, 2), np.nan)}, "must be finite"),
        ({"z": np.zeros(120)}, r"\(N, D\) matrix"),
        ({"split": Split([], [1], [2])}, "train part of split `a` must be a filled vector"),
        ({"split": Split([0], [120], [2])}, "validation part of split `a` names rows 120"),
        ({"split": Split([0], [1], [-1])}, "test part of split `a` names rows -1"),
        ({"split": Split([0], [1], [0.5])}, "row numbers"),
        ({"unlabel": 5, "split": Split([0], [5], [2])}, "row 5, which has no label"),
    ],
)
def test_unfit_input_is_refused_with_a_sentence(change, message):
    z, labels = blobs()
    labels = change.get("labels", labels).copy()
    if "unlabel" in change:
        labels[change["unlabel"]] = -1
    with pytest.raises(DataError, match=message):
        linear_probe(
            change.get("z", z),
            labels,
            {"a": change.get("split", thirds(120))},
            lr=0.05,
            steps=1,
            restarts=1,
            generator=generator(),
        )


def test_no_restart_is_refused():
    z, labels = blobs()
    with pytest.raises(ValueError, match="restarts and steps"):
        linear_probe(z, labels, {}, lr=0.1, restarts=0, generator=generator())


def test_mean_and_spread_are_over_the_restarts():
    scores = ProbeScores(np.array([1.0, 3.0]), np.array([2.0, 2.0]), None)
    assert scores.mean() == {"macro_f1": 2.0, "micro_f1": 2.0, "auc": None}
    assert scores.std() == {"macro_f1": 1.0, "micro_f1": 0.0, "auc": None}


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_probe_trains_where_gradients_are_off(mode):
    z, labels = blobs()
    given = {"lr": 0.05, "steps": 3, "restarts": 2}
    plain = linear_probe(z, labels, {"a": thirds(len(z))}, **given, generator=generator())["a"]
    with mode():
        tensor = torch.from_numpy(z) + 0
        found = linear_probe(tensor, labels, {"a": thirds(len(z))}, **given, generator=generator())
    np.testing.assert_array_equal(found["a"].micro_f1, plain.micro_f1)
