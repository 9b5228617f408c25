# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide what a cutover does next: a journal and an event in, a journal and what it leads to out.

No clock, no files, no network, no Ansible. Times are epoch seconds. A guard (``plugin_utils/_guard``) applies the
events one by one. It believes a journal only once its store has taken it as the next version, so that of two guards
that decide at the same time one loses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._job.text import sentence
from .journal import Entry, Evidence, Journal, Move, Next, Outcome, Owner, Plan, Role
from .stages import STAGES, UNFREEZE
from .wording import of_other_jobs, since, still_copying

NO_REASON = "No reason was recorded."
# Seconds of rest before the unfreeze is tried again: at first, and at most.
_REST, _LONGEST_REST = 3.0, 60.0
# Seconds after an unfreeze until it is run once more, for freeze tasks that may still have acted on other hosts.
AGAIN_AFTER = 30.0


@dataclass(frozen=True)
class Event:
    """Something that happened, at ``at`` (epoch seconds)."""

    at: float


@dataclass(frozen=True)
class Rehearsed(Event):
    """The rehearsal of the unfreeze ended; ``reason`` says why it failed, empty if it did not."""

    reason: str


@dataclass(frozen=True)
class Enter(Event):
    """A stage is about to begin, which ends the one before.

    ``unwatched`` is why nothing would survive this run, in a sentence; empty if something would. ``patient`` is whether that may
    still change. ``keep`` is what the freeze found, if it is known.
    """

    stage: str
    unwatched: str = ""
    patient: bool = False
    keep: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class GateEnded(Event):
    """A gate gave its verdict. ``gate`` is the stage, or ``recheck`` for one more sample before a stage.

    ``sample`` is what it saw last, for people.
    """

    gate: str
    ready: bool
    reason: str
    valid_until: float | None = None
    sample: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Failed(Event):
    """Something failed: a task, a gate, an answer, the role's own bookkeeping."""

    reason: str


@dataclass(frozen=True)
class Stopped(Event):
    """The stage ``stop`` ended: these jobs cannot be resumed; ``reason`` says why not all of them ended."""

    jobs: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class Unfrozen(Event):
    """The unfreeze tasks ran to their end. ``again``: freeze tasks may have acted since they began."""

    again: bool = False


@dataclass(frozen=True)
class UnfreezeFailed(Event):
    """The unfreeze tasks failed."""

    reason: str


class Completed(Event):
    """The switch tasks ran to their end."""


@dataclass(frozen=True)
class RunDied(Event):
    """The run is gone, or left this host behind. ``acting``: freeze tasks may still be acting somewhere."""

    acting: bool = False


@dataclass(frozen=True)
class TimeUp(Event):
    """The longest outage that is allowed is over. ``acting``: freeze tasks may still be acting somewhere."""

    acting: bool = False


@dataclass(frozen=True)
class Unrenewed(Event):
    """The guard could not renew its lease for ``seconds``: soon another one may take the cutover for dead.

    ``acting``: freeze tasks may still be acting somewhere.
    """

    seconds: float
    acting: bool = False


def begin(
    earlier: Journal | None,
    plan: Plan,
    owner: Owner,
    at: float,
    *,
    owner_lives: bool,
    keep: Mapping[str, Any] | None = None,
) -> Move:
    """Decide what a new run does with the journal that it found; ``owner_lives`` tells whether its owner still lives."""
    fresh = Journal(plan, owner, keep=keep or {})
    if earlier is None:
        return Move(fresh, Next.GO_ON)
    if other := of_other_jobs(earlier, plan.jobs):
        return Move(earlier, Next.REFUSED, other)
    if earlier.outcome is None and owner_lives:
        return Move(earlier, Next.REFUSED, busy(earlier))
    if earlier.switched:
        lasting = "" if earlier.outcome is Outcome.DONE and not earlier.failed_in else still_copying(earlier)
        return Move(earlier, Next.ENDED, lasting)
    if earlier.switching:
        return Move(earlier, Next.REFUSED, "An earlier run failed, or was interrupted, during the switch.")
    if earlier.frozen:
        # The outage goes on since that run; whatever ends this one before the switch unfreezes.
        return Move(
            replace(fresh, frozen_since=_frozen_since(earlier, at), deadline=at + plan.max_outage, keep=earlier.keep),
            Next.GO_ON,
            f"An earlier run was interrupted in the stage {earlier.stage} and left the source{since(earlier).removeprefix(',')}.",
        )
    return Move(fresh, Next.GO_ON)


