# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples properties are tried with: few by default, all with FULL=1, and for hours with DRS_SEQUENCES=1000000."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.cutover.drs.tests.unit.builders import Waiting

# The number of sequences of observations that are compared with the model of the gate.
QUICKLY = 2_000
SEQUENCES = int(os.environ.get("DRS_SEQUENCES") or (10_000 if os.environ.get("FULL") else QUICKLY))

settings.register_profile(
    "properties",
    # How long one example takes says nothing on a busy machine.
    deadline=None,
    max_examples=60 if SEQUENCES == QUICKLY else max(300, SEQUENCES // 100),
    suppress_health_check=[HealthCheck.too_slow],
    # The same examples in every run, but for the runs that look for new ones.
    derandomize="DRS_SEQUENCES" not in os.environ,
    database=None,
)
settings.load_profile("properties")


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """Runs a wait against a script, on a clock that nobody waits for."""
    return Waiting(monkeypatch)
