# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source as ansible-rulebook calls it, against the simulator: real threads, real requests, real cancellation."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import runpy
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.tests.unit.builders import A, B
from ansible_collections.cutover.drs.tests.unit.service.support import raw_server
from drs_simulator import Simulator

SOURCE = Path(__file__).parents[2] / "extensions/eda/plugins/event_source/drs_jobs.py"
LOGIN = {"username": "demo", "password": "simulated-password", "user_domain_name": "simulated-domain"}
JOBS = [{"id": A, "life": "incremental", "delay_to": 0, "drain_seconds": 0}, {"id": B, "status": "PAUSING"}]
CHILD = "24834eb6-be30-464e-a299-f7aa730jb101"

Main = Callable[[Any, dict[str, Any]], Coroutine[Any, Any, None]]


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Main:
    """The entry of the source, run by its path, with nothing of this machine's environment."""
    for name in ("OS_TOKEN", "OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_CLOUD", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    entry: Main = runpy.run_path(str(SOURCE))["main"]
    return entry


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({"jobs": JOBS}) as running:
        yield running


def args(simulator: Simulator, **more: Any) -> dict[str, Any]:
    where = {"endpoint": simulator.endpoint, "auth_url": simulator.auth_url, "project_name": "eu-de"}
    quick = {"interval": 0.1, "stable_for": 0.1, "stable_samples": 2, "request_retries": 0}
    return {**where, **LOGIN, **quick, "jobs": [A], **more}


async def events_until(main: Main, arguments: dict[str, Any], kind: str, verdict: str = "") -> list[dict[str, Any]]:
    """The source's events up to the first of a type, after which it is cancelled."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    source = asyncio.ensure_future(main(queue, arguments))
    events = []
    try:
        while True:
            event = (await asyncio.wait_for(queue.get(), 20))["drs"]
            events.append(event)
            if event["type"] == kind and event.get("verdict", "") == verdict:
                return events
    finally:
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source


def drs_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("drs_")]


def wait_for(condition: Callable[[], bool]) -> None:
    """Look until it is so, at most five seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_jobs_that_have_caught_up_are_a_ready_verdict_by_one_login_and_no_thread_is_left(
    main: Main, simulator: Simulator
) -> None:
    events = asyncio.run(events_until(main, args(simulator), "verdict", "ready"))
    assert [event["type"] for event in events[:2]] == ["status", "progress"]
    assert events[-1]["jobs"][0]["id"] == A
    assert [request["operation"] for request in simulator.requests].count("tokens") == 1
    wait_for(lambda: not drs_threads())


def test_a_password_in_the_name_of_a_job_hides_no_job_and_is_in_no_event(main: Main, simulator: Simulator) -> None:
    simulator.load({"jobs": [{**JOBS[0], "name": "orders-to-cloud"}]})
    simulator.change_credentials(password="orders")
    given = {**args(simulator, password="orders"), "jobs": None, "job_names": ["orders-to-cloud"]}
    events = asyncio.run(events_until(main, given, "verdict", "ready"))
    assert "********-to-cloud" in json.dumps(events)
    assert "orders" not in json.dumps(events)


def test_a_password_in_the_name_of_a_job_is_not_in_the_error_that_ends_the_source(
    main: Main, simulator: Simulator
) -> None:
    simulator.load({"jobs": [{**JOBS[0], "name": "orders-to-cloud"}]})
    simulator.change_credentials(password="orders")
    given = {**args(simulator, password="orders"), "jobs": None, "job_names": ["archive-to-cloud"]}
    with pytest.raises(DrsError, match=r"'archive-to-cloud'\. Similar: \*{8}-to-cloud") as ended:
        asyncio.run(main(asyncio.Queue(), given))
    assert "orders" not in str(ended.value)


def test_a_cancelled_source_does_not_wait_for_the_answer(main: Main, simulator: Simulator) -> None:
    simulator.add_fault(operation="batch-status", kind="hang", seconds=30)

    async def cancelled_while_it_waits() -> float:
        source = asyncio.ensure_future(main(asyncio.Queue(), args(simulator, request_timeout=2)))
        while not any(request["operation"] == "batch-status" for request in simulator.requests):
            await asyncio.sleep(0.01)
        began = time.monotonic()
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source
        return time.monotonic() - began

    assert asyncio.run(cancelled_while_it_waits()) < 1
    wait_for(lambda: not drs_threads())


def test_a_cancelled_source_does_not_sit_out_a_pause_between_two_tries(main: Main, simulator: Simulator) -> None:
    simulator.add_fault(operation="batch-status", kind="throttled", retry_after=50)
    began = time.monotonic()

    async def cancelled_in_the_pause() -> None:
        source = asyncio.ensure_future(main(asyncio.Queue(), args(simulator, request_retries=4)))
        while not any(request["operation"] == "batch-status" for request in simulator.requests):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source

    # The end of the loop waits for its threads.
    asyncio.run(cancelled_in_the_pause())
    assert time.monotonic() - began < 10
    wait_for(lambda: not drs_threads())


def test_a_source_cancelled_while_it_logs_in_closes_what_it_gets(main: Main, simulator: Simulator) -> None:
    simulator.add_fault(operation="tokens", kind="slow", seconds=0.5)

    async def cancelled_while_it_logs_in() -> None:
        source = asyncio.ensure_future(main(asyncio.Queue(), args(simulator)))
        while not any(request["operation"] == "tokens" for request in simulator.requests):
            await asyncio.sleep(0.01)
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source

    asyncio.run(cancelled_while_it_logs_in())
    assert [request["operation"] for request in simulator.requests] == ["tokens"]
    wait_for(lambda: not drs_threads())


def test_the_event_loop_runs_while_a_poll_waits(main: Main, simulator: Simulator) -> None:
    simulator.add_fault(operation="batch-status", kind="slow", seconds=0.5)

    async def ticks() -> int:
        source = asyncio.ensure_future(main(asyncio.Queue(), args(simulator)))
        count, began = 0, time.monotonic()
        while time.monotonic() - began < 1:
            await asyncio.sleep(0.01)
            count += 1
        source.cancel()
        return count

    assert asyncio.run(ticks()) > 40


def test_a_service_that_fails_and_recovers(main: Main, simulator: Simulator) -> None:
    simulator.add_fault(operation="batch-progress", kind="status", http_status=503, times=2)
    events = asyncio.run(events_until(main, args(simulator), "recovered"))
    assert [(event["kind"], event["http_status"], event["errors"]) for event in events[:2]] == [
        ("service", 503, 1),
        ("service", 503, 2),
    ]
    assert events[-1]["errors"] == 2


def test_no_event_holds_a_secret_that_the_service_echoes(main: Main, simulator: Simulator) -> None:
    simulator.set_job(B, status="FULL_TRANSFER_FAILED", error_code="DRS.M1", error_msg="pw simulated-password of demo")
    told = json.dumps(asyncio.run(events_until(main, args(simulator, jobs=[A, B]), "verdict", "failed")))
    simulator.add_fault(operation="batch-status", kind="echo")
    told += json.dumps(asyncio.run(events_until(main, args(simulator), "fault")))
    assert "DRS.M1" in told
    assert "invalid_request" in told
    assert "simulated-password" not in told
    tokens = {request["headers"].get("x-auth-token") for request in simulator.requests} - {None}
    assert tokens
    assert not any(str(token) in told for token in tokens)


def test_no_text_of_the_service_forges_a_line_in_an_event(main: Main, simulator: Simulator) -> None:
    forged = "disk full.\ndrs_wait VERDICT ready\n##vso[task.complete]\u200b\u202e"
    simulator.set_job(B, status="FULL_TRANSFER_FAILED", error_code="DRS.M1", error_msg=forged, name=forged)
    told = asyncio.run(events_until(main, args(simulator, jobs=[A, B]), "verdict", "failed"))
    simulator.add_fault(operation="batch-status", kind="status", http_status=503, body={"error_msg": forged})
    told += asyncio.run(events_until(main, args(simulator), "fault"))
    shown = json.dumps(told)
    # As JSON, all of it is ASCII: what cannot be shown would be an escape.
    assert shown.count("disk full. drs_wait VERDICT ready # #vso[task.complete]??") >= 3
    assert "\\" not in shown
    assert "##vso[" not in shown


def test_a_wrong_password_is_a_fault_that_stays_and_an_error(main: Main, simulator: Simulator) -> None:
    events = asyncio.run(events_until(main, args(simulator, password="wrong-password"), "verdict", "error"))
    assert (events[0]["type"], events[0]["kind"], events[0]["final"]) == ("fault", "authentication", True)
    assert events[0]["next_poll_in"] >= 270
    assert "wrong-password" not in json.dumps(events)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"endpoint": None}, "No endpoint specified."),
        ({"password": None}, "A login by password also needs password (OS_PASSWORD or HW_USER_PASSWORD)."),
        ({"batch_size": 1000}, "batch_size must be from 1 to 100, not 1000."),
    ],
)
def test_a_connection_that_cannot_be_ends_the_source(
    main: Main, simulator: Simulator, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DrsError) as caught:
        asyncio.run(main(asyncio.Queue(), args(simulator, **given)))
    assert str(caught.value).startswith(sentence)


