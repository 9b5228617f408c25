# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a cutover: who acts, how far it has come, and how it ended. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .stages import UNFREEZE


class Outcome(str, Enum):
    """How a cutover ended."""

    DONE = "done"
    UNFROZEN = "unfrozen"
    FROZEN = "frozen"
    SWITCH_FAILED = "switch_failed"
    NOT_BEGUN = "not_begun"


class Next(str, Enum):
    """What an event leads to."""

    GO_ON = "go_on"  # the run does the work of the stage
    SAMPLE = "sample"  # the run takes one more sample, then enters the stage again
    WAIT = "wait"  # the guard is rehearsing or unfreezing: ask again
    UNFREEZE = "unfreeze"  # the guard runs the unfreeze tasks
    ENDED = "ended"  # the cutover is over; the outcome is in the journal
    REFUSED = "refused"  # nothing, and the message says why


class Role(str, Enum):
    """Who acts: the run that the user started, its guard, ``watch`` elsewhere, or ``recover``."""

    RUN = "run"
    GUARD = "guard"
    WATCH = "watch"
    RECOVER = "recover"

    @property
    def words(self) -> str:
        """The role as a sentence names it."""
        return {"run": "the run", "guard": "the guard", "watch": "a watch", "recover": "recover"}[self.value]


@dataclass(frozen=True)
class Process:
    """A process; ``place`` is where its number means something: one boot of one machine, one pid namespace."""

    pid: int
    started: str
    place: str


@dataclass(frozen=True)
class Owner:
    """Who holds the journal. The random ``token`` alone tells one owner from another; all else is for people.

    ``host`` is of the inventory. ``guard`` is the process that renews the lease, for a look that saves the waiting.
    """

    role: Role
    token: str
    host: str
    user: str
    machine: str
    pid: int
    guard: Process

    def __str__(self) -> str:
        who = f"{self.role.words}, process {self.pid} on {self.machine}"
        return f"{who} ({self.user})" if self.user else who


@dataclass(frozen=True)
class Plan:
    """What a run intends.

    ``cutover`` is a random name of this one cutover, which its user tasks have in their environment. ``unfreeze_tasks``
    is relative to ``folder``, that of the playbook. Times are seconds.
    """

    cutover: str
    jobs: tuple[str, ...]
    stages: tuple[str, ...]
    host: str
    folder: str
    unfreeze_tasks: str
    max_outage: float
    lease: float
    unfreeze_for: float
    rehearses: bool


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
    # Whether the unfreeze was rehearsed by the owner: None until that has ended, else why it failed, empty if it did not.
    rehearsal: str | None = None
    # What the freeze found and the unfreeze restores: plain JSON values.
    keep: Mapping[str, Any] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    frozen_since: float | None = None
    deadline: float | None = None
    evidence: Evidence | None = None
    failed_in: str = ""
    failure: str = ""
    unfreeze_failure: str = ""
    attempts: int = 0
    # Freeze tasks may still have acted when the unfreeze began, so that it is run once more.
    again: bool = False
    outcome: Outcome | None = None
    unfrozen_by: Role | None = None
    # Jobs that were stopped in the stage stop, or had ended before it: they cannot be resumed.
    stopped: tuple[str, ...] = ()
    # What the last gate saw, for people: plain JSON values, see status.sample_of.
    sample: Mapping[str, Any] | None = None

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
    def inherited(self) -> bool:
        """Whether an earlier run froze the source: what its freeze found is what the unfreeze restores."""
        return self.frozen_since is not None and (not self.entries or self.frozen_since < self.entries[0].began)

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
