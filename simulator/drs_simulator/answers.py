# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer before it goes over the wire, and the error bodies of the three who may refuse."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Ends a request with an error answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def as_json(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), headers=headers or {})


def as_html(status: int, body: str) -> Answer:
    return Answer(status, body.encode(), "text/html")


def drs_error(status: int, code: str, message: str) -> Answer:
    return as_json(status, {"error_code": code, "error_msg": message})


def gateway_error(status: int, code: str, message: str, request_id: str) -> Answer:
    """The gateway in front of the service repeats the request id in its body."""
    return as_json(status, {"error_msg": message, "error_code": code, "request_id": request_id})


def iam_error(status: int, title: str, message: str) -> Answer:
    return as_json(status, {"error": {"message": message, "code": status, "title": title}})


def no_such_api(request_id: str) -> Answer:
    message = "The API does not exist or has not been published in the environment"
    return gateway_error(404, "APIGW.0101", message, request_id)


def token_refused(request_id: str) -> Answer:
    return gateway_error(401, "APIGW.0307", "The token must be updated", request_id)


def signature_refused(reason: str, request_id: str) -> Answer:
    message = f"Incorrect IAM authentication information: {reason}"
    return gateway_error(401, "APIGW.0301", message, request_id)
