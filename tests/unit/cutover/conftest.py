# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples each property of the cutover looks at: few by default, many with DRS_SEQUENCES."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A name of its own, not the default: the tests of the gate set the default of the whole process.
settings.register_profile(
    "cutover",
    deadline=None,
    max_examples=max(200, int(os.environ.get("DRS_SEQUENCES", "0")) // 100),
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="DRS_SEQUENCES" not in os.environ,
    database=None,
)
