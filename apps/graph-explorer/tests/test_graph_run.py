import copy
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import contrast
from contrast.errors import ConfigError, DataError, RunFolderError
from contrast_graph_explorer.graph_run import from_data, open_run


@pytest.fixture
def changed(folder, tmp_path):
    """A function that gives a copy of the run whose record says something else."""

    def change(**values):
        copy = shutil.copytree(folder, tmp_path / "copy")
        record = json.loads((copy / "run.json").read_text())
        (copy / "run.json").write_text(json.dumps({**record, **values}))
        return copy

    return change


def test_a_run_is_opened_with_the_embedding_that_its_report_shows(run, folder):
    drawn = np.load(next(folder.glob("evaluation/*.npz")))["z"]
    np.testing.assert_allclose(run.z, drawn / np.linalg.norm(drawn, axis=1, keepdims=True), 1e-6)
    assert len(run) == 30
    assert list(run.links) == ["film > rev_liked > person"]


def test_texts_among_the_ids_are_titles_and_numbered_classes_have_names(run):
    assert run.titles[0] == "Alien (1979)"
    assert run.label(4) == "class 1"


def test_labels_of_any_numbers_are_classes_without_gaps(folder):
    data = contrast.load(folder).data
    labels = np.where(data.labels == 2, -1, np.where(data.labels == 1, 10**12, 1990))
    other = from_data("run", replace(data, labels=labels), np.eye(30))
    assert other.classes == ("class 1990", "class 1000000000000")
    assert [other.label(node) for node in (0, 1, 2)] == [*other.classes, ""]
    assert other.labels[:4].tolist() == [0, 1, -1, 0]


def test_the_visit_begins_at_the_node_with_the_most_links(run):
    people = (run.links["film > rev_liked > person"].half > 0).sum(1)
    assert people[run.best_known] == people.max()


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r"not a run folder"):
        open_run(tmp_path)


def test_a_run_of_another_plugin_is_refused_by_its_name(changed):
    with pytest.raises(ConfigError, match="run of plugin `mclrec`"):
        open_run(changed(plugin="mclrec"))


def test_an_unfinished_run_is_refused_with_the_way_to_finish_it(changed):
    with pytest.raises(RunFolderError, match=r"(?s)state is `stopped`.*contrast resume"):
        open_run(changed(state="stopped"))


def test_a_run_without_an_evaluation_is_refused_with_the_way_to_evaluate(changed):
    copy = changed()
    shutil.rmtree(copy / "evaluation")
    with pytest.raises(RunFolderError, match="contrast eval"):
        open_run(copy)


def test_a_graph_that_is_no_longer_the_one_trained_on_is_refused(folder, monkeypatch):
    changed = copy.deepcopy(contrast.load(folder).data.graph)
    changed["film"].x = 1 - changed["film"].x
    monkeypatch.setattr("contrast_meow.data.load_graph", lambda path: changed)
    with pytest.raises(DataError, match="of 30 nodes of type `film` is not the one"):
        open_run(folder)
