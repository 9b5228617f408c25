# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stops jobs: a wait with the goal ``stopped`` that sends what is due after each of its samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from .._gate.gate import FailedPoll, Observation
from .._gate.rules import Reading, Rules
from .._job.details import DetailRecord
from .._job.errors import DrsError
from .._job.records import ProgressRecord
from .._job.text import counted, duration
from .._service.connection import connect
from .._service.http.clock import REAL_CLOCK, Clock
from .._service.jobs.client import Client
from .._service.jobs.names import Asked, asked_jobs, ids_of
from .._service.jobs.stop_request import Reply, StopAnswer, answers_of
from .._wait.loop import poll_until_verdict
from .._wait.observer import Observer
from .._wait.screen import Screen
from .._wait.subtasks import Jobs
from . import decide
from .decide import LEFT_BY_FORCE, Stand, StopRules

# Seconds that the service may ask to wait before the next stop.
_LONGEST_PAUSE = 60.0


def run(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    check_mode: bool,
    say: Callable[[str], None],
    clock: Clock = REAL_CLOCK,
    screen: Screen | None = None,
) -> dict[str, Any]:
    """Stop jobs, from a task's options to its result. ``say`` gets each line for people, as ``screen`` shows it."""
    try:
        rules = StopRules(**{field.name: options[field.name] for field in fields(StopRules)})
        asked = asked_jobs(options)
        until = clock.elapsed() + rules.timeout
        with connect(options, environ, clock=clock, until=until) as client:
            ids = ids_of(client, asked, until)

            def shown(line: str) -> None:
                say(client.shown(line))

            outcome = Stopping(client, ids, rules, until, shown, clock, screen).outcome(check_mode)
            # Ids that were given are no secret, and whoever reads a result looks for them.
            outcome = client.shown(outcome, ids)
            given = client.shown(list(asked.names))
            warnings = [*([asked.warning] if asked.warning else []), *client.warnings]
    except DrsError as error:
        return refused(error)
    names = dict(zip(ids, given, strict=False))
    jobs = [{"id": entry["id"], "name": names.get(entry["id"]), **entry} for entry in outcome["jobs"]]
    return {**outcome, "jobs": jobs, **({"warnings": warnings} if warnings else {})}


def details_of(
    options: Mapping[str, Any], environ: Mapping[str, str], clock: Clock = REAL_CLOCK
) -> tuple[list[DetailRecord], str]:
    """Return the details of jobs, and a sentence if they could not be read; then nothing is known of the jobs.

    ``options`` are those of the connection, and ``jobs``. Raises nothing, not even for a login that fails: the gates,
    which come next, say more about it.
    """
    ids = list(dict.fromkeys(options["jobs"]))
    try:
        with connect(options, environ, clock=clock) as client:
            return client.details(ids), ""
    except DrsError as error:
        return [], (
            "Whether the targets are read-only until the jobs have ended, and what only a normal stop migrates, could not "
            f"be checked. {error}"
        )


def refused(error: DrsError) -> dict[str, Any]:
    """The result when nothing could begin: options that make no sense, or a login that is not there."""
    return {**decide.result((), True), "elapsed": 0.0, "msg": str(error), "failed": True, "failure": error.failure()}


