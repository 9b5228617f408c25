# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where progress and delay are heading, by Theil-Sen. For show: no decision reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

# A delay that changes by less than this (seconds in a second) goes nowhere worth telling.
_FLAT = 0.01
# Two points make a slope but no trend.
_LEAST = 3


@dataclass(frozen=True)
class Trend:
    """Where a job is heading, and the seconds to its end, if there is one.

    ``direction`` is ``falling``, ``steady`` or ``not converging`` of a delay, ``rising`` or ``steady`` of the full phase.
    """

    direction: str
    seconds_left: int | None = None


def slope(times: Sequence[float], values: Sequence[int | None]) -> float | None:
    """The median of the slopes between all pairs of points, which one outlier cannot turn.

    (Theil 1950, Sen 1968.) None with fewer than three points.
    """
    points = [(time, value) for time, value in zip(times, values, strict=True) if value is not None]
    if len(points) < _LEAST:
        return None
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0]]
    return median(slopes) if slopes else None


def of_delay(times: Sequence[float], delays: Sequence[int | None]) -> Trend | None:
    """Where the delay of the incremental phase is heading, and when it would be 0."""
    rate = slope(times, delays)
    latest = delays[-1]
    if rate is None or latest is None:
        return None
    if latest == 0:
        return Trend("steady")
    if rate < -_FLAT:
        return Trend("falling", round(abs(latest / rate)))
    return Trend("steady" if rate <= _FLAT else "not converging")


def of_progress(times: Sequence[float], shares: Sequence[int | None], remaining: int | None) -> Trend | None:
    """When the full phase would be done: what the API says, else from the progress so far."""
    latest = shares[-1]
    if latest is None or latest >= 100:
        return None
    if remaining:
        return Trend("rising", remaining)
    rate = slope(times, shares)
    if rate is None:
        return None
    return Trend("rising", round((100 - latest) / rate)) if rate > 0 else Trend("steady")
