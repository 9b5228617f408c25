# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a stop."""

from __future__ import annotations

from typing import Any

from .._service.options import JOBS_OR_NAMES

STOP_OPTIONS: dict[str, dict[str, Any]] = {
    **JOBS_OR_NAMES,
    "require_ready": {"type": "bool", "default": True},
    "max_delay": {"type": "int", "default": 0},
    "check_subtasks": {"type": "bool", "default": True},
    "force": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 1800.0},
    "interval": {"type": "float", "default": 5.0},
    "progress": {"type": "bool", "default": True},
}
