import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape

import pytest
import torch

from contrast.errors import RunFolderError
from contrast.evaluation import diagnose
from contrast.forms import Pairs
from contrast.interfaces import Drawing, Evaluation
from contrast.reporting import save_diagnosis, save_evaluation, write_report
from contrast.reporting.figures import embedding_map
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
    assert not re.search(r"<(link|img|iframe|object|embed|base|form)\b", page)
    assert not re.search(r"<(script|image)\b[^>]*\b(src|href)=", page)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", page)
    targets = re.findall(r'(?:src|href)="([^"]*)"', page)
    foreign = [t for t in targets if not t.startswith(("#", "data:"))]
    assert foreign == ["https://arxiv.org/abs/2212.13847"]


def test_the_page_allows_itself_its_own_script_and_no_request(run_folder):
    page = write_report(run_folder).read_text()
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    run = [
        text for kind, text in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.S) if not kind
    ]
    checksums = [b64encode(sha256(text.encode()).digest()).decode() for text in run]
    assert rules["script-src"] == " ".join(f"'sha256-{each}'" for each in checksums)
    assert not re.search(r"\son\w+=", page)  # no handler in an attribute, which it would refuse


def test_the_page_shows_the_figures_of_others_what_it_cost_and_how_close_positives_lie(run_folder):
    z = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
    found = diagnose(Pairs(z[0], z[1]), temperature=0.25, generator=torch.Generator())
    save_diagnosis(found, run_folder, "train")
    page = write_report(run_folder).read_text()
    for words in (
        "our trial, one seed",
        "53.0 ± 1.2",
        "reference 53.00",
        "peak memory, cpu",
        "2.00 GiB",  # the peak of the evaluation
        "evaluation",
        "alignment",
        f"{found.numbers['alignment']:.3f}",
        "gradient, by negative",
    ):
        assert words in page


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
    assert evil not in page
    assert page.count("&lt;script&gt;alert(1)") >= 4


def test_labels_in_the_drawing_are_escaped():
    svg = embedding_map([[0, 0], [1, 1]], ["<b>$x$", "y"], name="m")
    assert "<b>" not in svg
    assert "&lt;b&gt;$x$" in svg


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
    drawn = {file.name: file.read_text() for file in (run_folder / "figures").iterdir()}
    assert {"curve-train-loss.svg", "map-train-0.svg", "time-train.svg"} <= drawn.keys()
    assert "var(--" not in "".join(drawn.values())  # which only a browser understands


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


def test_the_pictures_of_an_evaluation_stand_in_the_page_and_beside_it(run_folder):
    picture = Drawing("Paths", '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>', "one of <many>")
    save_evaluation(Evaluation(drawings=(picture,)), run_folder, "ride")
    page = write_report(run_folder).read_text()
    assert picture.svg in page
    assert "one of &lt;many&gt;" in page
    assert (run_folder / "figures/drawing-ride-0.svg").read_text() == picture.svg
