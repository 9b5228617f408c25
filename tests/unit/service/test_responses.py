# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer means: kinds of errors, their sentences, and which of them are tried again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._job.records import parse_progress, parse_statuses
from ansible_collections.cutover.drs.plugins.module_utils._service.http.responses import check
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import LIST_V3
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import STOP_V3
from ansible_collections.cutover.drs.tests.unit.service.support import JOBS, NO_SECRETS, ByHand, answer
from drs_simulator import Simulator

ClientFor = Callable[..., Client]


def listed(body: object) -> Any:
    return LIST_V3.parse(body, "migration")


def stopped(body: object) -> Any:
    return STOP_V3.parse(body, JOBS)


def failed(read: Callable[[], Any]) -> DrsError:
    """The error that a call raises."""
    with pytest.raises(DrsError) as caught:
        read()
    return caught.value


# Number in errors-documented.json: kind, status, code, request id (the header's, if there is one), tries, final.
DOCUMENTED = [
    (1, "throttled", 400, "DRS.M01503", 3, False),
    (2, "invalid_request", 400, "DRS.M00301", 1, True),
    (5, "authentication", 401, "APIGW.0307", 1, True),
    (6, "authentication", 401, "401", 1, True),
    (7, "permission", 403, "DRS.M00102", 1, True),
    (8, "permission", 403, "DRS.M00261", 1, True),
    (11, "throttled", 429, "APIGW.0308", 3, False),
    (12, "service", 500, "DRS.M00004", 3, False),
    (13, "service", 502, None, 3, False),
    (14, "protocol", 200, None, 3, False),
    (15, "protocol", 200, None, 3, False),
]


@pytest.mark.parametrize(("number", "kind", "status", "code", "tries", "final"), DOCUMENTED)
def test_each_documented_error_is_told_apart(
    simulator: Simulator,
    client_for: ClientFor,
    number: int,
    kind: str,
    status: int,
    code: str | None,
    tries: int,
    final: bool,
) -> None:
    simulator.add_fault(kind="status", documented=number)
    error = failed(lambda: client_for(simulator, request_retries=2).statuses(JOBS))
    failure = error.failure()
    assert (failure["kind"], failure["http_status"], failure["error_code"]) == (kind, status, code)
    assert error.final is final
    assert len(simulator.requests) == failure["attempts"] == tries
    assert failure["request_id"] == simulator.requests[-1]["request_id"]


@pytest.mark.parametrize("number", [3, 4, 10])
def test_errors_about_jobs_are_no_errors_of_the_request(
    simulator: Simulator, client_for: ClientFor, number: int
) -> None:
    simulator.add_fault(kind="status", documented=number)
    assert [record.found for record in client_for(simulator).statuses(JOBS)] == [False, False]


# Codes of a refusal, with the status they come with, and whether they are about the jobs or about the request.
REFUSALS = [
    *((400, code, True) for code in ("DRS.M00289", "DRS.M05004", "DRS.M05003", "DRS.10000010")),
    *((400, code, True) for code in ("DRS.M00202", "DRS.M00304", "DRS.M00307", "DRS.M00308", "DRS.M99999")),
    *((422, code, True) for code in ("DRS.M00002", "DRS.M00202")),
    *((200, code, True) for code in ("DRS.M00289", "DRS.M05066")),
    *((202, code, True) for code in ("DRS.M00304", "DRS.M05066")),
    *((400, code, False) for code in ("DRS.M00300", "DRS.M00301", "DRS.M00210", "DRS.M00211", "DRS.M00261")),
    *((400, f"DRS.M0010{number}", False) for number in range(6)),
    *((400, code, False) for code in ("APIGW.0106", "IAM.0001")),
    (403, "DRS.M00289", False),
    (404, "DRS.M00289", False),
]


