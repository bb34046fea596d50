"""Which events are predicted: the last ones of every user, or those after a moment."""

from __future__ import annotations

import numpy as np

from contrast.errors import DataError
from contrast_mclrec.log import Split

LEAST = 3  # events that a user needs to be tested


def leave_one_out(starts: np.ndarray) -> Split:
    """The last event of every user to test, the last but one to validate, the others to train.

    The published protocol: every event but a user's first is predicted from those before it, the
    test from a history that holds the validated event. A user with fewer than 3 events is left
    out of all three.
    """
    lengths = np.diff(starts)
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)  # within the user's history
    left = np.repeat(lengths, lengths) - place  # events from here to the user's last
    tested = np.repeat(lengths, lengths) >= LEAST
    short = int((lengths < LEAST).sum())
    notes = (f"{short} users with fewer than {LEAST} events: not trained on, not tested.",)
    return _checked(
        (place > 0) & (left > 2),
        tested & (left == 2),
        tested & (left == 1),
        "leave-one-out: each user's last event is the test, the last but one the validation",
        notes if short else (),
    )


def by_time(starts: np.ndarray, times: np.ndarray | None, held_out: float) -> Split:
    """Training ends at one moment for all; then each user's first event after it is predicted.

    With q the quantile of all events' times: train before q(1 - 2 h), validation from there,
    test from q(1 - h), for h = `held_out`. Nothing that is predicted from lies after the target,
    and nothing of the test's time is trained on.
    Raises: DataError: the log has no times, or no event is left to one of the three.
    """
    if times is None:
        raise DataError("`data.split=time` needs times: name their column with `data.time`")
    ordered = np.sort(times)
    cuts = [ordered[int((1 - share) * len(ordered))] for share in (2 * held_out, held_out)]
    lengths = np.diff(starts)
    first = np.repeat(starts[:-1], lengths)
    place = np.arange(starts[-1])
    opens = [times >= cut for cut in cuts]
    begins = [now & ((place == first) | ~np.roll(now, 1)) for now in opens]
    return _checked(
        (place > first) & ~opens[0],
        begins[0] & ~opens[1] & (place > first),
        begins[1] & (place > first),
        f"time: training ends at {cuts[0]}; each user's first event from there on is the "
        f"validation, from {cuts[1]} on the test",
    )


def _checked(
    train: np.ndarray,
    valid: np.ndarray,
    test: np.ndarray,
    sentence: str,
    notes: tuple[str, ...] = (),
) -> Split:
    parts = {"train on": train, "validate": valid, "test": test}
    for name, mask in parts.items():
        if not mask.any():
            raise DataError(
                f"no event is left to {name} by the split ({sentence})\nLeave-one-out needs users "
                f"with {LEAST} events, and one with 4 to train on; a split by time another "
                "`data.held_out`."
            )
    return Split(*(np.flatnonzero(mask) for mask in parts.values()), sentence, notes)
