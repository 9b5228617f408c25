# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault as a client meets it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from calls import JOB, OTHER_JOB, Start, call, login, progress_of, status_of

from drs_simulator import Simulator

JOBS = [{"id": JOB, "status": "INCRE_TRANSFER_STARTED"}]


@pytest.fixture
def faulty(start: Start) -> Any:
    def started(**fault: Any) -> Simulator:
        return start({"jobs": JOBS, "faults": [{"operation": "any", **fault}]})

    return started


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"on": [1, 3]}, [1, 3]),
        ({"on": 2}, [2]),
        ({"from": 4}, [4, 5, 6]),
        ({"from": 2, "to": 3}, [2, 3]),
        ({"to": 2}, [1, 2]),
        ({"every": 3}, [3, 6]),
        ({"every": 2, "times": 1}, [2]),
    ],
)
def test_when_a_fault_strikes(start: Start, fault: dict[str, Any], struck: list[int]) -> None:
    simulator = start({"jobs": JOBS, "faults": [{"operation": "batch-status", "kind": "too_frequent", **fault}]})
    answers = []
    for _request in range(6):
        answers.append(status_of(simulator).status_code)
        assert progress_of(simulator).status_code == 202  # the other operation is neither hit nor counted
    assert [number for number, status in enumerate(answers, 1) if status == 400] == struck


def test_a_fault_for_requests_with_a_certain_job(faulty: Any) -> None:
    simulator = faulty(kind="throttled", with_job=OTHER_JOB, on=1)
    assert status_of(simulator, JOB).status_code == 200
    assert status_of(simulator, JOB, OTHER_JOB).status_code == 429
    assert status_of(simulator, OTHER_JOB).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "error_code"),
    [
        ({"kind": "throttled"}, 429, "APIGW.0308"),
        ({"kind": "too_frequent"}, 400, "DRS.M01503"),
        ({"kind": "unauthorized"}, 401, "APIGW.0307"),
        ({"kind": "status", "http_status": 503, "body": {"error_code": "X"}}, 503, "X"),
        ({"kind": "status", "documented": 8}, 403, "DRS.M00261"),
    ],
)
def test_error_answers(faulty: Any, fault: dict[str, Any], status: int, error_code: str) -> None:
    answered = status_of(faulty(**fault))
    assert (answered.status_code, answered.json()["error_code"]) == (status, error_code)
    assert answered.headers["X-Request-Id"]


@pytest.mark.parametrize("retry_after", [7, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after(faulty: Any, retry_after: int | str) -> None:
    assert status_of(faulty(kind="throttled", retry_after=retry_after)).headers["Retry-After"] == str(retry_after)


def test_a_string_body_and_headers_go_out_as_they_are(faulty: Any) -> None:
    answered = status_of(
        faulty(kind="status", http_status=502, body="<html>bad</html>", headers={"X-Request-Id": "r1"})
    )
    assert (answered.status_code, answered.text, answered.headers["X-Request-Id"]) == (502, "<html>bad</html>", "r1")


@pytest.mark.parametrize(("kind", "text"), [("html", "<html>Sign in</html>"), ("empty", ""), ("not_object", "[]")])
def test_a_success_that_is_none(faulty: Any, kind: str, text: str) -> None:
    answered = status_of(faulty(kind=kind))
    assert (answered.status_code, answered.text) == (200, text)


def test_wrong_json_has_the_right_length(faulty: Any) -> None:
    answered = status_of(faulty(kind="wrong_json"))
    assert len(answered.content) == int(answered.headers["Content-Length"])
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(answered.text)


def test_a_redirect(faulty: Any) -> None:
    answered = status_of(faulty(kind="redirect", http_status=307, location="https://elsewhere.example/"))
    assert (answered.status_code, answered.headers["Location"]) == (307, "https://elsewhere.example/")


def test_an_echo_repeats_the_credentials(faulty: Any) -> None:
    answered = status_of(faulty(kind="echo"))
    assert answered.status_code == 400
    assert "simulated-token" in answered.json()["error_msg"]


@pytest.mark.parametrize("tls", [False, True])
def test_a_reset_is_a_reset(start: Start, tls: bool) -> None:
    simulator = start({"jobs": JOBS, "faults": [{"kind": "reset", "on": 1}]}, tls=tls)
    options = {"verify": simulator.ca_path} if tls else {}
    # Under TLS it depends on the version of Python whether a reset is told from an end without an answer.
    with pytest.raises(
        requests.ConnectionError, match=r"without response|EOF|reset by peer" if tls else "reset by peer"
    ):
        call(simulator, "batch-status", {"jobs": [JOB]}, **options)
    assert call(simulator, "batch-status", {"jobs": [JOB]}, **options).status_code == 200
    assert [entry["status"] for entry in simulator.requests] == [None, 200]


def test_a_hang_outlasts_the_client_and_not_the_simulator() -> None:
    begun = time.monotonic()
    with (
        Simulator({"jobs": JOBS, "faults": [{"kind": "hang", "seconds": 60}]}) as simulator,
        pytest.raises(requests.Timeout),
    ):
        requests.post(f"{simulator.auth_url}/auth/tokens", json={}, timeout=0.3)
    assert time.monotonic() - begun < 5


def test_a_hang_ends_without_an_answer(faulty: Any) -> None:
    with pytest.raises(requests.ConnectionError):
        status_of(faulty(kind="hang", seconds=0.1))


def test_slow_and_latency_answer_in_the_end(start: Start) -> None:
    simulator = start({"jobs": JOBS, "latency": 100, "faults": [{"kind": "slow", "seconds": 0.2}]})
    answered = status_of(simulator)
    assert answered.status_code == 200
    assert answered.elapsed.total_seconds() > 0.3


def test_a_trickle_comes_complete(faulty: Any) -> None:
    answered = status_of(faulty(kind="trickle", seconds=0.001))
    assert answered.json()["count"] == 1
    assert answered.elapsed.total_seconds() < 1


def test_a_trickle_ends_with_the_simulator() -> None:
    begun = time.monotonic()
    with Simulator({"faults": [{"kind": "trickle", "seconds": 5}]}) as simulator:
        answered = requests.post(f"{simulator.auth_url}/auth/tokens", json={}, timeout=10, stream=True)
        assert answered.raw.read(1) == b"{"
    assert time.monotonic() - begun < 5


def test_a_body_cut_short(faulty: Any) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        status_of(faulty(kind="cut_short"))


def test_a_body_too_large(faulty: Any) -> None:
    assert len(status_of(faulty(kind="too_large", megabytes=2)).content) > 2 * 1024 * 1024


def test_faults_of_the_login(faulty: Any) -> None:
    simulator = faulty(operation="tokens", kind="status", documented=6, on=1)
    assert login(simulator).status_code == 401
    assert login(simulator).status_code == 201


def test_a_fault_put_in_later_counts_from_there(start: Start) -> None:
    simulator = start()
    status_of(simulator)
    simulator.add_fault(operation="batch-status", kind="empty", on=1)
    assert status_of(simulator).text == ""
    assert status_of(simulator).text != ""
