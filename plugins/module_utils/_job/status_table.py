# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each status of a DRS job means: the one table every decision reads.

Sources: 23 statuses are listed on the page "Querying Task Statuses in Batches", the
others appear in the published Huawei Cloud SDK. The set has grown over the years and
will grow: a status that is not listed is ``unknown`` and never counts as success.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class State(str, Enum):
    """What a status means for somebody who waits."""

    WAITING = "waiting"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETE = "complete"
    FAILED = "failed"
    ENDED = "ended"
    UNKNOWN = "unknown"
    MISSING = "missing"
    # No poll succeeded, so nothing is known: not even whether the job is there.
    UNREAD = "unread"

    @property
    def terminal(self) -> bool:
        """True where nothing moves by itself any more."""
        return self in (State.COMPLETE, State.FAILED, State.ENDED)


class Phase(str, Enum):
    """The phases of a job's life cycle."""

    CREATE = "create"
    CONFIGURE = "configure"
    START = "start"
    FULL = "full"
    INCREMENTAL = "incremental"
    PAUSE = "pause"
    CHANGE = "change"
    REBUILD = "rebuild"
    UPGRADE = "upgrade"
    CHILD = "child"
    RELEASE = "release"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Meaning:
    """Phase and state of one status."""

    phase: Phase
    state: State

    def as_dict(self) -> dict[str, Any]:
        """Return it as a part of an entry of a task's ``jobs``."""
        return {"phase": self.phase.value, "state": self.state.value, "terminal": self.state.terminal}


UNKNOWN = Meaning(Phase.UNKNOWN, State.UNKNOWN)
MISSING = Meaning(Phase.UNKNOWN, State.MISSING)

STATUSES: dict[str, Meaning] = {
    "CREATING": Meaning(Phase.CREATE, State.IN_PROGRESS),
    "CREATE_FAILED": Meaning(Phase.CREATE, State.FAILED),
    "CONFIGURATION": Meaning(Phase.CONFIGURE, State.WAITING),
    "WAITING_FOR_START": Meaning(Phase.START, State.WAITING),
    "STARTJOBING": Meaning(Phase.START, State.IN_PROGRESS),
    "START_JOB_FAILED": Meaning(Phase.START, State.FAILED),
    "FULL_TRANSFER_STARTED": Meaning(Phase.FULL, State.IN_PROGRESS),
    "FULL_TRANSFER_COMPLETE": Meaning(Phase.FULL, State.COMPLETE),
    "FULL_TRANSFER_FAILED": Meaning(Phase.FULL, State.FAILED),
    "INCRE_TRANSFER_STARTED": Meaning(Phase.INCREMENTAL, State.IN_PROGRESS),
    "INCRE_TRANSFER_FAILED": Meaning(Phase.INCREMENTAL, State.FAILED),
    "PAUSING": Meaning(Phase.PAUSE, State.PAUSED),
    # The spelling of the documentation; every client and answer seen says PAUSING.
    "PAUSEING": Meaning(Phase.PAUSE, State.PAUSED),
    "CHANGE_JOB_STARTED": Meaning(Phase.CHANGE, State.IN_PROGRESS),
    "CHANGE_JOB_FAILED": Meaning(Phase.CHANGE, State.FAILED),
    "REBUILD_NODE_STARTED": Meaning(Phase.REBUILD, State.IN_PROGRESS),
    "REBUILD_NODE_FAILED": Meaning(Phase.REBUILD, State.FAILED),
    "NODE_UPGRADE_START": Meaning(Phase.UPGRADE, State.IN_PROGRESS),
    # The node is upgraded, the job has still to go on: not a completed job.
    "NODE_UPGRADE_COMPLETE": Meaning(Phase.UPGRADE, State.IN_PROGRESS),
    "NODE_UPGRADE_FAILED": Meaning(Phase.UPGRADE, State.FAILED),
    "CHILD_TRANSFER_STARTING": Meaning(Phase.CHILD, State.IN_PROGRESS),
    "CHILD_TRANSFER_STARTED": Meaning(Phase.CHILD, State.IN_PROGRESS),
    "CHILD_TRANSFER_COMPLETE": Meaning(Phase.CHILD, State.COMPLETE),
    "CHILD_TRANSFER_FAILED": Meaning(Phase.CHILD, State.FAILED),
    "RELEASE_CHILD_TRANSFER_STARTED": Meaning(Phase.RELEASE, State.IN_PROGRESS),
    "RELEASE_CHILD_TRANSFER_COMPLETE": Meaning(Phase.RELEASE, State.ENDED),
    "RELEASE_RESOURCE_STARTED": Meaning(Phase.RELEASE, State.IN_PROGRESS),
    # The job has ended, which does not say that it succeeded: any job can be stopped.
    "RELEASE_RESOURCE_COMPLETE": Meaning(Phase.RELEASE, State.ENDED),
    "RELEASE_RESOURCE_FAILED": Meaning(Phase.RELEASE, State.FAILED),
    "DELETED": Meaning(Phase.RELEASE, State.ENDED),
}

# The statuses of a subtask that is over: nothing of it runs any more.
FINISHED = frozenset(status for status, means in STATUSES.items() if means.state is State.ENDED)

# The statuses that say a job was stopped or deleted as a whole (a child ends without its parent).
STOPPED = frozenset(
    status
    for status, means in STATUSES.items()
    if means.state is State.ENDED and status != "RELEASE_CHILD_TRANSFER_COMPLETE"
)


def meaning(status: str | None) -> Meaning:
    """Phase and state of a status as the API spells it; what is not listed is unknown."""
    return UNKNOWN if status is None else STATUSES.get(status, UNKNOWN)
