"""What to use, by the validation's rows, without claiming a gain inside the spread."""

from __future__ import annotations

from collections.abc import Mapping

from contrast_supremix.comparison import Tried


def choose(tried: Mapping[str, Tried]) -> tuple[str, str]:
    """The plainest method that the best one does not clearly beat, and the best one.

    `tried` is in order of plainness. Clearly: by more than a standard deviation of the paired
    differences over splits. With a single split nothing is clear but equality.
    """
    best = min(tried, key=lambda name: tried[name].valid_mae.mean())
    for name, each in tried.items():
        mean, spread = _lead(each, tried[best])
        if mean <= spread:
            return name, best
    return best, best


def recommend(tried: Mapping[str, Tried], target: str, how: str) -> tuple[str, ...]:
    """Sentences for the report: what to use, and whether contrast helped."""
    chosen, best = choose(tried)
    mean, spread = _lead(tried[chosen], tried[best])
    if chosen == best:
        first = f"Recommended for `{target}`, by validation over {how}: {chosen}."
    else:
        first = (
            f"Recommended for `{target}`, by validation over {how}: {chosen}. {best} is best in "
            f"the mean, by {mean:.3g} ± {spread:.2g} of MAE, which is within the spread."
        )
    return (first, *_helped(tried))


def _helped(tried: Mapping[str, Tried]) -> tuple[str, ...]:
    """SupReMix against the best network without contrast."""
    ours = [name for name in tried if name.startswith("supremix")]
    plain = [name for name in tried if name.startswith("network")]
    if not ours or not plain:
        return ()
    mine, other = (min(names, key=lambda n: tried[n].valid_mae.mean()) for names in (ours, plain))
    mean, spread = _lead(tried[other], tried[mine])
    if abs(mean) <= spread:
        said = "no difference beyond the spread"
    else:
        said = "SupReMix helped" if mean > 0 else "SupReMix did not help"
    return (
        f"SupReMix ({mine.split(', ')[1]}) against the best network without contrast ({other}): "
        f"{said}; validation MAE {'lower' if mean > 0 else 'higher'} by {abs(mean):.3g} ± "
        f"{spread:.2g}.",
    )


def _lead(one: Tried, best: Tried) -> tuple[float, float]:
    """By how much `best` has less error, mean and deviation of the pairs."""
    gaps = one.valid_mae - best.valid_mae
    return float(gaps.mean()), float(gaps.std(ddof=1)) if len(gaps) > 1 else 0.0
