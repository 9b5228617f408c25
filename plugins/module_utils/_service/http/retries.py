# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a request is tried again, after which pause, and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..._job.errors import DrsError, Kind
from .clock import Clock

# Full jitter between 0 and base * 2^n seconds, never more than the longest pause. A server's
# Retry-After is believed up to its own bound: an hour of silence would look like a hang.
_BACKOFF_BASE = 0.5
_BACKOFF_LONGEST = 20.0
_RETRY_AFTER_LONGEST = 60.0
# Seconds in which a healthy service has answered.
_HEALTHY = 5.0


@dataclass(frozen=True)
class Limits:
    """How requests are made, by the options of these names."""

    request_timeout: float = 30
    request_retries: int = 4
    batch_size: int = 100
    parallel: int = 4


Result = TypeVar("Result")


def persist(once: Callable[[], Result], limits: Limits, clock: Clock, until: float | None = None) -> Result:
    """What ``once`` returns, tried as often as makes sense; not again after ``until`` (seconds on that clock)."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return once()
        except DrsError as error:
            error.attempts = attempt
            pause = _pause(error, attempt, clock)
            late = until is not None and clock.elapsed() + pause >= until
            if not error.repeatable or attempt > limits.request_retries or late:
                raise
        clock.sleep(pause)


def time_for_one(limits: Limits, clock: Clock, until: float | None) -> float:
    """Seconds that one request may take when nothing is awaited after ``until`` (seconds on that clock).

    What begins just before still gets the time that a healthy answer takes. Raises :class:`DrsError` when that is over.
    """
    if until is None:
        return limits.request_timeout
    remaining = until - clock.elapsed()
    seconds = min(limits.request_timeout, max(remaining, min(_HEALTHY, remaining + _HEALTHY)))
    if seconds <= 0:
        raise DrsError(Kind.NETWORK, "Time was up before this request.")
    return seconds


def _pause(error: DrsError, attempt: int, clock: Clock) -> float:
    # A Retry-After of 0, or a date that is over, is none: it would allow five requests at once.
    if error.retry_after:
        return min(error.retry_after, _RETRY_AFTER_LONGEST)
    return clock.uniform(0, min(_BACKOFF_LONGEST, _BACKOFF_BASE * 2**attempt))
