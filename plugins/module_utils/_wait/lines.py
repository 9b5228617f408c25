# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines a person sees while a wait goes on: plain text, bounded in width and number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .._gate.gate import Decision, FailedPoll, Observation, Sample, Verdict
from .._gate.quiet import PositionState, Quiet, Quiets
from .._gate.reasons import badness
from .._gate.rules import Goal, JudgedJob, Reading, Rule, Rules
from .._job.text import duration, iso, printable
from .._service.jobs.stop_request import Reply, StopAnswer
from .advice import advice
from .estimate import seconds_until_open
from .history import History
from .screen import Screen, Word, Worth, columns, fitted, wrapped

MOST_LINES = 500
# The service allows 50 characters.
_LONGEST_NAME = 60
_LONGEST_POSITION = 40
# A time of day says enough of what happens within a day.
_DAY = 86400
# Columns from which a verdict and what to do about it fit on one line, and the number of lines that it takes on fewer.
_ONE_LINE = 140
_LINES_OF_ADVICE = 3
_QUIETNESS = {PositionState.MOVED: 0, PositionState.UNKNOWN: 1, PositionState.UNMOVED: 2}
# Lines about single jobs in one poll; the others are counted.
_MOST_CHANGES = 5
# Seconds from one heartbeat to the next: the first ones soon, so that a delay that falls is seen to fall.
_HEARTBEATS = (15.0, 30.0, 60.0, 300.0)
_HEARTBEAT_NEAR = 60.0


