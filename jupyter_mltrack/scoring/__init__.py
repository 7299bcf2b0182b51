"""Data as people name it, and a model's predictions over it: batches here, or Spark's executors.

Nothing in this room draws or asks; `verbs/score_acts.py` does what a person types.
"""

from __future__ import annotations
