# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the server: in this thread's loop for the command, in a thread of its own for tests."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import trustme
from aiohttp import web

from drs_simulator.scenario import Scenario, load_scenario
from drs_simulator.server import Server
from drs_simulator.service import Clock, Service

T = TypeVar("T")


@dataclass(frozen=True)
class Address:
    """Where a simulator listens."""

    endpoint: str
    ca_path: str | None

    @property
    def auth_url(self) -> str:
        return f"{self.endpoint}/v3"

    @property
    def control(self) -> str:
        return f"{self.endpoint}/_simulator"


@contextlib.contextmanager
def private_tls(host: str) -> Iterator[tuple[ssl.SSLContext, str]]:
    """A server context for HOST and the path of the PEM of the authority made for it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*{host, "localhost", "127.0.0.1"}).configure_cert(context)
    with tempfile.TemporaryDirectory(prefix="drs-simulator-") as folder:
        ca_path = Path(folder, "ca.pem")
        authority.cert_pem.write_to_path(ca_path)
        yield context, str(ca_path)


async def run(
    scenario: Scenario,
    announce: Callable[[Server, Address], None],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: bool = False,
    stop_after: float = 900,
    clock: Clock = time.monotonic,
) -> None:
    """Serve until `Server.stopping` is set or STOP_AFTER seconds have passed."""
    server = Server(Service(scenario, clock))
    # A client that hangs up ends its handler, so that no fault outlives its request.
    runner = web.AppRunner(server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=1)
    with contextlib.ExitStack() as stack:
        context, ca_path = stack.enter_context(private_tls(host)) if tls else (None, None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, ssl_context=context)
            await site.start()
            number = runner.addresses[0][1]
            shown = f"[{host}]" if _is_ipv6(host) else host
            announce(server, Address(f"http{'s' if tls else ''}://{shown}:{number}", ca_path))
            await server.pause(stop_after)
        finally:
            server.stopping.set()
            await runner.cleanup()
            await server.hang_up()


def _is_ipv6(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).version == 6
    return False


class Simulator:
    """A simulator in a thread of its own, for tests::

        with Simulator({"jobs": [...]}) as simulator:
            client(simulator.endpoint, simulator.auth_url)
        assert simulator.requests[0]["operation"] == "batch-status"

    CLOCK returns seconds and drives the jobs' lives and the tokens; faults wait in real time.
    """

    def __init__(
        self,
        scenario: Mapping[str, Any] | Path | str,
        *,
        tls: bool = False,
        clock: Clock = time.monotonic,
        stop_after: float = 900,
    ) -> None:
        self._scenario = load_scenario(scenario)
        self._tls = tls
        self._clock = clock
        self._stop_after = stop_after
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="drs-simulator", daemon=True)

    def __enter__(self) -> Simulator:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(RuntimeError):  # it may have ended by itself
            self._loop.call_soon_threadsafe(self._server.stopping.set)
        self._thread.join()

    @property
    def endpoint(self) -> str:
        """The base URL of DRS, with the scenario's path prefix."""
        return self._address.endpoint + self._server.service.scenario.prefix

    @property
    def auth_url(self) -> str:
        return self._address.auth_url

    @property
    def control(self) -> str:
        return self._address.control

    @property
    def ca_path(self) -> str | None:
        return self._address.ca_path

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The log, oldest first, secrets included."""
        return self._server.service.log

    @property
    def job_ids(self) -> list[str]:
        return list(self._server.service.jobs)

    def load(self, scenario: Mapping[str, Any] | Path | str) -> None:
        """Play another scenario; lives, faults, tokens and log start anew."""
        parsed = load_scenario(scenario)
        self._in_loop(lambda: self._server.service.play(parsed))

    def set_job(self, job_id: str, **fields: Any) -> None:
        self._in_loop(lambda: self._server.service.set_job(job_id, fields))

    def add_fault(self, **fault: Any) -> None:
        """Put in a fault; it counts from the next request on. `first` and `last` stand for from and to."""
        for python_name, name in (("first", "from"), ("last", "to")):
            if python_name in fault:
                fault[name] = fault.pop(python_name)
        self._in_loop(lambda: self._server.service.add_fault(fault))

    def withdraw_tokens(self) -> None:
        self._in_loop(self._server.service.iam.withdraw_tokens)

    def change_credentials(self, **changes: Any) -> None:
        self._in_loop(lambda: self._server.service.change_credentials(changes))

    def _in_loop(self, act: Callable[[], T]) -> T:
        """Changes happen between requests, in the server's own thread."""

        async def acted() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(acted(), self._loop).result()

    def _main(self) -> None:
        try:
            asyncio.run(
                run(self._scenario, self._started, tls=self._tls, clock=self._clock, stop_after=self._stop_after)
            )
        except BaseException as error:  # handed to the thread that waits
            self._failure = error
        finally:
            self._ready.set()

    def _started(self, server: Server, address: Address) -> None:
        self._server, self._address = server, address
        self._loop = asyncio.get_running_loop()
        self._ready.set()
