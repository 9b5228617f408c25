# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an HTTP answer of DRS says: a parsed body, or a typed error."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..._job.errors import DrsError, Kind, cut, protocol_error
from ..._job.records import parse_refusals
from .redaction import Redactor
from .transport import Answer, urllib3

# Open Telekom Cloud answers batch-progress with 202, Huawei Cloud with 200; the 202 carries
# the whole answer, nothing is asynchronous.
_SUCCESS = (200, 202)
_REPEATABLE_5XX = (500, 502, 503, 504)

# "Operation too frequent", sent as a 400, and how the gateway says it.
_TOO_FREQUENT = ("DRS.M01503", "APIGW.0308")
# "Another operation is being performed. Try again later."
_BUSY = "DRS.M01504"
# These come with a 401 and a 403, or inside of a success.
_NO_LOGIN = ("APIGW.0301", "APIGW.0307")
_NO_PERMISSION = tuple(f"DRS.M0010{number}" for number in range(6))
_NO_PROJECT = "DRS.M00261"
# A real answer nests five deep. Python and Ansible cannot walk what nests by the thousand.
_DEEPEST = 50
# What nests in parsed JSON, which has no classes derived from these.
_NESTING = frozenset((dict, list))

# Codes of 400 and 422 that are about the request as a whole: ids that are empty or given twice, the page.
_ABOUT_THE_REQUEST = ("DRS.M00300", "DRS.M00301", "DRS.M00210", "DRS.M00211", _NO_PROJECT, *_NO_PERMISSION)
# Codes that are about a job: it does not exist, was deleted or released, or is in the wrong state.
_ABOUT_A_JOB = (
    *("DRS.M00289", "DRS.M05003", "DRS.M05004", "DRS.10000010"),
    *("DRS.M00304", "DRS.M00307", "DRS.M00308"),
)
# 422, "the query result is empty".
_EMPTY = "DRS.M00002"

Result = TypeVar("Result")

_ADVICE = {
    Kind.AUTHENTICATION: "Check the login: the token ran out or was withdrawn, or the keys or the clock are wrong.",
    Kind.PERMISSION: "Check the project id and what the user may do in it.",
    Kind.INVALID_REQUEST: "Check the endpoint, the project id and the job ids.",
    Kind.THROTTLED: "Too many requests: try again later, or raise the interval.",
    Kind.SERVICE: "The service has a fault: try again later.",
}
_WITHDRAWN = (
    "The service does not have this operation, or has it no longer. Check the endpoint; "
    "if it is right, look for a newer release of this collection."
)


class RefusedJobsError(DrsError):
    """The request was refused, perhaps because of some of its jobs.

    ``jobs`` has code and message of those that the answer names; it is empty where the answer
    does not say which. ``certain`` whether the code is about jobs, and not perhaps about the request.
    """

    def __init__(self, jobs: Mapping[str, tuple[str | None, str | None]], message: str, **details: Any) -> None:
        super().__init__(Kind.INVALID_REQUEST, message, **details)
        self.jobs = jobs
        self.empty = self.error_code == _EMPTY
        self.certain = bool(jobs) or self.empty or self.error_code in _ABOUT_A_JOB


def check(answer: Answer, redact: Redactor, parse: Callable[[object], Result]) -> Result:
    """What ``parse`` makes of the body of a success; raises :class:`DrsError` for everything else."""
    if answer.status in _SUCCESS:
        body = _body(answer, redact)
        try:
            result = parse(body)
        except DrsError as error:
            raise (
                _refused(answer, body, redact) if _holds_error(body) else _protocol(str(error), answer, redact)
            ) from None
        if not result and _holds_error(body):
            raise _refused(answer, body, redact)
        return result
    if 300 <= answer.status < 400:
        target = cut(redact.text(answer.headers.get("Location", "nowhere")))
        raise _protocol(
            f"HTTP {answer.status} points to {target}. Redirects are never followed with credentials: "
            "set endpoint to the right address.",
            answer,
            redact,
        )
    if answer.status < 400:
        raise _protocol(f"HTTP {answer.status} is not an answer this operation has.", answer, redact)
    try:
        body = _parsed(answer.body, redact)
    except ValueError:
        body = None
    raise _refused(answer, body, redact)


def _holds_error(body: object) -> bool:
    """Whether a body is that of an error, which may come with a success code (seen with ``DRS.M01504``)."""
    return isinstance(body, dict) and isinstance(body.get("error_code"), str) and bool(body["error_code"])


