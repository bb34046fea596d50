"""The learning check: runs of a seed are paired, every loss takes a step, records are kept."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import learning_check as check  # noqa: E402
from learning_orderings import BEST, Cell, Ordering, accuracies, difference  # noqa: E402

TASK = check.Task(images=64, updates=2, labels=1, draws=2)


@pytest.fixture(scope="module")
def data():
    """Noise of ten classes in the place of digits."""
    draw = torch.Generator().manual_seed(0)
    x, y = torch.rand(64, 1, 14, 14, generator=draw), torch.arange(64) % 10
    return check.Digits(x, y, x, y, x, y)


def views_seen(monkeypatch, data, run):
    """The images that the encoder sees at each update, (V, N, ...) each."""
    seen = []
    forward = check.Encoder.forward

    def watching(encoder, x):
        seen.append(x.unflatten(0, (run.views, -1)))
        return forward(encoder, x)

    with monkeypatch.context() as patch:
        patch.setattr(check.Encoder, "forward", watching)
        check.learn(TASK, run, data)
    return seen


@pytest.mark.parametrize("loss", check.LOSSES)
@pytest.mark.parametrize("views", check.VIEWS)
def test_every_loss_moves_every_weight(data, loss, views):
    start = check.fresh_encoder(TASK, 0).state_dict()
    encoder, losses = check.learn(TASK, check.Run(loss, views, 32, 0), data)
    assert torch.isfinite(torch.tensor(losses)).all()
    moved = [not value.equal(start[name]) for name, value in encoder.named_parameters()]
    assert all(moved)


def test_losses_of_a_seed_see_the_same_images(monkeypatch, data):
    first, second = (
        views_seen(monkeypatch, data, check.Run(loss, 2, 32, 3)) for loss in ("DCL", "SogCLR")
    )
    assert all(map(torch.equal, first, second))


def test_two_views_are_the_first_two_of_four(monkeypatch, data):
    two, four = (views_seen(monkeypatch, data, check.Run("DCL", v, 32, 3)) for v in (2, 4))
    assert all(few.equal(many[:2]) for few, many in zip(two, four, strict=True))
    assert not four[0][0].equal(four[0][1])


def test_other_seeds_see_other_images_from_other_weights(monkeypatch, data):
    one, other = (views_seen(monkeypatch, data, check.Run("DCL", 2, 32, s)) for s in (0, 1))
    assert not one[0].equal(other[0])
    weights = [next(check.fresh_encoder(TASK, seed).parameters()) for seed in (0, 1)]
    assert not weights[0].equal(weights[1])


def test_an_image_comes_once_in_a_pass():
    first = torch.cat(list(check.batches(TASK, 32, 0)))
    assert first.sort().values.tolist() == list(range(64))


def test_labels_are_drawn_evenly_and_never_twice(data):
    rows = check.drawn_labels(data.labels, 4, torch.Generator().manual_seed(1))
    assert (data.labels[rows] == torch.arange(10)[:, None]).all()
    assert len(rows.unique()) == 40


def test_a_run_that_is_recorded_is_not_run_again(monkeypatch, tmp_path):
    runs = [check.Run("DCL", 2, 32, seed) for seed in (0, 1)]
    measured = []

    def measure(task, run):
        measured.append(run)
        return {**asdict(run), "task": asdict(task)}

    monkeypatch.setattr(check, "grid", lambda: runs)
    monkeypatch.setattr(check, "measure", measure)
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({**asdict(runs[0]), "task": asdict(TASK)}) + "\n")
    check.run_grid(TASK, path, jobs=1)
    assert measured == runs[1:]
    assert len(check.recorded(path, TASK)) == 2


def test_results_of_another_task_are_not_mixed_in(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({"task": asdict(replace(TASK, updates=3))}) + "\n")
    with pytest.raises(SystemExit, match="another task"):
        check.recorded(path, TASK)


def lines(**accuracy):
    """Records of two seeds at 2 views and batch 32, by loss."""
    for loss, values in accuracy.items():
        for seed, value in enumerate(values):
            yield {"loss": loss, "views": 2, "batch": 32, "seed": seed, "accuracy": value}


def ordering(more, less):
    cells = [tuple(Cell(loss, 2, 32) for loss in side) for side in (more, less)]
    return Ordering("a claim", "a paper", "here", *cells)


def test_a_difference_is_taken_within_each_seed():
    found = accuracies(lines(a=[80, 90], b=[79, 88]))
    seen = difference(found, ordering("a", "b"))
    assert (seen.mean, seen.positive, seen.seeds) == (1.5, 2, 2)
    assert seen.half == pytest.approx(12.7062 * 0.5)  # t of one degree of freedom; 0.5 = error
    assert seen.verdict == "not separated"


def test_a_gap_is_compared_with_a_gap():
    found = accuracies(lines(a=[80, 90], b=[70, 80], c=[60, 70], d=[55, 65]))
    seen = difference(found, ordering("ab", "cd"))
    assert seen.mean == 5
    assert seen.verdict == "**comes back**"
    assert difference(found, ordering("cd", "ab")).verdict == "reversed"


def test_the_best_without_labels_is_chosen_seed_by_seed():
    found = accuracies(lines(a=[80, 60], b=[70, 90], SupCon=[99, 99]))
    assert found[Cell(BEST, 2, 32)] == {0: 80, 1: 90}


def test_the_docs_show_what_the_recorded_runs_say():
    recorded = check.recorded(check.RESULTS, check.Task())
    page = (ROOT / "docs" / "learning-check.md").read_text()
    assert len(recorded) == len(check.grid())
    for table in check.tables(recorded).split("\n\n"):
        assert table in page
    claims = check.orderings(list(check.LOSSES))
    drawn = (ROOT / "docs" / "assets" / "learning-check.svg").read_text()
    assert check.figure(accuracies(recorded), claims) == drawn
