import json

import numpy as np
import pytest
import torch

import contrast
from contrast.cli import main
from contrast.errors import ConfigError, DataError
from contrast_mclrec import Recommender


@pytest.fixture(scope="module")
def run(tmp_path_factory, small_csv):
    """A run of a few steps on a log of its own."""
    folder = tmp_path_factory.mktemp("run")
    path = small_csv(folder / "log.csv")
    (folder / "titles.csv").write_text("item_id,title\ni4,Four\n")
    made = contrast.run(
        "mclrec",
        data={"name": "interactions", "path": str(path), "titles": str(folder / "titles.csv")},
        encoder={"width": 8, "inner": 8},
        trainer={"max_steps": 3},
        runs=folder,
    )
    return made.folder


@pytest.fixture(scope="module")
def recommender(run):
    return Recommender.load(run)


def test_best_items_are_those_of_the_scores_without_the_history(recommender):
    history = ["i4", "i5", "i6"]
    (found,) = recommender.recommend([history], 5)
    (everything,) = recommender.recommend([history], 30, exclude_seen=False)
    state = recommender.embed([history])
    z = dict(zip(*recommender.item_embeddings(), strict=True))
    for each in everything:
        assert abs(each.score - float(state[0] @ z[each.item])) < 1e-5
    kept = [each.item for each in everything if each.item not in history]
    assert [each.item for each in found] == kept[:5]
    assert len(everything) == 30


def test_a_batch_gives_what_each_history_gives(recommender):
    histories = [["i1"], ["i2", "i3"], ["i9", "i8", "i7", "i6"]]
    together = recommender.recommend(histories, 4)
    for history, found in zip(histories, together, strict=True):
        (alone,) = recommender.recommend([history], 4)
        assert [each.item for each in alone] == [each.item for each in found]


def test_somebody_in_the_log_is_recommended_by_their_history(recommender):
    log = recommender.log
    history = [log.item_ids[i - 1] for i in log.history("u4")]
    assert recommender.recommend_user("u4", 3) == recommender.recommend([history], 3)[0]


def test_similar_items_are_the_nearest_by_cosine(recommender):
    ids, z = recommender.item_embeddings()
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    cosine = unit @ unit[ids.index("i4")]
    cosine[ids.index("i4")] = -2
    assert [each.item for each in recommender.similar("i4", 3)] == [
        ids[i] for i in (-cosine).argsort()[:3]
    ]


def test_unknown_items_empty_histories_and_no_items_are_refused(recommender):
    with pytest.raises(DataError, match="no item `i444`"):
        recommender.recommend([["i444"]])
    with pytest.raises(DataError, match="at least one item"):
        recommender.recommend([[]])
    with pytest.raises(DataError, match="no history"):
        recommender.embed([])
    for ask in (lambda: recommender.recommend([["i4"]], 0), lambda: recommender.similar("i4", 0)):
        with pytest.raises(ConfigError, match="`k`"):
            ask()


def test_a_text_in_place_of_a_history_is_not_taken_letter_by_letter(recommender):
    with pytest.raises(DataError, match="list of item ids, got the text 'i4'"):
        recommender.recommend(["i4"])


def test_changed_data_are_noticed(recommender):
    encoder = recommender.encoder
    before = encoder.catalogue.clone()
    encoder.catalogue.fill_(1)
    try:
        with pytest.raises(DataError, match="not those that the run was trained on"):
            Recommender(encoder, recommender.log, 50)
    finally:
        encoder.catalogue.copy_(before)


def command(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["recommend", *map(str, words)])
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


def test_the_command_recommends_by_user_and_by_history(run, capsys):
    code, out, _ = command(capsys, run, "--user", "u4", "--k", "3", "--json")
    assert code == 0
    assert len(json.loads(out)) == 3
    code, out, _ = command(capsys, run, "--history", "i3, i2", "--k", "30")
    assert code == 0
    assert "Four" in out
    assert "i3" not in out.split()


def test_the_command_writes_the_items(run, capsys, tmp_path):
    code, _, _ = command(capsys, run, "--items", tmp_path / "items.npz")
    held = np.load(tmp_path / "items.npz")
    assert code == 0
    assert held["z"].shape == (30, 8)


def test_the_command_wants_one_question_and_a_known_user(run, capsys):
    code, _, err = command(capsys, run)
    assert code == 2
    assert "--user ID" in err
    code, _, err = command(capsys, run, "--user", "nobody")
    assert code == 2
    assert "no user `nobody`" in err


def test_states_have_no_gradient(recommender):
    assert torch.is_grad_enabled()
    assert recommender.embed([["i4"]]).shape == (1, 8)
