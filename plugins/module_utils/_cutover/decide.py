# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide what a cutover does next: a journal and an event in, a journal and the next step out.

No clock, no files, no network, no Ansible. Times are epoch seconds. The guard (``plugin_utils/_guard``) applies
the events of a run one by one, keeps the journal on disk and holds the lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from .._job.text import sentence
from .stages import STAGES, UNFREEZE, Entry, Evidence, Journal, Move, Next, Outcome, Owner, Plan, Role
from .wording import still_copying

# How often the guard tries the unfreeze tasks before it reports that they failed.
GUARD_ATTEMPTS = 3
NO_REASON = "No reason is known."


@dataclass(frozen=True)
class _Event:
    """Something that happened: who says so, and when (epoch seconds)."""

    by: Owner
    at: float


@dataclass(frozen=True)
class Enter(_Event):
    """A stage is about to begin, which ends the one before."""

    stage: str


@dataclass(frozen=True)
class GateEnded(_Event):
    """A gate gave its verdict. ``gate`` is the stage, or ``recheck`` for one more sample before a stage."""

    gate: str
    ready: bool
    reason: str
    valid_until: float | None = None


@dataclass(frozen=True)
class Failed(_Event):
    """Something failed: a task, a gate, an answer, the role's own bookkeeping."""

    reason: str


@dataclass(frozen=True)
class Stopped(_Event):
    """The stage ``stop`` ended: these jobs cannot be resumed; ``reason`` says why not all of them ended."""

    jobs: tuple[str, ...]
    reason: str = ""


class Unfrozen(_Event):
    """The unfreeze tasks ran to their end."""


@dataclass(frozen=True)
class UnfreezeFailed(_Event):
    """The unfreeze tasks failed."""

    reason: str


class Completed(_Event):
    """The switch tasks ran to their end."""


@dataclass(frozen=True)
class RunDied(_Event):
    """The process ``of`` a run, or of recover, is gone; ``by`` is its guard."""

    of: Owner


@dataclass(frozen=True)
class TimeUp(_Event):
    """The longest outage that is allowed is over for the run ``of``; ``by`` is its guard."""

    of: Owner


Event: TypeAlias = Enter | GateEnded | Stopped | Failed | Unfrozen | UnfreezeFailed | Completed | RunDied | TimeUp


def begin(earlier: Journal | None, plan: Plan, by: Owner, at: float, *, owner_lives: bool) -> Move:
    """Decide what a new run does with the journal that it found; ``owner_lives`` tells whether its owner still runs."""
    fresh = Journal(plan, by)
    if earlier is None:
        return Move(fresh, Next.PROCEED)
    if sorted(earlier.plan.jobs) != sorted(plan.jobs):
        jobs = ", ".join(earlier.plan.jobs)
        message = f"The journal belongs to a cutover of other jobs: {jobs}. Set another drs_cutover_state_file."
        return Move(earlier, Next.REFUSE, message)
    if earlier.outcome is None and owner_lives:
        return Move(earlier, Next.REFUSE, busy(earlier))
    if earlier.switched:
        lasting = "" if earlier.outcome is Outcome.DONE and not earlier.failed_in else still_copying(earlier)
        return Move(earlier, Next.STOP, lasting)
    if earlier.switching:
        return Move(earlier, Next.REFUSE, "An earlier run failed, or was interrupted, during the switch.")
    if earlier.frozen:
        # The outage goes on since that run; whatever ends this one before the switch unfreezes.
        return Move(
            replace(fresh, frozen_since=earlier.frozen_since, deadline=at + plan.max_outage),
            Next.PROCEED,
            f"An earlier run was interrupted in the stage {earlier.stage} and left the source frozen.",
        )
    return Move(fresh, Next.PROCEED)


def recover(earlier: Journal | None, by: Owner, at: float, *, owner_lives: bool) -> Move | None:
    """Decide whether the source has to be unfrozen; None if there is no journal."""
    if earlier is None:
        return None
    if earlier.outcome is None and owner_lives:
        return Move(earlier, Next.REFUSE, busy(earlier))
    if earlier.switching and not earlier.switched:
        message = "The switch has begun, so both sides may have been changed. Nothing is undone automatically."
        return Move(earlier, Next.REFUSE, message)
    if not earlier.frozen:
        return Move(earlier, Next.STOP, "Nothing is frozen.")
    taken = replace(earlier, owner=by, outcome=None, attempts=0, unfreeze_failure="")
    return _unfreeze(_break_off(taken, at, "The run ended and nobody unfroze the source"), by, at)


def busy(journal: Journal) -> str:
    """Say who owns the journal and in which stage the cutover is."""
    return f"Another run owns this cutover: {journal.owner}, in the stage {journal.stage}."


def advance(journal: Journal, event: Event) -> Move:
    """Apply one event of a cutover."""
    if isinstance(event, (RunDied, TimeUp)):
        return _take_over(journal, event)
    if event.by != journal.owner:
        return _not_yours(journal, event)
    handle: Callable[[Journal, Any], Move] = _HANDLERS[type(event)]
    return handle(journal, event)


