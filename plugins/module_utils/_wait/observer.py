# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the observations of a wait one by one: judges them, remembers, and tells people.

A live wait and a replay go through the same code here, so that they come to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable

from .._gate.gate import Decision, Observation, Standing, Verdict, cut_off, judge
from .._gate.rules import JudgedJob, Rule, Rules, finished
from .._job.status_table import Phase, State
from .._job.text import duration
from .history import History
from .lines import Lines
from .result import Ending
from .screen import Screen

# Near the goal: so few seconds of delay, or so much of the full phase, are left.
_NEAR_DELAY = 60
_NEAR_PROGRESS = 95
# A wait of a week that stands still says so on each line; the result keeps the latest.
_MOST_WARNINGS = 5


class Observer:
    """One wait. ``near`` tells whether all jobs were near their goal in the latest sample; ``lines`` writes."""

    def __init__(
        self,
        jobs: int,
        rules: Rules,
        started_at: float,
        say: Callable[[str], None],
        task: str = "drs_wait",
        what: str | None = None,
        screen: Screen | None = None,
    ) -> None:
        """``jobs`` is their number, ``started_at`` is the epoch (seconds); ``say`` gets each line for people.

        Each line begins with ``task``; ``what`` says in the first one what is waited for, if the rules do not,
        and ``screen`` what the lines are about and how wide they may be.
        """
        self._rules = rules
        self._started_at = started_at
        self._history = History()
        self.lines = Lines(jobs, rules, self._history, say, task, screen)
        self._decision = Decision(Standing())
        self._observation: Observation | None = None
        self._warned_at = 0.0
        self._warnings: list[str] = []
        self.near = False
        self.lines.start(started_at, what)

    def observe(self, observation: Observation) -> bool:
        """Take in the next observation; True when it gave the verdict."""
        self._observation = observation
        self._decision = judge(self._decision.standing, observation, self._rules)
        self._history.note(observation)
        standing = self._decision.standing
        near = bool(standing.jobs) and not standing.errors
        self.near = near and all(_near(job, self._rules) for job in standing.jobs)
        self.lines.observed(observation, self._decision, self.near)
        if self._decision.verdict is None:
            self._look_for_stall(observation)
        return self._decision.verdict is not None

    def ending(self, *, evidence: bool = True) -> Ending:
        """How the wait ended; without a verdict so far, that there was nothing more to observe.

        Without ``evidence`` of now, as of a replay, no verdict may be trusted for any time.
        """
        observation = self._observation
        began, ended, at = (
            (observation.began, observation.ended, observation.at) if observation else (0.0, 0.0, self._started_at)
        )
        if self._decision.verdict is None:
            self._decision = cut_off(self._decision.standing, self._rules, ended)
        # As old as the evidence, not as the verdict.
        trusted = evidence and self._decision.verdict is Verdict.READY
        valid_until = at - (ended - began) + self._rules.valid_for if trusted else None
        self.lines.verdict(at, ended, self._decision, valid_until)
        return Ending(self._decision, self._history, self._started_at, at, ended, valid_until, tuple(self._warnings))

    def _look_for_stall(self, observation: Observation) -> None:
        lasted = observation.ended - self._history.moved_at
        if min(lasted, observation.ended - self._warned_at) < self._rules.stall_after:
            return
        jobs = self._decision.standing.jobs
        if jobs and all(hold.rule is Rule.HOLD_FILE for job in jobs for hold in job.holds):
            # Nothing has to move any more: a delay stays at 0, or a person keeps the gate shut.
            return
        self._warned_at = observation.ended
        self.lines.stalled(observation, lasted, self._decision)
        warning = f"Nothing moved in any job for {duration(lasted)}; see stall_after."
        self._warnings = [*self._warnings, warning][-_MOST_WARNINGS:]


def _near(job: JudgedJob, rules: Rules) -> bool:
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
