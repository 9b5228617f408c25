# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait: polls until there is a verdict, or judges a recording of such polls again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._gate.gate import Decision, FailedPoll, Observation, Sample, Standing, Verdict
from .._gate.rules import Reading, Rules
from .._job.errors import DrsError, configuration_error
from .._job.text import iso, printable
from .._service.http.clock import REAL_CLOCK, Clock
from .._service.jobs.names import Asked, asked_jobs
from .._service.lazy import LazyClient
from .history import History
from .observer import Observer
from .options import rules_of
from .recording import REPLAY, Recorder, Run, read_last_run
from .result import Ending, result
from .screen import Screen
from .subtasks import Jobs

# Intervals are randomised by this share, so that many waits do not poll in step.
_JITTER = 0.1
# A sleep is never exact, and a sample that begins after the deadline counts for nothing: look once just before it.
_BEFORE_THE_DEADLINE = 0.25

# Reads all jobs until a time (monotonic seconds); the function it gets tells whether the hold file exists.
Read = Callable[[float, Callable[[], bool]], tuple[Reading, ...]]


def run(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    one_sample: bool,
    say: Callable[[str], None],
    clock: Clock = REAL_CLOCK,
    folder: str = "",
    limit: float | None = None,
    named: Callable[[str], str] = str,
    screen: Screen | None = None,
) -> dict[str, Any]:
    """A whole wait, from a task's options to its result.

    ``one_sample`` (check mode) judges what is there now, as ``timeout=0`` does; it never sleeps
    and writes no recording. ``say`` gets each line for people, as ``screen`` shows it. A relative hold file
    holds where the process runs, and in ``folder``. After ``limit`` (seconds) it ends, whatever its timeout is. ``named`` returns what the
    user calls an option, such as the variable of a role.
    """
    screen = replace(screen or Screen(), named=named)
    try:
        rules = rules_of(options, named)
        if options["replay"]:
            return _replay(options, rules, say, screen)
        if one_sample:
            rules = replace(rules, timeout=0)
            options = {**options, "record": None, "request_retries": 0}
        elif limit is not None:
            rules = replace(rules, timeout=limit)
        return _live(options, environ, rules, clock, say, folder, screen)
    except DrsError as error:
        return refused(error, clock)


def refused(error: DrsError, clock: Clock = REAL_CLOCK) -> dict[str, Any]:
    """The result for options that make no sense: there was no wait, by no rules, and so no verdict but this one."""
    now = clock.now()
    history = History()
    history.failure = error.failure()
    decision = Decision(Standing(), Verdict.ERROR, str(error))
    ending = Ending(decision, history, now, now, 0.0, None, ())
    answer = result(ending, (), Rules(), requests=0, logins=0)
    return _outcome({**answer, "goal": None, "rules": {}}, ())


def _live(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    rules: Rules,
    clock: Clock,
    say: Callable[[str], None],
    folder: str,
    screen: Screen,
) -> dict[str, Any]:
    asked = asked_jobs(options)
    record, started_at = options["record"], clock.now()
    jobs = Jobs(asked, rules)
    with ExitStack() as resources:
        client = resources.enter_context(LazyClient(options, environ, clock))

        def shown(value: Any) -> Any:
            # Ids that were given are no secret, and whoever reads a result or a recording looks for them.
            return client.shown(value, jobs.ids)

        recorder = Recorder(record, asked.ids, rules, started_at, shown) if record else None
        if recorder:
            resources.enter_context(recorder)

        def read(until: float, held: Callable[[], bool]) -> tuple[Reading, ...]:
            return jobs.read(client.opened(until), until, held)

        def recorded(observation: Observation) -> float:
            if recorder:
                recorder.observed(observation)
            return 0.0

        number = len(asked.ids or asked.names)
        observer = Observer(number, rules, started_at, lambda line: say(client.shown(line)), screen=screen)
        poll_until_verdict(read, observer, rules, clock, clock.elapsed(), recorded, folder)
        ending = observer.ending()
        counts = {"requests": client.requests_sent, "logins": client.logins}
        answer = shown(result(ending, jobs.ids, rules, **counts, full=bool(options.get("series"))))
        answer["connection"] = client.about
        if recorder:
            recorder.verdict(answer["verdict"], answer["reason"])
    problems = (asked.warning, recorder.problem if recorder else None)
    return _outcome(answer, [*ending.warnings, *client.warnings, *(problem for problem in problems if problem)])


