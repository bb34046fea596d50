"""Published figures to stand beside a run: Table 3 of the paper, of one run each, by full ranking.

The columns of SASRec and CL4SRec are the paper's own, from other code with other training schemes.
"""

from __future__ import annotations

from contrast.interfaces import Reference

SOURCE = "the paper's Table 3, one run (arXiv:2304.07763)"
METRICS = ("hr/5", "hr/10", "hr/20", "ndcg/5", "ndcg/10", "ndcg/20")
FIGURES = {
    ("sports", "sasrec"): (0.0214, 0.0333, 0.0500, 0.0144, 0.0177, 0.0224),
    ("sports", "cl4srec"): (0.0231, 0.0369, 0.0557, 0.0146, 0.0191, 0.0238),
    ("sports", "mclrec"): (0.0328, 0.0501, 0.0734, 0.0204, 0.0260, 0.0319),
    ("beauty", "sasrec"): (0.0377, 0.0624, 0.0894, 0.0241, 0.0342, 0.0386),
    ("beauty", "cl4srec"): (0.0401, 0.0642, 0.0974, 0.0268, 0.0345, 0.0428),
    ("beauty", "mclrec"): (0.0581, 0.0871, 0.1243, 0.0352, 0.0446, 0.0539),
    ("yelp", "sasrec"): (0.0160, 0.0260, 0.0443, 0.0101, 0.0133, 0.0179),
    ("yelp", "cl4srec"): (0.0227, 0.0384, 0.0623, 0.0143, 0.0194, 0.0254),
    ("yelp", "mclrec"): (0.0454, 0.0647, 0.0941, 0.0332, 0.0394, 0.0467),
}


def published(data: str, method: str) -> tuple[Reference, ...]:
    """The paper's figures of a method on a data set; none where it gives none."""
    values = FIGURES.get((data, method), ())
    return tuple(
        Reference(metric, value, SOURCE) for metric, value in zip(METRICS, values, strict=False)
    )
