# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side: which path is which operation, the log of requests, and the control endpoints."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from drs_simulator.answers import Answer
from drs_simulator.checks import ScenarioError
from drs_simulator.comparisons import COMPARE_RESULT
from drs_simulator.delivery import deliver
from drs_simulator.faults import Fault
from drs_simulator.iam import Call
from drs_simulator.jobs import BATCH_PROGRESS, BATCH_STATUS
from drs_simulator.lists import LIST_V3, LIST_V5
from drs_simulator.scenario import load_scenario
from drs_simulator.service import Service
from drs_simulator.stops import BATCH_DETAIL, BATCH_JOBS, BATCH_STOP

_LARGEST_REQUEST = 64 * 1024 * 1024
_SECRET_HEADERS = frozenset({"x-auth-token", "authorization", "x-security-token", "x-subject-token"})
_HIDDEN = "(hidden)"
_OPERATIONS = {
    ("POST", "v3", BATCH_STATUS),
    ("POST", "v3", BATCH_PROGRESS),
    ("POST", "v3", BATCH_DETAIL),
    ("POST", "v3", COMPARE_RESULT),
    ("DELETE", "v3", BATCH_JOBS),
    ("POST", "v5", BATCH_STOP),
}
_LISTS = {("POST", "v3"): LIST_V3, ("GET", "v5"): LIST_V5}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves one `Service`. `stopping` is set once the simulator is to end."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.stopping = asyncio.Event()
        self._under_way = 0
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=_LARGEST_REQUEST, middlewares=[self._noted])
        control = "/_simulator"
        app.router.add_get(f"{control}/log", self._get_log)
        app.router.add_delete(f"{control}/log", _controlled(self._delete_log))
        app.router.add_get(f"{control}/jobs", self._get_jobs)
        app.router.add_patch(f"{control}/jobs/{{id}}", _controlled(self._patch_job))
        app.router.add_put(f"{control}/scenario", _controlled(self._put_scenario))
        app.router.add_post(f"{control}/faults", _controlled(self._post_fault))
        app.router.add_post(f"{control}/withdraw-tokens", _controlled(self._withdraw_tokens))
        app.router.add_put(f"{control}/credentials", _controlled(self._put_credentials))
        app.router.add_post(f"{control}/stop", _controlled(self._stop))
        # Any path, one with a line break too.
        app.router.add_route("*", r"/{path:[\s\S]*}", self._serve)
        return app

    async def hang_up(self) -> None:
        """Close what clients have left open: over TLS a polite end waits for an answer that may never come."""
        for transport in list(self._transports):
            transport.abort()
        await asyncio.sleep(0)

    async def pause(self, seconds: float) -> None:
        """Wait, but never hold up the end of the simulator."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def resolve(self, method: str, path: str) -> tuple[str | None, str | None]:
        """The operation behind a path, and the project id in it."""
        if (method, path) == ("POST", "/v3/auth/tokens"):
            return "tokens", None
        if method == "GET" and path in ("/v3/projects", "/v3/auth/projects"):
            return "projects", None
        if method == "GET" and path.rstrip("/") in ("", "/v3"):
            return "versions", None
        prefix = self.service.scenario.prefix
        parts = path[len(prefix) :].split("/") if path.startswith(f"{prefix}/") else []
        if len(parts) == 4 and parts[3] == "jobs":
            return _LISTS.get((method, parts[1])), parts[2]
        if len(parts) == 5 and parts[3] == "jobs" and (method, parts[1], parts[4]) in _OPERATIONS:
            return parts[4], parts[2]
        return None, None

    @web.middleware
    async def _noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        return await handler(request)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        sent = await request.read()
        body = _parsed(sent)
        operation, project_id = self.resolve(request.method, request.rel_url.raw_path)
        call = Call(
            method=request.method,
            path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string,
            headers={name.lower(): content for name, content in request.headers.items()},
            body=sent,
            request_id=secrets.token_hex(16),
        )
        discovery = operation == "versions"  # no fault meets it: it is the same for every client
        fault = None if discovery else self.service.faults.next(operation or "unknown", _job_ids(body))
        self._under_way += 1
        entry = self._enter(request, operation, call, body, fault)
        try:
            if self.service.scenario.latency:
                await self.pause(self.service.scenario.latency)
            if discovery:
                return _versions(request, entry)
            prevented = fault is not None and fault.prevents and operation in (BATCH_JOBS, BATCH_STOP)
            repeats = fault is not None and fault.kind == "first_page"
            answer = (
                Answer(500) if prevented else self.service.answer(operation, project_id, call, body, first_page=repeats)
            )
            response = await deliver(fault, answer, request, call.request_id, self.pause)
            entry["status"] = None if fault and fault.kind in ("reset", "hang") else response.status
            return response
        finally:
            self._under_way -= 1

    def _enter(
        self, request: web.Request, operation: str | None, call: Call, body: Any, fault: Fault | None
    ) -> dict[str, Any]:
        """Note a request in the log. Its status stays None until it is answered."""
        peer = request.transport.get_extra_info("peername") if request.transport else None
        entry = {
            "n": len(self.service.log) + 1,
            "operation": operation,
            "method": call.method,
            "path": call.path,
            "query": dict(request.query),
            "headers": call.headers,
            "body": body,
            "status": None,
            "fault": fault.kind if fault else None,
            "connection": peer[1] if peer else None,
            "request_id": call.request_id,
            "under_way": self._under_way,
        }
        self.service.log.append(entry)
        return entry

    async def _get_log(self, request: web.Request) -> web.Response:
        return web.json_response([_without_secrets(entry) for entry in self.service.log])

    async def _get_jobs(self, request: web.Request) -> web.Response:
        jobs = self.service.jobs.values()
        return web.json_response({"jobs": {job.id: job.at(self.service.age(job.id))["status"] for job in jobs}})

    async def _delete_log(self, request: web.Request) -> None:
        self.service.log.clear()

    async def _patch_job(self, request: web.Request) -> None:
        self.service.set_job(request.match_info["id"], await _object(request))

    async def _put_scenario(self, request: web.Request) -> None:
        self.service.play(load_scenario(await request.text()))

    async def _post_fault(self, request: web.Request) -> None:
        self.service.add_fault(await _object(request))

    async def _withdraw_tokens(self, request: web.Request) -> None:
        self.service.iam.withdraw_tokens()

    async def _put_credentials(self, request: web.Request) -> None:
        self.service.change_credentials(await _object(request))

    async def _stop(self, request: web.Request) -> None:
        self.stopping.set()


def _controlled(act: Callable[[web.Request], Awaitable[None]]) -> Handler:
    """Answer 204, or 400 with the sentence that says what is wrong."""

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            await act(request)
        except ScenarioError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.Response(status=204)

    return handler


async def _object(request: web.Request) -> dict[str, Any]:
    body = _parsed(await request.read())
    if not isinstance(body, dict):
        raise ScenarioError("The body must be a JSON object.")
    return body


def _parsed(sent: bytes) -> Any:
    try:
        return json.loads(sent) if sent else None
    except ValueError:
        return None


def _job_ids(body: Any) -> frozenset[str]:
    asked = body.get("jobs") if isinstance(body, dict) else None
    if not isinstance(asked, list):
        return frozenset()
    # A stop holds objects, the other operations hold ids.
    ids = (entry.get("job_id") if isinstance(entry, dict) else entry for entry in asked)
    return frozenset(job_id for job_id in ids if isinstance(job_id, str))


def _versions(request: web.Request, entry: dict[str, Any]) -> web.Response:
    """The discovery documents of Keystone, which keystoneauth reads before it logs in."""
    version = {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.scheme}://{request.host}/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }
    at_v3 = entry["path"].startswith("/v3")
    entry["status"] = 200 if at_v3 else 300
    document = {"version": version} if at_v3 else {"versions": {"values": [version]}}
    return web.json_response(document, status=entry["status"], headers={"X-Request-Id": entry["request_id"]})


def _without_secrets(entry: dict[str, Any]) -> dict[str, Any]:
    """The log as it may leave the process: whoever keeps it keeps no password."""
    headers = {name: _HIDDEN if name in _SECRET_HEADERS else content for name, content in entry["headers"].items()}
    return {**entry, "headers": headers, "body": _HIDDEN if entry["operation"] == "tokens" else entry["body"]}
