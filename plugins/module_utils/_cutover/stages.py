# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cutover is: its stages, who acts, and the journal that says how far it has come. Values only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Stage:
    """A stage of a cutover, as data.

    ``own``: the step itself does the work and tells how it ended. ``gate``: that work is a gate. ``frozen``: the source counts as frozen from its beginning on.
    ``needs_evidence``: it begins only on a gate's verdict that can still be trusted. ``takes_time``: somebody else's
    work or an answer, after which a verdict is looked at again.
    """

    name: str
    title: str
    own: bool = False
    gate: bool = False
    frozen: bool = False
    needs_evidence: bool = False
    takes_time: bool = False


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("approach", "Wait until the target has nearly caught up", own=True, gate=True),
        Stage("confirm_freeze", "Ask before the freeze", takes_time=True),
        Stage("freeze", "Begin the freeze: from here on the source counts as frozen", frozen=True, needs_evidence=True),
        Stage("final", "Wait until the target has every write of the source", own=True, gate=True, frozen=True),
        Stage("verify", "Begin to verify the target", frozen=True, takes_time=True),
        Stage("confirm_switch", "Ask before the switch", frozen=True, takes_time=True),
        Stage("stop", "Stop the jobs", own=True, frozen=True, needs_evidence=True),
        Stage("switch", "Begin the switch: nothing is undone from here on", frozen=True, needs_evidence=True),
    )
}
UNFREEZE = "unfreeze"


def stages_of(files: Collection[str], *, asks: bool, stop_jobs: str) -> tuple[str, ...]:
    """Return the names of the stages of one cutover, in their order.

    ``files`` names what has tasks, such as ``freeze``; ``asks`` says whether somebody is asked; ``stop_jobs`` is the option.
    """
    wanted = (
        ("approach", True),
        ("confirm_freeze", asks),
        ("freeze", "freeze" in files),
        ("final", True),
        ("verify", "verify" in files),
        ("confirm_switch", asks),
        ("stop", stop_jobs == "before_switch"),
        ("switch", True),
        ("stop", stop_jobs == "after_switch"),
    )
    return tuple(name for name, present in wanted if present)


class Outcome(str, Enum):
    """How a cutover ended."""

    DONE = "done"
    UNFROZEN = "unfrozen"
    FROZEN = "frozen"
    SWITCH_FAILED = "switch_failed"
    NOT_BEGUN = "not_begun"


class Next(str, Enum):
    """What has to be done now, by the one who sent the event."""

    PROCEED = "proceed"  # do the work of the stage
    SAMPLE = "sample"  # take one more sample, then enter the stage again
    UNFREEZE = "unfreeze"  # run the unfreeze tasks
    WAIT = "wait"  # the guard is unfreezing: wait for it
    STOP = "stop"  # nothing more; the outcome is in the journal
    REFUSE = "refuse"  # nothing, and the message says why


class Role(str, Enum):
    """Who acts: the run that the user started, its guard, or ``recover``."""

    RUN = "run"
    GUARD = "guard"
    RECOVER = "recover"

    @property
    def words(self) -> str:
        """The role as a sentence names it."""
        return {"run": "the run", "guard": "the guard", "recover": "recover"}[self.value]


@dataclass(frozen=True)
class Owner:
    """Who owns the journal: one process on one machine, for one host of the inventory."""

    role: Role
    machine: str
    boot: str
    pid: int
    started: str
    host: str
    user: str = ""

    def __str__(self) -> str:
        who = f"{self.role.words}, process {self.pid} on {self.machine}"
        return f"{who} ({self.user})" if self.user else who


@dataclass(frozen=True)
class Plan:
    """What a run intends: its jobs, its stages in order, and the file with the tasks that unfreeze the source."""

    jobs: tuple[str, ...]
    stages: tuple[str, ...]
    unfreeze_tasks: str
    max_outage: float


@dataclass(frozen=True)
class Entry:
    """One stage in the journal; ``ended`` is None while it runs."""

    name: str
    state: str
    began: float
    by: Role
    ended: float | None = None


@dataclass(frozen=True)
class Evidence:
    """The last verdict ``ready`` of a gate, and until when it may be trusted; ``used`` once time was spent on it."""

    gate: str
    valid_until: float
    used: bool = False


@dataclass(frozen=True)
class Journal:
    """How far a cutover has come and who owns it."""

    plan: Plan
    owner: Owner | None
    entries: tuple[Entry, ...] = ()
    frozen_since: float | None = None
    deadline: float | None = None
    evidence: Evidence | None = None
    failed_in: str = ""
    failure: str = ""
    unfreeze_failure: str = ""
    attempts: int = 0
    outcome: Outcome | None = None
    unfrozen_by: Role | None = None
    # Jobs that were stopped in the stage stop, or had ended before it: they cannot be resumed.
    stopped: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """The stage it is in, or was in last."""
        return self.entries[-1].name if self.entries else "begin"

    @property
    def why(self) -> str:
        """Why it ended as it did, with why the unfreeze tasks failed if they did; empty after a success."""
        if not self.unfreeze_failure:
            return self.failure
        return f"{self.failure} THE TASKS TO UNFREEZE THE SOURCE FAILED TOO, so it may still be frozen: {self.unfreeze_failure}"

    @property
    def running(self) -> Entry | None:
        """The stage that has begun and not ended."""
        return self.entries[-1] if self.entries and self.entries[-1].ended is None else None

    @property
    def switching(self) -> bool:
        """Whether the switch has begun; nothing is undone from then on."""
        return any(entry.name == "switch" for entry in self.entries)

    @property
    def switched(self) -> bool:
        """Whether the switch tasks ran to their end; jobs may still have to be stopped."""
        return any(entry.name == "switch" and entry.state == "ok" for entry in self.entries)

    @property
    def all_stopped(self) -> bool:
        """Whether no job copies anything any more."""
        return set(self.plan.jobs) <= set(self.stopped)

    @property
    def unfreezing(self) -> bool:
        """Whether the unfreeze has begun; nothing is switched from then on."""
        return any(entry.name == UNFREEZE for entry in self.entries)

    @property
    def frozen(self) -> bool:
        """Whether the source counts as frozen and has to be unfrozen if the run ends."""
        return self.frozen_since is not None and not self.switching and self.outcome is not Outcome.UNFROZEN


@dataclass(frozen=True)
class Move:
    """The journal after an event, what comes next, and a sentence about it."""

    journal: Journal
    next: Next
    message: str = ""
