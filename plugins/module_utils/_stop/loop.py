# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop that stops jobs: reads, sends what is due, and reads again until all jobs have ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Protocol

from .._gate.gate import Sample
from .._job.errors import DrsError
from .._job.records import ProgressRecord, StatusRecord
from .._job.text import counted
from .._service.connection import connect
from .._service.http.clock import REAL_CLOCK, Clock
from .._service.jobs.details import not_checked, target_readonly
from .._service.jobs.lists import ListedJob
from .._service.jobs.names import Asked, asked_jobs, resolve_names
from .._service.jobs.stop_request import StopAnswer, answers_of
from .._wait.subtasks import Jobs
from .decide import (
    Stand,
    StopRules,
    already,
    answered,
    batches,
    begin,
    gate_rules,
    message,
    not_found,
    not_ready,
    observed,
    readings,
    result,
    unjudged,
)
from .lines import StopLines

_JITTER = 0.1
# Seconds for which a reading is evidence enough to send a stop, as `valid_for` of a wait.
_VALID_FOR = 60
_LONGEST_PAUSE = 60.0
_NOTHING: dict[str, Any] = {"changed": False, "jobs": [], "stopped": [], "already_ended": [], "failed_jobs": []}


class StopsJobs(Protocol):
    """The part of the client that is needed here."""

    @property
    def batch_size(self) -> int:
        """How many jobs one request may hold."""

    def statuses(self, ids: Sequence[str], until: float | None = None) -> list[StatusRecord]:
        """A record for each id, in the order given."""

    def both(self, ids: Sequence[str], until: float | None = None) -> tuple[list[StatusRecord], list[ProgressRecord]]:
        """The same by both operations."""

    def list_jobs(self, *, ids: Sequence[str] | None = None, until: float | None = None) -> Sequence[ListedJob]:
        """The jobs with these ids in the list of jobs, with their subtasks."""

    def stop(self, ids: Sequence[str], *, force: bool = False, until: float | None = None) -> dict[str, StopAnswer]:
        """Ask once to stop jobs."""


def run(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    check_mode: bool,
    say: Callable[[str], None],
    clock: Clock = REAL_CLOCK,
) -> dict[str, Any]:
    """Stop jobs, from a task's options to its result. ``say`` gets each line for people."""
    try:
        rules = rules_of(options)
        asked = asked_jobs(options)
        until = clock.elapsed() + rules.timeout
        with connect(options, environ, clock=clock) as client:
            ids = resolve_names(client, asked.names, until) if asked.names else asked.ids
            outcome = stop_jobs(client, ids, rules, until=until, say=say, clock=clock, check_mode=check_mode)
            warnings = [*([asked.warning] if asked.warning else []), *client.warnings]
    except DrsError as error:
        return refused(error)
    names = dict(zip(ids, asked.names, strict=False))
    jobs = [{"id": entry["id"], "name": names.get(entry["id"]), **entry} for entry in outcome["jobs"]]
    return {**outcome, "jobs": jobs, **({"warnings": warnings} if warnings else {})}


def targets_of(
    options: Mapping[str, Any], environ: Mapping[str, str], clock: Clock = REAL_CLOCK
) -> tuple[dict[str, bool | None], str | None]:
    """Whether each job's target is read-only until the job has ended, and a warning if that could not be checked.

    ``options`` are those of the connection, and ``jobs``. Raises nothing, not even for a login that fails: the gates,
    which come next, say more about it.
    """
    ids = list(dict.fromkeys(options["jobs"]))
    try:
        with connect(options, environ, clock=clock) as client:
            return target_readonly(client, ids)
    except DrsError as error:
        return not_checked(ids, error)


def rules_of(options: Mapping[str, Any]) -> StopRules:
    """The rules that a task's options give; raises :class:`DrsError` for values that make no sense."""
    return StopRules(**{field.name: options[field.name] for field in fields(StopRules) if field.name in options})


def stop_jobs(
    client: StopsJobs,
    ids: Sequence[str],
    rules: StopRules,
    *,
    until: float | None = None,
    say: Callable[[str], None],
    clock: Clock = REAL_CLOCK,
    check_mode: bool = False,
) -> dict[str, Any]:
    """Stop the jobs and wait until they have ended, at most until ``until`` on ``clock.elapsed``.

    Returns a task's result, also after a failure. Raises only what ``say`` and ``clock`` raise.
    """
    return _Stopping(client, ids, rules, until, say, clock).outcome(check_mode)


def refused(error: DrsError) -> dict[str, Any]:
    """The result when nothing could begin: options that make no sense, or a login that is not there."""
    return {**_NOTHING, "elapsed": 0.0, "msg": str(error), "failed": True, "failure": error.failure()}


