"""Runs side by side: how they are found, grouped and labelled, and what is shown of them."""

import json
import re

import pytest

import contrast
from contrast.errors import DataError, RunFolderError
from contrast.interfaces import Evaluation, Reference
from contrast.reporting import save_evaluation
from contrast.reporting.comparison import compare_runs
from contrast.reporting.comparison_page import free_page, write_comparison
from contrast.reporting.comparison_tables import costs_table, result_tables, settings_table

OFFICIAL = Reference("f1", 60.0, "official code", 0.5)


def make(folder, seed=0, f1=50.0, state="done", references=(OFFICIAL,), **settings):
    """A run folder; `settings` are keys with `__` for a dot."""
    folder.mkdir(parents=True)
    run = {"state": state, "seed": seed, "started": folder.name, "versions": {"torch": "2.9"}}
    run["evaluated"] = {"train": {"seconds": 1.0, "peak_memory": {"cpu": 3 * 2**30}}}
    (folder / "run.json").write_text(json.dumps(run))
    values = {"method": "meow", "data": "acm", "objective": "infonce", "trainer__lr": 0.1}
    entries = [
        {"key": key.replace("__", "."), "value": value, "origin": "default"}
        for key, value in {**values, **settings, "seed": seed}.items()
    ]
    (folder / "config.json").write_text(json.dumps(entries))
    lines = [{"stage": "train", "step": s, "loss": 9 - s - seed} for s in range(4 + seed)]
    lines.append({"stage": "train", "step": 3, "validation": {"f1/20": 40.0 + seed}})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    spent = {"stage": "train", "step": 3, "seconds": 2.0, "peak_memory": {"cpu": 2**30}}
    (folder / "times.jsonl").write_text(json.dumps(spent) + "\n")
    save_evaluation(Evaluation({"f1": f1}, references=references), folder, "train")
    return folder


@pytest.fixture
def two_groups(tmp_path):
    """Two runs of one configuration and one of another."""
    return compare_runs(
        [
            make(tmp_path / "a0", 0, 50.0),
            make(tmp_path / "b0", 0, 70.0, objective="dcl", objective__temperature=0.1),
            make(tmp_path / "a1", 1, 52.0),
        ]
    )


def test_runs_that_differ_in_their_seed_alone_are_a_group(two_groups):
    assert [group.label for group in two_groups.groups] == ["infonce", "dcl"]
    assert [group.seeds for group in two_groups.groups] == [[0, 1], [0]]
    spread = two_groups.groups[0].spreads["f1"]
    assert (spread.mean, spread.std, spread.n) == (51.0, pytest.approx(2**0.5), 2)


def test_the_results_show_mean_and_spread_beside_the_figures_of_others(two_groups):
    (table,) = result_tables(two_groups)
    assert table.columns == ("metric", "infonce", "dcl", "reference")
    assert table.rows == (("runs", "2", "1", None), ("f1", "51.0 ± 1.4", "70.00", "60.00 ± 0.50"))
    assert "Reference: official code." in table.caption


def test_figures_of_others_that_disagree_have_a_column_for_each_group(tmp_path):
    other = Reference("f1", 61.0, "official code")
    runs = [
        make(tmp_path / "a"),
        make(tmp_path / "b", method="adameow", references=(other,)),
    ]
    (table,) = result_tables(compare_runs(runs))
    assert table.columns == ("metric", "meow", "adameow", "reference 1", "reference 2")
    assert table.rows[1][3:] == ("60.00 ± 0.50", "61.00")
    assert table.caption == (
        "Reference 1, for meow: official code. Reference 2, for adameow: official code."
    )


def test_many_groups_go_down_the_table(tmp_path):
    runs = [make(tmp_path / f"{n}", trainer__lr=n / 10) for n in range(8)]
    (table,) = result_tables(compare_runs(runs))
    assert table.columns == ("group", "runs", "f1")
    assert [row[0] for row in table.rows] == [*(f"lr={n / 10}" for n in range(8)), "reference"]


def test_the_settings_that_differ_are_listed_and_no_others(two_groups):
    assert settings_table(two_groups).rows == (
        ("objective", "infonce", "dcl"),
        ("objective.temperature", None, "0.1"),
    )


def test_a_label_is_as_few_settings_as_tell_all_groups_apart(tmp_path):
    runs = [
        make(tmp_path / "a", data="acm", objective="x"),
        make(tmp_path / "b", data="imdb", objective="y"),
        make(tmp_path / "c", data="imdb", objective="z", trainer__lr=0.2),
    ]
    labels = [group.label for group in compare_runs(runs).groups]
    assert labels == ["x", "y", "z"]


def test_a_label_keeps_method_and_data_where_other_settings_tell_as_much(tmp_path):
    several = (("acm", "x", 1), ("acm", "x", 2), ("imdb", "y", 1), ("imdb", "z", 2))
    runs = [
        make(tmp_path / f"{n}", data=data, objective=objective, trainer__lr=lr)
        for n, (data, objective, lr) in enumerate(several)
    ]
    labels = [group.label for group in compare_runs(runs).groups]
    assert labels == ["acm, lr=1", "acm, lr=2", "imdb, lr=1", "imdb, lr=2"]


