# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the API client share: ids, options, time by hand, a server that sends exactly what a test wants."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import trustme

from ansible_collections.cutover.drs.plugins.module_utils._service.http.clock import Clock
from ansible_collections.cutover.drs.plugins.module_utils._service.http.redaction import Redactor
from ansible_collections.cutover.drs.plugins.module_utils._service.http.transport import Answer
from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
from ansible_collections.cutover.drs.plugins.module_utils._stop.loop import run as stop
from ansible_collections.cutover.drs.plugins.module_utils._stop.options import STOP_OPTIONS
from ansible_collections.cutover.drs.plugins.module_utils._wait.loop import run as wait
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS

PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"
JOBS = ("9a470239-2308-4bb5-a6bc-1040402fjb21", "dc67695a-ee3e-49b8-a022-a099bd81jb21")
DEFAULTS: dict[str, Any] = {option: spec.get("default") for option, spec in CONNECTION_OPTIONS.items()}

# Ways to log in at the simulator, by what its own account allows.
BY_TOKEN = {"auth_token": "simulated-token", "project_id": PROJECT}
BY_PASSWORD = {
    "username": "demo",
    "password": "simulated-password",
    "user_domain_name": "simulated-domain",
    "project_id": PROJECT,
}
BY_KEYS = {"access_key": "SIMULATEDACCESSKEY", "secret_key": "simulated-secret-key", "project_id": PROJECT}
BY_TEMPORARY_KEYS = {
    "access_key": "SIMULATEDTEMPORARY",
    "secret_key": "simulated-temporary-secret",
    "security_token": "simulated-security-token",
    "project_id": PROJECT,
}


WAIT: dict[str, Any] = {**DEFAULTS, **{option: spec.get("default") for option, spec in WAIT_OPTIONS.items()}}
STOP: dict[str, Any] = {**DEFAULTS, **{option: spec.get("default") for option, spec in STOP_OPTIONS.items()}}


def given_login(options: Mapping[str, Any]) -> bool:
    """Whether options hold a login of some kind."""
    return any(options.get(option) for option in ("auth_token", "username", "password", "access_key", "cloud"))


def without(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Options without some of them."""
    return {name: value for name, value in options.items() if name not in names}


class ByHand:
    """Time that passes only where the client sleeps; chance always takes the longest pause."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.ranges: list[tuple[float, float]] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self.clock = Clock(lambda: self.now, lambda: 1.8e9 + self.now, self._sleep, self._uniform)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()

    def _uniform(self, least: float, most: float) -> float:
        self.ranges.append((least, most))
        return most


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer as it comes from the transport."""
    from requests.structures import CaseInsensitiveDict

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CaseInsensitiveDict(named), body, None)


def waited(
    service: Any, clock: ByHand, environ: Mapping[str, str] | None = None, lines: list[str] | None = None, **given: Any
) -> dict[str, Any]:
    """The result of a wait at a simulator, or at what is before one; ``lines`` gets what it says. By token, unless told otherwise."""
    options = {**WAIT, **_at(service, given), **given}
    say = ([] if lines is None else lines).append
    return wait(options, environ or {}, one_sample=options.pop("one_sample", False), say=say, clock=clock.clock)


def stopped(service: Any, clock: ByHand, lines: list[str] | None = None, **given: Any) -> dict[str, Any]:
    """The result of a stop of both jobs, likewise."""
    options = {**STOP, **_at(service, given), "jobs": list(JOBS), **given}
    say = ([] if lines is None else lines).append
    return stop(options, {}, check_mode=options.pop("check_mode", False), say=say, clock=clock.clock)


def _at(service: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    login = {} if given_login(given) else BY_TOKEN
    return {"endpoint": service.endpoint, "auth_url": f"{service.endpoint}/v3", **login}


NO_SECRETS = Redactor()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine that the tests run on logs in, or comes between client and server."""
    for name in list(os.environ):
        if name.startswith(("OS_", "HW_", "HUAWEICLOUD_")) or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)


