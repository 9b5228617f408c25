# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No answer, however malformed, gives anything but records or the one kind of error."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._job.records import (
    StatusRecord,
    parse_progress,
    parse_statuses,
    summary,
)
from ansible_collections.cutover.drs.plugins.module_utils._service.http.redaction import Redactor
from ansible_collections.cutover.drs.plugins.module_utils._service.http.responses import check
from ansible_collections.cutover.drs.tests.unit.service.support import answer

REDACT = Redactor("a secret")
STATUSES = st.sampled_from([200, 200, 200, 202, 204, 302, 400, 400, 401, 403, 404, 407, 422, 429, 500, 502, 599])
OPERATIONS = st.sampled_from([parse_statuses, parse_progress])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("a secret"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
GOOD: dict[str, Any] = {
    "count": 2,
    "error_code": "DRS.00000000",
    "error_msg": "Success",
    "request_id": "1",
    "results": [
        {"id": "a", "status": "INCRE_TRANSFER_STARTED", "error_code": "DRS.M00289", "error_message": "gone"},
        {
            "job_id": "b",
            "transfer_status": "FULL_TRANSFER_STARTED",
            "progress": "50",
            "incre_trans_delay": "-1",
            "incre_trans_delay_millis": "3",
            "task_mode": "FULL_INCR_TRANS",
            "process_time": "1608274919000",
            "remaining_time": "0",
            "error_msg": "none",
            "progress_map": {"struct": {"completed": "94%", "remaining_time": None}},
        },
    ],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from places(entry, (*path, key))


def replaced(path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    body = copy.deepcopy(GOOD)
    inner: Any = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return body


def judge(status: int, body: bytes, parse: Callable[[object], dict[str, Any]], **headers: str) -> None:
    """Records that can be shown, or an error that can be shown; every other exception fails the test."""
    try:
        records = check(answer(status, body, **headers), REDACT, parse)
    except DrsError as error:
        text = f"{error} {json.dumps([error.failure(), getattr(error, 'jobs', {})], ensure_ascii=False)}"
    else:
        assert status in (200, 202)
        assert all(
            isinstance(record, StatusRecord) and record.id == job and job.strip() for job, record in records.items()
        )
        shown = [*(record.as_dict() for record in records.values()), summary(list(records.values()))]
        text = json.dumps(shown, ensure_ascii=False, allow_nan=False)
        numbers = [record.get(name) for record in shown for name in ("progress", "delay", "delay_ms", "remaining_time")]
        assert all(number is None or (number.__class__ is int and number >= 0) for number in numbers)
        assert all(record.found or record.meaning.state.value == "missing" for record in records.values())
    text.encode()
    assert "a secret" not in text


@given(STATUSES, OPERATIONS, st.sampled_from(sorted(places(GOOD), key=str)), JSON)
def test_any_value_at_any_place(
    status: int, parse: Callable[[object], dict[str, Any]], path: tuple[Any, ...], value: Any
) -> None:
    judge(status, json.dumps(replaced(path, value)).encode(), parse)


@given(STATUSES, OPERATIONS, st.binary(max_size=200))
@example(200, parse_statuses, b"{" * 100_000)
@example(400, parse_statuses, b'{"a":' * 100_000)
@example(
    200, parse_progress, b'{"results": [{"job_id": "a", "x": ' + b'["\\u0061", ' * 700 + b"1" + b"]" * 700 + b"}]}"
)
@example(400, parse_progress, b'{"error_code": ' + b"9" * 5000 + b"}")
@example(200, parse_statuses, b"\xff\xfe{\x00}\x00")
def test_any_bytes(status: int, parse: Callable[[object], dict[str, Any]], body: bytes) -> None:
    judge(status, body, parse)


@given(STATUSES, OPERATIONS, st.integers(0, 600), st.binary(max_size=3))
def test_any_damage_to_a_good_body(
    status: int, parse: Callable[[object], dict[str, Any]], place: int, damage: bytes
) -> None:
    body = json.dumps(GOOD).encode()
    judge(status, body[:place] + damage, parse)
    judge(status, body[:place] + damage + body[place + len(damage) :], parse)


HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


@given(STATUSES, HEADER | st.integers().map(str), HEADER, HEADER | st.just("https://a secret@host"))
@example(429, "Fri, 31 Dec 999999 23:59:59 GMT", "", "")
def test_any_headers(status: int, retry_after: str, request_id: str, location: str) -> None:
    headers = {"Retry_After": retry_after, "X_Request_Id": request_id, "Location": location}
    judge(status, json.dumps(GOOD).encode(), parse_statuses, **headers)


@pytest.mark.parametrize("parse", [parse_statuses, parse_progress])
def test_the_document_that_is_damaged_here_is_a_good_one(parse: Callable[[object], dict[str, Any]]) -> None:
    assert list(check(answer(200, json.dumps(GOOD).encode()), REDACT, parse)) == ["a", "b"]
