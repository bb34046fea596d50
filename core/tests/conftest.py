"""Plugins for tests: a module and its package metadata on the path, without pip."""

import os
import sys
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():  # Triton reads it when it is imported, by whichever test
    os.environ.setdefault("TRITON_INTERPRET", "1")

SAMPLE = Path(__file__).parent / "sample"


class Site:
    """A folder like site-packages."""

    def __init__(self, path):
        self.path = path

    def install(
        self, name, code=None, *, module=None, distribution=None, group="contrast", metadata=()
    ):
        """Add a distribution with one entry point; `code` is its module, if it brings one."""
        distribution = distribution or f"contrast-{name}"
        module = module or name
        if code is not None:
            (self.path / f"{module}.py").write_text(code)
        info = self.path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.0", *metadata]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")

    def install_gallery(self):
        self.install("gallery", (SAMPLE / "gallery.py").read_text())


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty site folder on the path; modules imported from it are forgotten afterwards."""
    path = tmp_path / "site"
    path.mkdir()
    monkeypatch.syspath_prepend(str(path))
    before = set(sys.modules)
    yield Site(path)
    for name in set(sys.modules) - before:
        if str(path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def gallery(site):
    site.install_gallery()
    return "gallery"


@pytest.fixture
def interpreted(monkeypatch):
    """Pair primitives run as kernels on CPU tensors too, in small tiles that no size fills."""
    pytest.importorskip("triton", reason="Triton is an optional extra, and is not installed")
    from contrast.primitives.kernels import operands

    monkeypatch.setattr("contrast.primitives.kernels.reachable", lambda x: True)
    for module in ("row_lse", "lse_sum"):
        monkeypatch.setattr(f"contrast.primitives.{module}.SMALL", 0)
    monkeypatch.setattr(operands, "FUSED_TILE", (16, 16, 16, 4, 2))
    monkeypatch.setattr(operands, "READ_TILE", (16, 16, 16, 4, 2))
    monkeypatch.setattr(operands, "CHUNK", 32)
    monkeypatch.setattr(operands, "HEIGHT", 16)
    monkeypatch.setattr(operands, "LEAST", 16)
    return operands
