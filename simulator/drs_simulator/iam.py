# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins: tokens in exchange for a password, and signed requests."""

from __future__ import annotations

import hmac
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

from huaweicloudsdkcore.sdk_request import SdkRequest  # type: ignore[import-untyped]
from huaweicloudsdkcore.signer.signer import Signer  # type: ignore[import-untyped]

from drs_simulator.answers import Answer, Refusal, as_json, iam_error, signature_refused, token_refused
from drs_simulator.scenario import AccessKey, Account, Project

ALLOWED_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(r"SDK-HMAC-SHA256 Access=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})")
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Call:
    """What of a request counts for its login. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    request_id: str


@dataclass(frozen=True)
class _Token:
    project: Project | None
    ends: float


class Iam:
    """One account. NOW gives seconds for the tokens' lives, WALL the time of day, both of the service."""

    def __init__(self, account: Account, now: Callable[[], float], wall: Callable[[], float]) -> None:
        self.account = account
        self._now = now
        self._wall = wall
        self._tokens: dict[str, _Token] = {token: _Token(account.projects[0], float("inf")) for token in account.tokens}

    def withdraw_tokens(self) -> int:
        """End every token before its time, as a password change does; returns how many there were."""
        withdrawn = len(self._tokens)
        self._tokens.clear()
        return withdrawn

    def issue_token(self, body: Any) -> Answer:
        """POST /v3/auth/tokens with method password."""
        try:
            identity, scope = body["auth"]["identity"], body["auth"].get("scope")
            user = identity["password"]["user"]
            known = identity["methods"] == ["password"] and isinstance(user, dict)
        except (KeyError, TypeError, AttributeError):
            known = False
        if not known:
            raise Refusal(iam_error(400, "Bad Request", "The request body is invalid."))
        if not self._is_the_user(user):
            raise Refusal(iam_error(401, "Unauthorized", "The username or password is wrong."))
        project = self._scope(scope)
        token = f"simulated-{secrets.token_hex(40)}"
        self._tokens[token] = _Token(project, self._now() + self.account.token_lifetime)
        return as_json(201, {"token": self._describe(project)}, {"X-Subject-Token": token})

    def authenticate(self, call: Call) -> tuple[Project, ...]:
        """The projects this call may use; Refusal with 401 where its login does not hold."""
        token = call.headers.get("x-auth-token")
        if token is not None:
            known = self._tokens.get(token)
            if known is None or known.ends <= self._now():
                raise Refusal(token_refused(call.request_id))
            return (known.project,) if known.project else ()
        if "authorization" in call.headers:
            problem = self._signature_problem(call)
            if problem:
                raise Refusal(signature_refused(problem, call.request_id))
            return self.account.projects
        raise Refusal(signature_refused("no token and no signature was sent.", call.request_id))

    def list_projects(self, call: Call) -> Answer:
        """GET /v3/projects, the look-up of a project's id by its name."""
        self.authenticate(call)
        wanted = dict(parse_qsl(call.query)).get("name")
        found = [project for project in self.account.projects if wanted in (None, project.name)]
        described = [
            {**self._project(project), "enabled": True, "parent_id": _id(self.account.domain)} for project in found
        ]
        return as_json(200, {"projects": described, "links": {"self": call.path, "next": None, "previous": None}})

    def _is_the_user(self, user: Mapping[str, Any]) -> bool:
        account = self.account
        domain = user.get("domain") or {}
        by_id = user.get("id") == _id(account.username)
        by_name = user.get("name") == account.username and _names(domain, account.domain)
        given = str(user.get("password", "")).encode()
        return (by_id or by_name) and hmac.compare_digest(given, account.password.encode())

    def _scope(self, scope: Any) -> Project | None:
        if not scope or not isinstance(scope, dict) or "project" not in scope:
            return None
        wanted = scope["project"]
        for project in self.account.projects:
            if wanted.get("id") == project.id:
                return project
            if wanted.get("name") == project.name and (
                "domain" not in wanted or _names(wanted["domain"], self.account.domain)
            ):
                return project
        raise Refusal(iam_error(401, "Unauthorized", "The project is not found or the user has no role in it."))

    def _describe(self, project: Project | None) -> dict[str, Any]:
        issued = datetime.fromtimestamp(self._wall(), timezone.utc)
        domain = {"id": _id(self.account.domain), "name": self.account.domain}
        token: dict[str, Any] = {
            "expires_at": _iso(issued + timedelta(seconds=self.account.token_lifetime)),
            "issued_at": _iso(issued),
            "methods": ["password"],
            "catalog": [],
            "roles": [{"id": _id("drs_viewer"), "name": "drs_viewer"}],
            "user": {"id": _id(self.account.username), "name": self.account.username, "domain": domain},
        }
        if project is not None:
            token["project"] = {"id": project.id, "name": project.name, "domain": domain}
        return token

    def _project(self, project: Project) -> dict[str, Any]:
        return {"id": project.id, "name": project.name, "domain_id": _id(self.account.domain)}

    def _signature_problem(self, call: Call) -> str | None:
        parsed = _AUTHORIZATION.fullmatch(call.headers["authorization"])
        if parsed is None:
            return "Authorization format incorrect."
        access, names, signature = parsed[1], parsed[2].split(";"), parsed[3]
        key = next((key for key in self.account.keys if key.access_key == access), None)
        if key is None:
            return "the access key does not exist."
        if not {"host", "x-sdk-date"} <= set(names) or any(name not in call.headers for name in names):
            return "SignedHeaders lacks host or x-sdk-date, or names a header that was not sent."
        return self._date_problem(call) or _token_problem(call, key, names) or _mismatch(call, key, names, signature)

    def _date_problem(self, call: Call) -> str | None:
        try:
            date = datetime.strptime(call.headers["x-sdk-date"], _DATE_FORMAT).replace(tzinfo=timezone.utc)
        except ValueError:
            return "the format of x-sdk-date is incorrect."
        if abs(date - datetime.fromtimestamp(self._wall(), timezone.utc)) > ALLOWED_SKEW:
            return "the signature has expired: x-sdk-date is more than 15 minutes off."
        return None


def _token_problem(call: Call, key: AccessKey, names: list[str]) -> str | None:
    sent = call.headers.get("x-security-token")
    if sent != key.security_token:
        return "x-security-token does not belong to the access key."
    if sent is not None and "x-security-token" not in names:
        return "x-security-token is not signed."
    return None


def _mismatch(call: Call, key: AccessKey, names: list[str], signature: str) -> str | None:
    """Sign the same call with the official signer: equal signatures or a refusal."""
    again = SdkRequest(
        method=call.method,
        resource_path=call.path,
        query_params=list(parse_qsl(call.query, keep_blank_values=True)),
        # Names in lower case keep the signer from adding headers of its own.
        header_params={name: call.headers[name] for name in names},
        body=call.body,
    )
    Signer(SimpleNamespace(ak=key.access_key, sk=key.secret_key)).sign(again)
    expected = again.header_params["Authorization"].rpartition("Signature=")[2]
    return None if hmac.compare_digest(signature, expected) else "verify aksk signature fail."


def _names(domain: Any, name: str) -> bool:
    return isinstance(domain, dict) and (domain.get("name") == name or domain.get("id") == _id(name))


def _id(name: str) -> str:
    """An id that stays the same for a name."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, name).hex


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
