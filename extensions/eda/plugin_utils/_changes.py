# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From one observation of the jobs to the next: what changed, as events. No clock, no network, no rulebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import (
    Decision,
    FailedPoll,
    Observation,
    Standing,
    Verdict,
    judge,
)
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import JudgedJob, Reading
from ansible_collections.cutover.drs.plugins.module_utils._job.text import iso
from ansible_collections.cutover.drs.plugins.module_utils._wait.result import holds_of, subtasks_of

from ._arguments import Arguments

Event = dict[str, Any]

# What an event calls it when there is no verdict yet, and when the one before holds no longer.
_NONE = "none"
_WITHDRAWN = "withdrawn"


class Changes:
    """Takes observations one by one, and gives the events that each of them makes."""

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        self._decision = Decision(Standing())
        self._verdict: Verdict | None = None
        self._word = _NONE
        self._valid_until: float | None = None
        self._polls = 0
        self._failing_since = 0.0
        self._readings: dict[str, Reading] = {}
        # As it was last told.
        self._progress: dict[str, int] = {}
        self._warned: set[str] = set()

    @property
    def errors(self) -> int:
        """The number of consecutive failed polls."""
        return self._decision.standing.errors

    def observe(self, observation: Observation, next_poll: float = 0.0) -> Iterator[Event]:
        """The events of the next observation, in the order in which to tell them.

        ``next_poll`` says in how many seconds the next one comes, for a poll that failed.
        """
        self._polls += 1
        errors, since = self.errors, self._failing_since
        self._decision = judge(self._decision.standing, observation, self._arguments.rules)
        if isinstance(observation, FailedPoll):
            self._failing_since = since if errors else observation.at
            yield self._fault(observation, next_poll)
        else:
            if errors:
                yield _event("recovered", observation.at, errors=errors, since=iso(since))
            for reading in observation.readings:
                before = self._readings.get(reading.id)
                yield from self._status(before, reading, observation.at)
                yield from self._progress_of(reading, observation.at)
                yield from self._delay(before, reading, observation.at)
                self._readings[reading.id] = reading
        yield from self._verdict_of(observation)

    def warned(self, warnings: Sequence[str], at: float) -> Iterator[Event]:
        """The warnings that were not there before, each once."""
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                yield _event("warning", at, message=warning)

    def heartbeat(self, at: float) -> Event:
        """Where everything stands at this time (epoch, seconds)."""
        standing = self._decision.standing
        # What was ready is so no longer than the evidence may be trusted, which the next poll renews.
        trusted = self._valid_until is None or at < self._valid_until
        return _event(
            "heartbeat",
            at,
            verdict=self._word,
            ready=self._verdict is Verdict.READY and trusted,
            valid_until=self._iso_valid_until(),
            jobs_total=len(self._arguments.asked.ids or self._arguments.asked.names),
            jobs_ready=0 if standing.errors else sum(job.ready for job in standing.jobs),
            streak=standing.streak,
            errors=standing.errors,
            polls=self._polls,
        )

    def _fault(self, poll: FailedPoll, next_poll: float) -> Event:
        said = {name: poll.failure.get(name) for name in ("kind", "http_status", "error_code", "request_id")}
        return _event(
            "fault",
            poll.at,
            **said,
            message=poll.message,
            final=poll.final,
            errors=self.errors,
            next_poll_in=round(next_poll, 1),
        )

    def _status(self, before: Reading | None, reading: Reading, at: float) -> Iterator[Event]:
        record, other, state = reading.status, reading.progress, reading.state
        same = before is not None and (before.status.status, before.state) == (record.status, state)
        if same and not self._arguments.always:
            return
        yield _event(
            "status",
            at,
            job=reading.id,
            name=reading.name,
            **{"from": before.status.status if before else None, "to": record.status},
            phase=record.meaning.phase.value,
            state=state.value,
            terminal=state.terminal,
            error_code=record.error_code or other.error_code,
            error_message=record.error_message or other.error_message,
        )

    def _progress_of(self, reading: Reading, at: float) -> Iterator[Event]:
        progress, before = reading.progress.progress, self._progress.get(reading.id)
        if progress is None:
            return
        step = self._arguments.progress_step
        if not self._arguments.always and before is not None and _steps(before, step) == _steps(progress, step):
            return
        self._progress[reading.id] = progress
        yield _event(
            "progress",
            at,
            job=reading.id,
            name=reading.name,
            **{"from": before, "to": progress},
            phase=reading.status.meaning.phase.value,
            remaining_time=reading.progress.remaining_time,
        )

    def _delay(self, before: Reading | None, reading: Reading, at: float) -> Iterator[Event]:
        was, delay = before.progress.delay if before else None, reading.progress.delay
        told = {"job": reading.id, "name": reading.name, "from": was, "to": delay}
        thresholds = self._arguments.delay_thresholds
        crossed = [each for each in thresholds if _above(delay, each) != _above(was, each)]
        down = bool(crossed) and not _above(delay, crossed[0])
        # In the order in which the delay went past them.
        for threshold in sorted(crossed, reverse=down):
            yield _event("delay", at, **told, threshold=threshold, direction="down" if down else "up")
        if self._arguments.always and not crossed:
            yield _event("delay", at, **told, threshold=None, direction=None)

    def _verdict_of(self, observation: Observation) -> Iterator[Event]:
        verdict, before = self._decision.verdict, self._verdict
        if verdict is None and isinstance(observation, FailedPoll) and before is not Verdict.READY:
            # It says nothing new of a job that failed. Only what is ready needs evidence all the time.
            verdict = before
        self._verdict = verdict
        # As old as the evidence, not as the answer.
        fresh = observation.at - (observation.ended - observation.began) + self._arguments.rules.valid_for
        self._valid_until = fresh if verdict is Verdict.READY else None
        if verdict is before and not (self._arguments.always and verdict):
            return
        previous, self._word = self._word, verdict.value if verdict else _WITHDRAWN
        jobs = self._decision.standing.jobs
        yield _event(
            "verdict",
            observation.at,
            verdict=self._word,
            previous=previous,
            ready=verdict is Verdict.READY,
            reason=self._decision.reason or self._withdrawn(observation),
            valid_until=self._iso_valid_until(),
            goal=self._arguments.rules.goal.value,
            jobs=[_job(job, len(jobs)) for job in jobs],
        )

    def _withdrawn(self, observation: Observation) -> str:
        """Why a verdict holds no longer."""
        if isinstance(observation, FailedPoll):
            return observation.message
        late = [job for job in self._decision.standing.jobs if not job.ready]
        if not late:
            because = f": {self._decision.reset}" if self._decision.reset else ""
            return f"All jobs are ready, but not for long enough{because}."
        more = f" And {len(late) - 1} more." if len(late) > 1 else ""
        reading = late[0].reading
        name = f" ({reading.name})" if reading.name else ""
        return f"{reading.id}{name} is not ready. {late[0].holds[0].text}{more}"

    def _iso_valid_until(self) -> str | None:
        return None if self._valid_until is None else iso(self._valid_until)


def _event(kind: str, at: float, /, **fields: Any) -> Event:
    return {"drs": {"type": kind, "at": iso(at), **fields}}


def _steps(progress: int, step: int) -> tuple[int, bool]:
    # The end is a step of its own, also where the step is no divisor of 100.
    return progress // step, progress == 100


def _above(delay: int | None, threshold: int) -> bool:
    # A delay that nobody knows is above all thresholds.
    return delay is None or delay > threshold


def _job(job: JudgedJob, jobs: int) -> dict[str, Any]:
    reading = job.reading
    return {
        "id": reading.id,
        "name": reading.name,
        "status": reading.status.status,
        "phase": reading.status.meaning.phase.value,
        "state": reading.state.value,
        "progress": reading.progress.progress,
        "delay": reading.progress.delay,
        "goal": job.goal.value,
        "ready": job.ready,
        "holds": holds_of(job),
        **subtasks_of(job, jobs),
    }
