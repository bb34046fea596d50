import json

import numpy as np
import pytest

from contrast.interfaces import Evaluation, Map, Reference, Table
from contrast.reporting import save_evaluation


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def evaluation(n=90, label="Drama"):
    rng = np.random.default_rng(0)
    kinds = np.array([label, "Comedy", "Action"])
    labels = np.repeat(np.arange(3), [n // 2, n // 3, n - n // 2 - n // 3])
    z = 2 * rng.normal(size=(3, 8))[labels] + rng.normal(size=(n, 8))
    rows = (("features only", 34.8, 36.2, None), ("meow", 54.5, 54.6, 59.61))
    return Evaluation(
        metrics={"macro_f1/20": 54.5, "macro_f1/40": 54.6, "macro_f1/60": 59.61, "auc/60": None},
        tables=(
            Table(
                "Macro-F1 by labels per class", ("method", "20", "40", "60"), rows, "In percent."
            ),
        ),
        maps=(Map("Movies by genre", z, kinds[labels], np.arange(n)),),
        notes=("AUC is not available at 60: a class is missing from the test part.",),
        references=(
            Reference("macro_f1/20", 53.0, "our trial, one seed", 1.25),
            Reference("auc/60", 78.0, "our trial, one seed"),
        ),
    )


@pytest.fixture
def run_folder(tmp_path):
    return fill(tmp_path / "meow-movielens-seed3")


@pytest.fixture(scope="session")
def filled():
    """Makes run folders anywhere: `filled(folder, seed=1)`."""
    return fill


def fill(folder, steps=60, seed=3, **evaluated):
    folder.mkdir()
    run = {
        "plugin": "meow",
        "recipe": "meow",
        "summary": "Contrasts a coarse view of a heterogeneous graph with a fine-grained one.",
        "paper": "arXiv:2212.13847",
        "data": "movielens",
        "seed": seed,
        "state": "done",
        "started": "2026-01-05T10:00:00+00:00",
        "command": ["contrast", "run", "plugin=meow", "seed=3"],
        "evaluated": {"train": {"seconds": 2.5, "peak_memory": {"cpu": 2**31}}},
        "versions": {"torch": "2.13.0", "numpy": "2.4"},
    }
    (folder / "run.json").write_text(json.dumps(run))
    config = [
        {"key": "method", "value": "meow", "origin": "default"},
        {"key": "data", "value": "movielens", "origin": "default"},
        {"key": "seed", "value": seed, "origin": "command line"},
        {"key": "trainer.lr", "value": 0.001, "origin": "preset movielens"},
        {"key": "sampler.clusters", "value": [100, 200], "origin": "default"},
        {"key": "data.path", "value": None, "origin": "default"},
    ]
    (folder / "config.json").write_text(json.dumps(config))
    rng = np.random.default_rng(0)
    lines = []
    for step in range(steps):
        where = {"stage": "train", "step": step, "epoch": step + 1}
        terms = {"loss": 14 + 3 * np.exp(-step / 20), "contrast": 9 + 2 * np.exp(-step / 15)}
        terms["prototypes"] = 5 + np.exp(-step / 30)
        lines.append(where | {k: v + 0.05 * rng.normal() for k, v in terms.items()})
        if step % 20 == 19:
            values = {f"macro_f1/{n}": 40 + n / 10 + step / (steps / 15) for n in (20, 40, 60)}
            lines.append(where | {"validation": values | {"auc/20": None}})
    write_lines(folder / "metrics.jsonl", lines)
    split = {"data": 0.02, "forward": 0.5, "loss": 0.4, "backward": 0.7, "step": 0.05}
    spent = {"stage": "train", "seconds": 1.7, "split": split, "peak_memory": {"cpu": 2**29}}
    times = [{**spent, "step": s} for s in (29, 59)]
    write_lines(folder / "times.jsonl", times)
    save_evaluation(evaluation(**evaluated), folder, "train")
    return folder
