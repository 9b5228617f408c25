# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mitmproxy between the collection and the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.cutover.drs.tests.peers import peer
from ansible_collections.cutover.drs.tests.unit.service.support import plain_environment
from ansible_collections.cutover.drs.tests.wire.wire import JOB, LOGIN, Proxy, Wire
from drs_simulator import Simulator

# A fixture of these tests, too.
__all__ = ["plain_environment"]


@pytest.fixture(scope="session")
def simulators() -> Iterator[tuple[Simulator, Simulator]]:
    """A simulator without and one with TLS."""
    scenario = {"jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED"}]}
    with Simulator(scenario) as plain, Simulator(scenario, tls=True) as tls:
        yield plain, tls


@pytest.fixture(scope="session")
def the_wire(simulators: tuple[Simulator, Simulator], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    program = peer("mitmdump")
    with Wire(program, tmp_path_factory.mktemp("wire"), *simulators) as wire:
        yield wire


@pytest.fixture
def wire(the_wire: Wire) -> Wire:
    """The wire without a fault, and simulators that have seen nothing."""
    the_wire.reset()
    return the_wire


@pytest.fixture(scope="session")
def asking_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy that asks for a login by itself, from the first request on."""
    program = peer("mitmdump")
    folder = tmp_path_factory.mktemp("asking")
    with Proxy(program, folder, ("regular",), "--proxyauth", LOGIN, "--set", "ssl_insecure=true") as proxy:
        yield proxy
