import subprocess
import sys
from types import SimpleNamespace

import pytest

from contrast.interfaces import Moment
from contrast_meow import recipe
from contrast_meow.memory import give_back_large_blocks

HOLES = """
import numpy as np
from contrast_meow.memory import give_back_large_blocks
if {given_back}:
    assert give_back_large_blocks()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
np.full(3 * 2**19, 1.0)  # 12 MiB come and go: from here on glibc takes them from its heap
before, kept = resident(), []
for _ in range(10):
    passing = [np.full(3 * 2**19, 1.0) for _ in range(4)]
    kept.append(np.full(3 * 2**19, 1.0))
    del passing
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_what_passes_leaves_no_holes_between_what_is_kept():
    def grown(given_back: bool) -> float:
        script = HOLES.format(given_back=given_back)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        return float(done.stdout)

    in_order = grown(True)
    assert in_order < 10 * 12 + 15  # MiB: ten kept ones and nothing else
    assert in_order < grown(False)


def test_other_systems_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not give_back_large_blocks()


@pytest.mark.parametrize("targets", [20_000, 20_001])
def test_large_graphs_alone_give_their_blocks_back(monkeypatch, targets):
    called = []
    monkeypatch.setattr(recipe, "give_back_large_blocks", lambda: called.append(True))

    def build(slot, *given, **named):
        if slot == "sampler":
            raise StopIteration
        return range(targets)

    config = SimpleNamespace(build=build, chosen={"objective": SimpleNamespace(needs=())})
    config.evaluation = SimpleNamespace(embedding="eval")
    config.reference, stage = "paper", recipe.MeowStage()
    config.trainers = {stage.name: SimpleNamespace(restore_best=False)}
    with pytest.raises(StopIteration):
        stage.build(config, {}, Moment("train", 0, 0))
    assert called == [True] * (targets > 20_000)
