import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast_meow import save_graph
from contrast_meow.data import draw_splits, own_graph

SETTINGS = {
    "target": "film",
    "meta_paths": ("film>person>film",),
    "labelled": (3,),
    "validation": 0.5,
}


def load(graph, folder, **changes):
    save_graph(graph, folder)
    return own_graph(generator("data"), **{"path": str(folder)} | SETTINGS | changes)


def test_own_graph_has_its_ids_labels_and_a_split_of_each_size(graph, tmp_path):
    data = load(graph, tmp_path, labelled=(3, 5))
    assert data.ids == graph["film"].ids
    assert list(data.splits) == ["3", "5"]
    for L, split in data.splits.items():
        parts = [split.train, split.validation, split.test]
        together = np.concatenate(parts)
        assert sorted(together) == list(range(30))
        assert np.bincount(data.labels[split.train]).tolist() == [int(L)] * 3


def test_masks_of_the_graph_are_its_split(graph, tmp_path):
    graph["film"].y[4] = -1
    for i, name in enumerate(("train_mask", "val_mask", "test_mask")):
        graph["film"][name] = torch.arange(30) // 10 == i
    split = load(graph, tmp_path).splits["own"]
    assert split.train.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert split.test.tolist() == list(range(20, 30))


def test_mask_without_any_labelled_node_is_refused_before_training(graph, tmp_path):
    for name in ("train_mask", "val_mask", "test_mask"):
        graph["film"][name] = torch.arange(30) < (0 if name == "val_mask" else 10)
    graph["film"].test_mask = ~graph["film"].train_mask
    with pytest.raises(DataError, match="leave 10, 0, 20 labelled nodes"):
        load(graph, tmp_path)


@pytest.mark.parametrize("other", ["train_mask", "val_mask"])
def test_masks_that_test_on_what_was_learnt_or_chosen_by_are_refused(graph, tmp_path, other):
    for i, name in enumerate(("train_mask", "val_mask", "test_mask")):
        graph["film"][name] = torch.arange(30) // 10 == i
    graph["film"][other][25:] = True
    with pytest.raises(DataError, match="5 nodes of `film` stand in `test_mask` and in another"):
        load(graph, tmp_path)


def test_masks_that_are_not_all_there_are_not_used_and_this_is_said(graph, tmp_path):
    graph["film"].train_mask = graph["film"].test_mask = torch.arange(30) < 10
    data = load(graph, tmp_path)
    assert list(data.splits) == ["3"]
    assert data.notes[-1].startswith("`film` has no `val_mask`: its other masks are not used")


def test_graph_without_labels_or_ids_is_numbered_and_has_no_split(graph, tmp_path):
    del graph["film"].y, graph["film"].ids
    data = load(graph, tmp_path)
    assert data.labels is None
    assert data.splits == {}
    assert data.ids == list(range(30))


def test_empty_target_is_the_type_that_the_paths_begin_with(graph, tmp_path):
    assert load(graph, tmp_path, target="").target == "film"


def test_isolated_targets_are_counted_in_a_sentence(graph, tmp_path):
    (note,) = load(graph, tmp_path).notes
    assert note.startswith("Along `film>rev_liked>person>liked>film` 1 of 30 nodes")


def test_unknown_target_names_the_nearest(graph, tmp_path):
    with pytest.raises(DataError, match=r"`flim`; did you mean `film`\?"):
        load(graph, tmp_path, target="flim")


def test_missing_meta_paths_list_the_relations(graph, tmp_path):
    with pytest.raises(ConfigError, match=r"meta_paths` is empty(.|\n)*film>rev_liked>person"):
        load(graph, tmp_path, meta_paths=())


def test_split_that_would_empty_a_class_is_left_out_and_said():
    labels = np.array([0] * 9 + [1] * 4 + [-1] * 3)
    splits, notes = draw_splits(labels, (2, 4), 0.5, generator(0))
    assert list(splits) == ["2"]
    assert "smallest has 4" in notes[0]
    assert max(np.concatenate([splits["2"].train, splits["2"].test])) < 13


def test_a_validation_that_leaves_one_node_to_test_is_said():
    labels = np.arange(40) % 2
    splits, notes = draw_splits(labels, (5,), 200, generator(0))
    assert len(splits["5"].test) == 1
    assert notes == (
        "With 5 labels a class 30 nodes are left, no more than `data.validation` 200: one is tested.",
    )
    assert draw_splits(labels, (5,), 29, generator(0))[1] == ()


def test_splits_depend_on_the_generator_alone():
    labels = np.arange(40) % 2
    one, two, other = (draw_splits(labels, (5,), 10, generator(s))[0]["5"] for s in (0, 0, 1))
    assert one.train.tolist() == two.train.tolist()
    assert one.train.tolist() != other.train.tolist()
    assert len(one.validation) == 10