@pytest.mark.parametrize(("status", "code", "about_jobs"), REFUSALS)
def test_a_refusal_because_of_one_job_never_hides_the_others(
    simulator: Simulator, client_for: ClientFor, status: int, code: str, about_jobs: bool
) -> None:
    refusal = {"error_code": code, "error_msg": "No."}
    simulator.add_fault(kind="status", http_status=status, body=refusal, with_job=JOBS[1])
    client = client_for(simulator)
    if not about_jobs:
        assert failed(lambda: client.statuses(JOBS)).error_code == code
        assert client.requests_sent == 1
        return
    statuses, progress = client.both(JOBS)
    for good, bad in (statuses, progress):
        assert (good.found, good.status) == (True, "INCRE_TRANSFER_STARTED")
        assert (bad.found, bad.error_code, bad.error_message) == (False, code, "No.")


@pytest.mark.parametrize("code", ["DRS.M00202", "DRS.M99999", "DRS.M05066"])
@pytest.mark.parametrize("status", [400, 200])
def test_a_refusal_of_every_job_that_may_be_about_the_request_is_an_error(
    simulator: Simulator, client_for: ClientFor, status: int, code: str
) -> None:
    simulator.add_fault(kind="status", http_status=status, body={"error_code": code, "error_msg": "No."})
    error = failed(lambda: client_for(simulator).statuses(JOBS))
    assert str(error).startswith(
        f"batch-status of 2 jobs at 127.0.0.1:{simulator.endpoint.rpartition(':')[2]} failed: "
    )
    assert f"HTTP {status} {code} No. Check the endpoint" in str(error)
    assert (error.kind.value, error.http_status, error.final) == ("invalid_request", status, True)


# The code in the body of a success, and what it is.
IN_A_SUCCESS = [
    ("DRS.M01504", "service", 3, False),
    ("DRS.M01503", "throttled", 3, False),
    ("APIGW.0308", "throttled", 3, False),
    ("APIGW.0307", "authentication", 1, True),
    ("DRS.M00102", "permission", 1, True),
    ("DRS.M00261", "permission", 1, True),
    ("DRS.M00301", "invalid_request", 1, True),
]


NOTHING_WRONG = ["", "null", "DRS.00000000", 0, None]


@pytest.mark.parametrize("code", NOTHING_WRONG, ids=repr)
def test_a_code_that_says_nothing_is_wrong_is_no_error(code: object) -> None:
    body = {"error_code": code, "results": [{"id": JOBS[0], "status": "PAUSING"}]}
    assert check(answer(200, json.dumps(body).encode()), NO_SECRETS, parse_statuses)[JOBS[0]].status == "PAUSING"
    # With a status of an error it is one, but without a code.
    error = failed(lambda: check(answer(400, json.dumps(body).encode()), NO_SECRETS, parse_statuses))
    assert error.error_code is None


@pytest.mark.parametrize("parse", [parse_statuses, parse_progress, listed, stopped])
@pytest.mark.parametrize("code", ["DRS.M00289", "DRS.M01504", "APIGW.0307", 7])
def test_an_error_beside_what_is_told_of_jobs_is_a_contradiction(parse: Callable[[object], Any], code: object) -> None:
    entries = [{"id": JOBS[0], "status": "INCRE_TRANSFER_STARTED"}]
    body = {"error_code": code, "error_msg": "No.", "results": entries, "jobs": entries, "total_record": 1}
    error = failed(lambda: check(answer(200, json.dumps(body).encode()), NO_SECRETS, parse))
    assert (error.kind.value, error.final, str(error)) == (
        *("protocol", False),
        "The response holds jobs and an error at once.",
    )


def test_a_refusal_that_names_each_of_its_jobs_is_no_contradiction() -> None:
    entries = [{"id": job, "error_code": "DRS.M00289"} for job in JOBS]
    body = {"error_code": "DRS.M00289", "results": entries}
    assert not any(
        record.found for record in check(answer(200, json.dumps(body).encode()), NO_SECRETS, parse_statuses).values()
    )


