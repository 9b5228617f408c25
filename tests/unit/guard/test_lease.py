# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an owner counts as alive, from inside and from outside."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard import lease
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.lease import (
    Lease,
    Observer,
    TookTooLongError,
    limited,
    pace,
    since_boot,
)
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import Held

HELD = Held({}, 1, "ab" * 8, 1, 0, None)


@pytest.mark.parametrize(("after", "sure"), [(0.0, True), (19.9, True), (20.0, False), (31.0, False)])
def test_an_owner_is_sure_of_its_lease_for_two_thirds_of_it(after: float, sure: bool) -> None:
    lease = Lease(30.0, 100.0)
    assert lease.sure(100.0 + after) is sure
    assert lease.unrenewed_for(100.0 + after) == pytest.approx(after)


def test_a_renewal_counts_from_its_beginning() -> None:
    lease = Lease(30.0, 100.0)
    lease.tried(110.0)
    # Its answer came nine seconds later.
    lease.renewed(110.0)
    assert (lease.sure(129.9), lease.sure(130.0)) == (True, False)


def test_a_late_answer_takes_nothing_from_a_later_renewal() -> None:
    lease = Lease(30.0, 100.0)
    lease.renewed(120.0)
    lease.renewed(110.0)
    assert lease.unrenewed_for(121.0) == 1.0


def test_a_renewal_that_failed_is_tried_at_the_next_pace_and_not_before() -> None:
    lease = Lease(30.0, 100.0)
    assert (lease.due(101.9), lease.due(102.0)) == (False, True)
    lease.tried(102.0)
    assert (lease.due(103.9), lease.due(104.0)) == (False, True)
    assert lease.unrenewed_for(104.0) == 4.0


@pytest.mark.parametrize(("seconds", "expected"), [(3.0, 0.3), (1.0, 0.2), (30.0, 2.0), (600.0, 2.0)])
def test_an_observer_hears_of_a_living_owner_within_moments(seconds: float, expected: float) -> None:
    assert pace(seconds) == pytest.approx(expected)


def test_where_the_store_has_a_clock_that_clock_counts() -> None:
    observer = Observer()
    assert observer.age(replace(HELD, age=29.0), 500.0) == 29.0
    assert observer.age(replace(HELD, age=31.0), 500.0) == 31.0


def test_where_it_has_none_the_age_counts_from_the_first_look() -> None:
    observer = Observer()
    assert not observer.rose(HELD)
    assert [observer.age(HELD, now) for now in (500.0, 510.0, 531.0)] == [0.0, 10.0, 31.0]


@pytest.mark.parametrize("change", [{"beat": 1}, {"version": 2}, {"token": "cd" * 8}])
def test_whatever_its_owner_does_is_a_sign_of_life(change: dict[str, object]) -> None:
    observer = Observer()
    observer.age(HELD, 500.0)
    changed = replace(HELD, **change)  # type: ignore[arg-type]
    assert (observer.rose(HELD), observer.rose(changed)) == (False, True)
    assert observer.age(changed, 529.0) == 0.0
    assert observer.age(changed, 530.0) == 1.0


def test_another_document_of_the_same_version_is_none() -> None:
    observer = Observer()
    observer.age(HELD, 500.0)
    assert observer.age(replace(HELD, document={"stage": "freeze"}), 510.0) == 10.0


def test_the_clock_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(time, "clock_gettime", lambda clock: asked.append(clock) or 7.0)
    assert since_boot() == 7.0
    assert asked == [time.CLOCK_BOOTTIME]
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    assert since_boot() == pytest.approx(time.monotonic(), abs=60)


def test_what_hangs_is_interrupted_and_the_alarm_is_as_before() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TookTooLongError, match=r"no answer within 0\.01 s"), limited(0.01):
        signal.pause()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("end", [False, True], ids=["beginning", "end"])
def test_an_alarm_at_the_very_beginning_or_end_is_the_last_one(monkeypatch: pytest.MonkeyPatch, end: bool) -> None:
    """Otherwise there is one every half a second, in the middle of whatever the guard does next."""
    before, real = signal.getsignal(signal.SIGALRM), signal.setitimer

    def then(which: int, seconds: float, interval: float = 0.0) -> tuple[float, float]:
        if end and not seconds:
            signal.raise_signal(signal.SIGALRM)
        set_before = real(which, seconds, interval)
        if seconds and not end:
            # As of a guard that was suspended there.
            signal.raise_signal(signal.SIGALRM)
        return set_before

    monkeypatch.setattr(lease, "setitimer", then)
    with suppress(TookTooLongError), limited(50.0):
        pass
    left = real(signal.ITIMER_REAL, 0)
    after = signal.signal(signal.SIGALRM, before)
    assert (left, after) == ((0.0, 0.0), before)


def test_an_alarm_of_somebody_else_goes_on() -> None:
    # As Ansible sets one for the keyword timeout of a task.
    signal.setitimer(signal.ITIMER_REAL, 100.0)
    try:
        with limited(50.0):
            pass
        assert 50.0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