def _body(answer: Answer, redact: Redactor) -> object:
    if not answer.body.strip():
        raise _protocol(f"HTTP {answer.status} with an empty body. Is this the DRS endpoint?", answer, redact)
    try:
        return _parsed(answer.body, redact)
    except ValueError:
        error = _protocol(f"HTTP {answer.status} with a body that is not JSON. Is a proxy in between?", answer, redact)
        # A body that begins as one was probably cut short on its way.
        error.repeatable = answer.body.lstrip()[:1] == b"{"
        raise error from None


def _parsed(body: bytes, redact: Redactor) -> object:
    """The JSON value of a body, without secrets; raises ValueError for what is none."""
    text = body.decode("utf-8-sig")
    try:
        parsed = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if _too_deep(parsed, _DEEPEST):
            raise ValueError("nested too deeply")
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return redact.json(parsed) if redact.needed(text) else parsed


def _no_number(name: str) -> float:
    # NaN and Infinity, which Python reads, though they are no JSON, and would write again.
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _too_deep(value: object, levels: int) -> bool:
    """Whether lists and objects nest deeper than this number of levels; a level at a time, as there are thousands of leaves."""
    inner: list[Any] = [[value]]
    for _level in range(levels + 1):
        inner = [
            child
            for parent in inner
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if type(child) in _NESTING
        ]
    return bool(inner)


def _protocol(message: str, answer: Answer, redact: Redactor) -> DrsError:
    error = protocol_error(message)
    error.http_status = answer.status
    error.request_id = _request_id(answer, {}, redact)
    return error


def _refused(answer: Answer, body: object, redact: Redactor) -> DrsError:
    fields = body if isinstance(body, dict) else {}
    code, message = _error_of(fields)
    kind, repeatable = _kind(answer.status, code)
    text = " ".join(part for part in (code, message) if part) or "without a reason"
    details: dict[str, Any] = {
        "http_status": answer.status,
        "error_code": code,
        "error_message": message,
        "request_id": _request_id(answer, fields, redact),
    }
    # A service that is busy says nothing about jobs, whatever else is in its answer.
    if kind is Kind.INVALID_REQUEST and answer.status in (*_SUCCESS, 400, 422):
        jobs = parse_refusals(fields)
        if jobs or ((code or "").startswith("DRS.") and code not in _ABOUT_THE_REQUEST):
            return RefusedJobsError(jobs, f"HTTP {answer.status} {text.rstrip('.')}. {_ADVICE[kind]}", **details)
    error = DrsError(
        kind,
        "",
        **details,
        repeatable=repeatable,
        retry_after=_retry_after(answer) if repeatable else None,
        final=True if kind is Kind.NETWORK else None,
    )
    advice = _ADVICE.get(kind, "The proxy asks for a login: put it into the URL of the proxy.")
    error.args = (f"HTTP {answer.status} {text.rstrip('.')}. {_WITHDRAWN if error.withdrawn else advice}",)
    return error


def _error_of(fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Code and message of an error body: of DRS and the gateway, or of IAM."""
    inner = fields.get("error")
    if isinstance(inner, dict):
        fields = {"error_code": inner.get("code"), "error_msg": inner.get("message")}
    code = fields.get("error_code")
    message = fields.get("error_msg") or fields.get("error_message") or fields.get("message")
    return (cut(str(code)) if code else None), (cut(str(message)) if message else None)


def _kind(status: int, code: str | None) -> tuple[Kind, bool]:
    """What an error answer means, and whether the same request may be sent again."""
    if status == 429 or code in _TOO_FREQUENT:
        return Kind.THROTTLED, True
    if code == _BUSY:
        return Kind.SERVICE, True
    if status >= 500:
        return Kind.SERVICE, status in _REPEATABLE_5XX
    if status == 407:
        return Kind.NETWORK, False
    if status == 401 or (status in _SUCCESS and code in _NO_LOGIN):
        return Kind.AUTHENTICATION, False
    if status == 403 or (status in _SUCCESS and code in (*_NO_PERMISSION, _NO_PROJECT)):
        return Kind.PERMISSION, False
    return Kind.INVALID_REQUEST, False


def _request_id(answer: Answer, fields: Mapping[str, Any], redact: Redactor) -> str | None:
    request_id = answer.headers.get("X-Request-Id") or fields.get("request_id")
    return redact.text(str(request_id)) if request_id else None


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait, from a number or a date; None if none can be read."""
    value = answer.headers.get("Retry-After")
    try:
        return None if value is None else float(urllib3.util.Retry().parse_retry_after(value))
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        # Not a number or a date, or one that no float or calendar holds.
        return None
