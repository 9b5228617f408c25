# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an HTTP answer of DRS says: a parsed body, or a typed error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..._job.errors import LONGEST_WORD, DrsError, Kind, cut, is_error_code, is_error_message
from ..._job.records import parse_refusals
from ..._job.text import printable
from .redaction import Redactor
from .transport import Answer, urllib3

# Open Telekom Cloud answers batch-progress with 202, Huawei Cloud with 200; the 202 carries
# the whole answer, nothing is asynchronous.
SUCCESS = (200, 202)
_REPEATABLE_5XX = (500, 502, 503, 504)
# A time-out, and a request that came too early: by definition they may be sent again.
_REPEATABLE_4XX = (408, 425)

# "Operation too frequent", sent as a 400, and how the gateway says it.
_TOO_FREQUENT = ("DRS.M01503", "APIGW.0308")
# "Another operation is being performed. Try again later."
_BUSY = "DRS.M01504"
# These come with a 401 and a 403, or inside of a success.
_NO_LOGIN = ("APIGW.0301", "APIGW.0307")
_NO_PERMISSION = tuple(f"DRS.M0010{number}" for number in range(6))
_NO_PROJECT = "DRS.M00261"
# Codes of DRS, the gateway and IAM: a name, a dot, a number, which may have a letter before it.
_CODE = re.compile(r"[A-Za-z][\w-]*\.[A-Za-z]?\w+", re.ASCII)
# Characters of what a proxy says of itself.
_LONGEST_SERVER = 60
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
    "The service does not offer this operation (any more). Check the endpoint; "
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


def check(answer: Answer, redact: Redactor, parse: Callable[[object], Result], option: str = "endpoint") -> Result:
    """What ``parse`` makes of the body of a success; raises :class:`DrsError` for everything else.

    ``option`` is the one with the address that was asked.
    """
    if answer.status in SUCCESS:
        body = _body(answer, redact)
        if _contradicts_itself(body):
            raise _protocol("The response holds jobs and an error at once.", answer, redact)
        try:
            result = parse(body)
        except DrsError as error:
            if _holds_error(body):
                raise _refused(answer, body, redact) from None
            # The sentence may name a job by its id, which is as it came.
            raise _protocol(redact.text(str(error)), answer, redact) from None
        if not result and _holds_error(body):
            raise _refused(answer, body, redact)
        return result
    raise refusal(answer, redact, option)


def refusal(answer: Answer, redact: Redactor, option: str = "endpoint") -> DrsError:
    """What an answer without success is: of the service if it has one of its codes, else of something in between.

    ``option`` as in :func:`check`.
    """
    if 300 <= answer.status < 400:
        target = cut(redact.text(answer.headers.get("Location", "nowhere")))
        return _protocol(
            f"HTTP {answer.status} points to {target}{_server(answer, redact)}. Redirects are never followed with "
            f"credentials: set {option} to the right address.",
            answer,
            redact,
        )
    if answer.status < 400:
        return _protocol(f"Unexpected HTTP status {answer.status}: {_in_between(answer, redact)}", answer, redact)
    try:
        body = _parsed(answer.body, redact)
    except ValueError:
        body = None
    return _refused(answer, body, redact, option)


def _in_between(answer: Answer, redact: Redactor) -> str:
    return f"a proxy or firewall answered{_server(answer, redact)}."


def _server(answer: Answer, redact: Redactor) -> str:
    """What the sender of an answer calls itself, for a sentence."""
    said = printable(redact.text(answer.headers.get("Server", ""))).strip()
    return f" (Server: {said[:_LONGEST_SERVER]}{'...' if len(said) > _LONGEST_SERVER else ''})" if said else ""


def _holds_error(body: object) -> bool:
    """Whether a body is that of an error, which may come with a success code (seen with ``DRS.M01504``)."""
    return isinstance(body, dict) and is_error_code(body.get("error_code"))


def _contradicts_itself(body: object) -> bool:
    """Whether a success holds what it tells of jobs and an error: which of the two is right, nobody knows."""
    if not isinstance(body, dict) or not _holds_error(body):
        return False
    entries = [entry for name in ("results", "jobs") if isinstance(body.get(name), list) for entry in body[name]]
    # The refusal of some jobs names them.
    return len(parse_refusals(body)) < len(entries)


def _body(answer: Answer, redact: Redactor) -> object:
    if not answer.body.strip():
        where = _server(answer, redact)
        raise _protocol(f"HTTP {answer.status} with an empty body{where}. Is this the DRS endpoint?", answer, redact)
    try:
        return _parsed(answer.body, redact)
    except _RepeatedKeyError as repeated:
        raise _protocol(f"HTTP {answer.status}: {repeated}", answer, redact) from None
    except ValueError:
        what = f"HTTP {answer.status} with a body that is not JSON"
        if answer.body.lstrip()[:1] == b"{":
            # It was probably cut short on its way.
            raise _protocol(f"{what}. Is a proxy in between?", answer, redact) from None
        raise _protocol(f"{what}: {_in_between(answer, redact)}", answer, redact) from None


def _parsed(body: bytes, redact: Redactor) -> object:
    """The JSON value of a body, without secrets; raises ValueError for what is none."""
    text = body.decode("utf-8-sig")
    try:
        parsed = json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_object)
        if _too_deep(parsed, _DEEPEST):
            raise ValueError("nested too deeply")
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return redact.json(parsed) if redact.needed(text) else parsed