def poll_until_verdict(
    read: Read,
    observer: Observer,
    rules: Rules,
    clock: Clock,
    started: float,
    after: Callable[[Observation], float | None],
    folder: str = "",
) -> None:
    """Poll until there is a verdict, or ``after`` says that nothing more is to be observed.

    ``after`` gets each observation and returns the least seconds until the next one, or None to end the wait.
    ``started`` and ``folder`` are those of :func:`one_poll`.
    """
    while True:
        observation = one_poll(read, rules, clock, started, folder)
        over = observer.observe(observation)
        least = after(observation)
        if over or least is None:
            return
        clock.sleep(_pause(rules, clock, started, near=observer.near, least=least))


def _pause(rules: Rules, clock: Clock, started: float, *, near: bool, least: float) -> float:
    """Return the seconds until the next poll; the last one begins just before the deadline."""
    interval = rules.near_interval if near else rules.interval
    remaining = rules.timeout - (clock.elapsed() - started)
    if remaining > _BEFORE_THE_DEADLINE:
        remaining -= _BEFORE_THE_DEADLINE
    return max(0.0, min(max(interval * clock.uniform(1 - _JITTER, 1 + _JITTER), least), remaining))


def one_poll(read: Read, rules: Rules, clock: Clock, started: float, folder: str = "") -> Observation:
    """One observation; ``started`` is what ``clock.elapsed`` said when the wait began, ``folder`` as in :func:`run`."""
    began = clock.elapsed() - started
    until = float("inf") if rules.timeout == 0 else started + rules.timeout

    def held() -> bool:
        return _exists("", rules.hold_file) or _exists(folder, rules.hold_file)

    try:
        # One that begins late, such as after a sleep of the machine, still has the time that a healthy answer takes.
        readings = read(max(until, clock.elapsed()), held)
    except DrsError as error:
        ended, at = clock.elapsed() - started, clock.now()
        return FailedPoll(began, ended, at, str(error), error.failure(), error.final)
    # Looked at after the answers: a file that appears while they were read still counts.
    return Sample(began, clock.elapsed() - started, clock.now(), readings, held())


def _exists(folder: str, path: str | None) -> bool:
    if not path:
        return False
    try:
        Path(folder, path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        # Nobody can tell whether it is there, and that does not open a gate.
        return True
    return True


def _replay(options: Mapping[str, Any], rules: Rules, say: Callable[[str], None], screen: Screen) -> dict[str, Any]:
    recorded = read_last_run(options["replay"])
    asked = _asked_of(recorded, options)
    by_name = recorded.ids_by_name()
    recorded_jobs = by_name if asked.names else recorded.ids
    # Names are recorded as they are shown.
    names = [printable(name) for name in asked.names]
    strangers = [job for job in asked.ids or names if job not in recorded_jobs]
    if strangers:
        option = "job_names" if asked.names else "jobs"
        raise configuration_error(f"{option}: the recording {options['replay']} has no job {', '.join(strangers)}.")
    ids = asked.ids or tuple(by_name[name] for name in names)
    changed = recorded.changed(rules)
    observer = Observer(len(ids), rules, recorded.started_at, say, task=f"drs_wait {REPLAY}", screen=screen)
    observer.lines.replays(recorded.started_at, changed)
    for observation in recorded.of_jobs(ids, held_counts=bool(rules.hold_file)):
        if observer.observe(observation):
            break
    ending = observer.ending(evidence=False)
    answer = result(ending, ids, rules, requests=0, logins=0, full=bool(options.get("series")))
    answer["msg"] = f"{REPLAY}, no evidence of now: {answer['reason']}"
    answer["replay"] = {
        "file": str(options["replay"]),
        "recorded_at": iso(recorded.started_at),
        "rules_changed": changed,
        "jobs_left_out": [job for job in recorded.ids if job not in ids],
    }
    damaged = [
        f"Line {number} of {options['replay']} is damaged; it counts as a failed poll." for number in recorded.damaged
    ]
    return _outcome(answer, [*ending.warnings, *damaged, *([asked.warning] if asked.warning else [])])


def _asked_of(recorded: Run, options: Mapping[str, Any]) -> Asked:
    """The jobs that a replay judges: those of the options, else all that were recorded."""
    if options["jobs"] is not None or options["job_names"] is not None:
        return asked_jobs(options)
    # A wait by names of which no poll succeeded never learned an id.
    return asked_jobs({"jobs": recorded.ids}) if recorded.ids else Asked((), (), None)


def _outcome(answer: dict[str, Any], warnings: Sequence[str]) -> dict[str, Any]:
    """Return the result with whether the task failed, and its warnings if there are any."""
    return {
        "connection": None,
        "replay": None,
        # The caller knows.
        "ran_by": None,
        **answer,
        "failed": not answer["ready"],
        **({"warnings": list(warnings)} if warnings else {}),
    }