def test_two_keys_of_one_last_name_are_told_in_full(tmp_path):
    runs = [
        make(tmp_path / f"{a}{b}", encoder__width=a, objective__width=b)
        for a in (1, 2)
        for b in (1, 2)
    ]
    labels = [group.label for group in compare_runs(runs).groups]
    assert labels[0] == "encoder.width=1, objective.width=1"


def test_a_group_that_lacks_the_one_setting_is_called_by_that(tmp_path):
    runs = [make(tmp_path / "old"), make(tmp_path / "new", sampler__ties="auto")]
    labels = [group.label for group in compare_runs(runs).groups]
    assert labels == ["without sampler.ties", "ties=auto"]


def test_one_group_is_called_by_its_method_and_data(tmp_path):
    found = compare_runs([make(tmp_path / "a"), make(tmp_path / "b", 1)])
    assert [group.label for group in found.groups] == ["meow on acm"]
    assert settings_table(found) is None


def test_python_compares_too(tmp_path):
    found = contrast.compare(make(tmp_path / "a"), str(make(tmp_path / "b", 1)))
    assert found.groups[0].spreads["f1"].n == 2


def test_a_folder_of_runs_stands_for_its_finished_runs_in_the_order_of_their_start(tmp_path):
    make(tmp_path / "sweep/b", 1)
    make(tmp_path / "sweep/a", 0)
    make(tmp_path / "sweep/c", 2, state="failed")
    found = compare_runs([tmp_path / "sweep", tmp_path / "sweep/a"])  # named twice, counted once
    assert [r.folder.name for group in found.groups for r in group.records] == ["a", "b"]
    assert found.notes == ("Not finished, and left out of sweep: `c` (failed).",)


DAMAGE = {
    "no JSON": "{",
    "no object": "[]",
    "no state": "{}",
    "state that is no text": '{"state": 3}',
}


@pytest.mark.parametrize("text", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_run_is_refused_where_it_is_named_and_else_left_out(tmp_path, text):
    for seed in range(3):
        make(tmp_path / f"sweep/{seed}", seed)
    damaged = tmp_path / "sweep/1/run.json"
    damaged.write_text(text)
    with pytest.raises(RunFolderError, match=r"1/run\.json is damaged"):
        compare_runs([damaged.parent, tmp_path / "sweep"])
    found = compare_runs([tmp_path / "sweep"])
    assert found.groups[0].seeds == [0, 2]
    assert [note[: len(str(damaged)) + 21] for note in found.notes] == [
        f"Left out: {damaged} is damaged"
    ]


def test_a_run_whose_records_are_damaged_is_left_out_too(tmp_path):
    for seed in range(3):
        make(tmp_path / f"sweep/{seed}", seed)
    (tmp_path / "sweep/1/config.json").write_text("{")
    found = compare_runs([tmp_path / "sweep"])
    assert found.groups[0].seeds == [0, 2]
    assert "config.json is damaged" in found.notes[0]
    with pytest.raises(RunFolderError, match=r"config\.json is damaged"):
        compare_runs([tmp_path / "sweep", tmp_path / "sweep/1"])


def test_what_was_left_out_is_told_where_nothing_is_left_to_compare(tmp_path):
    make(tmp_path / "sweep/a")
    make(tmp_path / "sweep/b", 1, state="failed")
    with pytest.raises(
        RunFolderError, match=r"1 finished run; .*\nNot finished, .* `b` \(failed\)"
    ):
        compare_runs([tmp_path / "sweep"])


def test_what_a_run_costs_is_a_mean_and_the_most_memory_of_any(two_groups):
    first = costs_table(two_groups).rows[0]
    assert first == ("infonce", "4 ± 1", "2 s", "0.44 s", "3.00 GiB (cpu)")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "imdb"}, "Measured on different data (acm, imdb): the figures do not compare."),
        ({}, "meow on acm: several runs have seed 0; the spread is smaller"),
    ],
)
def test_what_makes_a_comparison_weak_is_said(tmp_path, change, words):
    found = compare_runs([make(tmp_path / "a"), make(tmp_path / "b", **change)])
    assert any(note.startswith(words) for note in found.notes)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("tiny", "swap", ("acm from tiny, acm from swap",)),
        ("tiny", None, ("acm from tiny, acm",)),
        ("tiny", "tiny", ()),
    ],
)
def test_data_of_one_part_differ_by_their_path(tmp_path, first, second, said):
    runs = [make(tmp_path / "a", data__path=first), make(tmp_path / "b", 1, data__path=second)]
    assert compare_runs(runs).notes == tuple(
        f"Measured on different data ({words}): the figures do not compare." for words in said
    )