def take_over(earlier: Journal, owner: Owner, at: float, *, acting: bool, acted: bool = False) -> Move:
    """Decide whether ``watch`` or ``recover`` unfreezes what an owner that is gone has left.

    ``acting``: freeze tasks may still be acting on another machine. ``acted``: the run of this cutover says that they may
    have acted after it was unfrozen, so that it is unfrozen once more.
    """
    if acted and unfrozen_under_the_freeze(earlier):
        earlier = replace(earlier, outcome=None)
    if earlier.switching and not earlier.switched:
        message = "The switch has begun, so both sides may have been changed. Nothing is undone automatically."
        return Move(earlier, Next.REFUSED, message)
    if not earlier.frozen:
        return Move(earlier, Next.ENDED, "Nothing is frozen.")
    taken = replace(
        earlier, owner=owner, frozen_since=_frozen_since(earlier, at), outcome=None, attempts=0, unfreeze_failure=""
    )
    # Also if a guard that was lost meanwhile had begun to undo that stage.
    acting = acting and (earlier.failed_in or earlier.stage) == "freeze"
    reason = f"The run was lost in the stage {earlier.stage}, and its guard with it"
    return _unfreeze(_break_off(replace(taken, again=acting or earlier.again), at, reason), at)


def _frozen_since(earlier: Journal, at: float) -> float:
    """Return since when the source is frozen, by the clock of who acts now: that of the machine before may be ahead."""
    return at if earlier.frozen_since is None else min(earlier.frozen_since, at)


def unfrozen_under_the_freeze(journal: Journal) -> bool:
    """Tell whether another guard unfroze the source while the freeze tasks of a run may have gone on."""
    return journal.outcome is Outcome.UNFROZEN and journal.failed_in == "freeze"


def busy(journal: Journal) -> str:
    """Say who owns the journal, since when, and in which stage the cutover is."""
    return f"Another run owns this cutover: {journal.owner}, in the stage {journal.stage}{since(journal)}."


def rest(attempts: int) -> float:
    """Return the seconds of rest before the unfreeze is tried again."""
    return min(_LONGEST_REST, _REST * 2.0 ** min(10, max(1, attempts) - 1))


def advance(journal: Journal, event: Event) -> Move:
    """Apply one event of a cutover."""
    handle: Callable[[Journal, Any], Move] = _HANDLERS[type(event)]
    return handle(journal, event)


def _rehearsed(journal: Journal, event: Rehearsed) -> Move:
    return Move(replace(journal, rehearsal=event.reason), Next.GO_ON)


def _not_ready_to_freeze(journal: Journal, event: Enter) -> Move | None:
    """Return why the source may not be frozen yet: nobody has shown yet that it could be unfrozen."""
    if journal.frozen_since is not None:
        return None
    if journal.plan.unfreeze_tasks and journal.plan.rehearses:
        if journal.rehearsal is None:
            return Move(journal, Next.WAIT, "The guard rehearses the unfreeze.")
        if journal.rehearsal:
            message = (
                f"The rehearsal of the unfreeze in check mode failed, so nothing was frozen: {sentence(journal.rehearsal)} "
                "Correct the unfreeze tasks or give them what they need by drs_cutover_unfreeze_vars; set "
                "drs_cutover_rehearse_unfreeze to false if they cannot run in check mode."
            )
            return Move(journal, Next.REFUSED, message)
    if event.unwatched:
        return Move(journal, Next.WAIT if event.patient else Next.REFUSED, event.unwatched)
    return None


def _why_not(journal: Journal, stage: str) -> str:
    """Return why a stage cannot begin after those before it, empty if it can."""
    if journal.outcome or journal.unfreezing:
        return "the cutover has ended."
    expected = [*journal.plan.stages, "the end"][len(journal.entries)]
    if stage != expected:
        return f"the next one is {expected}."
    if journal.failed_in:
        return journal.failure
    running = journal.running
    return f"{running.name} did not succeed." if running and STAGES[running.name].own else ""


