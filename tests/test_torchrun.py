"""`torchrun` starts several processes of the command: one run, one record, no copy of anything."""

import json
import os
import subprocess
import sys

from contrast.testing import toys


def test_two_processes_make_one_run(tmp_path):
    site = toys.install(tmp_path / "site")
    words = ["run", "plugin=toy", "trainer.max_epochs=2", "--runs", str(tmp_path / "runs")]
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, "-m", *torchrun, "-m", "contrast", *words],
        env={**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert (record["state"], record["processes"]) == ("done", 2)
    steps = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    assert [line["step"] for line in steps if "loss" in line] == list(range(len(steps)))
    assert done.stdout.count("report") <= 1
    assert (folder / "report.html").is_file()
