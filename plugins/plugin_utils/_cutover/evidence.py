# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the switch rests on beside the delay: positions and comparisons, handed from one step of a cutover to the next.

Each step is a process of its own. What one has found is kept in a fact, which names the cutover that it is of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...module_utils._gate.rules import Goal
from ...module_utils._job.text import listed
from .._report.untrusted import fields
from .._report.view import read
from .._report.wording import of_positions

FACT = "_drs_cutover_evidence"


@dataclass(frozen=True)
class Evidence:
    """``run`` names the cutover. ``known`` has the comparisons of each job before the freeze.

    ``positions`` says whether the sources moved, ``at`` has the position of each when the final gate opened.
    """

    run: object = None
    known: Mapping[str, list[str]] = field(default_factory=dict)
    positions: str = ""
    comparisons: Mapping[str, Any] | None = None
    at: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, variables: Mapping[str, Any], run: object) -> Evidence:
        """Return what earlier steps of this cutover have found."""
        # Of a step that failed Ansible keeps no facts, but its result.
        failed = fields(fields(variables.get("ansible_failed_result")).get("ansible_facts"))
        for found in (failed.get(FACT), variables.get(FACT)):
            if run and fields(found).get("run") == run:
                return cls(**fields(found))
        return cls(run)

    def as_facts(self) -> dict[str, Any]:
        """Return it as a part of a step's result, for the steps that follow."""
        return {"ansible_facts": {FACT: asdict(self)}}

    def question(self) -> str:
        """Return what a person should know who is asked whether to switch."""
        positions = (
            f"Position of the source: {self.positions}." if self.positions else "No position of the source is known."
        )
        if self.comparisons is None:
            return f"{positions} No comparison was asked for."
        return f"{positions} Comparison after the freeze: {self.comparisons['summary']}."


def positions_of(judged: Mapping[str, Any]) -> str:
    """Return whether the sources moved, by the result of a gate; empty if no position is known."""
    wait = read(judged)
    jobs = getattr(wait, "jobs", ())
    return of_positions(wait) if any(job.position for job in jobs) else ""  # type: ignore[arg-type]


def moved_since(judged: Mapping[str, Any], at: Mapping[str, str | None]) -> str:
    """Return which sources moved since the final gate, by a later sample; empty if none did."""
    # Of a job that is only to be copied nobody asks for a position.
    jobs = [job for job in judged["jobs"] if job["goal"] == Goal.CAUGHT_UP.value]
    moved = [job["id"] for job in jobs if not job["src_offset"] or job["src_offset"] != at.get(job["id"])]
    return f"The position of the source moved since the final gate: {listed(moved, 5)}." if moved else ""
