"""Preference objectives, a file each: pure functions of a `Lists` form of log-probabilities.

`scores` are summed log-probabilities of the responses under the policy, `reference` those under
the frozen model, `lengths` the numbers of response tokens, `targets` grades (larger is better).
A pair is a list of two. Where a list has no two alternatives of unequal grade, there is nothing to
prefer: it is left out of the mean, and if all are, the loss is 0 with zero gradient.
"""
