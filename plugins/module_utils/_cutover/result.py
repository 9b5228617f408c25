# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a cutover, made from its journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._job.text import iso
from .journal_json import encode_owner, outage
from .stages import Journal, Outcome, Plan
from .wording import reason


def result(journal: Journal, gates: Mapping[str, Any], plan: list[str], warnings: list[str]) -> dict[str, Any]:
    """Return the cutover as the fact ``drs_cutover_result``, the same keys for every outcome.

    ``gates`` holds the results of the gates by name, ``plan`` the lines of the plan.
    """
    outcome = journal.outcome or (Outcome.FROZEN if journal.frozen else Outcome.NOT_BEGUN)
    entries = journal.entries
    return {
        "kind": "cutover",
        "outcome": outcome.value,
        "ready": outcome is Outcome.DONE,
        "reason": reason(journal),
        "failed_stage": journal.failed_in or None,
        "jobs": list(journal.plan.jobs),
        "plan": plan,
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
        "owner": None if journal.owner is None else encode_owner(journal.owner),
        "gates": dict(gates),
        "started_at": iso(entries[0].began, exact=True) if entries else None,
        "finished_at": iso(entries[-1].ended, exact=True) if entries and entries[-1].ended is not None else None,
        "stopped": list(journal.stopped),
        "warnings": warnings,
    }


def nothing_begun(why: str) -> dict[str, Any]:
    """Return the result of a cutover that did not begin, with the same keys."""
    plan = Plan(jobs=(), stages=(), unfreeze_tasks="", max_outage=0.0)
    return {**result(Journal(plan, owner=None), {}, [], []), "reason": why}
