# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a wait, and the rules they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from .._gate.rules import RANGES, Goal, Rules, check_can_open
from .._job.ranges import check_ranges
from .._service.options import JOBS_OR_NAMES, options_of

WAIT_OPTIONS: dict[str, dict[str, Any]] = {
    # A replay takes the jobs from the recording.
    **JOBS_OR_NAMES,
    **options_of(Rules),
    "record": {"type": "path"},
    "replay": {"type": "path"},
    "role_prefixes": {"type": "list", "elements": "str"},
    "progress": {"type": "bool", "default": True},
    "series": {"type": "bool", "default": False},
}


def rules_of(options: Mapping[str, Any], named: Callable[[str], str] = str) -> Rules:
    """Return the rules that a task's options give; raise :class:`DrsError` for values, or pairs of them, that make no sense.

    ``named`` returns what the user calls an option.
    """
    chosen = {field.name: options[field.name] for field in fields(Rules)}
    check_ranges(RANGES, chosen, named)
    rules = Rules(**{**chosen, "goal": Goal(chosen["goal"])})
    check_can_open(rules, named)
    return rules
