"""The toy plugin as a package that can be found: for tests of discovery, engine and commands."""

from __future__ import annotations

from pathlib import Path


def install(
    folder: Path,
    *,
    name: str = "toy",
    module: str = "contrast.testing.toy.plugin",
    distribution: str | None = None,
    requires: str = "contrast-core>=0.1",
) -> Path:
    """Write the metadata of a package into `folder`, and give that folder.

    A process with `folder` on its `PYTHONPATH`, or a test after `monkeypatch.syspath_prepend`,
    finds the plugin `name`. The other arguments make plugins that are broken, doubled or too new.
    """
    distribution = distribution or f"contrast-{name}"
    metadata = folder / f"{distribution.replace('-', '_')}-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text(f"[contrast]\n{name} = {module}\n")
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\n"
        f"Name: {distribution}\n"
        "Version: 0.1.0\n"
        "Summary: the smallest complete plugin\n"
        "Project-URL: Paper, https://arxiv.org/abs/1807.03748\n"
        f"Requires-Dist: {requires}\n"
    )
    return folder
