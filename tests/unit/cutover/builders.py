# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals, owners and events in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    Completed,
    Enter,
    Event,
    Failed,
    GateEnded,
    Rehearsed,
    RunDied,
    Stopped,
    TimeUp,
    UnfreezeFailed,
    Unfrozen,
    Unrenewed,
    advance,
    begin,
    unfreeze_again,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import (
    Journal,
    Move,
    Next,
    Owner,
    Plan,
    Process,
    Role,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES

ALL = tuple(STAGES)
SHORT = ("approach", "freeze", "final", "verify", "switch")
MAX_OUTAGE = 100.0
VALID_FOR = 60.0
LEASE = 30.0
UNFREEZE_FOR = 300.0


def owner(role: Role, pid: int, user: str = "ann") -> Owner:
    """Return an owner that is like no other one."""
    return Owner(role, f"{pid:08x}", "db1", user, "here", pid, Process(pid + 1, "1", "boot 1"))


RUN, OTHER = owner(Role.RUN, 10), owner(Role.RUN, 20, "bob")
WATCH, RECOVER = owner(Role.WATCH, 30), owner(Role.RECOVER, 40)


def plan(
    stages: tuple[str, ...] = SHORT,
    unfreeze: str = "unfreeze.yml",
    jobs: tuple[str, ...] = ("a", "b"),
    rehearses: bool = True,
) -> Plan:
    """Return a plan."""
    return Plan("c1", jobs, stages, "db1", "/play", unfreeze, MAX_OUTAGE, LEASE, UNFREEZE_FOR, rehearses)


class Cutover:
    """A cutover to which events happen, one second after the other unless a test says otherwise."""

    def __init__(self, journal: Journal | None = None, at: float = 1000.0) -> None:
        self.at = at
        self.journal = journal or begin(None, plan(), RUN, at, owner_lives=False).journal
        self.moves: list[Move] = []

    def happens(self, event: Event) -> Move:
        return self._moved(advance(self.journal, event))

    def _moved(self, move: Move) -> Move:
        self.journal = move.journal
        self.moves.append(move)
        return move

    def later(self, seconds: float = 1.0) -> float:
        self.at += seconds
        return self.at

    def enter(self, stage: str, after: float = 1.0, keep: Mapping[str, Any] | None = None, **unwatched: Any) -> Move:
        return self.happens(Enter(self.later(after), stage, keep=keep, **unwatched))

    def judged(self, gate: str, ready: bool = True, valid: float = VALID_FOR) -> Move:
        at = self.later()
        return self.happens(GateEnded(at, gate, ready, "" if ready else "Delay 9 s.", at + valid if ready else None))

    def rehearsed(self, reason: str = "") -> Move:
        return self.happens(Rehearsed(self.later(), reason))

    def stopped(self, *jobs: str, reason: str = "") -> Move:
        return self.happens(Stopped(self.later(), jobs, reason))

    def failed(self, reason: str = "A task failed.") -> Move:
        return self.happens(Failed(self.later(), reason))

    def unfrozen(self, again: bool = False) -> Move:
        return self.happens(Unfrozen(self.later(), again))

    def unfreeze_failed(self, reason: str = "No route.", after: float = 1.0) -> Move:
        return self.happens(UnfreezeFailed(self.later(after), reason))

    def unfreezes_again(self) -> Move:
        return self._moved(unfreeze_again(self.journal, self.later()))

    def gives_up(self, reason: str = "No route.") -> Move:
        return self.unfreeze_failed(reason, after=UNFREEZE_FOR)

    def completed(self) -> Move:
        return self.happens(Completed(self.later()))

    def died(self, acting: bool = False) -> Move:
        return self.happens(RunDied(self.later(), acting))

    def time_up(self, after: float = MAX_OUTAGE, acting: bool = False) -> Move:
        return self.happens(TimeUp(self.later(after), acting))

    def unrenewed(self, seconds: float = 20.0) -> Move:
        return self.happens(Unrenewed(self.later(), seconds))

    def until(self, last: str) -> Cutover:
        """Go on to the stage ``last``, every gate and task before it successful."""
        stages = self.journal.plan.stages
        for stage in stages[: stages.index(last) + 1]:
            move = self.enter(stage)
            if move.next is Next.SAMPLE:
                self.judged("recheck")
                move = self.enter(stage)
            assert move.next is Next.GO_ON, move
            if STAGES[stage].gate and stage != last:
                self.judged(stage)
            elif stage == "stop" and stage != last:
                self.stopped(*self.journal.plan.jobs)
        return self


def a_cutover(last: str = "", **options: Any) -> Cutover:
    """Return a cutover in the stage ``last``, or one that has just begun; the unfreeze was rehearsed."""
    cutover = Cutover(Journal(plan(**options), RUN, rehearsal=""))
    return cutover.until(last) if last else cutover


def ended(last: str, *ways: str, unfreeze: str = "unfreeze.yml") -> Journal:
    """Return the journal of a cutover that came to the stage ``last``, and to which these things happened there."""
    cutover = a_cutover(last, unfreeze=unfreeze)
    for way in ways:
        getattr(cutover, way)()
    return cutover.journal