class ShortIds:
    """Ids as ``9a47..jb21``, but whole where several would look the same."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        self._alike = {short for short, number in Counter(map(_short, set(ids))).items() if number > 1}

        self._names: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, job_id: str) -> str:
        short = _short(job_id)
        return printable(job_id if short in self._alike else short)

    def learn(self, readings: Iterable[Reading]) -> None:
        """Remember the names of jobs; one that several jobs have names none of them."""
        names = {reading.id: reading.name for reading in readings if reading.name}
        if not names:
            return
        number = Counter(names.values())
        self._names = {job_id: _name(name) for job_id, name in names.items() if number[name] == 1}

    def called(self, job_id: str) -> list[Word]:
        """The name by which people know a job, if there is one, and its id."""
        name, short = self._names.get(job_id), self[job_id]
        return [Word(name), Word(short, Worth.DETAIL)] if name else [Word(short)]

    def in_text(self, text: str) -> str:
        """The text with the name of each job in place of its id, or the id made short."""
        for job_id in self._ids:
            if job_id in text:
                text = text.replace(job_id, self._names.get(job_id) or self[job_id])
        return text


def _name(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _short(job_id: str) -> str:
    return f"{job_id[:4]}..{job_id[-4:]}" if len(job_id) > 12 else job_id


class Lines:
    """Writes what is worth a line to ``say``, which takes one line without its end."""

    def __init__(
        self,
        jobs: int,
        rules: Rules,
        history: History,
        say: Callable[[str], None],
        task: str,
        screen: Screen | None,
    ) -> None:
        """``jobs`` is their number; each line begins with ``task``."""
        self._task = task
        self._rules = rules
        self._history = history
        self._say = say
        self._screen = screen or Screen()
        self._jobs = jobs
        self._names = ShortIds(())
        self._written = 0
        self._alive_at = 0.0
        self._shown: dict[str, tuple[object, ...]] = {}
        self._looks: dict[tuple[object, ...], tuple[object, ...]] = {}
        self._streak = 0
        self._beats = 0
        self._delay_told = 0

    def start(self, at: float, what: str | None = None) -> None:
        """Write the first line: what is waited for, in the words of ``what`` if given."""
        rules = self._rules
        if what:
            self._line(at, 0, "START", [Word(f"jobs={self._jobs}"), Word(what)])
            return
        words = [] if rules.timeout else [Word("one sample")]
        words += [Word(f"jobs={self._jobs}"), Word(f"goal={rules.goal.value}", Worth.DETAIL)]
        catches_up = rules.goal in (Goal.AUTO, Goal.CAUGHT_UP)
        words += [Word(f"max_delay={rules.max_delay}s")] if catches_up else []
        if rules.timeout and catches_up:
            words.append(Word(f"stable={rules.stable_samples}x/{rules.stable_for:g}s", Worth.TREND))
        words += [Word(f"timeout={duration(rules.timeout)}")] if rules.timeout else []
        self._line(at, 0, "START", words)

    def replays(self, at: float, changed: Sequence[Mapping[str, Any]]) -> None:
        """Write by which rules a recording is judged, other than it was."""
        shown = [f"{each['rule']}={each['recorded']}->{each['replayed']}" for each in changed]
        self._line(at, 0, "RULES", [Word("changed:"), *map(Word, shown or ["none"])])

    def observed(self, observation: Observation, decision: Decision, near: bool) -> None:
        """The lines that one observation is worth."""
        if isinstance(observation, FailedPoll):
            code = observation.failure.get("error_code") or observation.failure.get("http_status") or ""
            self._reset(observation, f"{observation.failure.get('kind')} {code}".strip(), decision, observation.message)
        else:
            if not len(self._names):
                self._names = ShortIds([reading.id for reading in observation.readings])
            self._names.learn(observation.readings)
            if decision.reset:
                self._reset(observation, self._names.in_text(decision.reset), decision)
            self._changes(observation, decision.standing.jobs)
        self._streak = decision.standing.streak
        beat = _HEARTBEATS[min(self._beats, len(_HEARTBEATS) - 1)]
        # A delay that halved or doubled is worth a line before the next heartbeat.
        beat = _HEARTBEATS[0] if self._moved(decision) else min(beat, _HEARTBEAT_NEAR) if near else beat
        # A failed poll has a line of its own.
        beat = _HEARTBEATS[-1] if isinstance(observation, FailedPoll) else beat
        # Half of the lines as often as that, then fewer and fewer, so that the bound on lines lasts for months.
        beat *= 2 ** max(0, self._written // 25 - 9)
        if decision.verdict is None and observation.ended - self._alive_at >= beat:
            self._alive_at = observation.ended
            self._beats += 1
            self._delay_told = _longest_delay(decision)
            words = [*self._standing(decision), *self._ahead(observation, decision), *self._worst(decision)]
            self._line(observation.at, observation.ended, "ALIVE", words)

    def stalled(self, observation: Observation, seconds: float, decision: Decision) -> None:
        """Write that nothing has moved for this number of seconds."""
        words = [Word(f"nothing moved for {duration(seconds)}"), *self._standing(decision)]
        words += [*self._ahead(observation, decision), *self._worst(decision)]
        self._line(observation.at, observation.ended, "STALL", words)

    def verdict(self, at: float, elapsed: float, decision: Decision, valid_until: float | None) -> None:
        """The last line, which is always written; on a narrow terminal what to do is on lines of its own."""
        standing = decision.standing
        verdict = decision.verdict.value if decision.verdict else ""
        text, to_do = "", ""
        if decision.verdict is Verdict.READY:
            words = [Word(f"jobs={len(standing.jobs)}", Worth.COUNT)]
            if not self._rules.timeout:
                words.append(Word("one sample"))
            elif any(job.goal is Goal.CAUGHT_UP for job in standing.jobs):
                words.append(Word(f"streak={standing.streak}x/{standing.streak_for:.0f}s", Worth.COUNT))
            # A replay is no evidence of now.
            words += [Word(f"valid_until={iso(valid_until)[11:]}")] if valid_until is not None else []
            words += _quiet(standing.jobs, standing.quiets, self._names)
        else:
            to_do = f"to do: {advice(decision, self._rules, self._history, self._screen.named)}"
            if decision.verdict is Verdict.ERROR or not standing.jobs:
                words, text = [self._count(decision)], decision.reason
            else:
                # Of a job that is not ready the streak says nothing.
                late = any(not job.ready for job in standing.jobs)
                words = [self._count(decision)] if late else self._standing(decision)
                words += self._worst(decision, status=True)
        self._write(at, elapsed, f"VERDICT {verdict}", words, text, to_do)

    def stops(self, at: float, elapsed: float, answers: Mapping[str, StopAnswer]) -> None:
        """Write what the service said to stops: how many it accepted, and the others."""
        accepted = [job_id for job_id, answer in answers.items() if answer.reply is Reply.ACCEPTED]
        if accepted:
            more = [Word("...")] if accepted[1:] else []
            words = [Word(f"accepted={len(accepted)}"), *self._names.called(accepted[0]), *more]
            self._line(at, elapsed, "STOP", words)
        others = [(job_id, answer) for job_id, answer in answers.items() if answer.reply is not Reply.ACCEPTED]
        for job_id, answer in others[:_MOST_CHANGES]:
            words = [Word(answer.reply.value), *self._names.called(job_id)]
            self._line(at, elapsed, "STOP", words, answer.reason)
        if len(others) > _MOST_CHANGES:
            self._line(at, elapsed, "STOP", [Word(f"not accepted for {len(others) - _MOST_CHANGES} more jobs")])

    def end(self, at: float, elapsed: float, text: str) -> None:
        """Write the last line of a task that has no verdict."""
        self._write(at, elapsed, "END", [], self._names.in_text(text))

    def _changes(self, observation: Sample, jobs: Sequence[JudgedJob]) -> None:
        changed = []
        for job in jobs:
            looks = _worth_a_line(job)
            if self._shown.get(job.reading.id) != looks:
                # Most jobs look the same: one object for all of them.
                self._shown[job.reading.id] = self._looks.setdefault(looks, looks)
                changed.append(job)
        changed.sort(key=badness, reverse=True)
        for job in changed[:_MOST_CHANGES]:
            words = [*self._names.called(job.reading.id), *_described(job, self._history)]
            self._line(observation.at, observation.ended, "CHANGE", words)
        if len(changed) > _MOST_CHANGES:
            others = changed[_MOST_CHANGES:]
            states = Counter("ready" if job.ready else job.reading.state.value for job in others)
            shown = " ".join(f"{state}={number}" for state, number in sorted(states.items()))
            holds = [Word(f"hold={job.holds[0].rule.value}") for job in others if job.holds][:1]
            words = [Word(f"and {len(others)} more jobs: {shown}"), *holds]
            self._line(observation.at, observation.ended, "CHANGE", words)

    def _moved(self, decision: Decision) -> bool:
        delay = _longest_delay(decision)
        return bool(self._delay_told) and not self._delay_told / 2 < delay < self._delay_told * 2

    def _reset(self, observation: Observation, why: str, decision: Decision, cause: str = "") -> None:
        standing = decision.standing
        words = [Word(f"streak {self._streak}->0")] if self._streak else []
        words.append(Word(why))
        words += [Word(f"errors={standing.errors}/{self._rules.max_errors}")] if standing.errors else []
        self._line(observation.at, observation.ended, "RESET" if self._streak else "ERROR", words, cause)

    def _standing(self, decision: Decision) -> list[Word]:
        """How many jobs are ready, and for how long they have been so together."""
        standing, rules = decision.standing, self._rules
        late = any(not job.ready for job in standing.jobs)
        words = [self._count(decision)]
        if rules.timeout and any(job.goal is Goal.CAUGHT_UP for job in standing.jobs):
            streak = f"streak={min(standing.streak, rules.stable_samples)}/{rules.stable_samples}"
            words.append(Word(streak, Worth.TREND if late else Worth.COUNT))
            if not late and not standing.errors:
                words.append(Word(f"stable={standing.streak_for:.0f}s/{rules.stable_for:g}s", Worth.COUNT))
        return words

    def _count(self, decision: Decision) -> Word:
        """How many jobs are ready; after a failed poll nobody knows that."""
        standing = decision.standing
        ready = sum(job.ready for job in standing.jobs)
        return Word(
            f"unread={self._jobs}/{self._jobs}" if standing.errors else f"ready={ready}/{self._jobs}", Worth.COUNT
        )

    def _ahead(self, observation: Observation, decision: Decision) -> list[Word]:
        """When the gate would open, and how much time is left."""
        timeout = self._rules.timeout
        seconds = seconds_until_open(decision.standing, self._rules, self._history)
        words = []
        if seconds is not None:
            late = " (too late)" if observation.ended + seconds > timeout else ""
            when = iso(observation.at + seconds)
            words.append(Word(f"opens about {when[11:] if seconds < _DAY else when}{late}", Worth.ESTIMATE))
        if timeout:
            words.append(Word(f"timeout_in={duration(timeout - observation.ended)}", Worth.TREND))
        return words

    def _worst(self, decision: Decision, *, status: bool = False) -> list[Word]:
        """The job that is furthest from being ready, and what holds all of them."""
        standing = decision.standing
        if standing.errors:
            return [Word(f"errors={standing.errors}/{self._rules.max_errors}"), Word(f"hold={Rule.UNREAD.value}")]
        late = [job for job in standing.jobs if not job.ready]
        if not late:
            return [*_quiet(standing.jobs, standing.quiets, self._names), Word("hold=streak")]
        worst = max(late, key=badness)
        name, *more = self._names.called(worst.reading.id)
        label = "worst" if len(standing.jobs) > 1 else "job"
        # A stop shows how far each job is. A job that has a delay is in the incremental phase.
        status = status or self._rules.goal is Goal.STOPPED
        status = status and (worst.reading.progress.delay is None or worst.holds[0].rule is not Rule.DELAY)
        described = _described(worst, self._history, standing.quiets.get(worst.reading.id), status=status)
        return [name._replace(text=f"{label}={name.text}"), *more, *described]

    def _line(self, at: float, elapsed: float, event: str, words: Sequence[Word], text: str = "") -> None:
        # The last but one says that there are no more, the last is the verdict.
        most = MOST_LINES - (2 if self._screen.columns >= _ONE_LINE else 2 + _LINES_OF_ADVICE)
        if self._written < most:
            self._write(at, elapsed, event, words, text)
        elif self._written == most:
            self._write(at, elapsed, "QUIET", [Word(f"limit of {MOST_LINES} lines reached; only the end follows")])

    def _write(
        self, at: float, elapsed: float, event: str, words: Sequence[Word], text: str = "", to_do: str = ""
    ) -> None:
        self._written += 1
        width = self._screen.columns
        # What each line begins with: who writes it, when, what it is, and what it is about.
        lasted = "" if self._screen.is_narrow else f" +{duration(elapsed)}"
        begin = [Word(f"{self._task} {iso(at)[11:]}{lasted} {event}"), Word(self._screen.tag)]
        plain = [Word(printable(word.text), word.worth) for word in (*begin, *words)]
        text, to_do = printable(text), printable(to_do)
        if not to_do:
            self._say(fitted(plain, width, text))
        elif width >= _ONE_LINE:
            self._say(f"{fitted(plain, width - columns(to_do) - 1, text)} {to_do}")
        else:
            for line in (fitted(plain, width, text), *wrapped(to_do, width, f"{self._task}  ")):
                self._say(line)


def _longest_delay(decision: Decision) -> int:
    return max((job.reading.progress.delay or 0 for job in decision.standing.jobs), default=0)


def _worth_a_line(job: JudgedJob) -> tuple[object, ...]:
    progress = job.reading.progress.progress
    tenth = None if progress is None else progress // 10
    subtasks = tuple(_worth_a_line(subtask) for subtask in job.subtasks)
    return (job.reading.state, job.reading.status.status, tenth, tuple(hold.rule for hold in job.holds), subtasks)


def _described(job: JudgedJob, history: History, quiet: Quiet | None = None, *, status: bool = True) -> list[Word]:
    """A job in a few words, ending with what holds it."""
    reading, progress = job.reading, job.reading.progress
    words = [Word(reading.status.status or reading.state.value, Worth.ESTIMATE)] if status else []
    # The percentage is of the full phase; later it only repeats itself.
    if progress.progress is not None and progress.delay is None:
        words.append(Word(f"{progress.progress}%", Worth.STATE))
        words += [Word(f"{name}={part['progress']}", Worth.DETAIL) for name, part in (progress.parts or {}).items()]
    if progress.delay is not None:
        words.append(Word(f"delay={progress.delay}s", Worth.STATE))
    trend = history.trend(job)
    if trend and progress.delay is None and trend.seconds_left is not None:
        words.append(Word(f"eta={duration(trend.seconds_left)}", Worth.ESTIMATE))
    elif trend and progress.delay:
        words.append(Word(trend.direction.replace(" ", "-"), Worth.TREND))
        words += [Word(f"drain={duration(trend.seconds_left)}", Worth.TREND)] if trend.seconds_left is not None else []
    code = reading.status.error_code or progress.error_code
    words += [Word(code)] if code else []
    late = [subtask for subtask in job.subtasks if not subtask.ready]
    if late:
        words.append(Word(f"subtasks={len(late)}", Worth.COUNT))
        words.append(Word(_subtask(max(late, key=badness)), Worth.DETAIL))
    words += [Word(_position(quiet), Worth.DETAIL)] if quiet else []
    words.append(Word(f"hold={job.holds[0].rule.value}" if job.holds else "ready"))
    return words


def _position(quiet: Quiet) -> str:
    """The source's position, and whether it moved, if there is one."""
    if quiet.position is None:
        return ""
    # The end of a long one is what moves.
    cut = "..." if len(quiet.position) > _LONGEST_POSITION else ""
    moved = {PositionState.MOVED: " moved", PositionState.UNMOVED: f" unmoved={quiet.lasted:.0f}s"}
    return f"src={cut}{quiet.position[-_LONGEST_POSITION:].replace(' ', '')}{moved.get(quiet.state, '')}"


def _quiet(jobs: Sequence[JudgedJob], quiets: Quiets, names: ShortIds) -> list[Word]:
    """The position of the job whose source is least quiet, and how many did not move if there are several; or nothing."""
    known = [(job, quiet) for job in jobs if (quiet := quiets.get(job.reading.id)) and quiet.position is not None]
    if not known:
        return []
    job, least = min(known, key=lambda each: (_QUIETNESS[each[1].state], each[1].lasted))
    shown = _position(least)
    if len(jobs) > 1:
        unmoved = sum(quiet.state is PositionState.UNMOVED for _job, quiet in known)
        shown = f"quiet={unmoved}/{len(jobs)} least={names.called(job.reading.id)[0].text} {shown}"
    return [Word(shown, Worth.DETAIL)]


def _subtask(subtask: JudgedJob) -> str:
    reading, progress = subtask.reading, subtask.reading.progress
    share = f" {progress.progress}%" if progress.progress is not None and progress.delay is None else ""
    delay = f" delay={progress.delay}s" if progress.delay is not None else ""
    return f"{_short(reading.id)} {reading.status.status or reading.state.value}{share}{delay}"
