import numpy as np

from contrast.testing.battery import battery


def small_table(folder):
    """Sixty rows of three numbers, and a target."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3))
    rows = np.column_stack([x, 10 * x[:, 0] + draw.normal(size=60)])
    np.savetxt(folder / "t.csv", rows, delimiter=",", header="a,b,c,y", comments="")
    return [f"data.path={folder / 't.csv'}", "data.target=y"]


SMALL = ("data=table", "sampler.batch_size=16", "encoder.width=8", "encoder.projection=8")

TestSupremix = battery("supremix", *SMALL, "evaluation.folds=2", prepare=small_table)
TestProbe = battery(
    "supremix", *SMALL, "trainer.fine_tune=false", "evaluation.compare=false", prepare=small_table
)
TestPlain = battery(
    "supremix", "method=plain", *SMALL, "evaluation.compare=false", prepare=small_table
)
