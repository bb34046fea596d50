"""Every mistake on docs/mistakes.md is made, and the page shows exactly what it prints."""

import json

import pytest
from mistake_places import Place, damage, disk_that_fills
from mistakes import MISTAKES, PAGE, Mistake, make, section

EVERY = [(group, each) for group, mistakes in MISTAKES.items() for each in mistakes]


@pytest.fixture(scope="module")
def shown():
    """The sections of the page by group and title."""
    groups = [part.split("\n### ") for part in PAGE.read_text().split("\n## ")[1:]]
    return {
        (head.strip(), text.partition("\n")[0]): f"### {text.rstrip()}\n"
        for head, *sections in groups
        for text in sections
    }


@pytest.mark.parametrize(
    ("group", "mistake"), EVERY, ids=[each.title.replace(" ", "-") for _, each in EVERY]
)
def test_the_page_shows_what_is_printed(shown, tmp_path, group, mistake):
    code, said = make(mistake, tmp_path)
    assert code == mistake.code
    assert "Traceback" not in said
    assert 1 <= len(said.splitlines()) <= 5
    assert shown[group, mistake.title] == section(mistake, said)


def test_the_page_shows_nothing_else(shown):
    assert set(shown) == {(group, each.title) for group, each in EVERY}


@pytest.fixture
def resumed(tmp_path, recorded):
    """What a run became that could go on after a mistake: its own record and the whole one's."""

    def resume(prepare, command):
        with pytest.MonkeyPatch.context() as patch:
            Place(tmp_path / "whole", patch).train("toy")
        spoilt = tmp_path / "spoilt"
        assert make(Mistake("", command, prepare), spoilt)[0] != 0
        folder = spoilt / "runs/toy-blobs-seed0"
        if (folder / "checkpoints/train-00000006").exists():
            (folder / "checkpoints/latest").write_text("train-00000003\n")
        with pytest.MonkeyPatch.context() as patch:
            import contrast

            patch.syspath_prepend(str(spoilt / "site-packages"))
            assert contrast.resume(folder).state == "done"
        return recorded(folder), recorded(tmp_path / "whole/runs/toy-blobs-seed0")

    return resume


def test_a_run_goes_on_when_the_full_disk_has_space_again(resumed):
    mine, whole = resumed(disk_that_fills, "run plugin=toy")
    assert mine == whole


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(resumed):
    spoil = damage("checkpoints/train-00000006/model.safetensors")
    mine, whole = resumed(spoil, "resume runs/toy-blobs-seed0")
    assert json.loads(mine["metrics.jsonl"].splitlines()[-1])["step"] == 5
    assert whole["metrics.jsonl"].startswith(mine["metrics.jsonl"])
