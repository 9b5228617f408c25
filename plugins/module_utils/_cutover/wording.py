# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a cutover ended, in words: what the result, reports, the guard and recover say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._job.text import iso
from .journal import Journal, Outcome, Role

IN_USE = "The target is the database in use"
LOOK = "Find out which side is in use."
MAY_BE_FROZEN = "The source may still be frozen"
WRITABLE = "accepts writes again."
UNFROZEN = f"The source was unfrozen and {WRITABLE}"
NO_TASKS = f"{MAY_BE_FROZEN}, and there are no tasks to unfreeze it."

# What a report says first.
HEADLINES: Mapping[Outcome, str] = {
    Outcome.DONE: "The cutover succeeded.",
    Outcome.UNFROZEN: f"Aborted safely: the source {WRITABLE}",
    Outcome.FROZEN: f"{MAY_BE_FROZEN}. Check it now, and unfreeze it by hand.",
    Outcome.SWITCH_FAILED: f"The switch failed, and nothing was undone. {LOOK}",
    Outcome.NOT_BEGUN: "The cutover did not begin, and nothing was frozen.",
}


def reason(journal: Journal) -> str:
    """Say in a sentence or two how the cutover ended, and why."""
    why = f"{journal.why} " if journal.why else ""
    if journal.outcome is Outcome.DONE:
        lasting = f" {why}{still_copying(journal)}" if journal.failed_in else ""
        return f"{IN_USE}.{lasting}"
    if journal.outcome is Outcome.SWITCH_FAILED:
        return f"The switch failed. {why}Both sides may have been changed, so nothing was undone. {LOOK}"
    if journal.outcome is Outcome.UNFROZEN:
        unfrozen = f"The source was unfrozen by {(journal.unfrozen_by or Role.GUARD).words} and {WRITABLE}"
        return f"{why}{unfrozen}{_gone(journal)}"
    if journal.outcome is Outcome.FROZEN:
        if journal.unfreezing:
            return f"{why.strip()}{_gone(journal)}"
        return f"{why}There are no tasks to unfreeze the source, so it may still be frozen.{_gone(journal)}"
    if journal.frozen:
        return f"{why}{MAY_BE_FROZEN}."
    return f"{why}Nothing was frozen."


def told_by_guard(journal: Journal) -> str:
    """Say how a cutover ended that the guard ended in place of the run; empty if there is nothing to tell."""
    if journal.outcome is Outcome.UNFROZEN:
        who = (journal.unfrozen_by or Role.GUARD).words
        return f"{who.capitalize()} unfroze the source: it {WRITABLE}"
    if journal.outcome is Outcome.FROZEN:
        return f"{MAY_BE_FROZEN.upper()}. {journal.why}"
    if journal.outcome is Outcome.DONE:
        return f"The run ended after the switch. {still_copying(journal)}"
    if journal.outcome is Outcome.SWITCH_FAILED:
        return f"The run ended during the switch. Nothing is undone. {LOOK}"
    return ""


def still_copying(journal: Journal) -> str:
    """Say which jobs may still copy after the switch, and what to do."""
    jobs = ", ".join(job for job in journal.plan.jobs if job not in journal.stopped) or "none is left"
    return (
        f"Not all jobs were stopped after the switch, and these may copy late writes of the source over the target: {jobs}. "
        "Stop them with drs_job_stop."
    )


def since(journal: Journal) -> str:
    """Say since when the source is frozen, as the end of a sentence; empty if it is not."""
    return "" if journal.frozen_since is None else f", frozen since {iso(journal.frozen_since)}"


def frozen_by(journal: Journal) -> str:
    """Say since when the source is frozen, by whom, and in which stage, as the beginning of a sentence; empty if it is not frozen."""
    if not journal.frozen or journal.frozen_since is None:
        return ""
    return f"The source is frozen since {iso(journal.frozen_since)}, by {journal.owner or 'nobody known'}, in the stage {journal.stage}"


def of_other_jobs(journal: Journal, jobs: Sequence[str], *, looks: bool = False) -> str:
    """Say that a journal belongs to a cutover of other jobs than these, and what to do; empty if it does not.

    ``looks``: to somebody who looks for a cutover, and may have named the wrong jobs.
    """
    if sorted(journal.plan.jobs) == sorted(jobs):
        return ""
    advice = "Set drs_cutover_jobs to these, or another" if looks else "Set another"
    return (
        f"The journal belongs to a cutover of other jobs: {', '.join(journal.plan.jobs)}. {advice} drs_cutover_journal."
    )


def _gone(journal: Journal) -> str:
    """Say which jobs cannot go on, because the stage stop had begun."""
    if journal.stopped:
        return f" These jobs were stopped and cannot be resumed: {', '.join(journal.stopped)}. Set up their replication again."
    if any(entry.name == "stop" and entry.state != "ok" for entry in journal.entries):
        return " The jobs may have been stopped. Look at them: a job that was stopped must be set up again."
    return ""
