# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the observations of a wait one by one: judges them, remembers, and tells people.

A live wait and a replay go through the same code here, so that they come to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable

from .._gate.gate import FailedPoll, Judgement, Sample, Standing, Verdict, cut_off, judge
from .._gate.rules import Judged, Rule, Rules, finished
from .._job.status_table import Phase, State
from .._job.text import duration
from .history import History
from .lines import Lines
from .result import Ending

# Near the goal: so few seconds of delay, or so much of the full phase, are left.
_NEAR_DELAY = 60
_NEAR_PROGRESS = 95
# A wait of a week that stands still says so on each line; the result keeps the latest.
_MOST_WARNINGS = 5


class Watch:
    """One wait. ``near`` tells whether all jobs were near their goal when last seen."""

    def __init__(self, jobs: int, rules: Rules, started_at: float, say: Callable[[str], None]) -> None:
        """``jobs`` is their number, ``started_at`` is the epoch (seconds); ``say`` gets each line for people."""
        self._rules = rules
        self._started_at = started_at
        self._lines = Lines(jobs, rules, say)
        self._history = History()
        self._judgement = Judgement(Standing())
        self._seen: Sample | FailedPoll | None = None
        self._warned_at = 0.0
        self._warnings: list[str] = []
        self.near = False
        self._lines.start(started_at)

    def see(self, seen: Sample | FailedPoll) -> bool:
        """Take in the next observation; True when it gave the verdict."""
        self._seen = seen
        self._judgement = judge(self._judgement.standing, seen, self._rules)
        self._history.note(seen)
        standing = self._judgement.standing
        self.near = (
            bool(standing.jobs) and not standing.errors and all(_near(job, self._rules) for job in standing.jobs)
        )
        self._lines.observed(seen, self._judgement, self._history, self.near)
        if self._judgement.verdict is None:
            self._watch_for_stall(seen)
        return self._judgement.verdict is not None

    def ending(self) -> Ending:
        """How the wait ended; without a verdict so far, that there was nothing more to observe."""
        seen = self._seen
        began, ended, at = (seen.began, seen.ended, seen.at) if seen else (0.0, 0.0, self._started_at)
        if self._judgement.verdict is None:
            self._judgement = cut_off(self._judgement.standing, self._rules, ended)
        # As old as the evidence, not as the verdict.
        ready = self._judgement.verdict is Verdict.READY
        valid_until = at - (ended - began) + self._rules.valid_for if ready else None
        self._lines.verdict(at, ended, self._judgement, valid_until)
        warnings = tuple(self._warnings)
        return Ending(self._judgement, self._history, self._started_at, at, ended, valid_until, warnings)

    def _watch_for_stall(self, seen: Sample | FailedPoll) -> None:
        moved_at = self._history.moved_at
        if seen.ended - max(moved_at, self._warned_at) < self._rules.stall_after:
            return
        jobs = self._judgement.standing.jobs
        if jobs and all(hold.rule is Rule.HOLD_FILE for job in jobs for hold in job.holds):
            # Nothing has to move any more: a delay stays at 0, or a person keeps the gate shut.
            return
        self._warned_at = seen.ended
        self._lines.stalled(seen, seen.ended - moved_at, self._judgement, self._history)
        warning = f"Nothing moved in any job for {duration(seen.ended - moved_at)}; see stall_after."
        self._warnings = [*self._warnings, warning][-_MOST_WARNINGS:]


def _near(job: Judged, rules: Rules) -> bool:
    reading = job.reading
    if job.ready:
        return True
    if reading.state in (State.MISSING, State.UNKNOWN):
        return False
    if not all(finished(subtask.reading) or _near(subtask, rules) for subtask in job.subtasks):
        return False
    if any(hold.rule is Rule.WRONG_PHASE for hold in job.holds):
        full = reading.status.meaning.phase is Phase.FULL
        return full and (reading.progress.progress or 0) >= _NEAR_PROGRESS
    return (reading.progress.delay or 0) <= rules.max_delay + _NEAR_DELAY
