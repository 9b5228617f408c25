# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the simulator's own tests: a started simulator and a clock moved by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

# pytest may be run from anywhere and in any import mode; the tests share `calls`.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "simulator")]

from calls import JOB, HandClock, Start  # noqa: E402

from drs_simulator import Simulator  # noqa: E402


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def start(clock: HandClock) -> Iterator[Start]:
    """Start a simulator on the hand clock; it ends with the test."""
    with ExitStack() as stack:

        def started(scenario: Any = None, **options: Any) -> Simulator:
            scenario = {"jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED"}]} if scenario is None else scenario
            return stack.enter_context(Simulator(scenario, clock=clock, **options))

        yield started