def _enter(journal: Journal, event: Enter) -> Move:
    if why := _why_not(journal, event.stage):
        return Move(journal, Next.REFUSED, f"The stage {event.stage} cannot begin: {why}")
    if journal.deadline is not None and not journal.switching and event.at >= journal.deadline:
        return Move(
            journal, Next.REFUSED, f"The outage reached drs_cutover_max_outage ({journal.plan.max_outage:g} s)."
        )
    stage = STAGES[event.stage]
    if (stage.frozen or stage.name == "confirm_freeze") and (waits := _not_ready_to_freeze(journal, event)):
        return waits
    # Of jobs that have ended nothing changes any more; after the switch there is nothing to wait for.
    if stage.needs_evidence and not journal.switching and not journal.all_stopped:
        evidence = journal.evidence
        if evidence is None:
            return Move(journal, Next.REFUSED, f"The stage {event.stage} cannot begin: no gate was ready.")
        if evidence.used or event.at >= evidence.valid_until:
            return Move(journal, Next.SAMPLE, "The verdict of the last gate can no longer be trusted.")
    if stage.takes_time and journal.evidence is not None:
        journal = replace(journal, evidence=replace(journal.evidence, used=True))
    if stage.name == "freeze":
        # What opened the gate before it says nothing about the time after it.
        journal = replace(journal, evidence=None)
    if stage.frozen and journal.frozen_since is None and not journal.switching:
        journal = replace(journal, frozen_since=event.at, deadline=event.at + journal.plan.max_outage)
    if event.keep is not None and not journal.inherited:
        journal = replace(journal, keep=event.keep)
    # A stage lasts until the next one begins, so that the times of the stages add up to the outage.
    before = _until(journal.entries, event.at, "ok")
    entries = (*before, Entry(event.stage, "running", event.at, Role.RUN))
    return Move(replace(journal, entries=entries), Next.GO_ON)


def _gate_ended(journal: Journal, event: GateEnded) -> Move:
    running = journal.running
    if journal.outcome or journal.failed_in or journal.switching:
        return Move(journal, Next.REFUSED, f"The verdict of the {event.gate} gate came too late.")
    if event.gate != "recheck" and (running is None or running.name != event.gate):
        return Move(journal, Next.REFUSED, f"The {event.gate} gate has not begun.")
    journal = replace(journal, sample=event.sample)
    if not event.ready or event.valid_until is None:
        broken = _break_off(journal, event.at, event.reason)
        return Move(replace(broken, evidence=None), Next.REFUSED, event.reason)
    entries = journal.entries if event.gate == "recheck" else _ended(journal.entries, "ok", event.at)
    evidence = Evidence(event.gate, event.valid_until)
    return Move(replace(journal, entries=entries, evidence=evidence), Next.GO_ON)


def _stopped(journal: Journal, event: Stopped) -> Move:
    running = journal.running
    if running is None or running.name != "stop":
        return Move(journal, Next.REFUSED, "No stop of the jobs is under way.")
    journal = replace(journal, stopped=event.jobs)
    if event.reason or not journal.all_stopped:
        broken = _break_off(journal, event.at, event.reason or "Not all jobs have ended")
        return Move(replace(broken, evidence=None), Next.REFUSED, broken.failure)
    return Move(replace(journal, entries=_ended(journal.entries, "ok", event.at)), Next.GO_ON)


def _failed(journal: Journal, event: Failed) -> Move:
    return _abort(journal, event.at, event.reason)


def _abort(journal: Journal, at: float, reason: str, *, acting: bool = False) -> Move:
    """End a cutover that cannot go on, in the way that its stage asks for."""
    if journal.outcome:
        return Move(journal, Next.ENDED)
    if journal.unfreezing:
        return Move(journal, Next.WAIT)
    acting = acting and journal.stage == "freeze"
    journal = _break_off(journal, at, reason)
    if journal.switched:
        # Only the stop of the jobs came after it, and undoes nothing.
        return Move(replace(journal, outcome=Outcome.DONE), Next.ENDED)
    if journal.switching:
        return Move(replace(journal, outcome=Outcome.SWITCH_FAILED), Next.ENDED)
    if not journal.frozen:
        return Move(replace(journal, outcome=Outcome.NOT_BEGUN), Next.ENDED)
    return _unfreeze(replace(journal, again=acting), at)


def _unfreeze(journal: Journal, at: float) -> Move:
    """Begin the unfreeze, or another attempt at it: written before it runs, so that no two guards try at once."""
    if not journal.plan.unfreeze_tasks:
        return Move(replace(journal, outcome=Outcome.FROZEN), Next.ENDED)
    entries = journal.entries
    if not journal.unfreezing:
        # The stage that failed lasted until now, so that the times add up.
        entries = _until(entries, at)
    if not journal.unfreezing or journal.running is None:
        # Also after an owner that gave up or was lost: the attempts of this one are a stage of their own.
        entries = (*entries, Entry(UNFREEZE, "running", at, _unfreezer(journal)))
    begun = replace(journal, entries=entries, attempts=journal.attempts + 1, evidence=None)
    return Move(begun, Next.UNFREEZE)


def _unfreezer(journal: Journal) -> Role:
    """Return who unfreezes for the owner: for a run its guard does."""
    role = journal.owner.role if journal.owner else Role.RUN
    return Role.GUARD if role is Role.RUN else role


