import subprocess
import sys

import pytest

import contrast.evaluation


def test_importing_the_room_imports_nothing_heavy():
    code = (
        "import sys, contrast.evaluation, contrast.reporting;"
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'sklearn', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_training_does_without_the_libraries_of_scores_and_figures():
    code = (
        "import sys, contrast.api, contrast.evaluation; contrast.evaluation.Split;"
        "print({'sklearn', 'matplotlib', 'pandas'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_every_public_name_is_found():
    for name in contrast.evaluation.__all__:
        assert getattr(contrast.evaluation, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute `probe_linear`"):
        contrast.evaluation.probe_linear  # noqa: B018