class Stopping:
    """One stop: a wait with the goal ``stopped`` that sends stops after its polls, until ``until`` on ``clock.elapsed``."""

    def __init__(
        self,
        client: Client,
        ids: Sequence[str],
        rules: StopRules,
        until: float,
        say: Callable[[str], None],
        clock: Clock,
        screen: Screen | None,
    ) -> None:
        self._screen = screen
        self._client, self._ids, self._rules, self._clock, self._say = client, list(ids), rules, clock, say
        self._started = clock.elapsed()
        self._until = until
        self._jobs: decide.Jobs = ()
        # A job that is missing ends the stop at once; a subtask is waited for as a wait does.
        self._whole = Jobs(
            Asked(tuple(ids), (), None), replace(decide.gate_rules(rules), max_missing=Rules.max_missing)
        )
        self._judged = False
        # Why nothing may be sent at all.
        self._refusal = ""
        # What the latest poll, and the latest stop that was refused as a whole, failed with.
        self._failed_poll: FailedPoll | None = None
        self._refused: DrsError | None = None

    def outcome(self, check_mode: bool) -> dict[str, Any]:
        """Do all of it, and return a task's result, also after a failure. Raises only what ``say`` and ``clock`` raise."""
        rules = decide.wait_rules(self._rules, self._until - self._started)
        what = f"timeout={duration(self._rules.timeout)}{' force' if self._rules.force else ''}"
        what += f"{'' if self._rules.require_ready else ' without require_ready'}{' check_mode' if check_mode else ''}"
        self._observer = Observer(len(self._ids), rules, self._clock.now(), self._say, "drs_stop", what, self._screen)
        after = self._take_in if check_mode else self._go_on
        poll_until_verdict(self._read, self._observer, rules, self._clock, self._started, after)
        if self._refusal:
            return self._nothing()
        return self._would_stop() if check_mode else self._stopped()

    def _read(self, until: float, held: Callable[[], bool]) -> tuple[Reading, ...]:
        # A stop that is sent again needs evidence as fresh as the first one.
        due = [job for job in self._jobs if job.stand is Stand.LIVE and not job.accepted and not job.failure]
        self._judged = self._rules.require_ready and bool(due or not self._jobs)
        if self._judged:
            # Each time with the list of jobs: a subtask may have begun since the last reading.
            return self._whole.read(self._client, until, held, with_list=True)
        statuses = self._client.statuses(self._ids, until)
        # The status alone says whether a job has ended.
        return tuple(Reading(status, ProgressRecord(status.id, status.found, status.status)) for status in statuses)

    def _take_in(self, observation: Observation) -> float | None:
        """Take in an observation; end the wait if it is the first and no stop may be sent, and in check mode."""
        first = not self._jobs
        if isinstance(observation, FailedPoll):
            self._failed_poll = observation
            self._refusal = f"No job was stopped. {observation.message}" if first else ""
            return None if first else 0.0
        self._failed_poll = None
        records = [reading.status for reading in observation.readings]
        reason, holds = decide.not_ready(observation, decide.gate_rules(self._rules)) if self._judged else ("", {})
        if self._rules.require_ready and not self._judged:
            holds = decide.unjudged(records)
        self._jobs = decide.observed(self._jobs, records, holds)
        if first:
            reason = reason and f"No job was stopped, because not all of them are ready. {reason}"
            self._refusal = decide.not_found(self._jobs) or reason
        return None

    def _go_on(self, observation: Observation) -> float | None:
        """Take in an observation, and send what is due on it; end the wait if no job is open any more."""
        self._take_in(observation)
        if self._refusal:
            return None
        pause = 0.0 if self._failed_poll else self._send(observation)
        return None if all(job.failure or job.succeeded(self._rules.wait) for job in self._jobs) else pause

    def _send(self, observation: Observation) -> float:
        """Send what is due, while the observation may be trusted and there is time; return the least pause after it."""
        pause, valid_until = 0.0, self._started + observation.began + Rules.valid_for
        for batch in decide.batches(self._jobs, self._client.batch_size):
            if self._clock.elapsed() >= self._until or self._clock.elapsed() > valid_until:
                break
            try:
                answers = self._client.stop(batch, force=self._rules.force, until=self._until)
            except DrsError as error:
                answers = answers_of(error, batch)
                self._refused = error if error.final else self._refused
                pause = max(pause, min(error.retry_after or 0.0, _LONGEST_PAUSE))
            self._jobs = decide.answered(self._jobs, answers)
            self._observer.lines.stops(self._clock.now(), self._elapsed(), answers)
        return pause

    def _elapsed(self) -> float:
        return self._clock.elapsed() - self._started

    def _stopped(self) -> dict[str, Any]:
        problem, failure = str(self._refused or ""), self._refused.failure() if self._refused else None
        if self._failed_poll:
            problem, failure = f"The last reading failed: {self._failed_poll.message}", dict(self._failed_poll.failure)
        text = decide.message(self._jobs, self._rules.wait, self._elapsed(), problem)
        if self._rules.force and any(job.reached for job in self._jobs):
            text = f"{text} {LEFT_BY_FORCE}"
        return self._ended(decide.result(self._jobs, self._rules.wait), text, failure)

    def _would_stop(self) -> dict[str, Any]:
        """What came of it if the service accepted each stop."""
        live = [job.id for job in self._jobs if job.stand is Stand.LIVE]
        accepted = decide.answered(self._jobs, dict.fromkeys(live, StopAnswer(Reply.ACCEPTED)))
        lists = decide.result(accepted, wait=False)
        if lists["failed_jobs"]:
            return self._ended(lists, decide.message(self._jobs, True, 0))
        text = f"Would stop {counted(len(live))}{decide.already(len(lists['already_ended']))}."
        if self._rules.force and live:
            text = f"{text} {LEFT_BY_FORCE}"
        return self._ended(lists, text)

    def _nothing(self) -> dict[str, Any]:
        lists = decide.result(self._jobs, self._rules.wait)
        if not self._jobs:
            lists["failed_jobs"] = self._ids
        failure = dict(self._failed_poll.failure) if self._failed_poll else None
        return self._ended(lists, self._refusal, failure)

    def _ended(self, lists: dict[str, Any], text: str, failure: dict[str, Any] | None = None) -> dict[str, Any]:
        elapsed = self._elapsed()
        self._observer.lines.end(self._clock.now(), elapsed, text)
        failed = bool(lists["failed_jobs"])
        failure = failure if failed else None
        return {**lists, "elapsed": round(elapsed, 1), "msg": text, "failed": failed, "failure": failure}
