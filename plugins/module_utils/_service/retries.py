# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a request is tried again, after which pause, and until when."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .._job.errors import DrsError

# Full jitter between 0 and base * 2^n seconds, never more than the longest pause. A server's
# Retry-After is believed up to its own bound: an hour of silence would look like a hang.
_BACKOFF_BASE = 0.5
_BACKOFF_LONGEST = 20.0
_RETRY_AFTER_LONGEST = 60.0


@dataclass(frozen=True)
class Limits:
    """How requests are made: ``timeout`` (seconds) for each, ``retries`` further tries."""

    timeout: float = 30
    retries: int = 4
    batch_size: int = 100
    parallel: int = 4


@dataclass(frozen=True)
class Timing:
    """Time and chance as the client sees them, so that tests need not wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform


REAL_TIME = Timing()

Result = TypeVar("Result")


def persist(once: Callable[[], Result], limits: Limits, timing: Timing, until: float | None = None) -> Result:
    """What ``once`` returns, tried as often as makes sense; not again after ``until`` (monotonic seconds)."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return once()
        except DrsError as error:
            error.attempts = attempt
            pause = _pause(error, attempt, timing)
            late = until is not None and timing.monotonic() + pause >= until
            if not error.repeatable or attempt > limits.retries or late:
                raise
        timing.sleep(pause)


def time_for_one(limits: Limits, timing: Timing, until: float | None) -> float:
    """Seconds that one request may take when nothing is awaited after ``until`` (monotonic seconds)."""
    if until is None:
        return limits.timeout
    # A poll that begins at the deadline still gets the time that a healthy answer takes.
    return min(limits.timeout, max(until - timing.monotonic(), 5.0))


def _pause(error: DrsError, attempt: int, timing: Timing) -> float:
    if error.retry_after is not None:
        return min(error.retry_after, _RETRY_AFTER_LONGEST)
    return timing.uniform(0, min(_BACKOFF_LONGEST, _BACKOFF_BASE * 2**attempt))
