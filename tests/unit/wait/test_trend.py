# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where delay and progress are heading, for show."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._wait.trend import Trend, of_delay, of_progress, slope

Values = list[int | None]
EVERY_30_S = [0.0, 30.0, 60.0, 90.0, 120.0]


@pytest.mark.parametrize(
    ("times", "values", "expected"),
    [
        ([0.0, 1.0, 2.0], [0, 1, 2], 1),
        ([0.0, 10.0, 30.0], [100, 90, 70], -1),
        # Sen 1968: the median of the slopes of all pairs, here 1, 1.5, 2, 2, 2.5, 3 by hand.
        ([1.0, 2.0, 3.0, 4.0], [1, 2, 5, 7], 2),
        ([0.0, 1.0, 2.0], [5, 5, 5], 0),
        # One point far out cannot turn it.
        (EVERY_30_S, [500, 470, 9000, 410, 380], -1),
        (EVERY_30_S, [0, 470, 440, 410, 380], -1),
        # No value is no point.
        (EVERY_30_S, [500, None, 440, None, 380], -1),
        (EVERY_30_S, [500, None, None, None, 380], None),
        (EVERY_30_S, [None] * 5, None),
        ([0.0, 30.0], [500, 470], None),
        ([], [], None),
        # Points of the same time say nothing of a slope.
        ([5.0, 5.0, 5.0], [1, 2, 3], None),
        ([0.0, 0.0, 1.0], [1, 3, 4], 2),
    ],
)
def test_the_slope_is_that_of_theil_and_sen(times: list[float], values: Values, expected: float | None) -> None:
    assert slope(times, values) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        ([500, 470, 440, 410, 380], Trend("falling", 380)),
        ([500, 470, 9000, 410, 380], Trend("falling", 380)),
        ([900, 840, 780, 720, 660], Trend("falling", 330)),
        ([380, 410, 440, 470, 500], Trend("not converging")),
        ([412, 412, 412, 412, 412], Trend("steady")),
        ([0, 0, 0, 0, 0], Trend("steady")),
        ([120, 90, 60, 30, 0], Trend("steady")),
        # Where it stands now nobody knows.
        ([500, 470, 440, 410, None], None),
        ([None, None, None, 410, 380], None),
        ([None, 500, None, 440, 410], Trend("falling", 410)),
    ],
)
def test_a_delay_falls_is_steady_or_does_not_converge(delays: Values, expected: Trend | None) -> None:
    assert of_delay(EVERY_30_S, delays) == expected


def test_a_delay_that_changes_by_a_hundredth_of_a_second_a_second_goes_nowhere() -> None:
    times = [0.0, 100.0, 200.0]
    assert of_delay(times, [12, 11, 10]) == Trend("steady")
    assert of_delay(times, [10, 11, 12]) == Trend("steady")
    assert of_delay(times, [14, 12, 10]) == Trend("falling", 500)


@pytest.mark.parametrize(
    ("shares", "remaining", "expected"),
    [
        ([10, 20, 30, 40, 50], None, Trend("rising", 150)),
        ([10, 20, 30, 40, 50], 0, Trend("rising", 150)),
        # What the service says comes first.
        ([10, 20, 30, 40, 50], 720, Trend("rising", 720)),
        ([None, None, None, None, 50], 720, Trend("rising", 720)),
        ([None, None, None, None, 50], None, None),
        ([50, 50, 50, 50, 50], None, Trend("steady")),
        ([50, 40, 30, 20, 10], None, Trend("steady")),
        ([10, 20, 30, 40, 100], None, None),
        ([10, 20, 30, 40, None], 720, None),
    ],
)
def test_progress_rises_to_an_end_or_is_steady(shares: Values, remaining: int | None, expected: Trend | None) -> None:
    assert of_progress(EVERY_30_S, shares, remaining) == expected
