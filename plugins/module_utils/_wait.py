# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait: polls, hands what it saw to the gate, and tells how it goes."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ._client import Client, Timing
from ._connection import connect
from ._errors import DrsError
from ._gate import FailedPoll, Sample, Standing, Verdict, judge
from ._history import History
from ._lifecycle import Phase, State
from ._lines import Lines, duration
from ._records import ProgressRecord, StatusRecord
from ._options import job_ids, repeated_jobs_warning, rules_of
from ._result import Ending, result
from ._rules import Judged, Reading, Rule, Rules

# The share of an interval that chance may add or take, so that many waits do not poll in step.
_JITTER = 0.1
# Near the goal: so few seconds of delay, or so much of the full phase, are left.
_NEAR_DELAY = 60
_NEAR_PROGRESS = 95

Read = Callable[[float], tuple[Sequence[StatusRecord], Sequence[ProgressRecord]]]


def _since_boot() -> float:
    # Unlike time.monotonic, this goes on while the machine sleeps: a streak must not outlive that.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True)
class Clock:
    """Time and chance as the wait sees them. ``elapsed`` only ever grows; ``now`` is the epoch."""

    elapsed: Callable[[], float] = _since_boot
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform


REAL_CLOCK = Clock()


def wait(
    read: Read,
    ids: Sequence[str],
    rules: Rules,
    *,
    clock: Clock,
    say: Callable[[str], None],
) -> Ending:
    """Poll until there is a verdict.

    ``read`` gets the time (on the clock's ``elapsed``) after which nothing is to be tried
    again, and gives the records of both operations; what it raises as :class:`DrsError` is a
    failed poll. ``say`` gets each line for people.
    """
    started, started_at = clock.elapsed(), clock.now()
    history, lines = History(), Lines(ids, rules, say)
    standing, warnings, warned_at = Standing(), [], 0.0
    lines.start(started_at)
    while True:
        seen = poll(read, rules, clock, started)
        judgement = judge(standing, seen, rules)
        standing = judgement.standing
        history.note(seen)
        near = _is_near(standing, rules)
        lines.observed(seen, judgement, history, near)
        still = seen.ended - max(history.moved_at, warned_at)
        if still >= rules.stall_after and not _only_held(standing) and not judgement.verdict:
            warned_at = seen.ended
            for_so_long = duration(seen.ended - history.moved_at)
            lines.stalled(seen.at, seen.ended, seen.ended - history.moved_at)
            warnings.append(f"Nothing moved in any job for {for_so_long}; see stall_after.")
        if judgement.verdict:
            break
        interval = rules.near_interval if near else rules.interval
        left = rules.timeout - (clock.elapsed() - started)
        clock.sleep(max(0.0, min(interval * clock.uniform(1 - _JITTER, 1 + _JITTER), left)))
    # As old as the evidence, not as the verdict.
    ready = judgement.verdict is Verdict.READY
    valid_until = seen.at - (seen.ended - seen.began) + rules.valid_for if ready else None
    lines.verdict(seen.at, seen.ended, judgement, valid_until)
    return Ending(judgement, history, started_at, seen.at, seen.ended, valid_until, tuple(warnings))


def poll(read: Read, rules: Rules, clock: Clock, started: float) -> Sample | FailedPoll:
    """One observation, its times counted from ``started`` on the clock's ``elapsed``."""
    began = clock.elapsed() - started
    until = float("inf") if rules.timeout == 0 else started + rules.timeout
    try:
        statuses, progress = read(until)
    except DrsError as error:
        ended, at = clock.elapsed() - started, clock.now()
        return FailedPoll(began, ended, at, str(error), error.failure(), error.final)
    readings = tuple(Reading(status, of_both) for status, of_both in zip(statuses, progress, strict=True))
    # Looked at after the answers: a file that appears while they were read still counts.
    held = _exists(rules.hold_file)
    return Sample(began, clock.elapsed() - started, clock.now(), readings, held)


def _exists(path: str | None) -> bool:
    if not path:
        return False
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # Nobody can tell whether it is there, and that does not open a gate.
        return True
    return True


def _is_near(standing: Standing, rules: Rules) -> bool:
    return bool(standing.jobs) and not standing.errors and all(_near(job, rules) for job in standing.jobs)


def _near(job: Judged, rules: Rules) -> bool:
    reading = job.reading
    if job.ready:
        return True
    if reading.state in (State.MISSING, State.UNKNOWN):
        return False
    if any(hold.rule is Rule.PHASE for hold in job.holds):
        full = reading.status.meaning.phase is Phase.FULL
        return full and (reading.progress.progress or 0) >= _NEAR_PROGRESS
    return (reading.progress.delay or 0) <= rules.max_delay + _NEAR_DELAY


def _only_held(standing: Standing) -> bool:
    return all(hold.rule is Rule.HOLD_FILE for job in standing.jobs for hold in job.holds)


def run(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    one_sample: bool,
    say: Callable[[str], None],
    clock: Clock = REAL_CLOCK,
) -> dict[str, Any]:
    """A whole wait, from a task's options to its result.

    The client is opened by the first poll, so that a login that fails is a failed poll like any
    other. ``one_sample`` judges what is there now and never sleeps, as ``timeout=0`` does.
    """
    clients: list[Client] = []
    try:
        rules = rules_of(options)
        ids, repeated = job_ids(options["jobs"])
        if one_sample:
            rules = replace(rules, timeout=0)

        def read(until: float) -> tuple[Sequence[StatusRecord], Sequence[ProgressRecord]]:
            if not clients:
                timing = Timing(clock.elapsed, clock.sleep, clock.uniform)
                clients.append(connect(options, environ, timing=timing))
            return clients[0].both(ids, until)

        ending = wait(read, ids, rules, clock=clock, say=say)
        requests, logins = (clients[0].requests_sent, clients[0].logins) if clients else (0, 0)
        answer = result(ending, ids, rules, requests=requests, logins=logins)
        warning = repeated_jobs_warning(repeated)
        warnings = [*ending.warnings, *([warning] if warning else [])]
        return {**answer, "failed": not answer["ready"], **({"warnings": warnings} if warnings else {})}
    except DrsError as error:
        # Options that make no sense: there was no wait, and so no verdict but this one.
        verdict = {"verdict": Verdict.ERROR.value, "ready": False, "reason": str(error), "msg": str(error)}
        return {**verdict, "failed": True, "failure": error.failure()}
    finally:
        for client in clients:
            client.close()