class _RepeatedKeyError(ValueError):
    """A key that stands twice in one object: parsers differ in which of the two counts."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        # Not named: a key may be anything, a secret too.
        raise _RepeatedKeyError("An object in the response holds the same key twice.")
    return fields


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
    # One answer that is none ends nothing: the next may be one.
    return DrsError(
        Kind.PROTOCOL,
        message,
        http_status=answer.status,
        request_id=_request_id(answer, {}, redact),
        repeatable=True,
        retry_after=_retry_after(answer),
    )


def _refused(answer: Answer, body: object, redact: Redactor, option: str = "endpoint") -> DrsError:
    fields = body if isinstance(body, dict) else {}
    code, message, ours = _error_of(fields)
    details: dict[str, Any] = {
        "http_status": answer.status,
        "error_code": code,
        "error_message": message,
        "request_id": _request_id(answer, fields, redact),
    }
    jobs = parse_refusals(fields) if answer.status in (*SUCCESS, 400, 422) else {}
    if not (ours or jobs):
        return _foreign(answer, details, redact, option)
    kind, repeatable = _kind(answer.status, code)
    text = " ".join(part for part in (code, message) if part) or "without a reason"
    # A service that is busy says nothing about jobs, whatever else is in its answer.
    if (
        kind is Kind.INVALID_REQUEST
        and answer.status in (*SUCCESS, 400, 422)
        and (jobs or ((code or "").startswith("DRS.") and code not in _ABOUT_THE_REQUEST))
    ):
        return RefusedJobsError(jobs, f"HTTP {answer.status} {text.rstrip('.')}. {_ADVICE[kind]}", **details)
    error = DrsError(
        kind, "", **details, repeatable=repeatable, retry_after=_retry_after(answer) if repeatable else None
    )
    error.args = (f"HTTP {answer.status} {text.rstrip('.')}. {_WITHDRAWN if error.withdrawn else _ADVICE[kind]}",)
    return error


def _foreign(answer: Answer, details: Mapping[str, Any], redact: Redactor, option: str) -> DrsError:
    """An error without a code of the service: whoever sent it cannot say that the request is refused."""
    status = answer.status
    kind = Kind.PROTOCOL
    advice = f"Check what is between here and the service, and {option}."
    repeatable = True
    if status == 429:
        kind, advice = Kind.THROTTLED, _ADVICE[Kind.THROTTLED]
    elif status >= 500:
        kind, advice = Kind.SERVICE, "Try again later."
    elif status == 407:
        # Not repeated at once: too many wrong logins lock an account.
        kind, repeatable = Kind.NETWORK, False
        advice = "The proxy requires a login; put user and password into the URL of the proxy."
    said = " ".join(part for part in (details["error_code"], details["error_message"]) if part)
    what = f"HTTP {status} {said}".rstrip(". ")
    return DrsError(
        kind,
        f"{what} without a code of the service: {_in_between(answer, redact)} {advice}",
        **details,
        repeatable=repeatable,
        retry_after=_retry_after(answer) if repeatable else None,
    )


def _error_of(fields: Mapping[str, Any]) -> tuple[str | None, str | None, bool]:
    """Code and message of an error body, of DRS and the gateway or of IAM, and whether the code is one of theirs."""
    inner = fields.get("error")
    numbers = False
    if isinstance(inner, dict):
        # IAM says the HTTP status as its code, with a title beside it.
        numbers = "title" in inner
        fields = {"error_code": inner.get("code"), "error_msg": inner.get("message")}
    said = fields.get("error_code")
    code = cut(str(said).strip(), LONGEST_WORD) if is_error_code(said) else None
    texts = (fields.get(name) for name in ("error_msg", "error_message", "message"))
    message = next((text for text in texts if is_error_message(text)), None)
    ours = code is not None and (bool(_CODE.fullmatch(code)) or (numbers and code.isdigit()))
    return code, (cut(str(message)) if message else None), ours


def _kind(status: int, code: str | None) -> tuple[Kind, bool]:
    """What an error answer of the service means, and whether the same request may be sent again."""
    if status == 429 or code in _TOO_FREQUENT:
        return Kind.THROTTLED, True
    if code == _BUSY or status in _REPEATABLE_4XX:
        return Kind.SERVICE, True
    if status >= 500:
        return Kind.SERVICE, status in _REPEATABLE_5XX
    if status == 401 or (status in SUCCESS and code in _NO_LOGIN):
        return Kind.AUTHENTICATION, False
    if status == 403 or (status in SUCCESS and code in (*_NO_PERMISSION, _NO_PROJECT)):
        return Kind.PERMISSION, False
    return Kind.INVALID_REQUEST, False


def _request_id(answer: Answer, fields: Mapping[str, Any], redact: Redactor) -> str | None:
    request_id = answer.headers.get("X-Request-Id") or fields.get("request_id")
    return cut(redact.text(str(request_id)), LONGEST_WORD) if request_id else None


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait, from a number or a date; None if none can be read."""
    value = answer.headers.get("Retry-After")
    try:
        return None if value is None else float(urllib3.util.Retry().parse_retry_after(value))
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        # Not a number or a date, or one that no float or calendar holds.
        return None