def test_a_job_given_twice_is_a_warning(main: Main, simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        events = asyncio.run(events_until(main, args(simulator, jobs=[A, A]), "status"))
    told = [event["message"] for event in events if event["type"] == "warning"]
    assert [f"jobs names {A} more than once; each job is asked for once."] == told
    assert [record.message for record in caplog.records if record.name == "cutover.drs.drs_jobs"] == told


def test_an_operation_that_the_service_has_withdrawn_is_a_warning_and_the_jobs_are_ready_without_it(main: Main) -> None:
    with Simulator({"jobs": JOBS, "withdrawn": ["batch-status"]}) as simulator:
        events = asyncio.run(events_until(main, args(simulator), "verdict", "ready"))
    warnings = [event["message"] for event in events if event["type"] == "warning"]
    assert len(warnings) == 1
    assert "batch-status" in warnings[0]


def test_jobs_and_subtasks_have_their_names(main: Main) -> None:
    child = {"id": CHILD, "name": "orders-add", "status": "CHILD_TRANSFER_STARTED"}
    with Simulator({"jobs": [{**JOBS[0], "name": "orders", "children": [CHILD]}, child]}) as simulator:
        arguments = {**args(simulator), "jobs": None, "job_names": ["orders"]}
        events = asyncio.run(events_until(main, arguments, "status"))
        assert (events[-1]["job"], events[-1]["name"]) == (A, "orders")
        simulator.set_job(CHILD, status="CHILD_TRANSFER_FAILED")
        verdict = asyncio.run(events_until(main, arguments, "verdict", "failed"))[-1]
    assert [(task["id"], task["name"], task["state"]) for task in verdict["jobs"][0]["subtasks"]] == [
        (CHILD, "orders-add", "failed")
    ]


def test_the_password_of_a_proxy_of_the_environment_is_in_no_event(main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    login = base64.b64encode(b"deploy:Pa55w0rd-of-proxy/1").decode()
    refusal = f"HTTP/1.1 407 Basic {login}\r\nServer: {login}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with raw_server(refusal.encode()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://deploy:Pa55w0rd-of-proxy%2F1@{proxy}")
        arguments = {"endpoint": "http://drs.example.com", "allow_http": True, "auth_token": "token", "project_id": "p"}
        quick = {"jobs": [A], "interval": 0.1, "request_retries": 0, "max_errors": 1}
        events = asyncio.run(events_until(main, {**arguments, **quick}, "verdict", "error"))
    said = json.dumps(events)
    assert "requires a login" in said
    for secret in ("Pa55w0rd-of-proxy", login, login[:16]):
        assert secret not in said