def _not_yours(journal: Journal, event: Event) -> Move:
    """Answer a run that no longer owns the journal: it may only learn how things ended."""
    role = journal.owner.role if journal.owner else Role.RUN
    owner = "another run" if role is Role.RUN else role.words
    why = journal.failure or "The run was taken for dead."
    if isinstance(event, Failed):
        if journal.outcome is None and journal.unfreezing:
            return Move(journal, Next.WAIT, f"{owner.capitalize()} is unfreezing the source.")
        return Move(journal, Next.STOP, f"{owner.capitalize()} has taken over: {why}")
    message = f"This run no longer owns the cutover, {owner} has taken over: {why} Nothing more is run."
    return Move(journal, Next.REFUSE, message)


def _enter(journal: Journal, event: Enter) -> Move:
    if journal.outcome or journal.unfreezing:
        return Move(journal, Next.REFUSE, f"The stage {event.stage} cannot begin: the cutover has ended.")
    done = len(journal.entries)
    expected = journal.plan.stages[done] if done < len(journal.plan.stages) else "the end"
    if event.stage != expected:
        return Move(journal, Next.REFUSE, f"The stage {event.stage} cannot begin: the next one is {expected}.")
    if journal.failed_in:
        return Move(journal, Next.REFUSE, f"The stage {event.stage} cannot begin: {journal.failure}")
    last = journal.entries[-1] if journal.entries else None
    if last is not None and last.ended is None and STAGES[last.name].own:
        return Move(journal, Next.REFUSE, f"The stage {event.stage} cannot begin: {last.name} did not succeed.")
    if journal.deadline is not None and not journal.switching and event.at >= journal.deadline:
        return Move(journal, Next.REFUSE, f"The outage reached drs_cutover_max_outage ({journal.plan.max_outage:g} s).")
    stage = STAGES[event.stage]
    # Of jobs that have ended nothing changes any more; after the switch there is nothing to wait for.
    if stage.needs_evidence and not journal.switching and not journal.all_stopped:
        evidence = journal.evidence
        if evidence is None:
            return Move(journal, Next.REFUSE, f"The stage {event.stage} cannot begin: no gate was ready.")
        if evidence.used or event.at >= evidence.valid_until:
            return Move(journal, Next.SAMPLE, "The verdict of the last gate can no longer be trusted.")
    if stage.takes_time and journal.evidence is not None:
        journal = replace(journal, evidence=replace(journal.evidence, used=True))
    if stage.name == "freeze":
        # What opened the gate before it says nothing about the time after it.
        journal = replace(journal, evidence=None)
    if stage.frozen and journal.frozen_since is None and not journal.switching:
        journal = replace(journal, frozen_since=event.at, deadline=event.at + journal.plan.max_outage)
    entry = Entry(event.stage, "running", event.at, event.by.role)
    # A stage lasts until the next one begins, so that the times of the stages add up to the outage.
    before = tuple(replace(done, state="ok", ended=max(event.at, done.began)) for done in journal.entries[-1:])
    entries = (*journal.entries[:-1], *before, entry)
    return Move(replace(journal, entries=entries), Next.PROCEED)


def _gate_ended(journal: Journal, event: GateEnded) -> Move:
    running = journal.running
    if journal.outcome or journal.failed_in or journal.switching:
        return Move(journal, Next.REFUSE, f"The verdict of the {event.gate} gate came too late.")
    if event.gate != "recheck" and (running is None or running.name != event.gate):
        return Move(journal, Next.REFUSE, f"The {event.gate} gate has not begun.")
    if not event.ready or event.valid_until is None:
        broken = _break_off(journal, event.at, event.reason)
        return Move(replace(broken, evidence=None), Next.REFUSE, event.reason)
    entries = journal.entries if event.gate == "recheck" else _ended(journal.entries, "ok", event.at)
    evidence = Evidence(event.gate, event.valid_until)
    return Move(replace(journal, entries=entries, evidence=evidence), Next.PROCEED)


def _stopped(journal: Journal, event: Stopped) -> Move:
    running = journal.running
    if running is None or running.name != "stop":
        return Move(journal, Next.REFUSE, "No stop of the jobs is under way.")
    journal = replace(journal, stopped=event.jobs)
    if event.reason or not journal.all_stopped:
        broken = _break_off(journal, event.at, event.reason or "Not all jobs have ended")
        return Move(replace(broken, evidence=None), Next.REFUSE, broken.failure)
    return Move(replace(journal, entries=_ended(journal.entries, "ok", event.at)), Next.PROCEED)


def _failed(journal: Journal, event: Failed) -> Move:
    if journal.outcome:
        return Move(journal, Next.STOP)
    if journal.unfreezing:
        return _unfreeze_failed(journal, UnfreezeFailed(event.by, event.at, event.reason))
    return _abort(journal, event.by, event.at, event.reason)


