import json
import shutil
from importlib.util import find_spec

import numpy as np
import pytest

from contrast.errors import ConfigError, DataError, RunFolderError
from contrast_mclrec import Recommender
from contrast_recommender.shelf import open_run


def test_what_follows_is_what_the_recommender_says(shelf, folder, number):
    taken = [number["f1"], number["f2"], number["f9"]]
    found = shelf.following(taken, 6)
    (expected,) = Recommender.load(folder).recommend([["f1", "f2", "f9"]], 6)
    assert [shelf.ids[each.item] for each in found] == [each.item for each in expected]
    assert [each.score for each in found] == pytest.approx([each.score for each in expected])


def test_each_that_follows_names_the_nearest_of_those_taken(shelf, number):
    taken = [number[f"f{i}"] for i in (1, 9, 20, 14)]
    for each in shelf.following(taken):
        assert each.nearest == max(taken, key=lambda item: shelf.rows[item] @ shelf.rows[each.item])


def test_with_nothing_taken_the_most_popular_stand_there_with_their_counts(shelf):
    found = shelf.following([], 3)
    assert found[0].item == shelf.favourite
    assert [each.score for each in found] == sorted(shelf.popularity, reverse=True)[:3]


def test_near_is_by_cosine_without_the_item_itself(shelf, number):
    item = number["f4"]
    cosine = shelf.rows @ shelf.rows[item]
    cosine[item] = -2
    found = shelf.near(item, 5)
    assert [each.item for each in found] == np.argsort(-cosine)[:5].tolist()
    assert found[0].score == pytest.approx(cosine.max(), abs=1e-5)


def test_a_history_is_what_somebody_took_in_order(shelf):
    assert [shelf.ids[item] for item in shelf.history("p3")][-3:] == ["f5", "f6", "f7"]
    with pytest.raises(DataError, match="no user `p333`"):
        shelf.history("p333")


@pytest.mark.skipif(find_spec("recbole") is None, reason="needs recbole")
def test_a_model_that_keeps_no_embedding_still_recommends(trained, number):
    shelf = open_run(trained(method="recbole", encoder={"options": ["hidden_size=8"]}))
    taken = [number["f1"], number["f2"]]
    assert shelf.near(taken[0]) == []
    assert [each.nearest for each in shelf.following(taken, 4)] == [None] * 4


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
