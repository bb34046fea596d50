import json
import shutil

import pytest

from contrast.errors import ConfigError, DataError, RunFolderError
from contrast_contrastive_analysis.cohort import open_run


def test_a_visit_begins_with_a_target_of_the_test(cohort):
    row = cohort.first.row
    assert cohort.data.is_target[row]
    assert row in cohort.data.test
    assert len(cohort.order) == 16


def test_targets_are_narrowed_down_by_what_is_known_and_by_id(cohort):
    assert cohort.kinds == ["subfolder: <b>late", "subfolder: early"]
    early = cohort.targets("subfolder: early")
    assert len(early) == 8
    assert all("early" in cohort.ids[row] for row in early)
    assert [cohort.ids[row] for row in cohort.targets(text="early/3")] == ["ill/early/3.png"]
    assert cohort.targets(text="zzz") == []


def test_a_shelf_counts_what_neighbours_share_with_the_sample(cohort):
    sample = cohort.of_id("ill/early/3.png")
    shelf = cohort.shelf(sample, "salient", 6, "targets")
    assert [each.row for each in shelf.near] == [
        each.row for each in cohort.analysis.nearest(sample, "salient", 6)
    ]
    early = sum("early" in cohort.ids[each.row] for each in shelf.near)
    assert shelf.alike == [("subfolder", early)]


def test_an_image_of_ones_own_is_put_in_its_place(cohort, home):
    sample = cohort.read(str(home / "ill/early/3.png"))
    assert sample.row is None
    assert cohort.known(sample) == []
    (near,) = cohort.shelf(sample, "common", 1, "targets").near
    assert cohort.ids[near.row] == "ill/early/3.png"
    assert cohort.picture_of(sample) == cohort.picture(near.row)
    with pytest.raises(DataError, match="cannot be read as an image"):
        cohort.read(str(home / "people.csv"))


def test_an_id_that_is_not_there_is_told_with_what_ids_look_like(cohort):
    with pytest.raises(DataError, match=r"no sample has the id `77`; ids look like ill/"):
        cohort.of_id("77")


def test_rows_of_a_table_have_neighbours_and_no_picture(people, home):
    assert not people.pictured
    assert ".h5ad" in people.opens
    assert people.picture_of(people.first) == ""
    sample = people.read(str(home / "people.csv"))
    assert len(people.shelf(sample, "common", 3, "background").near) == 3


def changed(folder, tmp_path, **values):
    copy = shutil.copytree(folder, tmp_path / "copy")
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, **values}))
    return copy


def test_a_run_of_another_plugin_is_refused_by_its_name(folder, tmp_path):
    with pytest.raises(ConfigError, match="run of plugin `meow`"):
        open_run(changed(folder, tmp_path, plugin="meow"))


def test_an_unfinished_run_is_refused_with_the_way_to_finish_it(folder, tmp_path):
    with pytest.raises(RunFolderError, match=r"(?s)state is `stopped`.*contrast resume"):
        open_run(changed(folder, tmp_path, state="stopped"))
