# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets up what the contract is checked with, and keeps the machine's own settings out of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.contract.support import Both, Official
from ansible_collections.cutover.drs.tests.unit.service.support import BY_KEYS, DEFAULTS, plain_environment
from drs_simulator import Simulator

# A fixture of these tests, too.
__all__ = ["plain_environment"]


@pytest.fixture
def both() -> Iterator[Both]:
    """A simulator with the vendor's clients and ours, all logged in by access keys; none tries again."""
    with ExitStack() as stack:

        def started(**scenario: Any) -> tuple[Simulator, Official, Client]:
            simulator = stack.enter_context(Simulator(scenario))
            options = {**DEFAULTS, **BY_KEYS, "endpoint": simulator.endpoint, "request_retries": 0}
            return simulator, Official(simulator), stack.enter_context(connect(options, {}))

        yield started
