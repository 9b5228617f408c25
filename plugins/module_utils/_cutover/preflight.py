# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode makes of a journal and of one sample for each gate: whether the cutover itself would fail. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._job.status_table import State
from .._job.text import listed
from .journal import Journal, Move, Next
from .wording import frozen_by

# Of a gate that takes one sample: it is ready, or may still become so.
_MAY_OPEN = ("ready", "timeout", "held")
_NEVER_READY = (State.FAILED.value, State.ENDED.value)
_MOST_JOBS = 20
NEEDS_WATCH = (
    "This run is in a container, so nothing is frozen until cutover.drs.watch, started elsewhere for these jobs and with this journal, "
    "has rehearsed the unfreeze (or drs_cutover_unwatched is true)."
)


def of_journal(earlier: Journal | None, begun: Move) -> Move:
    """Decide what check mode says of a journal that was found; ``begun`` is what a run would make of it.

    A run would unfreeze a source that is frozen if it fails. Until then somebody waits for it, so check mode fails.
    """
    if earlier is None or begun.next is not Next.GO_ON or not earlier.frozen:
        return begun
    message = (
        f"{frozen_by(earlier)}, and nobody owns the cutover any more. Run cutover.drs.recover, which unfreezes it. Or run the "
        "cutover: it goes on with this outage, and unfreezes if it fails."
    )
    return replace(begun, next=Next.REFUSED, message=message)


def of_gates(gates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return why gates could not open, by the results of one sample for each; a job that is only not ready yet is no reason."""
    problems: dict[str, str] = {}
    for gate, judged in gates.items():
        why = _why_not(judged)
        if why and why not in problems.values():
            problems[gate] = why
    return [f"The {gate} gate would fail: {why}" for gate, why in problems.items()]


def _why_not(judged: Mapping[str, Any]) -> str:
    if judged["verdict"] not in _MAY_OPEN:
        return str(judged["reason"])
    late = [job for job in judged["jobs"] if not job["ready"]]
    missing = [job["id"] for job in late if not job["found"]]
    if missing:
        return f"the service does not know {listed(missing, _MOST_JOBS)}. Check the ids and the project."
    never = [f"{job['id']} ({job['status']})" for job in late if job["state"] in _NEVER_READY]
    return f"this cannot become ready any more: {listed(never, _MOST_JOBS)}." if never else ""


def limits(
    *,
    gates: Mapping[str, float],
    stages: Sequence[str],
    values: Mapping[str, Any],
    journal: str,
) -> list[str]:
    """Return the lines of a plan that say how long everything may take, and what is written where.

    ``gates`` has the time limits of the gates (seconds), ``values`` those of the options, and the paths of the reports.
    """
    times = [f"{gate} gate {seconds:g} s" for gate, seconds in gates.items()]
    times += [
        f"{what} {values[option]:g} s"
        for what, option, stage in (
            ("comparison", "compare_timeout", "compare"),
            ("each answer", "confirm_timeout", "confirm_switch"),
            ("stop of the jobs", "stop_timeout", "stop"),
        )
        if stage in stages
    ]
    times.append(f"outage {values['max_outage']:g} s")
    unfreeze = f"unfreeze {values['unfreeze_timeout']:g} s for an attempt, tried again for {values['unfreeze_for']:g} s"
    lease = f"its owner counts as dead after {values['lease']:g} s without a renewal"
    return [
        f"Time limits: {', '.join(times)}; {unfreeze}.",
        f"Journal: {journal}; {lease}.",
        f"Reports: {', '.join(values['reports']) or 'none, as drs_cutover_reports is not set'}.",
    ]


def databases(jobs: Sequence[str], names: Mapping[str, str]) -> str:
    """Return the line of a plan that names the jobs by their names, as far as these are known."""
    shown = [f"{names[job]} ({job})" if names.get(job) else job for job in jobs]
    return f"Databases: {listed(shown, _MOST_JOBS)}."
