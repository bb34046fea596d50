"""The written side of the page: targets to pick from, the sample picked, and its two shelves."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader

from contrast_contrastive_analysis.cohort import Cohort, alike
from contrast_sepclr.analysis import Among, Sample


def target_tiles(cohort: Cohort, rows: Sequence[int], shown: int, chosen: Sample) -> str:
    """The first targets of a list, each to be picked, and how many there are."""
    return _render("targets.html.jinja", cohort=cohort, rows=rows, shown=shown, chosen=chosen)


def sample_and_shelves(cohort: Cohort, chosen: Sample, k: int, among: Among) -> str:
    """The sample picked, and its k nearest in each space."""
    shelves = [cohort.shelf(chosen, space, k, among) for space in ("common", "salient")]
    known = cohort.known(chosen)
    return _render(
        "sample.html.jinja",
        cohort=cohort,
        chosen=chosen,
        known=known,
        shelves=shelves,
        among=among,
        alike=lambda row: alike(known, cohort.analysis.known(row)),
    )


def _render(name: str, **held: object) -> str:
    pages = Environment(
        loader=PackageLoader("contrast_contrastive_analysis", "."),
        autoescape=True,
        trim_blocks=True,
    )
    return pages.get_template(name).render(**held)
