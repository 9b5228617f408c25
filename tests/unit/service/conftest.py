# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the API client's tests: a simulator, a client for it, and time that is not waited for."""

from __future__ import annotations

import gc
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_TOKEN,
    DEFAULTS,
    JOBS,
    ByHand,
    given_login,
    plain_environment,
)
from drs_simulator import Simulator, iam

# A fixture of these tests, too.
__all__ = ["plain_environment"]


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """A thread that outlives its test fails it; so does a socket (see `client_for`)."""
    before = set(threading.enumerate())
    yield
    patience = time.monotonic() + 5
    while left := [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]:
        assert time.monotonic() < patience, f"left running: {left}"
        time.sleep(0.01)


@pytest.fixture(scope="module", autouse=True)
def quick_collection() -> Iterator[None]:
    """What was there before the tests need not be looked at each time a test collects garbage."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first token of every simulator is the same, and so on: the patterns that mask them are made once."""
    numbers = count()

    def token_hex(size: int) -> str:
        return hashlib.sha512(b"%d" % next(numbers)).hexdigest()[: 2 * size]

    monkeypatch.setattr(iam, "secrets", SimpleNamespace(token_hex=token_hex))


@pytest.fixture
def start() -> Iterator[Callable[..., Simulator]]:
    """Start a simulator; it ends with the test."""
    with ExitStack() as stack:

        def started(**scenario: Any) -> Simulator:
            outer = {name: scenario.pop(name) for name in ("tls", "clock") if name in scenario}
            if not {"jobs", "generate"} & scenario.keys():
                scenario["jobs"] = [{"id": job, "status": "INCRE_TRANSFER_STARTED"} for job in JOBS]
            return stack.enter_context(Simulator(scenario, **outer))

        yield started


@pytest.fixture
def simulator(start: Callable[..., Simulator]) -> Simulator:
    """A simulator with two jobs in the incremental phase."""
    return start()


@pytest.fixture
def by_hand() -> ByHand:
    """Time that passes only where the client would sleep."""
    return ByHand()


@pytest.fixture
def client_for(by_hand: ByHand) -> Iterator[Callable[..., Client]]:
    """A client that is logged in by token, or as the options and the environment say."""
    with ExitStack() as stack:

        def opened(endpoint: str | Simulator, environ: dict[str, str] | None = None, **options: Any) -> Client:
            if isinstance(endpoint, Simulator):
                options = {"auth_url": endpoint.auth_url, **options}
                endpoint = endpoint.endpoint
            login = {} if given_login(options) or environ else BY_TOKEN
            # Hosts of examples are on other machines.
            allowed = {"allow_http": True} if ".example.com" in f"{endpoint}{options.get('auth_url')}" else {}
            options = {**DEFAULTS, **allowed, "endpoint": endpoint, **login, **options}
            return stack.enter_context(connect(options, environ or {}, clock=by_hand.clock))

        yield opened
    # A socket that is still open now is a ResourceWarning, and so an error. What is left need not be looked at again.
    gc.collect()
    gc.freeze()