def test_different_versions_are_said(tmp_path):
    runs = [make(tmp_path / "a"), make(tmp_path / "b", 1)]
    path = runs[1] / "run.json"
    path.write_text(path.read_text().replace('"2.9"', '"2.10"'))
    assert compare_runs(runs).notes == ("Made with different torch: 2.10, 2.9.",)


def test_what_cannot_be_compared_is_refused_with_what_to_do(tmp_path):
    done, stopped = make(tmp_path / "done"), make(tmp_path / "stopped", state="stopped")
    with pytest.raises(RunFolderError, match=r"state is `stopped`\nGo on with `contrast resume"):
        compare_runs([done, stopped])
    with pytest.raises(
        RunFolderError, match=r"there is no run folder .*dome; did you mean `done`\?"
    ):
        compare_runs([done, tmp_path / "dome"])
    (tmp_path / "dome").mkdir()
    with pytest.raises(RunFolderError, match="neither a run folder nor a folder of runs"):
        compare_runs([done, tmp_path / "dome"])
    with pytest.raises(RunFolderError, match="nothing to compare: 1 finished run"):
        compare_runs([done, done])
    (done / "run.json").write_text("{")
    with pytest.raises(RunFolderError, match=r"run\.json is damaged"):
        compare_runs([done, stopped])


def test_the_page_overlays_the_curves_of_the_groups_and_holds_every_run(two_groups, tmp_path):
    page = write_comparison(two_groups, tmp_path / "mine.html").read_text()
    for words in ("51.0 ± 1.4", "f1/20 (validated)", "official code", "objective.temperature"):
        assert words in page
    assert page.count("<li><i style") == 2  # the key of the curves
    labels = re.findall(r"data-lines=\"\[([^\]]*)\]", page)
    assert labels == ["&quot;infonce&quot;, &quot;dcl&quot;"] * 2
    assert all(f"<td>{name}</td>" in page for name in ("a0", "a1", "b0"))
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_a_column_stands_to_the_right_only_where_all_of_it_is_numbers(two_groups, tmp_path):
    page = write_comparison(two_groups, tmp_path / "mine.html").read_text()
    assert "<td>0.1</td>" in page  # a setting, below the name of an objective
    assert '<td class="number">51.0 ± 1.4</td>' in page


def test_a_curve_that_one_group_lacks_leaves_the_others_their_colours(tmp_path):
    runs = [make(tmp_path / "a", objective="x"), make(tmp_path / "b", objective="y")]
    lines = (runs[0] / "metrics.jsonl").read_text()
    (runs[0] / "metrics.jsonl").write_text(lines.replace("loss", "other"))
    page = write_comparison(compare_runs(runs), tmp_path / "mine.html").read_text()
    start = page.index("curve-loss-line-0")
    assert "var(--series-1" in page[start : start + 600]


def test_values_of_the_runs_are_escaped(tmp_path):
    evil = "<script>alert(1)</script>"
    runs = [make(tmp_path / "a"), make(tmp_path / "b", objective=evil)]
    page = write_comparison(compare_runs(runs), tmp_path / "mine.html").read_text()
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page


def test_no_page_is_overwritten(two_groups, tmp_path):
    write_comparison(two_groups, tmp_path / "mine.html")
    with pytest.raises(DataError, match="is not overwritten"):
        write_comparison(two_groups, tmp_path / "mine.html")
    with pytest.raises(DataError, match=r"must end in `\.html`, got 'mine\.png'"):
        write_comparison(two_groups, tmp_path / "mine.png")
    assert free_page(tmp_path).name == "comparison.html"
    (tmp_path / "comparison.html").touch()
    (tmp_path / "comparison-2.html").symlink_to("nowhere")
    assert free_page(tmp_path).name == "comparison-3.html"
    with pytest.raises(DataError, match="is not overwritten"):
        write_comparison(two_groups, tmp_path / "comparison-2.html")


def test_a_page_that_cannot_be_written_is_told(two_groups, tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*nodir is no folder; make it, or"):
        write_comparison(two_groups, tmp_path / "nodir/c.html")
    with pytest.raises(DataError, match=r"cannot write .*: file name too long; choose another"):
        write_comparison(two_groups, tmp_path / f"{'c' * 300}.html")


def test_runs_without_an_evaluation_still_have_curves(tmp_path):
    runs = [make(tmp_path / "a"), make(tmp_path / "b", 1)]
    for run in runs:
        (run / "evaluation/train.json").unlink()
    page = write_comparison(compare_runs(runs), tmp_path / "mine.html").read_text()
    assert "None of the runs has been evaluated." in page
    assert "curve-loss" in page


def test_a_folder_of_runs_and_sweeps_stands_for_all_of_them(tmp_path):
    make(tmp_path / "runs/a", 0)
    make(tmp_path / "runs/sweep/b", 1)
    (group,) = compare_runs([tmp_path / "runs"]).groups
    assert group.seeds == [0, 1]
