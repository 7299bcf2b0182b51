"""How many requests may be under way at once: for each user, and in all."""

from __future__ import annotations

from collections import Counter

USER_REQUESTS_MAX = 24
ALL_REQUESTS_MAX = 96


class TooMany(Exception):
    """The caller has to come back later."""


class RequestLimits:
    """Counts requests under way. Used from the event loop only."""

    def __init__(self, user_max: int = USER_REQUESTS_MAX, all_max: int = ALL_REQUESTS_MAX) -> None:
        self._user_max = user_max
        self._all_max = all_max
        self._of_user: Counter[str] = Counter()
        self._all = 0

    def enter(self, user: str) -> None:
        """Take a place.

        Raises:
            TooMany: the user, or all together, have as many as they may.
        """
        if self._all >= self._all_max or self._of_user[user] >= self._user_max:
            raise TooMany
        self._all += 1
        self._of_user[user] += 1

    def leave(self, user: str) -> None:
        """Give a place back."""
        self._all -= 1
        self._of_user[user] -= 1
        if self._of_user[user] <= 0:
            del self._of_user[user]
