"""Figures of this product beside its peers, measured in one run on one machine; ratios hold, seconds do not.

`python -m benchmarks` runs every case, `python -m benchmarks calls start` the named ones. Each
measurement is a process of its own in an empty folder; peers take turns, the median of the
rounds counts. A peer that is not installed is left out and said to be.
"""
