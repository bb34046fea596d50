from importlib.util import find_spec

import numpy as np
import pytest

from contrast.config import resolve
from contrast.errors import ConfigError
from contrast.testing.battery import battery


def small_log(folder):
    """Forty people who walk through thirty items, as a CSV in no order."""
    draw = np.random.default_rng(0)
    rows = [
        f"u{u},i{(s + t + (draw.random() < 0.2)) % 30},{t}"
        for u, s in enumerate(draw.integers(0, 30, 40))
        for t in range(3 + draw.integers(10))
    ]
    draw.shuffle(rows)
    (folder / "log.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    return [f"data.path={folder / 'log.csv'}"]


SMALL = ("data=interactions", "sampler.batch_size=64")
NARROW = ("encoder.width=8", "encoder.inner=16")

TestMclrec = battery("mclrec", *SMALL, *NARROW, "trainer.data_weight=0.1", prepare=small_log)
TestSasrec = battery("mclrec", "method=sasrec", *SMALL, *NARROW, prepare=small_log)


def test_a_model_that_brings_its_own_loss_takes_no_negatives():
    with pytest.raises(ConfigError, match="unknown key `negatives`"):
        resolve("mclrec", ["method=recbole", "sampler.negatives=5"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("encoder.heads=3", r"`encoder\.heads` must divide .* 64, got 3"),
        ("evaluation.k=", r"`evaluation\.k` needs at least one"),
    ],
)
def test_settings_that_fit_no_value_are_refused_before_any_work(word, said):
    with pytest.raises(ConfigError, match=said):
        resolve("mclrec", [word])


@pytest.mark.skipif(find_spec("recbole") is None, reason="needs recbole")
class TestRecbole(
    battery(
        "mclrec",
        "method=recbole",
        *SMALL,
        "encoder.model=GRU4Rec",
        "encoder.options=hidden_size=8,embedding_size=8",
        prepare=small_log,
    )
):
    """GRU4Rec of the installed RecBole, through the adapter."""