TWICE = [
    b'{"results": [], "results": []}',
    b'{"results": [{"job_id": "a", "incre_trans_delay": "512", "incre_trans_delay": "0"}]}',
    b'{"results": [{"job_id": "a", "progress_map": {"data": {}, "d\\u0061ta": {}}}]}',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_key_that_stands_twice_in_one_object_is_a_contradiction(body: bytes) -> None:
    error = failed(lambda: check(answer(200, body), NO_SECRETS, parse_progress))
    assert (error.kind.value, error.final, error.repeatable) == ("protocol", False, True)
    assert str(error) == "HTTP 200: An object in the response holds the same key twice."
    # An error with such a body is one without a code.
    assert failed(lambda: check(answer(403, body), NO_SECRETS, parse_progress)).kind.value == "protocol"


@pytest.mark.parametrize(("code", "kind", "tries", "final"), IN_A_SUCCESS)
@pytest.mark.parametrize("status", [200, 202])
def test_an_error_body_in_a_success_keeps_what_it_says(
    simulator: Simulator, client_for: ClientFor, status: int, code: str, kind: str, tries: int, final: bool
) -> None:
    for extra in ({}, {"results": []}):
        simulator.load({})
        body = {"error_code": code, "error_msg": "Not now.", **extra}
        simulator.add_fault(kind="status", http_status=status, body=body)
        error = failed(lambda: client_for(simulator, request_retries=2).statuses(JOBS))
        assert (error.kind.value, error.http_status, error.final) == (kind, status, final)
        assert (error.error_code, error.error_message) == (code, "Not now.")
        assert len(simulator.requests) == error.attempts == tries
        assert error.request_id == simulator.requests[-1]["request_id"]


def test_an_error_body_in_a_success_that_passes_leaves_no_trace(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(kind="status", http_status=202, body={"error_code": "DRS.M01504", "error_msg": "Busy."}, to=2)
    assert [record.found for record in client_for(simulator).statuses(JOBS)] == [True, True]


def test_a_list_keeps_the_error_of_a_success_too(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(
        kind="status", http_status=200, body={"error_code": "DRS.M01504", "jobs": [], "total_record": 0}
    )
    error = failed(lambda: client_for(simulator, request_retries=1).list_jobs())
    assert (error.kind.value, error.error_code, error.attempts) == ("service", "DRS.M01504", 2)


SENTENCES: list[tuple[dict[str, Any], str]] = [
    (
        {"kind": "status", "documented": 0},
        (
            "batch-status of 2 jobs at HOST failed: HTTP 400 DRS.M00202 The value of jobs is invalid. "
            "Check the endpoint, the project id and the job ids."
        ),
    ),
    (
        {"kind": "status", "documented": 6},
        (
            "batch-status of 2 jobs at HOST failed: HTTP 401 401 The username or password is wrong. "
            "Check the login: the token ran out or was withdrawn, or the keys or the clock are wrong."
        ),
    ),
    (
        {"kind": "status", "documented": 8},
        (
            "batch-status of 2 jobs at HOST failed: HTTP 403 DRS.M00261 Invalid project ID. "
            "Check the project id and what the user may do in it."
        ),
    ),
    (
        {"kind": "throttled"},
        (
            "batch-status of 2 jobs at HOST failed (2 attempts): HTTP 429 APIGW.0308 The throttling threshold has been "
            "reached. Too many requests: try again later, or raise the interval."
        ),
    ),
    (
        {"kind": "status", "documented": 13},
        (
            "batch-status of 2 jobs at HOST failed (2 attempts): HTTP 502 without a code of the service: "
            "a proxy or firewall answered. Try again later."
        ),
    ),
    (
        {"kind": "empty"},
        "batch-status of 2 jobs at HOST failed (2 attempts): HTTP 200 with an empty body. Is this the DRS endpoint?",
    ),
    (
        {"kind": "html"},
        (
            "batch-status of 2 jobs at HOST failed (2 attempts): HTTP 200 with a body that is not JSON: "
            "a proxy or firewall answered."
        ),
    ),
    (
        {"kind": "wrong_json"},
        (
            "batch-status of 2 jobs at HOST failed (2 attempts): HTTP 200 with a body that is not JSON. "
            "Is a proxy in between?"
        ),
    ),
    ({"kind": "not_object"}, "batch-status of 2 jobs at HOST failed (2 attempts): The response is not a JSON object."),
    (
        {"kind": "status", "http_status": 200, "body": {"count": 0}},
        "batch-status of 2 jobs at HOST failed (2 attempts): The response has no list 'results'.",
    ),
    (
        {"kind": "redirect", "location": "https://elsewhere.example.com/login"},
        (
            "batch-status of 2 jobs at HOST failed (2 attempts): HTTP 302 points to "
            "https://elsewhere.example.com/login. Redirects are never followed with credentials: "
            "set endpoint to the right address."
        ),
    ),
    (
        {"kind": "status", "http_status": 204},
        (
            "batch-status of 2 jobs at HOST failed (2 attempts): Unexpected HTTP status 204: "
            "a proxy or firewall answered."
        ),
    ),
    (
        {"kind": "status", "http_status": 407},
        (
            "batch-status of 2 jobs at HOST failed: HTTP 407 without a code of the service: a proxy or firewall "
            "answered. "
            "The proxy requires a login; put user and password into the URL of the proxy."
        ),
    ),
]


@pytest.mark.parametrize(("fault", "sentence"), SENTENCES)
def test_an_error_says_what_happened_to_which_request_and_what_to_do(
    simulator: Simulator, client_for: ClientFor, fault: dict[str, Any], sentence: str
) -> None:
    simulator.add_fault(**fault)
    error = failed(lambda: client_for(simulator, request_retries=1).statuses(JOBS))
    # What the simulator calls itself depends on its version.
    said = re.sub(r" \(Server: Python/[^)]*\)", "", str(error))
    assert said == sentence.replace("HOST", simulator.endpoint.removeprefix("http://"))


CODE = {"error_code": "DRS.M99999", "error_msg": "No."}


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 409, 413, 415, 501, 505])
def test_a_refusal_with_a_code_of_the_service_is_asked_for_once(
    simulator: Simulator, client_for: ClientFor, status: int
) -> None:
    simulator.add_fault(kind="status", http_status=status, body=CODE)
    error = failed(lambda: client_for(simulator).statuses(JOBS))
    assert (error.http_status, error.error_code, error.attempts) == (status, "DRS.M99999", 1)
    assert error.final is (status < 500)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("3600", 3600.0),
        ("9" * 5000, None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Mon, 32 Foo 2026 25:61:61 GMT", None),
        ("Fri, 31 Dec 999999 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_read_or_left_alone(said: str, seconds: float | None) -> None:
    error = failed(lambda: check(answer(429, Retry_After=said), NO_SECRETS, parse_statuses))
    assert error.retry_after == seconds


def test_retry_after_may_be_a_number_beyond_all_bounds() -> None:
    error = failed(lambda: check(answer(429, Retry_After="9" * 400), NO_SECRETS, parse_statuses))
    assert error.retry_after in (None, 21600.0)  # newer releases of urllib3 have a bound of their own


def test_retry_after_may_be_a_date() -> None:
    said = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    error = failed(lambda: check(answer(503, Retry_After=said), NO_SECRETS, parse_statuses))
    assert error.retry_after == pytest.approx(30, abs=3)


NOT_FOUND = b'{"error_code": "APIGW.0101", "error_msg": "The API does not exist."}'


def test_retry_after_counts_only_where_a_request_is_tried_again() -> None:
    assert (
        failed(lambda: check(answer(404, NOT_FOUND, Retry_After="7"), NO_SECRETS, parse_statuses)).retry_after is None
    )


@pytest.mark.parametrize(
    ("body", "headers", "request_id"),
    [
        (b'{"request_id": "in-body"}', {}, "in-body"),
        (b'{"request_id": "in-body"}', {"X_Request_Id": "in-header"}, "in-header"),
        (b'{"request_id": 7}', {}, "7"),
        (b"<html>", {}, None),
    ],
)
def test_the_request_id_is_in_a_header_or_in_the_body(
    body: bytes, headers: dict[str, str], request_id: str | None
) -> None:
    assert failed(lambda: check(answer(500, body, **headers), NO_SECRETS, parse_statuses)).request_id == request_id


@pytest.mark.parametrize(
    "body",
    [
        b'{"results": [{"id": "a", "x": NaN}]}',
        b'{"results": [{"id": "a", "x": -Infinity}]}',
        b'{"results": [{"id": "a", "x": 1e999}]}',
        b'{"results": [{"id": "a", "x": ' + b"[" * 60 + b"]" * 60 + b"}]}",
        b'{"results": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"results": [{"id": "a", "x": ' + b"9" * 5000 + b"}]}",
        b'{"results": [{"id": "\xff"}]}',
        b'{"results": []} trailing',
    ],
)
def test_a_body_that_not_every_reader_of_json_takes_is_no_answer(body: bytes) -> None:
    error = failed(lambda: check(answer(200, body), NO_SECRETS, parse_statuses))
    assert str(error) == "HTTP 200 with a body that is not JSON. Is a proxy in between?"


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    assert check(answer(200, b'\xef\xbb\xbf{"results": []}'), NO_SECRETS, parse_statuses) == {}


def test_a_lone_surrogate_can_be_printed() -> None:
    records = check(answer(200, b'{"results": [{"id": "a", "status": "\\ud800"}]}'), NO_SECRETS, parse_statuses)
    assert records["a"].status == "?"


def test_a_job_told_twice_and_differently_is_a_protocol_error(simulator: Simulator, client_for: ClientFor) -> None:
    items = [{"id": JOBS[0], "status": status} for status in ("CREATING", "CONFIGURATION")]
    simulator.add_fault(kind="status", http_status=200, body={"results": items})
    error = failed(lambda: client_for(simulator).statuses(JOBS[:1]))
    assert str(error).endswith(f"The response holds job {JOBS[0]} twice, with different content.")
    assert (error.kind.value, error.http_status) == ("protocol", 200)


@pytest.mark.parametrize("host", ["other", "same"])
def test_a_redirect_is_never_followed(
    start: Callable[..., Simulator], client_for: ClientFor, by_hand: ByHand, host: str
) -> None:
    simulator, other = start(), start()
    target = f"{other.endpoint if host == 'other' else simulator.endpoint}/v3/elsewhere"
    for status in (301, 302, 303, 307, 308):
        simulator.add_fault(kind="redirect", http_status=status, location=target, times=1)
    for status in (301, 302, 303, 307, 308):
        error = failed(lambda: client_for(simulator, request_retries=0).statuses(JOBS))
        assert f"HTTP {status} points to {target} (Server: Python/" in str(error)
        assert (error.kind.value, error.final) == ("protocol", False)
    assert len(simulator.requests) == 5
    assert other.requests == []


def test_a_service_that_is_busy_says_nothing_of_jobs() -> None:
    body = b'{"error_code": "DRS.M01503", "error_msg": "Busy.", "results": [{"id": "a", "error_code": "DRS.M01503"}]}'
    assert failed(lambda: check(answer(400, body), NO_SECRETS, parse_statuses)).kind.value == "throttled"


def test_what_a_service_says_of_an_error_has_a_bounded_length() -> None:
    body = b'{"error_code": "DRS.M00004", "error_msg": "' + b"x" * 1_000_000 + b'"}'
    error = failed(lambda: check(answer(500, body), NO_SECRETS, parse_statuses))
    assert error.error_message == "x" * 2000 + "..."
    assert len(str(error)) < 2200
    entries = b'{"results": [{"id": "a", "error_code": "E", "error_message": "' + b"x" * 9000 + b'"}]}'
    record = check(answer(200, entries), NO_SECRETS, parse_statuses)["a"]
    assert record.error_message == "x" * 2000 + "..."