class _Stopping:
    """One run of the loop."""

    def __init__(
        self,
        client: StopsJobs,
        ids: Sequence[str],
        rules: StopRules,
        until: float | None,
        say: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._client, self._ids, self._rules, self._clock = client, list(ids), rules, clock
        self._started = clock.elapsed()
        own = self._started + rules.timeout
        self._until = own if until is None else min(own, until)
        self._lines = StopLines(ids, say, clock.now, lambda: clock.elapsed() - self._started)
        self._jobs = begin(())
        self._read_at = self._started
        # What the latest reading, and the latest stop that was refused as a whole, failed with.
        self._error: DrsError | None = None
        self._refusal: DrsError | None = None
        self._pause = 0.0

    def outcome(self, check_mode: bool) -> dict[str, Any]:
        """Do all of it, and say what came of it."""
        rules = self._rules
        self._lines.start(rules, check_mode)
        try:
            sample = self._read(all_of_both=rules.require_ready)
        except DrsError as error:
            return self._nothing(f"No job was stopped. {error}", error)
        self._jobs = begin([each.status for each in sample.readings])
        refusal = not_found(self._jobs)
        if not refusal and rules.require_ready:
            reason, holds = not_ready(sample, gate_rules(rules))
            refusal = reason and f"No job was stopped, because not all of them are ready. {reason}"
            self._jobs = tuple(replace(job, hold=holds.get(job.id, "")) for job in self._jobs)
        if refusal:
            return self._nothing(refusal)
        self._lines.observed(self._jobs)
        return self._would_stop() if check_mode else self._stop()

    def _stop(self) -> dict[str, Any]:
        while True:
            self._send()
            if all(job.settled(self._rules.wait) for job in self._jobs) or self._left() <= 0:
                break
            self._clock.sleep(self._next_pause())
            try:
                self._observe()
                self._error = None
            except DrsError as error:
                self._error = error
                self._lines.problem(error)
                if error.final:
                    break
        problem = f"The last reading failed: {self._error}" if self._error else str(self._refusal or "")
        elapsed = self._clock.elapsed() - self._started
        text = message(self._jobs, self._rules.wait, elapsed, problem)
        return self._ended(result(self._jobs, self._rules.wait), text, self._error or self._refusal)

    def _send(self) -> None:
        """Send what is due, while the reading it is based on may be trusted and there is time."""
        self._pause = 0.0
        if self._error:
            return
        for batch in batches(self._jobs, self._client.batch_size):
            if self._left() <= 0 or self._clock.elapsed() - self._read_at > _VALID_FOR:
                return
            try:
                answers = self._client.stop(batch, force=self._rules.force, until=self._until)
            except DrsError as error:
                answers = answers_of(error, batch)
                self._refusal = error if error.final else self._refusal
                self._pause = max(self._pause, min(error.retry_after or 0.0, _LONGEST_PAUSE))
                self._lines.problem(error)
            self._jobs = answered(self._jobs, answers)
            self._lines.answered(answers)

    def _observe(self) -> None:
        # A stop that is sent again needs evidence as fresh as the first one.
        waiting = any(job.stand is Stand.LIVE and not job.accepted and not job.failure for job in self._jobs)
        again = self._rules.require_ready and waiting
        sample = self._read(all_of_both=again)
        records = [each.status for each in sample.readings]
        holds = not_ready(sample, gate_rules(self._rules))[1] if again else {}
        if self._rules.require_ready and not again:
            holds = unjudged(records)
        self._jobs = observed(self._jobs, records, holds)
        self._lines.observed(self._jobs)

    def _read(self, all_of_both: bool) -> Sample:
        began = self._clock.elapsed()
        if all_of_both:
            # Each time with the list of jobs: a subtask may have begun since the last reading.
            whole = Jobs(Asked(tuple(self._ids), (), None), gate_rules(self._rules))
            found = whole.read(self._client, self._until, lambda: False)
        else:
            statuses = self._client.statuses(self._ids, self._until)
            found = readings(statuses, [ProgressRecord(job_id) for job_id in self._ids])
        # As old as its oldest answer.
        self._read_at = began
        ended = self._clock.elapsed() - self._started
        return Sample(began - self._started, ended, self._clock.now(), found)

    def _left(self) -> float:
        return self._until - self._clock.elapsed()

    def _next_pause(self) -> float:
        pause = self._rules.interval * self._clock.uniform(1 - _JITTER, 1 + _JITTER)
        # The last reading is taken when time is up.
        return min(max(pause, self._pause), self._left())

    def _would_stop(self) -> dict[str, Any]:
        live = [job.id for job in self._jobs if job.stand is Stand.LIVE]
        failed = [job for job in self._jobs if job.failure]
        others = [job.id for job in self._jobs if job.stand in (Stand.ENDING, Stand.ENDED)]
        lists = result(self._jobs, wait=False)
        lists.update(changed=bool(live), stopped=live, already_ended=others, failed_jobs=[job.id for job in failed])
        for entry in lists["jobs"]:
            entry["reason"] = entry["reason"] if entry["id"] in lists["failed_jobs"] else ""
        if failed:
            return self._ended(lists, message(self._jobs, True, 0))
        text = f"Would stop {counted(len(live))}{already(len(others))}."
        return self._ended(lists, text)

    def _nothing(self, text: str, error: DrsError | None = None) -> dict[str, Any]:
        lists = result(self._jobs, self._rules.wait) if self._jobs else {**_NOTHING, "failed_jobs": self._ids}
        return self._ended(lists, text, error, failed=True)

    def _ended(
        self, lists: dict[str, Any], text: str, error: DrsError | None = None, *, failed: bool = False
    ) -> dict[str, Any]:
        self._lines.ended(text)
        failed = failed or bool(lists["failed_jobs"])
        elapsed = round(self._clock.elapsed() - self._started, 1)
        failure = error.failure() if error and failed else None
        return {**lists, "elapsed": elapsed, "msg": text, "failed": failed, "failure": failure}
