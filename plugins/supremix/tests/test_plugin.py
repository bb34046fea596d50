import numpy as np

from contrast.testing.battery import battery


def small_table(folder):
    """Sixty rows of three numbers, and a target."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3))
    rows = np.column_stack([x, 10 * x[:, 0] + draw.normal(size=60)])
    np.savetxt(folder / "t.csv", rows, delimiter=",", header="a,b,c,y", comments="")
    return [f"data.path={folder / 't.csv'}", "data.target=y"]


def small_pairs(folder):
    """Forty pairs of texts, and how many words they share."""
    draw, words = np.random.default_rng(0), [f"w{i}" for i in range(20)]
    lines = ["sentence1,sentence2,y"]
    for i in range(40):
        first, second = (list(draw.permutation(words)[:4]) for _ in range(2))
        lines.append(f"{' '.join(first)},{' '.join(first[: i % 5] + second)},{i % 5}")
    (folder / "t.csv").write_text("\n".join(lines))
    return [f"data.path={folder / 't.csv'}", "data.target=y"]


SIZES = ("sampler.batch_size=16", "encoder.width=8", "encoder.projection=8")
SMALL = ("data=table", *SIZES)

TestSupremix = battery("supremix", *SMALL, "evaluation.folds=2", prepare=small_table)
TestProbe = battery(
    "supremix", *SMALL, "trainer.fine_tune=false", "evaluation.compare=false", prepare=small_table
)
TestPlain = battery(
    "supremix", "method=plain", *SMALL, "evaluation.compare=false", prepare=small_table
)
TestTexts = battery(
    "supremix", "data=texts", *SIZES, "evaluation.compare=false", prepare=small_pairs
)
