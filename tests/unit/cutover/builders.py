# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals, owners and events in a few words."""

from __future__ import annotations

from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    Completed,
    Enter,
    Event,
    Failed,
    GateEnded,
    RunDied,
    Stopped,
    TimeUp,
    UnfreezeFailed,
    Unfrozen,
    advance,
    begin,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import (
    STAGES,
    Journal,
    Move,
    Next,
    Owner,
    Plan,
    Role,
)

ALL = tuple(STAGES)
SHORT = ("approach", "freeze", "final", "verify", "switch")
MAX_OUTAGE = 100.0
VALID_FOR = 60.0

RUN = Owner(Role.RUN, "here", "boot", 10, "1", "db1", "ann")
GUARD = Owner(Role.GUARD, "here", "boot", 11, "2", "db1")
OTHER = Owner(Role.RUN, "here", "boot", 20, "3", "db1", "bob")
RECOVER = Owner(Role.RECOVER, "here", "boot", 30, "4", "db1")


def plan(stages: tuple[str, ...] = SHORT, unfreeze: str = "unfreeze.yml", jobs: tuple[str, ...] = ("a", "b")) -> Plan:
    """Return a plan."""
    return Plan(jobs, stages, unfreeze, MAX_OUTAGE)


class Cutover:
    """A cutover to which events happen, one second after the other unless a test says otherwise."""

    def __init__(self, journal: Journal | None = None, by: Owner = RUN, at: float = 1000.0) -> None:
        self.at = at
        self.by = by
        self.journal = journal or begin(None, plan(), by, at, owner_lives=False).journal
        self.moves: list[Move] = []

    def happens(self, event: Event) -> Move:
        move = advance(self.journal, event)
        self.journal = move.journal
        self.moves.append(move)
        return move

    def later(self, seconds: float = 1.0) -> float:
        self.at += seconds
        return self.at

    def enter(self, stage: str, by: Owner | None = None, after: float = 1.0) -> Move:
        return self.happens(Enter(by or self.by, self.later(after), stage))

    def judged(self, gate: str, ready: bool = True, by: Owner | None = None, valid: float = VALID_FOR) -> Move:
        at = self.later()
        return self.happens(
            GateEnded(by or self.by, at, gate, ready, "" if ready else "Delay 9 s.", at + valid if ready else None)
        )

    def stopped(self, *jobs: str, reason: str = "", by: Owner | None = None) -> Move:
        return self.happens(Stopped(by or self.by, self.later(), jobs, reason))

    def failed(self, reason: str = "A task failed.", by: Owner | None = None) -> Move:
        return self.happens(Failed(by or self.by, self.later(), reason))

    def unfrozen(self, by: Owner | None = None) -> Move:
        return self.happens(Unfrozen(by or self.by, self.later()))

    def unfreeze_failed(self, reason: str = "No route.", by: Owner | None = None) -> Move:
        return self.happens(UnfreezeFailed(by or self.by, self.later(), reason))

    def completed(self, by: Owner | None = None) -> Move:
        return self.happens(Completed(by or self.by, self.later()))

    def died(self, by: Owner = GUARD) -> Move:
        return self.happens(RunDied(by, self.later(), self.by))

    def time_up(self, by: Owner = GUARD, after: float = MAX_OUTAGE) -> Move:
        return self.happens(TimeUp(by, self.later(after), self.by))

    def until(self, last: str) -> Cutover:
        """Go on to the stage ``last``, every gate and task before it successful."""
        stages = self.journal.plan.stages
        for stage in stages[: stages.index(last) + 1]:
            move = self.enter(stage)
            if move.next is Next.SAMPLE:
                self.judged("recheck")
                move = self.enter(stage)
            assert move.next is Next.PROCEED, move
            if STAGES[stage].gate and stage != last:
                self.judged(stage)
            elif stage == "stop" and stage != last:
                self.stopped(*self.journal.plan.jobs)
        return self


def a_cutover(last: str = "", **options: Any) -> Cutover:
    """Return a cutover in the stage ``last``, or one that has just begun."""
    cutover = Cutover(Journal(plan(**options), RUN))
    return cutover.until(last) if last else cutover
