# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One answer of something else than the service ends nothing: no wait, no final gate, no login, no list, no stop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._job.records import parse_statuses
from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._service.http.responses import check
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.unit.service.foreign import FOREIGN, page
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_PASSWORD,
    BY_TOKEN,
    DEFAULTS,
    JOBS,
    NO_SECRETS,
    Between,
    ByHand,
    answer,
    served,
    stopped,
    waited,
)
from drs_simulator import Simulator

EACH = pytest.mark.parametrize("name", FOREIGN)
# One of each kind, where what reads the answer is shown with all of them elsewhere.
KINDS = {
    *("200", "204", "400", "401", "403", "407", "418", "429", "503", "a list", "two lengths", "no chunk size"),
    *("no location", "UTF-16", "gzip that is cut", "another protocol", "nothing"),
}
SOME = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in KINDS else pytest.mark.thorough) for name in FOREIGN]
)


@pytest.fixture
def between(simulator: Simulator) -> Iterator[Between]:
    proxy = Between(simulator.endpoint)
    with served(proxy.speak) as host:
        proxy.endpoint = f"http://{host}"
        yield proxy


# Of waits, so that what struck is told from what is tried again.
ONCE: dict[str, Any] = {"stable_for": 10.0, "timeout": 600.0, "request_retries": 0, "jobs": list(JOBS), "parallel": 1}


def polled(between: Between, by_hand: ByHand, **given: Any) -> dict[str, Any]:
    return waited(between, by_hand, **{**ONCE, **given})


def client_of(between: Between, by_hand: ByHand) -> Client:
    return connect(
        {**DEFAULTS, **BY_TOKEN, "endpoint": between.endpoint, "request_retries": 0}, {}, clock=by_hand.clock
    )


@EACH
def test_in_a_wait_it_is_one_failed_poll(between: Between, by_hand: ByHand, name: str) -> None:
    between.strike("batch-status", 2, FOREIGN[name])
    result = polled(between, by_hand, check_subtasks=False)
    assert (result["verdict"], result["errors"], result["polls"]) == ("ready", 1, 5), result["reason"]


@SOME
def test_in_the_only_sample_of_a_gate_it_is_repeated(between: Between, by_hand: ByHand, name: str) -> None:
    between.strike("batch-progress", 1, FOREIGN[name])
    result = polled(between, by_hand, timeout=0.0, request_retries=1, check_subtasks=False)
    # A proxy that asks for a login is asked once in a sample, so that no account is locked.
    verdict = "error" if name == "407" else "ready"
    assert (result["verdict"], len(by_hand.slept)) == (verdict, 0 if name == "407" else 1), result["reason"]


@SOME
def test_when_a_login_is_renewed_it_is_one_failed_poll(
    simulator: Simulator, between: Between, by_hand: ByHand, name: str
) -> None:
    simulator.add_fault(operation="batch-progress", kind="unauthorized", on=2)
    between.strike("auth/tokens", 2, FOREIGN[name])
    result = polled(between, by_hand, **BY_PASSWORD, check_subtasks=False)
    assert (result["verdict"], result["errors"], result["logins"]) == ("ready", 1, 2), result["reason"]


@EACH
def test_in_the_first_login_it_is_one_failed_poll(between: Between, by_hand: ByHand, name: str) -> None:
    between.strike("auth/tokens", 1, FOREIGN[name])
    result = polled(between, by_hand, **BY_PASSWORD, check_subtasks=False)
    assert (result["verdict"], result["errors"], result["logins"]) == ("ready", 1, 1), result["reason"]


@SOME
def test_in_a_list_it_holds_one_sample(between: Between, by_hand: ByHand, name: str) -> None:
    between.strike("/jobs", 1, FOREIGN[name])
    result = polled(between, by_hand)
    assert (result["verdict"], result["errors"], result["polls"]) == ("ready", 0, 4), result["reason"]


@SOME
def test_in_the_list_by_which_names_are_looked_up_it_is_one_failed_poll(
    simulator: Simulator, between: Between, by_hand: ByHand, name: str
) -> None:
    simulator.load({"jobs": [{"id": JOBS[0], "name": "orders", "status": "INCRE_TRANSFER_STARTED"}]})
    between.strike("/jobs", 1, FOREIGN[name])
    result = polled(between, by_hand, jobs=None, job_names=["orders"], check_subtasks=False)
    assert (result["verdict"], result["errors"]) == ("ready", 1), result["reason"]


@EACH
def test_to_a_stop_that_was_carried_out_it_is_unclear_and_the_status_tells(
    simulator: Simulator, between: Between, by_hand: ByHand, name: str
) -> None:
    between.strike("batch-jobs", 1, FOREIGN[name])
    result = stopped(between, by_hand, **BY_PASSWORD, parallel=1)
    assert (result["stopped"], result["failed"], result["changed"]) == (list(JOBS), False, True), result["msg"]
    assert [entry["operation"] for entry in simulator.requests].count("batch-jobs") == 1


@EACH
def test_it_is_counted_and_its_text_says_who_answered(between: Between, by_hand: ByHand, name: str) -> None:
    for number in range(1, 9):
        between.strike("batch-status", number, FOREIGN[name])
    with client_of(between, by_hand) as client, pytest.raises(DrsError) as caught:
        client.statuses(JOBS)
    error = caught.value
    assert error.kind.value != "configuration"
    assert error.final is False
    assert "Traceback" not in str(error)
    assert str(error).isprintable()
    if FOREIGN[name].startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) and "gzip" not in name:
        assert "a proxy or firewall answered (Server: CloudWAF)" in str(error)


def test_one_that_lasts_ends_the_wait_after_the_allowed_number(between: Between, by_hand: ByHand) -> None:
    for number in range(2, 20):
        between.strike("batch-status", number, FOREIGN["418"])
    result = polled(between, by_hand, check_subtasks=False)
    assert (result["verdict"], result["errors"], result["polls"]) == ("error", 6, 7)
    assert (
        "HTTP 418 without a code of the service: a proxy or firewall answered (Server: CloudWAF)." in result["reason"]
    )


def test_interim_answers_are_not_the_answer(between: Between, by_hand: ByHand, simulator: Simulator) -> None:
    body = json.dumps({"count": 1, "results": [{"id": JOBS[0], "status": "CREATING"}]}).encode()
    head = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    between.strike("batch-status", 1, head + page(200, body=body))
    with client_of(between, by_hand) as client:
        assert client.statuses(JOBS[:1])[0].status == "CREATING"
    assert simulator.requests


def test_interim_answers_without_an_end_are_a_failed_request(between: Between, by_hand: ByHand) -> None:
    between.strike("batch-status", 1, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
    with client_of(between, by_hand) as client, pytest.raises(DrsError, match="too many interim answers"):
        client.statuses(JOBS[:1])


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("nginx/1.2", " (Server: nginx/1.2)."),
        ("", "."),
        ("a\x1b[31m\u200bb", " (Server: a?[31m?b)."),
        ("x" * 100, f" (Server: {'x' * 60}...)."),
    ],
)
def test_what_a_server_calls_itself_is_printable_and_short(server: str, said: str) -> None:
    with pytest.raises(DrsError) as caught:
        check(answer(403, Server=server), NO_SECRETS, parse_statuses)
    assert f"a proxy or firewall answered{said} Check what is between" in str(caught.value)
