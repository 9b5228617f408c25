# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an answer goes over the wire: plainly, or as a fault says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from drs_simulator.answers import Answer, as_html, as_json, drs_error, gateway_error, token_refused
from drs_simulator.faults import Fault
from drs_simulator.lists import spoil_list

# Waits SECONDS, or less where the simulator is being stopped.
Pause = Callable[[float], Awaitable[None]]

_SECRET_HEADERS = ("X-Auth-Token", "Authorization", "X-Security-Token")


def spoil(fault: Fault, answer: Answer, request: web.Request, request_id: str) -> Answer:
    """What a client is answered instead, for the faults that are an answer like any other."""
    kind = fault.kind
    if kind == "throttled":
        headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        spoilt = gateway_error(429, "APIGW.0308", "The throttling threshold has been reached", request_id)
        answer = Answer(spoilt.status, spoilt.body, headers=headers)
    elif kind == "too_frequent":
        answer = drs_error(400, "DRS.M01503", "Operation too frequent. Try again later.")
    elif kind == "unauthorized":
        answer = token_refused(request_id)
    elif kind == "status":
        answer = _any_status(fault)
    elif kind == "wrong_json":
        answer = Answer(answer.status, answer.body[: len(answer.body) // 2])
    elif kind == "html":
        answer = as_html(200, "<html>Sign in</html>")
    elif kind == "empty":
        answer = Answer(200)
    elif kind == "not_object":
        answer = as_json(200, [])
    elif kind == "redirect":
        answer = Answer(fault.http_status or 302, headers={"Location": fault.location})
    elif kind == "echo":
        sent = ", ".join(f"{name}: {request.headers[name]}" for name in _SECRET_HEADERS if name in request.headers)
        answer = drs_error(fault.http_status or 400, "DRS.M00202", f"Bad request with {sent}.")
    elif kind in ("wrong_total", "listed_twice"):
        answer = spoil_list(fault, answer)
    if fault.headers:
        answer = Answer(answer.status, answer.body, answer.content_type, {**answer.headers, **fault.headers})
    return answer


def _any_status(fault: Fault) -> Answer:
    status = fault.http_status or 500
    if fault.body is None:
        return Answer(status)
    if isinstance(fault.body, str):
        # A string goes out as it is; most that are not JSON are a proxy's page.
        return as_html(status, fault.body)
    return Answer(status, json.dumps(fault.body).encode())


async def deliver(
    fault: Fault | None, answer: Answer, request: web.Request, request_id: str, pause: Pause
) -> web.StreamResponse:
    """Play FAULT on the connection, or send the answer."""
    if fault is not None:
        answer = spoil(fault, answer, request, request_id)
        if fault.kind == "slow":
            await pause(1 if fault.seconds is None else fault.seconds)
        elif fault.kind == "hang":
            await pause(60 if fault.seconds is None else fault.seconds)
            _abort(request, with_reset=False)
        elif fault.kind == "reset":
            _abort(request, with_reset=True)
    headers = {"X-Request-Id": request_id, **answer.headers}
    stream = {"trickle": _trickle, "cut_short": _cut_short, "too_large": _too_large}.get(fault.kind if fault else "")
    if fault is None or stream is None:
        headers.setdefault("Content-Type", answer.content_type)
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_type = answer.content_type
    # The client may well hang up first: that is what it is tested for.
    with contextlib.suppress(ConnectionError):
        await stream(fault, answer, request, response, pause)
    return response


async def _trickle(
    fault: Fault, answer: Answer, request: web.Request, response: web.StreamResponse, pause: Pause
) -> None:
    """Each byte comes in time, the whole never does: a read timeout alone does not end this."""
    response.content_length = len(answer.body)
    await response.prepare(request)
    for place in range(len(answer.body)):
        await response.write(answer.body[place : place + 1])
        await pause(0.02 if fault.seconds is None else fault.seconds)
    await response.write_eof()


async def _cut_short(
    fault: Fault, answer: Answer, request: web.Request, response: web.StreamResponse, pause: Pause
) -> None:
    response.content_length = len(answer.body) + 1000
    response.force_close()
    await response.prepare(request)
    await response.write(answer.body)
    await pause(0.05)  # let the bytes leave before the connection ends
    if request.transport is not None:
        request.transport.close()


async def _too_large(
    fault: Fault, answer: Answer, request: web.Request, response: web.StreamResponse, pause: Pause
) -> None:
    response.force_close()
    await response.prepare(request)
    await response.write(b'{"results": [], "count": 0, "filler": "')
    block = b"x" * 65536
    for _block in range(int(fault.megabytes * 16) + 1):
        await response.write(block)
        await asyncio.sleep(0)  # so that a client that hangs up is noticed
    await response.write(b'"}')
    await response.write_eof()


def _abort(request: web.Request, with_reset: bool) -> None:
    """End the connection without an answer; a linger time of 0 makes the kernel send RST instead of FIN."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if with_reset and sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
