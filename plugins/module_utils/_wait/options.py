# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a wait, and the rules they give. A test compares names, types and defaults with :class:`Rules`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .._gate.rules import Goal, Rules
from .._service.options import JOBS_OR_NAMES

WAIT_OPTIONS: dict[str, dict[str, Any]] = {
    # A replay takes the jobs from the recording.
    **JOBS_OR_NAMES,
    "goal": {"type": "str", "default": "auto", "choices": ["auto", "full_complete", "caught_up", "stopped"]},
    "max_delay": {"type": "int", "default": 0},
    "stable_samples": {"type": "int", "default": 3},
    "stable_for": {"type": "float", "default": 60},
    "timeout": {"type": "float", "default": 3600},
    "interval": {"type": "float", "default": 30},
    "near_interval": {"type": "float", "default": 5},
    "max_errors": {"type": "int", "default": 5},
    "max_missing": {"type": "int", "default": 3},
    "unknown_for": {"type": "float", "default": 1800},
    "fail_fast": {"type": "bool", "default": True},
    "require_full_progress": {"type": "bool", "default": False},
    "check_subtasks": {"type": "bool", "default": True},
    "hold_file": {"type": "path"},
    "stall_after": {"type": "float", "default": 1800},
    "valid_for": {"type": "float", "default": 60},
    "record": {"type": "path"},
    "replay": {"type": "path"},
    "role_prefixes": {"type": "list", "elements": "str"},
    "progress": {"type": "bool", "default": True},
    "series": {"type": "bool", "default": False},
}


def rules_of(options: Mapping[str, Any]) -> Rules:
    """Return the rules that a task's options give; raise :class:`DrsError` for values that make no sense."""
    chosen = {field.name: options[field.name] for field in fields(Rules)}
    return Rules(**{**chosen, "goal": Goal(chosen["goal"])})
