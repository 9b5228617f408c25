# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long an owner of the journal counts as alive, seen from inside and from outside.

Each uses a clock of its own that goes on while the machine sleeps, or that of the database: two machines' clocks are
never compared, and neither a host name nor a process number says that an owner lives.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from signal import ITIMER_REAL, SIGALRM, getitimer, setitimer, signal

from .store import Acknowledgement, Held


def since_boot() -> float:
    """Return seconds on a clock that goes on while the machine sleeps: an outage and a lease do, too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def pace(lease: float) -> float:
    """Return the seconds between two renewals: often enough that an observer sees within moments that somebody lives."""
    return max(0.2, min(2.0, lease / 10))


class Lease:
    """The lease of this owner."""

    def __init__(self, seconds: float, now: float) -> None:
        self.seconds = seconds
        # The beginning of the last renewal that succeeded: it may have been late at its end.
        self._renewed = now
        self._tried = now

    def due(self, now: float) -> bool:
        """Tell whether it is time to renew."""
        return now - self._tried >= pace(self.seconds)

    def tried(self, now: float) -> None:
        """Note that a renewal began."""
        self._tried = now

    def renewed(self, began: float) -> None:
        """Note that a renewal, or a write, that began then has succeeded."""
        self._renewed = max(self._renewed, began)

    def unrenewed_for(self, now: float) -> float:
        """Return the seconds since the last good renewal."""
        return now - self._renewed

    def sure(self, now: float) -> bool:
        """Tell whether nobody can have taken this owner for dead, with a third of the lease to spare."""
        return self.unrenewed_for(now) < self.seconds * 2 / 3


class Observer:
    """Tell from outside whether an owner, or a watch, lives."""

    def __init__(self) -> None:
        self._seen: tuple[object, ...] | None = None
        self._since = 0.0
        self._looked = self._before = float("-inf")

    def age(self, said: Held | Acknowledgement, now: float) -> float:
        """Return how long nothing was heard of it (seconds); where only watching tells, since this began to look."""
        if self._seen is None or self.rose(said):
            self._seen, self._since, self._before = _heard(said), now, self._looked
        self._looked = now
        return said.age if said.age is not None else now - self._since

    def longest_age(self, said: Held | Acknowledgement, now: float) -> float:
        """Return how long ago it was heard of at the earliest (seconds), after :meth:`age` has looked.

        What was there at the first look may be of any time, and what came between two looks of the time of the first one.
        """
        return said.age if said.age is not None else now - self._before

    def rose(self, said: Held | Acknowledgement) -> bool:
        """Tell whether it said anything since the last look."""
        return self._seen is not None and _heard(said) != self._seen


def _heard(said: Held | Acknowledgement) -> tuple[object, ...]:
    return (said.token, said.beat, said.version if isinstance(said, Held) else 0)


class TookTooLongError(Exception):
    """An operation was interrupted by its time limit."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, without a thread: a database or folder that hangs must not stop the guard."""

    over = False

    def interrupt(*_signal: object) -> None:
        if not over:
            raise TookTooLongError(f"no answer within {seconds:g} s")

    before, others = signal(SIGALRM, interrupt), getitimer(ITIMER_REAL)
    try:
        try:
            # Again and again: a library may swallow the first.
            setitimer(ITIMER_REAL, seconds, 0.5)
            yield
        finally:
            over = True
    finally:
        # Also if the alarm comes at the very beginning or end: otherwise it would come for ever, whatever this process does.
        # In a step there may be Ansible's own, for the keyword timeout.
        setitimer(ITIMER_REAL, *others)
        signal(SIGALRM, before)
