# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the source polls, when it beats, and what ends it."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.tests.eda.support import Watched, broken, reading

LATE = [reading(delay=5)]


def test_it_polls_at_once_and_then_at_the_interval() -> None:
    assert Watched(LATE, LATE, LATE, interval=30).polled == [0, 30, 60]


def test_pauses_double_while_polls_fail_and_are_short_again_after_a_sample() -> None:
    watched = Watched(*[broken()] * 7, LATE, LATE, interval=10)
    assert watched.of_type("fault", "next_poll_in") == [20, 40, 80, 160, 300, 300, 300]
    assert watched.hand.sleeps == [20, 40, 80, 160, 300, 300, 300, 10, 10]


def test_after_an_error_that_stays_the_pause_is_the_longest_at_once() -> None:
    assert Watched(broken(kind=Kind.AUTHENTICATION), LATE).hand.sleeps == [300, 10]


def test_a_pause_is_never_shorter_than_the_interval() -> None:
    assert Watched(broken(), broken(), interval=900).hand.sleeps == [900, 900]


def test_what_can_never_succeed_ends_the_source_with_its_sentence() -> None:
    with pytest.raises(DrsError, match=r"^There is no login\.$"):
        Watched(broken("There is no login.", Kind.CONFIGURATION))


def test_the_heart_beats_between_polls_and_says_where_everything_stands() -> None:
    watched = Watched([reading()], [reading()], interval=25, heartbeat=10)
    assert watched.of_type("heartbeat", "at", "verdict", "polls") == [
        ("2026-11-24T12:00:10Z", "none", 1),
        ("2026-11-24T12:00:20Z", "none", 1),
        ("2026-11-24T12:00:30Z", "ready", 2),
        ("2026-11-24T12:00:40Z", "ready", 2),
        ("2026-11-24T12:00:50Z", "ready", 2),
    ]
    assert watched.of_type("heartbeat")[-1] == {
        "type": "heartbeat",
        "at": "2026-11-24T12:00:50Z",
        "verdict": "ready",
        "ready": True,
        "valid_until": "2026-11-24T12:01:25Z",
        "jobs_total": 1,
        "jobs_ready": 1,
        "streak": 2,
        "errors": 0,
        "polls": 2,
    }


def test_the_heart_calls_nothing_ready_for_longer_than_it_may_be_trusted() -> None:
    watched = Watched([reading()], [reading()], interval=90, heartbeat=60, valid_for=40)
    assert watched.of_type("heartbeat", "at", "verdict", "ready")[-2:] == [
        ("2026-11-24T12:02:00Z", "ready", True),
        ("2026-11-24T12:03:00Z", "ready", False),
    ]


def test_the_heart_beats_while_polls_fail_and_calls_nothing_ready() -> None:
    beats = Watched([reading()], broken(), interval=10, heartbeat=15).of_type("heartbeat", "jobs_ready", "errors")
    assert beats == [(0, 1), (0, 1)]


def test_a_heartbeat_of_0_is_none() -> None:
    assert not Watched(LATE, LATE, interval=3600, heartbeat=0).of_type("heartbeat")
