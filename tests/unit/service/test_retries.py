# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trying again: how often, after which pause, and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.http.retries import Limits, time_for_one
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.unit.service.support import BY_PASSWORD, JOBS, ByHand, waited
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]

REPEATABLE: list[dict[str, Any]] = [
    {"kind": "throttled"},
    {"kind": "too_frequent"},
    {"kind": "status", "http_status": 503},
    {"kind": "reset"},
    {"kind": "cut_short"},
    {"kind": "wrong_json"},
    {"kind": "status", "http_status": 403},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "not_object"},
    {"kind": "redirect"},
]


def name_of(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("retries", [0, 1, 4])
@pytest.mark.parametrize("fault", REPEATABLE, ids=name_of)
def test_what_may_pass_is_tried_so_often_and_no_more(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand, fault: dict[str, Any], retries: int
) -> None:
    simulator.add_fault(**fault)
    with pytest.raises(DrsError) as caught:
        client_for(simulator, request_retries=retries).statuses(JOBS)
    assert len(simulator.requests) == caught.value.attempts == retries + 1
    assert len(by_hand.slept) == retries
    assert caught.value.final is False


@pytest.mark.parametrize(
    "fault", [*REPEATABLE, *({"kind": "status", "http_status": status} for status in (500, 502, 504))], ids=name_of
)
def test_what_has_passed_leaves_no_trace(simulator: Simulator, client_for: ClientFor, fault: dict[str, Any]) -> None:
    simulator.add_fault(**fault, to=4)
    client = client_for(simulator)
    assert [record.found for record in client.statuses(JOBS)] == [True, True]
    assert client.requests_sent == len(simulator.requests) == 5


def test_pauses_have_full_jitter_that_grows_to_a_bound(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand
) -> None:
    simulator.add_fault(kind="throttled")
    with pytest.raises(DrsError):
        client_for(simulator, request_retries=8).statuses(JOBS)
    assert by_hand.ranges[:8] == [(0, most) for most in (1, 2, 4, 8, 16, 20, 20, 20)]
    assert by_hand.slept == [1, 2, 4, 8, 16, 20, 20, 20]


@pytest.mark.parametrize(
    ("said", "pause"), [("7", 7), ("0", 1), ("Mon, 01 Jan 2001 00:00:00 GMT", 1), ("86400", 60), ("garbage", 1)]
)
def test_retry_after_is_honoured_within_a_bound(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand, said: str, pause: float
) -> None:
    simulator.add_fault(kind="throttled", retry_after=said, to=1)
    client_for(simulator).statuses(JOBS)
    assert by_hand.slept == [pause]


@pytest.mark.parametrize(("left", "requests"), [(0, 1), (1, 1), (1.5, 2), (3, 2), (3.5, 3), (None, 5)])
def test_nothing_is_tried_again_after_the_deadline(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand, left: float | None, requests: int
) -> None:
    simulator.add_fault(operation="batch-status", kind="throttled")
    until = None if left is None else by_hand.now + left
    with pytest.raises(DrsError) as caught:
        client_for(simulator).both(JOBS, until)
    assert [entry["operation"] for entry in simulator.requests].count("batch-status") == requests
    assert caught.value.attempts == requests


def test_a_pause_that_the_server_asks_for_does_not_reach_beyond_the_deadline(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand
) -> None:
    simulator.add_fault(kind="throttled", retry_after="40")
    with pytest.raises(DrsError):
        client_for(simulator).both(JOBS, by_hand.now + 40)
    assert by_hand.slept == []


@pytest.mark.parametrize(
    ("limit", "left", "seconds"),
    [
        *((30, left, seconds) for left, seconds in ((None, 30), (100, 30), (12, 12), (5, 5), (1, 5), (0, 5), (-1, 4))),
        *((30, float("inf"), 30), (2, 0, 2)),
    ],
)
def test_a_request_near_the_deadline_gets_what_is_left_but_enough_for_a_healthy_answer(
    by_hand: ByHand, limit: float, left: float | None, seconds: float
) -> None:
    until = None if left is None else by_hand.now + left
    assert time_for_one(Limits(request_timeout=limit), by_hand.clock, until) == seconds


def test_nothing_is_sent_any_more_when_a_healthy_answer_would_have_come(by_hand: ByHand) -> None:
    with pytest.raises(DrsError, match="Time was up before this request"):
        time_for_one(Limits(request_timeout=30), by_hand.clock, by_hand.now - 5)


def test_a_login_that_is_renewed_takes_none_of_the_tries(start: Start, client_for: ClientFor) -> None:
    simulator = start()
    client = client_for(simulator, **BY_PASSWORD, request_retries=2)
    simulator.add_fault(operation="batch-status", kind="unauthorized", on=1)
    simulator.add_fault(operation="batch-status", kind="throttled", first=2)
    with pytest.raises(DrsError) as caught:
        client.statuses(JOBS)
    assert [entry["status"] for entry in simulator.requests if entry["operation"] == "batch-status"] == [
        401,
        429,
        429,
        429,
    ]
    assert caught.value.attempts == 4
    assert "failed (4 attempts): HTTP 429" in str(caught.value)


def test_check_mode_tries_nothing_again_as_it_never_sleeps(simulator: Simulator, by_hand: ByHand) -> None:
    simulator.add_fault(kind="throttled", retry_after=4)
    result = waited(simulator, by_hand, one_sample=True, jobs=list(JOBS), parallel=1)
    assert (result["verdict"], result["failure"]["kind"], result["failure"]["attempts"]) == ("error", "throttled", 1)
    assert by_hand.slept == []
