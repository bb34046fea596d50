from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_mclrec import data as source
from contrast_mclrec.data import as_log, frequent, interactions, ml_100k
from contrast_mclrec.table import Events

OWN = {
    "user": "user_id",
    "item": "item_id",
    "time": "timestamp",
    "separator": "",
    "titles": "",
    "min_user_events": 1,
    "min_item_events": 1,
    "split": "leave_one_out",
    "held_out": 0.1,
}


def own(path, **settings):
    return interactions(generator(0), path=str(path), **{**OWN, **settings})


def small(rows, times=True):
    """A log of (user, item, time) rows."""
    table = np.array(rows)
    names = [[str(i) for i in range(table[:, c].max() + 1)] for c in (0, 1)]
    when = table[:, 2] if times else None
    return Events(table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), when, *names)


def test_histories_are_in_the_order_of_time_whatever_that_of_the_rows(small_events):
    made, plain = as_log(small_events()), small_events()
    for user in range(made.users):
        own = plain.users == user
        expected = plain.items[own][plain.times[own].argsort()] + 1
        assert (made.items[made.starts[user] : made.starts[user + 1]] == expected).all()


def test_equal_times_keep_the_order_of_the_file():
    made = as_log(small([(0, 3, 5), (0, 1, 5), (0, 2, 4), (0, 0, 5)]))
    assert made.items.tolist() == [3, 4, 2, 1]


def test_repeated_events_are_left_out_and_counted():
    rows = [(0, 1, 5), (0, 2, 5), (0, 1, 5), (0, 1, 6), (0, 3, 7), (0, 1, 5)]
    made = as_log(small(rows))
    assert made.items.tolist() == [2, 3, 2, 4]
    assert made.notes[0] == "2 events that repeat user, item and time were left out."


def test_without_times_repeats_stay_and_the_file_is_the_order():
    made = as_log(small([(0, 1, 0), (1, 2, 0), (0, 1, 0), (0, 0, 0), (0, 1, 0)], times=False))
    assert made.items.tolist() == [2, 2, 1, 2, 3]


def test_rare_users_and_items_are_left_out_until_all_have_enough():
    rows = [(0, 0, 1), (0, 1, 2), (1, 0, 1), (1, 1, 2), (2, 0, 1), (2, 2, 2)]
    kept = frequent(small(rows), 2, 2)  # item 2 goes, then user 2 has one event
    assert kept.user_ids == ["0", "1"]
    assert kept.item_ids == ["0", "1"]
    assert kept.notes[0].startswith("2 events of users with fewer than 2 events")
    assert frequent(small(rows), 1, 1) is not None


def test_a_table_becomes_a_log_with_all_repairs_told(tmp_path, small_csv):
    path = small_csv(tmp_path / "log.csv")
    path.write_text(path.read_text() + "u0,,7\n")
    titles = tmp_path / "titles.csv"
    titles.write_text("item_id,title\ni4,Four\n")
    made = own(path, titles=str(titles))
    assert made.title("i4") == "Four"
    assert made.title("i5") == "i5"
    assert made.notes[0].startswith("1 rows without user_id")
    assert "1 users with fewer than 3 events: not trained on, not tested." in made.notes


def test_a_table_without_titles_is_refused_with_what_it_needs(tmp_path, small_csv):
    path, titles = small_csv(tmp_path / "log.csv"), tmp_path / "titles.csv"
    titles.write_text("item_id,name\ni4,Four\n")
    with pytest.raises(DataError, match=r"(?s)no column `title`.*beside the log's .* `item_id`"):
        own(path, titles=str(titles))


def test_users_of_one_event_alone_are_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\n1,a,1\n2,b,2\n")
    with pytest.raises(DataError, match="no event is left to train on"):
        own(path)


def test_bounds_that_nobody_reaches_are_refused_by_name(tmp_path, small_csv):
    path = small_csv(tmp_path / "log.csv")
    with pytest.raises(DataError, match=r"no event is left .* 100 events .*min_user_events"):
        own(path, min_user_events=100)


def test_an_unknown_user_is_answered_by_the_nearest(log):
    assert len(log.history("u4")) >= 4
    with pytest.raises(DataError, match="no user `u444`"):
        log.history("u444")


def test_nobody_waits_for_the_nearest_among_a_hundred_thousand_users(log):
    many = replace(log, user_ids=[f"u{i}" for i in range(10**5)])
    with pytest.raises(DataError, match=r"no user `u4x` in this log of 100000 users$"):
        many.history("u4x")


def test_popularity_counts_what_training_sees(log):
    seen = [
        item
        for user in range(log.users)
        for item in log.items[log.starts[user] : log.starts[user + 1]][:-2]
        if log.starts[user + 1] - log.starts[user] > 3
    ]
    assert (log.popularity == np.bincount(seen, minlength=log.catalogue + 1)).all()


def test_fingerprint_tells_catalogues_and_their_order_apart(log, small_events):
    other = as_log(small_events(items=29))
    assert log.fingerprint == as_log(small_events()).fingerprint != other.fingerprint


@pytest.mark.skipif(find_spec("recbole") is None, reason="needs the files of recbole")
def test_films_are_those_of_the_specification():
    made = ml_100k(generator(0), split="leave_one_out", held_out=0.1)
    assert (made.users, made.catalogue, len(made.items)) == (943, 1682, 100_000)
    assert made.title("1") == "Toy Story"


def test_published_sets_are_fetched_by_commit_and_checksum(monkeypatch, tmp_path):
    asked = []

    def fetch(item):
        asked.append(item)
        path = tmp_path / "x.inter"
        path.write_text("user_id:token\titem_id:token\n" + "1\t1\n1\t2\n1\t1\n1\t3\n")
        return path

    monkeypatch.setattr(source, "fetch", fetch)
    made = source.toys(generator(0))
    assert made.items.tolist() == [1, 2, 1, 3]
    assert source.COMMIT in asked[0].url
    assert asked[0].sha256 == source.CHECKSUMS["Amazon_Toys_and_Games"]
