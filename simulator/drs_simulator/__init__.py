# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator of the DRS v3 batch API and of the IAM in front of it, for tests and demonstrations."""

from __future__ import annotations

from drs_simulator.checks import ScenarioError
from drs_simulator.simulator import Simulator

__all__ = ["ScenarioError", "Simulator"]
