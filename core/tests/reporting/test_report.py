import re
from dataclasses import replace

import pytest
import torch

from contrast.errors import RunFolderError
from contrast.evaluation import diagnose
from contrast.forms import Pairs
from contrast.reporting import save_diagnosis, write_report
from contrast.reporting.records import read_record
from contrast.reporting.report import paper_link

SOURCES = ("run.json", "config.json", "metrics.jsonl", "times.jsonl")


def test_the_page_shows_what_the_run_holds(run_folder):
    page = write_report(run_folder).read_text()
    for words in (
        "movielens",
        "contrast run plugin=meow seed=3",
        "2026-01-05 10:00 UTC",
        "59.61",
        "AUC is not available at 60",
        "prototypes",
        "macro_f1 (validated)",
        "Movies by genre",
        "effective rank",
        "backward",
        "preset movielens",
        "100,200",
        "2.13.0",
    ):
        assert words in page
    assert '<a href="https://arxiv.org/abs/2212.13847"' in page


def test_the_page_loads_nothing_from_anywhere(run_folder):
    page = write_report(run_folder).read_text()
    assert not re.search(r"<(script|link|img|iframe|object|base)\b(?![^>]*data:)", page)
    assert not re.search(r"@import|url\((?!#)", page)
    targets = re.findall(r'(?:src|href)="([^"]*)"', page)
    foreign = [t for t in targets if not t.startswith(("#", "data:"))]
    assert foreign == ["https://arxiv.org/abs/2212.13847"]


def test_every_id_of_the_page_is_its_own(run_folder):
    page = write_report(run_folder).read_text()
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_values_of_the_run_are_escaped(run_folder):
    evil = "<script>alert(1)</script>"
    for file in ("run.json", "config.json"):
        path = run_folder / file
        path.write_text(path.read_text().replace("movielens", evil))
    for file in (run_folder / "evaluation").glob("*.json"):
        file.write_text(file.read_text().replace("features only", evil).replace("AUC", f"`{evil}`"))
    page = write_report(run_folder).read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 4


def test_labels_and_ids_in_the_drawing_are_escaped(tmp_path):
    from contrast.reporting.figures import embedding_map

    svg = embedding_map([[0, 0], [1, 1]], ["<b>$x$", "y"], ["<i>", "j"], name="m")
    assert "<b>" not in svg
    assert "<i>" not in svg
    assert "&lt;b&gt;$x$" in svg
    assert "<title>&lt;i&gt;</title>" in svg


@pytest.mark.parametrize("missing", SOURCES)
def test_a_missing_file_leaves_out_its_section_and_no_other(run_folder, missing):
    (run_folder / missing).unlink()
    page = write_report(run_folder).read_text()
    assert "Movies by genre" in page
    sentence = {
        "run.json": "holds no <code>run.json</code>",
        "config.json": "holds no <code>config.json</code>",
        "metrics.jsonl": "No step has been recorded",
        "times.jsonl": "No times have been recorded",
    }[missing]
    assert sentence in page


@pytest.mark.parametrize(
    ("assumed", "whose"), [(True, "assumed here"), (False, "the objective&#39;s")]
)
def test_the_hardness_of_the_negatives_is_a_section_where_it_was_looked_at(
    run_folder, assumed, whose
):
    assert "Hardness of the negatives" not in write_report(run_folder).read_text()
    z = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
    found = diagnose(Pairs(z[0], z[1]), temperature=0.25, generator=torch.Generator())
    save_diagnosis(replace(found, assumed=assumed), run_folder, "train")
    assert read_record(run_folder).diagnoses == {"train": replace(found, assumed=assumed)}
    page = write_report(run_folder).read_text()
    for words in ("negatives that carry the gradient", f"temperature 0.25 ({whose})"):
        assert words in page
    assert (run_folder / "figures" / "similarities-train.svg").is_file()


def test_a_damaged_diagnosis_is_named(run_folder):
    (run_folder / "diagnostics").mkdir()
    (run_folder / "diagnostics" / "train.json").write_text('{"heat": 1}')
    with pytest.raises(RunFolderError, match=r"train\.json is no diagnosis"):
        write_report(run_folder)


def test_an_empty_folder_still_gives_a_page(tmp_path):
    page = write_report(tmp_path).read_text()
    assert "This run has not been evaluated." in page
    assert "<svg" not in page
    assert not (tmp_path / "figures").exists()


def test_the_same_run_gives_the_same_bytes(run_folder):
    first = write_report(run_folder).read_bytes()
    assert write_report(run_folder).read_bytes() == first


def test_figures_are_files_as_well(run_folder):
    write_report(run_folder)
    names = {file.name for file in (run_folder / "figures").iterdir()}
    assert {"curve-train-loss.svg", "map-train-0.svg", "time-train.svg"} <= names


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RunFolderError, match="no run folder"):
        write_report(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("paper", "address"),
    [
        ("https://example.org/paper", "https://example.org/paper"),
        ("arXiv:2212.13847", "https://arxiv.org/abs/2212.13847"),
        ("doi:10.1145/1.2", "https://doi.org/10.1145/1.2"),
        ("javascript:alert(1)", ""),
        ("A book", ""),
    ],
)
def test_a_paper_becomes_a_link_only_to_a_known_place(paper, address):
    assert paper_link(paper)[1] == address
    assert paper_link("") is None
