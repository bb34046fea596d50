"""Full ranking of Amazon Beauty's 22,363 people: ours beside RecBole's own data and evaluator.

    OMP_NUM_THREADS=1 python benchmarks/mclrec_eval.py [RUN]

One SASRec, drawn at random or that of a finished run, in RecBole's layout in both; HR, NDCG and
MRR at 5, 10 and 20 must agree to 1e-6 before any time counts. Process CPU seconds, the best of two.
Then, ours alone: Beauty from its file to the sampler, the same in a second process's place, and a
log of ten million rows (`--rows` alone). Bars: 3 times; 1 s; 60 s and 4 GB.
Needs the file of Beauty: CONTRAST_DATA_DIR, or a network; and recbole.
"""

from __future__ import annotations

import logging
import resource
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch
from rich.console import Console

import contrast
from contrast.config import resolve
from contrast.engine.evaluating import evaluating
from contrast.engine.randomness import generator, seeded
from contrast.interfaces import Moment, Parts
from contrast_mclrec import to_recbole
from contrast_mclrec.data import beauty, interactions
from contrast_mclrec.evaluate import metrics, rank
from contrast_mclrec.sampler import histories

K = (5, 10, 20)
ROWS = 10_000_000
AT = Moment("train", 0, 0)


def untrained() -> Parts:
    """SASRec on Beauty with random weights, spread out so that hardly anything ties."""
    config = resolve("mclrec", ["method=sasrec", "data=beauty"]).config
    with seeded("weights"):
        parts = config.recipe.stages[0].build(config, {}, AT)
        for parameter in parts.encoder.parameters():
            parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
    return parts


def ours(parts: Parts) -> dict[str, float | None]:
    """Our evaluation of the test's events."""
    with evaluating(parts, AT):
        return metrics(rank(parts, "test").rank, K)


def theirs(parts: Parts, folder: Path) -> Callable[[], dict[str, float]]:
    """RecBole's evaluation of the same weights by its own data set, loader and trainer."""
    data, log = folder / "beauty", parts.data
    data.mkdir()
    users = np.repeat(np.arange(1, log.users + 1), np.diff(log.starts))
    rows = (f"{u}\t{i}\t{t}" for t, (u, i) in enumerate(zip(users, log.items, strict=True)))
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (data / "beauty.inter").write_text("\n".join([header, *rows]))
    np.float_, np.complex_, np.unicode_ = np.float64, np.complex128, np.str_  # which it asks for
    sys.argv = sys.argv[:1]
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.trainer import Trainer
    from recbole.utils import get_model

    settings = {
        "data_path": str(folder),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
        "metrics": ["Hit", "NDCG", "MRR"],
        "topk": list(K),
        "metric_decimal_place": 12,
        "train_neg_sample_args": None,
        "use_gpu": False,
        "show_progress": False,
        "checkpoint_dir": str(folder / "saved"),
    }
    config = Config(model="SASRec", dataset="beauty", config_dict=settings)
    dataset = create_dataset(config)
    _, _, test = data_preparation(config, dataset)
    tokens = dataset.field2id_token["item_id"][1:].astype(int)  # it numbers items in its own way
    model = get_model("SASRec")(config, dataset)
    state = to_recbole(parts.encoder)
    table = state["item_embedding.weight"]
    state["item_embedding.weight"] = torch.cat([table[:1], table[torch.from_numpy(tokens)]])
    model.load_state_dict(state)
    trainer = Trainer(config, model)

    def evaluate() -> dict[str, float]:
        found = trainer.evaluate(test, load_best_model=False)
        names = {"hit": "hr", "ndcg": "ndcg", "mrr": "mrr"}
        return {f"{names[n]}/{k}": found[f"{n}@{k}"] for n in names for k in K}

    return evaluate


def timed(work: Callable[[], object], clock: Callable[[], float] = process_time) -> tuple:
    """What the work gives, and its seconds."""
    started = clock()
    return work(), clock() - started


def many_rows(folder: Path) -> tuple[float, float]:
    """Seconds to prepare a log of ten million rows in no order, and the peak of the process."""
    path, draw = folder / "log.csv", np.random.default_rng(0)
    with path.open("w") as file:
        file.write("user_id,item_id,timestamp\n")
        for _ in range(10):
            table = draw.integers(0, [400_000, 80_000, 10**9], (ROWS // 10, 3))
            file.write("\n".join(f"u{u},i{i},{t}" for u, i, t in table.tolist()) + "\n")
    given = {"user": "user_id", "item": "item_id", "time": "timestamp"}
    rest = {"separator": "", "titles": "", "min_user_events": 1, "min_item_events": 1}
    split = {"split": "leave_one_out", "held_out": 0.1}

    def prepare() -> object:
        log = interactions(generator(0), path=str(path), **given, **rest, **split)
        return histories(log, generator=generator(0))

    _, spent = timed(prepare, perf_counter)
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Compare, time and print."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    say = Console().print
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "--rows" in sys.argv:
            spent, held = many_rows(folder)
            say(f"{ROWS:,} rows: {spent:.1f} s, {held:.2f} GB in all")
            return
        for _ in range(2):
            _, spent = timed(
                lambda: histories(beauty(generator(0)), generator=generator(0)), perf_counter
            )
            say(f"Beauty from its file: {spent:.2f} s")
        parts = contrast.load(sys.argv[1]) if len(sys.argv) > 1 else untrained()
        evaluate = theirs(parts, folder)
        mine, other = ([timed(work) for _ in range(2)] for work in (lambda: ours(parts), evaluate))
        worst = max(abs(mine[0][0][key] - other[0][0][key]) for key in mine[0][0])
        assert worst < 1e-6, (mine[0][0], other[0][0])
        a, b = (min(spent for _, spent in runs) for runs in (mine, other))
        say(f"metrics agree to {worst:.0e}; HR@10 {mine[0][0]['hr/10']:.4f}")
        say(f"ours {a:.2f} s, RecBole {b:.2f} s: {b / a:.1f} times")


if __name__ == "__main__":
    main()
