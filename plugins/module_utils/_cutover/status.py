# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a cutover stands, told to somebody who only reads its journal: where it is, whose it is, and what to do. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._job.text import duration, iso, listed, printable
from .journal import Journal, Outcome
from .journal_json import encode_value, outage
from .wording import IN_USE, LOOK, MAY_BE_FROZEN, frozen_by, reason, still_copying

_MOST_JOBS = 20


@dataclass(frozen=True)
class Outside:
    """What a look from outside told, at ``at`` (epoch seconds).

    ``lives`` tells whether the owner does, ``age`` for how long, or longer, nothing was heard of it (seconds); None if its
    process is known to be gone. ``watches`` has what each watch that lives said: who it is, and why it could not unfreeze,
    empty if it could, None while it rehearses.
    """

    at: float
    lives: bool
    age: float | None
    watches: tuple[tuple[str, str | None], ...] = ()


def sample_of(gate: str, judged: Mapping[str, Any], at: float) -> dict[str, Any]:
    """Return what a journal keeps of the last sample of a gate, from the result of its wait; ``at`` is epoch seconds."""
    jobs = [
        {"id": job.get("id"), "name": job.get("name"), "delay": job.get("delay"), "position": job.get("src_offset")}
        for job in (judged.get("jobs") or ())[:_MOST_JOBS]
    ]
    ready = judged.get("ready") is True
    return {"gate": gate, "at": at, "ready": ready, "reason": str(judged.get("reason") or ""), "jobs": jobs}


def status(journal: Journal, name: str, outside: Outside) -> dict[str, Any]:
    """Return how a cutover stands, as a task returns it. ``name`` is that of the journal."""
    return {
        "journal": name,
        "jobs": list(journal.plan.jobs),
        "stage": journal.stage,
        "outcome": journal.outcome.value if journal.outcome else None,
        "frozen": journal.frozen,
        "frozen_since": None if journal.frozen_since is None else iso(journal.frozen_since),
        "unfreezes_at": iso(journal.deadline) if journal.deadline is not None and journal.frozen else None,
        "outage_seconds": outage(journal),
        "owner": None if journal.owner is None else encode_value(journal.owner),
        "owner_lives": outside.lives,
        "lease": journal.plan.lease,
        "lease_age": None if outside.age is None else round(outside.age, 1),
        "watches": [{"by": by, "reason": why} for by, why in outside.watches],
        "sample": None if journal.sample is None else {**journal.sample, "at": iso(journal.sample["at"])},
        "failure": journal.why or None,
        "advice": advice(journal, outside.lives),
    }


def lines(journal: Journal, name: str, outside: Outside) -> list[str]:
    """Return the same for people, what matters most first."""
    told = [
        _headline(journal, outside.at),
        f"What to do: {advice(journal, outside.lives)}",
        f"Stage: {journal.stage}, {_stages(journal, outside.at)}",
        f"Owner: {_owner(journal, outside)}",
    ]
    if journal.outcome is None:
        told.append(
            f"Watch: {'; '.join(_watch(by, why) for by, why in outside.watches) or 'none has said that it is there'}."
        )
    told.append(f"Last sample: {_sample(journal.sample, outside.at)}")
    if journal.why:
        told.append(f"What failed: {journal.why}")
    return [printable(line) for line in (*told, f"Jobs: {listed(journal.plan.jobs, _MOST_JOBS)}", f"Journal: {name}")]


def advice(journal: Journal, lives: bool) -> str:
    """Return what a person does now; ``lives`` tells whether the owner does."""
    if journal.outcome is None and lives:
        return _while_it_goes_on(journal)
    if journal.switched:
        lasting = journal.outcome is not Outcome.DONE or journal.failed_in
        return still_copying(journal) if lasting else "Nothing. Watch the application."
    if journal.switching:
        return f"{LOOK} Finish or undo the switch by hand, then remove the journal."
    if journal.frozen:
        return "Unfreeze the source now: run cutover.drs.recover, or do it by hand."
    return "Nothing is frozen. Find out why it ended, then run the cutover again."


def _while_it_goes_on(journal: Journal) -> str:
    if journal.switching:
        return "Wait for the switch. Nothing is undone from here on."
    if journal.unfreezing:
        failed = f" The last attempt failed: {journal.unfreeze_failure}" if journal.unfreeze_failure else ""
        return f"Wait: the source is being unfrozen (attempt {journal.attempts}).{failed}"
    if journal.frozen and journal.deadline is not None:
        return f"Wait. The source is unfrozen at {iso(journal.deadline)} at the latest, unless the switch has begun."
    return "Wait. Nothing is frozen yet."


def _headline(journal: Journal, at: float) -> str:
    if journal.frozen and journal.frozen_since is not None:
        return f"{frozen_by(journal)} ({duration(at - journal.frozen_since)} ago)."
    if journal.switched:
        return f"{IN_USE}."
    if journal.switching:
        return "The switch has begun and has not ended, so both sides may have been changed."
    if journal.outcome is Outcome.UNFROZEN:
        return reason(journal)
    return f"{MAY_BE_FROZEN}." if journal.outcome is Outcome.FROZEN else "Nothing is frozen."


def _stages(journal: Journal, at: float) -> str:
    if journal.outcome is not None:
        return f"and the cutover has ended: {journal.outcome.value}."
    if not journal.entries:
        return "no stage has begun."
    return f"for {duration(at - journal.entries[-1].began)}."


def _owner(journal: Journal, outside: Outside) -> str:
    if journal.outcome is not None:
        return f"nobody any more; it was {journal.owner or 'nobody known'}."
    owner, lease = journal.owner or "nobody known", f"the lease is {journal.plan.lease:g} s"
    if outside.lives:
        return f"{owner}, which lives: last heard of {outside.age or 0.0:.0f} s ago, {lease}."
    if outside.age is None:
        return f"{owner}, which is gone: its guard has ended."
    return f"{owner}, which is gone: nothing was heard for {outside.age:.0f} s or longer, {lease}."


def _watch(by: str, why: str | None) -> str:
    if why is None:
        return f"{by}, which rehearses the unfreeze"
    return f"{by}, which cannot unfreeze: {why.rstrip('.')}" if why else f"{by}, which can unfreeze"


def _sample(sample: Mapping[str, Any] | None, at: float) -> str:
    if sample is None:
        return "none, as no gate has ended yet."
    jobs: Sequence[Mapping[str, Any]] = sample["jobs"]
    shown = [_job(job) for job in jobs]
    ready = "ready" if sample["ready"] else "not ready"
    when = f"{iso(sample['at'])} ({duration(at - sample['at'])} ago), {sample['gate']} gate, {ready}"
    return f"{when}. {sample['reason']} {'; '.join(shown)}".rstrip()


def _job(job: Mapping[str, Any]) -> str:
    known = f"{job['name']} ({job['id']})" if job["name"] else str(job["id"])
    delay = "delay not known" if job["delay"] is None else f"delay {job['delay']} s"
    return f"{known}: {delay}{', position ' + str(job['position']) if job['position'] else ''}"