def _abort(journal: Journal, by: Owner, at: float, reason: str) -> Move:
    """End a cutover that cannot go on, in the way that its stage asks for."""
    journal = _break_off(journal, at, reason)
    if journal.switched:
        # Only the stop of the jobs came after it, and undoes nothing.
        return Move(replace(journal, outcome=Outcome.DONE), Next.STOP)
    if journal.switching:
        return Move(replace(journal, outcome=Outcome.SWITCH_FAILED), Next.STOP)
    if not journal.frozen:
        return Move(replace(journal, outcome=Outcome.NOT_BEGUN), Next.STOP)
    return _unfreeze(journal, by, at)


def _unfreeze(journal: Journal, by: Owner, at: float) -> Move:
    if not journal.plan.unfreeze_tasks:
        return Move(replace(journal, outcome=Outcome.FROZEN), Next.STOP)
    # The stage that failed lasted until now, so that the times add up.
    entries = tuple(replace(entry, ended=max(at, entry.began)) for entry in journal.entries[-1:])
    entries = (*journal.entries[:-1], *entries, Entry(UNFREEZE, "running", at, by.role))
    begun = replace(journal, entries=entries, attempts=journal.attempts + 1, evidence=None)
    return Move(begun, Next.UNFREEZE)


def _unfrozen(journal: Journal, event: Unfrozen) -> Move:
    if journal.outcome or not journal.unfreezing:
        return Move(journal, Next.REFUSE, "No unfreeze is under way.")
    entries = _ended(journal.entries, "ok", event.at)
    return Move(
        replace(journal, entries=entries, outcome=Outcome.UNFROZEN, unfrozen_by=event.by.role, owner=event.by),
        Next.STOP,
    )


def _unfreeze_failed(journal: Journal, event: UnfreezeFailed) -> Move:
    if journal.outcome or not journal.unfreezing:
        return Move(journal, Next.REFUSE, "No unfreeze is under way.")
    entries = _ended(journal.entries, "failed", event.at)
    journal = replace(journal, entries=entries)
    if event.by.role is Role.GUARD and journal.attempts < GUARD_ATTEMPTS:
        return _unfreeze(journal, event.by, event.at)
    failure = sentence(event.reason) or NO_REASON
    return Move(replace(journal, unfreeze_failure=failure, outcome=Outcome.FROZEN), Next.STOP)


def _completed(journal: Journal, event: Completed) -> Move:
    last = journal.entries[-1] if journal.entries else None
    if journal.outcome or journal.failed_in or last is None or last.name != journal.plan.stages[-1]:
        why = "The last stage has not begun, or failed." if journal.switching else "The switch has not begun."
        return Move(journal, Next.REFUSE, why)
    if last.ended is None and STAGES[last.name].own:
        return Move(journal, Next.REFUSE, f"The stage {last.name} has not ended.")
    entries = _ended(journal.entries, "ok", event.at)
    return Move(replace(journal, entries=entries, outcome=Outcome.DONE), Next.STOP)


def _take_over(journal: Journal, event: RunDied | TimeUp) -> Move:
    """Let the guard act if the run cannot, or takes too long."""
    if journal.outcome or journal.owner != event.of:
        return Move(journal, Next.STOP)
    if isinstance(event, TimeUp):
        # Before the freeze there is no outage; the switch is never undone; an unfreeze is already under way.
        late = journal.deadline is not None and event.at >= journal.deadline
        if not late or not journal.frozen or journal.unfreezing:
            return Move(journal, Next.STOP)
        reason = (
            f"The outage reached drs_cutover_max_outage ({journal.plan.max_outage:g} s) in the stage {journal.stage}."
        )
    else:
        reason = f"The run ended in the stage {journal.stage} without a word."
    return _abort(replace(journal, owner=event.by, attempts=0), event.by, event.at, reason)


def _break_off(journal: Journal, at: float, reason: str) -> Journal:
    """Mark the running stage as failed; the first failure is the one that counts."""
    entries = _ended(journal.entries, "failed", at)
    if journal.failed_in:
        return replace(journal, entries=entries)
    return replace(journal, entries=entries, failure=sentence(reason) or NO_REASON, failed_in=journal.stage)


def _ended(entries: tuple[Entry, ...], state: str, at: float) -> tuple[Entry, ...]:
    """The entries with the running one ended; a clock that was set back gives no negative time."""
    if not entries or entries[-1].ended is not None:
        return entries
    return (*entries[:-1], replace(entries[-1], state=state, ended=max(at, entries[-1].began)))


_HANDLERS: dict[type, Callable[[Journal, Any], Move]] = {
    Enter: _enter,
    GateEnded: _gate_ended,
    Stopped: _stopped,
    Failed: _failed,
    Unfrozen: _unfrozen,
    UnfreezeFailed: _unfreeze_failed,
    Completed: _completed,
}