def end(process: subprocess.Popen[Any], seconds: float = 10) -> None:
    """End a program that a test started, by force if it does not end within this many seconds."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_request(peer: socket.socket) -> bytes:
    """All of it: hanging up on what was not read would be a reset, and not the end of the answer."""
    head, _end, body = peer.recv(65536).partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        more = peer.recv(65536)
        if not more:
            break
        body += more
    return head + _end + body


@contextmanager
def served(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that speaks with each of its peers in a thread of its own, and hangs up. Yields host and port."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.settimeout(5)
            speak(peer)

    def serve() -> None:
        speakers = []
        while True:
            peer, _address = listener.accept()
            if over.is_set():
                peer.close()
                break
            speakers.append(threading.Thread(target=answer, args=(peer,), daemon=True))
            speakers[-1].start()
        for speaker in speakers:
            speaker.join(5)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    host, port = listener.getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        over.set()
        # Wake the thread that accepts: closing its socket does not.
        with suppress(OSError):
            socket.create_connection((host, port), 1).close()
        server.join(5)
        listener.close()


class Between:
    """Something between client and service: it passes everything on, but answers in its place when a test says so.

    The service gets each request, and so carries it out.
    """

    def __init__(self, endpoint: str) -> None:
        host, port = endpoint.removeprefix("http://").split(":")
        self._service = (host, int(port))
        self._strikes: dict[str, dict[int, bytes]] = {}
        self._numbers: dict[str, int] = {}
        self.endpoint = ""

    def strike(self, path: str, number: int, answer: bytes) -> None:
        """Answer the request of this number, from now on, whose path ends like this."""
        self._strikes.setdefault(path, {})[number] = answer
        self._numbers[path] = 0

    def speak(self, peer: socket.socket) -> None:
        """Answer a request that came from a peer."""
        request = _read_request(peer)
        path = request.split(b" ", 2)[1].decode().partition("?")[0]
        answer = self._answer(path)
        with socket.create_connection(self._service, 5) as service:
            service.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))
            said = b""
            while more := service.recv(65536):
                said += more
        peer.sendall(said if answer is None else answer)

    def _answer(self, path: str) -> bytes | None:
        for end, strikes in self._strikes.items():
            if path.endswith(end):
                self._numbers[end] += 1
                return strikes.get(self._numbers[end])
        return None


@contextmanager
def raw_server(*script: bytes | None, trickle: float = 0) -> Iterator[str]:
    """A server that answers each connection with these bytes and hangs up; None keeps silent.

    ``trickle`` is the number of seconds between two bytes. Yields host and port.
    """
    over = threading.Event()

    def speak(peer: socket.socket) -> None:
        _read_request(peer)
        for part in script:
            if part is None:
                over.wait(10)
                return
            size = 1 if trickle else len(part) or 1
            for place in range(0, len(part), size):
                peer.sendall(part[place : place + size])
                if trickle and over.wait(trickle):
                    return

    with served(speak) as host:
        try:
            yield host
        finally:
            over.set()


@contextmanager
def tunnel(scheme: str) -> Iterator[str]:
    """A proxy that one connection can go through, by https (TLS to it, then CONNECT) or socks5. Yields its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    ends: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                socket.socket.shutdown(end, socket.SHUT_RDWR)

    def serve() -> None:
        peer, _address = listener.accept()
        if scheme == "https":
            peer = context.wrap_socket(peer, server_side=True)
            host, port = peer.recv(65536).split()[1].decode().split(":")
            answer = b"HTTP/1.1 200 Connected\r\n\r\n"
        else:
            peer.recv(3)
            peer.sendall(b"\x05\x00")
            # Version, command, reserved, IPv4; then the address and the port.
            asked = peer.recv(10)
            host, port = socket.inet_ntoa(asked[4:8]), str(int.from_bytes(asked[8:10], "big"))
            answer = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        ends.extend((peer, socket.create_connection((host, int(port)), 5)))
        peer.sendall(answer)
        back = threading.Thread(target=pump, args=(ends[1], peer), daemon=True)
        back.start()
        pump(peer, ends[1])
        back.join(5)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        try:
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for end in ends:
                with suppress(OSError):
                    socket.socket.shutdown(end, socket.SHUT_RDWR)
            server.join(5)
            for end in ends:
                end.close()


def closed_port() -> str:
    """Host and port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"
