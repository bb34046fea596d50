import gzip

import numpy as np
import pandas as pd
import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_sepclr.volumes import read_volume, volumes

nibabel = pytest.importorskip("nibabel")
DRAW = np.random.default_rng(0)


def save(path, voxels, affine=None):
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine), path)


@pytest.fixture
def cohort(tmp_path):
    """Eight volumes of unlike shapes and the table that lists them."""
    names = [f"sub-{i}_T1w.nii.gz" for i in range(8)]
    for i, name in enumerate(names):
        save(tmp_path / name, DRAW.normal(100, 10, (9 + i, 8, 10)).astype(np.float32))
    group = ["control"] * 4 + ["patient"] * 4
    frame = pd.DataFrame({"t1w": names, "diagnosis": group, "age": np.arange(50, 58)})
    frame.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    return tmp_path


def read(home):
    return volumes(
        generator=generator(0), path=str(home / "participants.tsv"), file="t1w", group="diagnosis",
        control="control", subject="", covariates=("age",), side=8, test_share=0.25,
    )  # fmt: skip


def test_volumes_of_unlike_shapes_become_one_cube_each_by_its_own_scale(cohort):
    data = read(cohort)
    assert data.x.shape == (8, 1, 8, 8, 8)
    assert data.kind == "volume"
    assert data.x.flatten(1).mean(1).abs().max() < 1e-5
    assert (data.x.flatten(1).std(1) - 1).abs().max() < 1e-5
    assert data.is_target.tolist() == [False] * 4 + [True] * 4
    assert data.factors[0].name == "age"


def test_a_volume_is_the_same_however_its_axes_run(tmp_path):
    voxels = DRAW.normal(size=(8, 8, 8)).astype(np.float32)
    save(tmp_path / "a.nii", voxels)
    save(tmp_path / "b.nii", voxels[::-1].copy(), np.diag([-1.0, 1, 1, 1]))
    assert torch.equal(read_volume(tmp_path / "a.nii", 8), read_volume(tmp_path / "b.nii", 8))


def test_every_voxel_counts_where_a_volume_shrinks(tmp_path):
    voxels = np.zeros((16, 16, 16), np.float32)
    voxels[1, 1, 1] = 1
    save(tmp_path / "a.nii", voxels)
    assert read_volume(tmp_path / "a.nii", 4).argmax() == 0


def test_a_constant_volume_is_no_nan(tmp_path):
    save(tmp_path / "a.nii", np.ones((4, 4, 4), np.float32))
    assert (read_volume(tmp_path / "a.nii", 4) == 0).all()


def damaged(path):
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)


def in_time(path):
    save(path, np.ones((4, 4, 4, 3), np.float32))


def with_nan(path):
    save(path, np.full((4, 4, 4), np.nan, np.float32))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "cannot be read as NIfTI"),
        (lambda path: path.write_bytes(path.read_bytes()[:300]), "cannot be read as NIfTI"),
        (lambda path: path.write_bytes(gzip.compress(b"no volume")), "cannot be read as NIfTI"),
        (damaged, "cannot be read as NIfTI"),
        (in_time, r"must be a 3-D volume, got shape \(4, 4, 4, 3\)"),
        (with_nan, "holds NaN or infinity"),
    ],
)
def test_a_volume_that_cannot_be_used_is_named(cohort, spoil, words):
    spoil(cohort / "sub-5_T1w.nii.gz")
    with pytest.raises(DataError, match=rf"sub-5_T1w.nii.gz {words}"):
        read(cohort)


def test_a_new_volume_is_read_as_the_old_ones(cohort):
    data = read(cohort)
    x, names = data.read(str(cohort / "sub-3_T1w.nii.gz"))
    assert torch.equal(x[0], data.x[3])
    assert names == ["sub-3_T1w.nii.gz"]
    with pytest.raises(DataError, match="does not exist"):
        data.read(str(cohort / "sub-33_T1w.nii.gz"))
