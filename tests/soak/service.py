# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service for hundreds of thousands of requests: jobs that are never ready, a login, and faults by chance.

usage: python service.py POLLS SHARE SEED (prints its port, and serves until its standard input ends)

The simulator is made to be faithful; a soak needs a service that is quick. This one knows just enough. It is
a process of its own, so that what is measured of the client is the client's.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

JOBS = ("9a470239-2308-4bb5-a6bc-1040402fjb21", "dc67695a-ee3e-49b8-a022-a099bd81jb21")
PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"
READY = "INCRE_TRANSFER_STARTED"
HTML = b"<html><body>Bad gateway</body></html>"

# Each of these costs a time-out in real time, so they come seldom.
SLOW_FAULTS = ("hang", "trickle")
SELDOM = 200
# The number of responses between two tokens that are withdrawn.
APART = 5


def http(status: int, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def error(status: int, code: str, *headers: str, **more: Any) -> bytes:
    return http(status, json.dumps({"error_code": code, "error_msg": "Not now", **more}).encode(), *headers)


REFUSED = [{"id": JOBS[0], "error_code": "DRS.M00289", "error_msg": "The job does not exist."}]
# What a later poll can fix; a fault that is final ends a wait at once, which other tests look at. First what is always the same.
SAME = {
    "throttled": error(429, "APIGW.0308", "Retry-After: 7"),
    "too_frequent": error(400, "DRS.M01503"),
    "unauthorized": error(401, "APIGW.0307"),
    "internal_error": error(500, "DRS.M00001"),
    "bad_gateway": http(502, HTML),
    "unavailable": http(503, b"", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"),
    "gateway_timeout": http(504, HTML),
    "odd_5xx": http(599),
    "reset": b"",
    "bad_chunks": b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "bad_gzip": http(200, b"no gzip at all", "Content-Encoding: gzip"),
    "not_http": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "wrong_json": http(200, b'{"results": NaN}'),
    "html": http(200, HTML),
    "empty": http(200),
    "not_object": http(200, b"[]"),
    "not_results": http(200, b'{"results": [{"delay": 0}]}'),
    "redirect": http(302, b"", "Location: https://elsewhere.invalid/"),
    "refused_job": error(400, "DRS.M00202", results=REFUSED),
}
# Then what is made of the right answer: of its bytes, and of its items with the name of their status.
CUT: dict[str, Callable[[bytes], bytes]] = {
    "cut_short": lambda good: http(200, good[: len(good) // 2], length=len(good)),
    "half_json": lambda good: http(200, good[: len(good) // 2]),
}
CHANGED: dict[str, Callable[[list[dict[str, Any]], str], list[dict[str, Any]]]] = {
    "job_twice": lambda items, status: [*items, {**items[0], status: "PAUSING"}],
    "lacks_a_job": lambda items, _status: items[:-1],
    "lacks_all_jobs": lambda _items, _status: [],
    "unknown_status": lambda items, status: [{**items[0], status: "BRAND_NEW"}, *items[1:]],
    "mangled_numbers": lambda items, _status: [
        {**items[0], "incre_trans_delay": "-1", "progress": "9" * 400},
        *items[1:],
    ],
}
FAULTS = (*SAME, *CUT, *CHANGED)
# After these nobody can tell where the next answer would begin.
HANGS_UP = ("reset", "cut_short", "bad_chunks", "not_http")


def answered(items: list[dict[str, Any]], fault: str | None, status_field: str) -> bytes:
    """Return the answer with these items, or what a fault makes of it."""
    if fault in SAME:
        return SAME[fault]
    if fault in CHANGED:
        items = CHANGED[fault](items, status_field)
    good = json.dumps({"results": items}).encode()
    return CUT[fault](good) if fault in CUT else http(200, good)


class Jobs:
    """The contents: at most two consecutive samples have all jobs ready, until this number of polls has passed."""

    def __init__(self, polls: int) -> None:
        self._polls = polls
        self._asked: Counter[str] = Counter()

    @property
    def asked(self) -> int:
        """How often the delays of all jobs were asked for."""
        return self._asked["batch-progress"]

    def answer(self, operation: str) -> list[dict[str, Any]]:
        number = self._asked[operation]
        self._asked[operation] += 1
        if operation == "batch-status":
            late = self.asked < self._polls and number % 11 == 5
            return [{"id": job, "status": "PAUSING" if late else READY} for job in JOBS]
        ready = number >= self._polls or number % 7 in (3, 4)
        return [
            {
                "job_id": job,
                "transfer_status": READY,
                "task_mode": "FULL_INCR_TRANS",
                "progress": "100",
                "incre_trans_delay": "0" if ready or place != number % 2 else str(1 + number % 900),
                "progress_map": {"data": {"completed": "100%", "remaining_time": None}},
            }
            for place, job in enumerate(JOBS)
        ]


class Service:
    """Which request is met by which fault, and how often."""

    def __init__(self, polls: int, share: float, seed: int) -> None:
        self.jobs = Jobs(polls)
        self.token = 0
        self.connections = 0
        self.met: Counter[str] = Counter()
        self._share = share
        self._withdrawn = -APART
        self._chance = random.Random(seed)

    def fault(self) -> str | None:
        if self._chance.random() >= self._share:
            return None
        kinds = SLOW_FAULTS if self._chance.randrange(SELDOM) == 0 else FAULTS
        fault = self._chance.choice(kinds)
        if fault == "unauthorized":
            # A login that is refused again at once is final, and rightly so.
            if self.jobs.asked < self._withdrawn + APART:
                return None
            self._withdrawn = self.jobs.asked
        self.met[fault] += 1
        return fault


class Connection(asyncio.Protocol):
    """One connection, kept open as long as its client likes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._service.connections += 1

    def connection_lost(self, _error: Exception | None) -> None:
        self._service.connections -= 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._received = rest[length:]
        self._answer(lines[0].split(" ")[1], headers)

    def _answer(self, path: str, headers: dict[str, str]) -> None:
        service = self._service
        if path == "/counts":
            # Not counting the connection that asks.
            counts = {"faults": service.met, "connections": service.connections - 1, "asked": service.jobs.asked}
            self._transport.write(http(200, json.dumps(counts).encode()))
        elif path.endswith("/auth/tokens"):
            self._log_in()
        elif headers.get("x-auth-token") != f"token-{service.token}":
            self._transport.write(error(401, "APIGW.0301"))
        else:
            self._read(path.rpartition("/")[2])

    def _log_in(self) -> None:
        self._service.token += 1
        token = {"expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z"}
        token |= {"project": {"id": PROJECT, "name": "soak", "domain": {"id": "1", "name": "soak"}}}
        header = f"X-Subject-Token: token-{self._service.token}"
        self._transport.write(http(201, json.dumps({"token": token}).encode(), header))

    def _read(self, operation: str) -> None:
        status_field = "status" if operation == "batch-status" else "transfer_status"
        items = self._service.jobs.answer(operation)
        fault = self._service.fault()
        if fault == "hang":
            return
        if fault == "trickle":
            self._trickle(answered(items, None, status_field))
            return
        if fault == "unauthorized":
            # The token is withdrawn, not only refused once.
            self._service.token += 1
        self._transport.write(answered(items, fault, status_field))
        if fault in HANGS_UP:
            self._transport.close()

    def _trickle(self, answer: bytes) -> None:
        if answer and not self._transport.is_closing():
            self._transport.write(answer[:1])
            asyncio.get_running_loop().call_later(0.05, self._trickle, answer[1:])


async def serve(polls: int, share: float, seed: int) -> None:
    loop = asyncio.get_running_loop()
    service = Service(polls, share, seed)
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
