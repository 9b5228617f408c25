# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of the event source: what a rulebook says, checked and in their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._arguments import checked
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Rules
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import configuration_error
from ansible_collections.cutover.drs.plugins.module_utils._job.ranges import LONGEST, SECONDS, Range, check_ranges
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.names import Asked, asked_jobs
from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS, JOBS_OR_NAMES
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS, rules_of

# What ansible-rulebook itself adds to the arguments of a source with `feedback: true`.
_OF_RULEBOOK = "eda_feedback_queue"
# The options of drs_job_wait that decide. A source has no deadline, one pace and no lines.
_RULES = [rule.name for rule in fields(Rules) if rule.name not in ("timeout", "near_interval", "stall_after")]

ARGUMENTS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    **JOBS_OR_NAMES,
    **{name: WAIT_OPTIONS[name] for name in _RULES},
    "emit": {"type": "str", "choices": ["changes", "always"], "default": "changes"},
    "progress_step": {"type": "int", "default": 10},
    "delay_thresholds": {"type": "list", "elements": "int", "default": [0, 60, 600]},
    "heartbeat": {"type": "float", "default": 300.0},
}
# Beside those of the rules and of the connection, which have a check of their own.
_RANGES = {"progress_step": Range(1, 100), "heartbeat": SECONDS}


@dataclass(frozen=True)
class Arguments:
    """What a source is to watch, and which changes become events. Times are in seconds."""

    # Not shown by repr(): they hold the login.
    options: Mapping[str, Any] = field(repr=False)
    asked: Asked
    rules: Rules
    always: bool
    progress_step: int
    delay_thresholds: tuple[int, ...]
    heartbeat: float

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Arguments:
        """The arguments as a rulebook gives them.

        Raises :class:`DrsError` of kind ``configuration``, one sentence for what is wrong first.
        """
        options = _checked(args)
        asked = asked_jobs(options)
        # A source has no deadline: this one is decades away.
        unlimited = {**Rules().as_dict(), "timeout": float(LONGEST), "near_interval": options["interval"]}
        rules = rules_of({**unlimited, **{name: options[name] for name in _RULES}})
        thresholds = options["delay_thresholds"]
        check_ranges(_RANGES, options)
        if any(threshold < 0 for threshold in thresholds):
            raise configuration_error(f"delay_thresholds must be seconds from 0, not {min(thresholds)}.")
        return cls(
            options=options,
            asked=asked,
            rules=rules,
            always=options["emit"] == "always",
            progress_step=options["progress_step"],
            delay_thresholds=tuple(sorted(set(thresholds))),
            heartbeat=options["heartbeat"],
        )


def _checked(args: Mapping[str, Any]) -> dict[str, Any]:
    """Every option by its own name, in its type, with its default."""
    names = {alias: name for name, spec in ARGUMENTS.items() for alias in (name, *spec.get("aliases", ()))}
    given: dict[str, Any] = {}
    for name, value in args.items():
        if name == _OF_RULEBOOK or value is None:
            continue
        if name not in names:
            raise configuration_error(f"There is no argument {name}. There are: {', '.join(sorted(ARGUMENTS))}.")
        option = names[name]
        if option in given:
            raise configuration_error(f"{option} is given twice, by its own name and by another one.")
        given[option] = value
    return checked(ARGUMENTS, given, strict=True)