def _unfrozen(journal: Journal, event: Unfrozen) -> Move:
    if journal.outcome or not journal.unfreezing:
        return Move(journal, Next.REFUSED, "No unfreeze is under way.")
    if journal.again or event.again:
        # What the freeze tasks did meanwhile is undone by the next one.
        return Move(replace(journal, again=False, unfreeze_failure=""), Next.WAIT)
    entries = _ended(journal.entries, "ok", event.at)
    unfrozen = replace(journal, entries=entries, outcome=Outcome.UNFROZEN, unfreeze_failure="")
    return Move(replace(unfrozen, unfrozen_by=_unfreezer(journal)), Next.ENDED)


def _unfreeze_failed(journal: Journal, event: UnfreezeFailed) -> Move:
    if journal.outcome or not journal.unfreezing:
        return Move(journal, Next.REFUSED, "No unfreeze is under way.")
    failed = replace(journal, unfreeze_failure=sentence(event.reason) or NO_REASON)
    began = journal.running.began if journal.running else event.at
    if event.at + rest(journal.attempts) < began + journal.plan.unfreeze_for:
        return Move(failed, Next.WAIT)
    entries = _ended(journal.entries, "failed", event.at)
    return Move(replace(failed, entries=entries, outcome=Outcome.FROZEN), Next.ENDED)


def unfreeze_again(journal: Journal, at: float) -> Move:
    """Begin the next attempt to unfreeze, after a rest."""
    if journal.outcome or not journal.unfreezing:
        return Move(journal, Next.REFUSED, "No unfreeze is under way.")
    return _unfreeze(journal, at)


def _completed(journal: Journal, event: Completed) -> Move:
    if journal.outcome or journal.failed_in or journal.stage != journal.plan.stages[-1]:
        why = "The last stage has not begun, or failed." if journal.switching else "The switch has not begun."
        return Move(journal, Next.REFUSED, why)
    if journal.running and STAGES[journal.stage].own:
        return Move(journal, Next.REFUSED, f"The stage {journal.stage} has not ended.")
    entries = _ended(journal.entries, "ok", event.at)
    return Move(replace(journal, entries=entries, outcome=Outcome.DONE), Next.ENDED)


def _run_died(journal: Journal, event: RunDied) -> Move:
    return _abort(journal, event.at, f"The run died during the {journal.stage} stage.", acting=event.acting)


def _time_up(journal: Journal, event: TimeUp) -> Move:
    # Before the freeze there is no outage; the switch is never undone; an unfreeze is already under way.
    late = journal.deadline is not None and event.at >= journal.deadline
    if journal.outcome or not late or not journal.frozen or journal.unfreezing:
        return Move(journal, Next.GO_ON)
    reason = f"The outage reached drs_cutover_max_outage ({journal.plan.max_outage:g} s) in the stage {journal.stage}."
    return _abort(journal, event.at, reason, acting=event.acting)


def _unrenewed(journal: Journal, event: Unrenewed) -> Move:
    if journal.outcome or journal.unfreezing or not journal.frozen:
        return Move(journal, Next.GO_ON)
    reason = (
        f"The journal could not be written for {event.seconds:.0f} s in the stage {journal.stage}, so another machine may soon "
        "take this cutover for dead."
    )
    return _abort(journal, event.at, reason, acting=event.acting)


def _break_off(journal: Journal, at: float, reason: str) -> Journal:
    """Mark the running stage as failed; the first failure is the one that counts."""
    entries = _ended(journal.entries, "failed", at)
    if journal.failed_in:
        return replace(journal, entries=entries)
    return replace(journal, entries=entries, failure=sentence(reason) or NO_REASON, failed_in=journal.stage)


def _ended(entries: tuple[Entry, ...], state: str, at: float) -> tuple[Entry, ...]:
    """The entries with the running one, if there is one, ended."""
    return _until(entries, at, state) if entries and entries[-1].ended is None else entries


def _until(entries: tuple[Entry, ...], at: float, state: str = "") -> tuple[Entry, ...]:
    """The entries with the last one until ``at``; a clock that was set back gives no negative time."""
    last = [replace(entry, ended=max(at, entry.began), state=state or entry.state) for entry in entries[-1:]]
    return (*entries[:-1], *last)


_HANDLERS: dict[type, Callable[[Journal, Any], Move]] = {
    Rehearsed: _rehearsed,
    Enter: _enter,
    GateEnded: _gate_ended,
    Failed: _failed,
    Stopped: _stopped,
    Unfrozen: _unfrozen,
    UnfreezeFailed: _unfreeze_failed,
    Completed: _completed,
    RunDied: _run_died,
    TimeUp: _time_up,
    Unrenewed: _unrenewed,
}
