# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a cutover, made from its journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._job.text import iso
from .journal import Journal, Outcome, Plan
from .journal_json import encode_value, outage
from .wording import reason


@dataclass(frozen=True)
class About:
    """What a result says beside the journal.

    ``gates`` holds the results of the gates by name, ``plan`` the lines of the plan, ``engines`` what the databases of a
    job are, by its id. ``facts`` is what the user's tasks say of their databases: plain JSON values. ``ran_by`` is who
    ran it, on which machine and for which host of the inventory.
    """

    gates: Mapping[str, Any] = field(default_factory=dict)
    plan: Sequence[str] = ()
    warnings: Sequence[str] = ()
    engines: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    ran_by: Mapping[str, str] | None = None


def result(journal: Journal, about: About) -> dict[str, Any]:
    """Return the cutover as the fact ``drs_cutover_result``, the same keys for every outcome.

    Comparisons are the run's own; a result of the guard has none.
    """
    outcome = journal.outcome or (Outcome.FROZEN if journal.frozen else Outcome.NOT_BEGUN)
    entries = journal.entries
    names = _names(about.gates)
    return {
        "kind": "cutover",
        "outcome": outcome.value,
        "ready": outcome is Outcome.DONE,
        "reason": reason(journal),
        "failed_stage": journal.failed_in or None,
        "jobs": list(journal.plan.jobs),
        "databases": [
            {
                "id": job,
                "name": names.get(job),
                "engine": about.engines.get(job),
                "stopped": job in journal.stopped,
            }
            for job in journal.plan.jobs
        ],
        "facts": dict(about.facts),
        "ran_by": None if about.ran_by is None else dict(about.ran_by),
        "plan": list(about.plan),
        "stages": [
            {
                "name": entry.name,
                "state": entry.state,
                "started_at": iso(entry.began, exact=True),
                "finished_at": None if entry.ended is None else iso(entry.ended, exact=True),
                "seconds": None if entry.ended is None else round(entry.ended - entry.began, 3),
                "by": entry.by.value,
            }
            for entry in entries
        ],
        "frozen_since": None if journal.frozen_since is None else iso(journal.frozen_since, exact=True),
        "outage_seconds": outage(journal),
        "unfrozen_by": journal.unfrozen_by.value if journal.unfrozen_by else None,
        "owner": None if journal.owner is None else encode_value(journal.owner),
        "gates": dict(about.gates),
        "comparisons": None,
        "started_at": iso(entries[0].began, exact=True) if entries else None,
        "finished_at": iso(entries[-1].ended, exact=True) if entries and entries[-1].ended is not None else None,
        "stopped": list(journal.stopped),
        "warnings": list(about.warnings),
    }


def nothing_begun(why: str, jobs: Sequence[str] = (), about: About | None = None) -> dict[str, Any]:
    """Return the result of a cutover that did not begin, with the same keys; with what is known of its jobs."""
    own = tuple(jobs)
    plan = Plan(
        "", own, (), host="", folder="", unfreeze_tasks="", max_outage=0.0, lease=0.0, unfreeze_for=0.0, rehearses=False
    )
    return {**result(Journal(plan, owner=None), about or About()), "reason": why}


def _names(gates: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the jobs by id, as far as a gate knows them."""
    jobs = [job for gate in gates.values() if gate for job in gate.get("jobs") or ()]
    return {job["id"]: job["name"] for job in jobs if job.get("name")}
