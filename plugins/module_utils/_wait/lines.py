# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines a person sees while a wait goes on: plain text, bounded in width and number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from unicodedata import east_asian_width

from .._gate.gate import Decision, FailedPoll, Observation, Sample, Verdict
from .._gate.reasons import badness
from .._gate.rules import JudgedJob, Rules
from .._job.text import duration, iso, printable
from .history import History

WIDEST = 160
MOST_LINES = 500
_LONGEST_HOLD = 20
_LONGEST_NAME = 30
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

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, job_id: str) -> str:
        short = _short(job_id)
        return printable(job_id if short in self._alike else short)

    def in_text(self, text: str) -> str:
        """The text with all ids in it made short."""
        for job_id in self._ids:
            if job_id in text:
                text = text.replace(job_id, self[job_id])
        return text


def _short(job_id: str) -> str:
    return f"{job_id[:4]}..{job_id[-4:]}" if len(job_id) > 12 else job_id


def _fitted(line: str) -> str:
    """Cut the line to the width of a terminal, and keep the hold at its end if there is one."""
    if _columns(line) <= WIDEST:
        return line
    last = line.rpartition(" ")[2]
    end = f"... {last}" if last.startswith("hold=") and len(last) <= _LONGEST_HOLD else "..."
    line = line[: WIDEST - len(end)]
    while _columns(line) + len(end) > WIDEST:
        line = line[:-1]
    return line + end


def _columns(text: str) -> int:
    # The service also answers in Chinese, of which each character is two columns wide.
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


class Lines:
    """Writes what is worth a line to ``say``, which takes one line without its end."""

    def __init__(self, jobs: int, rules: Rules, say: Callable[[str], None]) -> None:
        self._rules = rules
        self._say = say
        self._jobs = jobs
        self._names = ShortIds(())
        self._written = 0
        self._alive_at = 0.0
        self._shown: dict[str, tuple[object, ...]] = {}
        self._looks: dict[tuple[object, ...], tuple[object, ...]] = {}
        self._streak = 0
        self._beats = 0
        self._delay_told = 0

    def start(self, at: float) -> None:
        """The first line: what is waited for."""
        rules = self._rules
        self._line(
            at,
            0,
            f"START jobs={self._jobs} goal={rules.goal.value} max_delay={rules.max_delay}s "
            f"stable={rules.stable_samples}x/{rules.stable_for:g}s timeout={duration(rules.timeout)}",
        )

    def observed(self, observation: Observation, decision: Decision, history: History, near: bool) -> None:
        """The lines that one observation is worth."""
        if isinstance(observation, Sample) and not len(self._names):
            self._names = ShortIds([reading.id for reading in observation.readings])
        if isinstance(observation, FailedPoll):
            code = observation.failure.get("error_code") or observation.failure.get("http_status") or ""
            self._reset(observation, f"{observation.failure.get('kind')} {code}".strip(), decision, observation.message)
        else:
            if decision.reset:
                self._reset(observation, self._names.in_text(decision.reset), decision)
            self._changes(observation, decision.standing.jobs, history)
        self._streak = decision.standing.streak
        beat = _HEARTBEATS[min(self._beats, len(_HEARTBEATS) - 1)]
        # A delay that halved or doubled is worth a line before the next heartbeat.
        beat = _HEARTBEATS[0] if self._moved(decision) else min(beat, _HEARTBEAT_NEAR) if near else beat
        # A failed poll has a line of its own.
        beat = _HEARTBEATS[-1] if isinstance(observation, FailedPoll) else beat
        # Half of the lines as often as that, then fewer and fewer: the bound on lines lasts for months.
        beat *= 2 ** max(0, self._written // 25 - 9)
        if decision.verdict is None and observation.ended - self._alive_at >= beat:
            self._alive_at = observation.ended
            self._beats += 1
            self._delay_told = _longest_delay(decision)
            self._line(observation.at, observation.ended, self._alive(decision, history))

    def stalled(self, observation: Observation, seconds: float, decision: Decision, history: History) -> None:
        """Write that nothing has moved for this number of seconds."""
        state = self._alive(decision, history).removeprefix("ALIVE ")
        self._line(observation.at, observation.ended, f"STALL nothing moved for {duration(seconds)} {state}")

    def verdict(self, at: float, elapsed: float, decision: Decision, valid_until: float | None) -> None:
        """The last line, which is always written."""
        standing = decision.standing
        if decision.verdict is Verdict.READY and valid_until is not None:
            rest = (
                f"jobs={len(standing.jobs)} streak={standing.streak}x/{standing.streak_for:.0f}s "
                f"valid_until={iso(valid_until)[11:]}"
            )
        else:
            ready = sum(job.ready for job in standing.jobs)
            rest = f"ready={ready}/{self._jobs} {self._names.in_text(decision.reason)}"
        verdict = decision.verdict.value if decision.verdict else ""
        self._write(at, elapsed, f"VERDICT {verdict} {rest}")

    def _changes(self, observation: Sample, jobs: Sequence[JudgedJob], history: History) -> None:
        changed = []
        for job in jobs:
            looks = _worth_a_line(job)
            if self._shown.get(job.reading.id) != looks:
                # Most jobs look the same: one object for all of them.
                self._shown[job.reading.id] = self._looks.setdefault(looks, looks)
                changed.append(job)
        changed.sort(key=badness, reverse=True)
        for job in changed[:_MOST_CHANGES]:
            name = self._names[job.reading.id]
            self._line(observation.at, observation.ended, f"CHANGE {name} {_described(job, history)}")
        if len(changed) > _MOST_CHANGES:
            others = changed[_MOST_CHANGES:]
            states: dict[str, int] = {}
            for job in others:
                state = "ready" if job.ready else job.reading.state.value
                states[state] = states.get(state, 0) + 1
            shown = " ".join(f"{state}={number}" for state, number in sorted(states.items()))
            holds = next((f" hold={job.holds[0].rule.value}" for job in others if job.holds), "")
            self._line(observation.at, observation.ended, f"CHANGE and {len(others)} more jobs: {shown}{holds}")

    def _moved(self, decision: Decision) -> bool:
        delay = _longest_delay(decision)
        return bool(self._delay_told) and not self._delay_told / 2 < delay < self._delay_told * 2

    def _reset(self, observation: Observation, why: str, decision: Decision, cause: str = "") -> None:
        standing = decision.standing
        errors = f" errors={standing.errors}/{self._rules.max_errors}" if standing.errors else ""
        what = f"RESET streak {self._streak}->0" if self._streak else "ERROR"
        self._line(observation.at, observation.ended, f"{what} {why}{errors}{cause and f' {cause}'}")

    def _alive(self, decision: Decision, history: History) -> str:
        standing = decision.standing
        late = [job for job in standing.jobs if not job.ready]
        ready = len(standing.jobs) - len(late)
        streak = min(standing.streak, self._rules.stable_samples)
        counts = f"ALIVE ready={ready}/{self._jobs} streak={streak}/{self._rules.stable_samples}"
        if standing.errors:
            return f"{counts} errors={standing.errors}/{self._rules.max_errors} hold=failed_poll"
        if not late:
            return f"{counts} stable={standing.streak_for:.0f}s/{self._rules.stable_for:g}s hold=streak"
        worst = max(late, key=badness)
        described = _described(worst, history, status=False)
        return f"{counts}{_all_done_in(late, history)} worst={self._names[worst.reading.id]} {described}"

    def _line(self, at: float, elapsed: float, text: str) -> None:
        # The last but one says that there are no more, the last is the verdict.
        if self._written < MOST_LINES - 2:
            self._write(at, elapsed, text)
        elif self._written == MOST_LINES - 2:
            self._write(at, elapsed, f"QUIET {MOST_LINES} lines are enough: the next one is the verdict")

    def _write(self, at: float, elapsed: float, text: str) -> None:
        self._written += 1
        self._say(_fitted(printable(f"drs_wait {iso(at)[11:]} +{duration(elapsed)} {text}")))


def _longest_delay(decision: Decision) -> int:
    return max((job.reading.progress.delay or 0 for job in decision.standing.jobs), default=0)


def _all_done_in(late: Sequence[JudgedJob], history: History) -> str:
    """When the last of several jobs would be ready, if there is an estimate for each of them."""
    trends = [history.trend(job) for job in late]
    estimates = [trend.seconds_left for trend in trends if trend and trend.seconds_left is not None]
    return f" all_eta={duration(max(estimates))}" if len(late) > 1 and len(estimates) == len(late) else ""


def _worth_a_line(job: JudgedJob) -> tuple[object, ...]:
    progress = job.reading.progress.progress
    tenth = None if progress is None else progress // 10
    subtasks = tuple(_worth_a_line(subtask) for subtask in job.subtasks)
    return (job.reading.state, job.reading.status.status, tenth, tuple(hold.rule for hold in job.holds), subtasks)


def _described(job: JudgedJob, history: History, *, status: bool = True) -> str:
    """A job in a few words, ending with what holds it."""
    reading, progress = job.reading, job.reading.progress
    words = [reading.status.status or reading.state.value] if status else []
    # The percentage is of the full phase; later it only repeats itself.
    if progress.progress is not None and progress.delay is None:
        words.append(f"{progress.progress}%")
        words += [f"{name}={part['progress']}" for name, part in (progress.parts or {}).items()]
    if progress.delay is not None:
        words.append(f"delay={progress.delay}s")
    trend = history.trend(job)
    if trend and progress.delay is None and trend.seconds_left is not None:
        words.append(f"eta={duration(trend.seconds_left)}")
    elif trend and progress.delay:
        words.append(trend.direction.replace(" ", "-"))
        words += [f"drain={duration(trend.seconds_left)}"] if trend.seconds_left is not None else []
    code = reading.status.error_code or progress.error_code
    words += [code] if code else []
    late = [subtask for subtask in job.subtasks if not subtask.ready]
    if late:
        words.append(f"subtasks={len(late)} {_subtask(max(late, key=badness))}")
    if reading.name:
        whole = len(reading.name) <= _LONGEST_NAME
        words.append(f"name={reading.name if whole else f'{reading.name[: _LONGEST_NAME - 3]}...'}")
    words.append(f"hold={job.holds[0].rule.value}" if job.holds else "ready")
    return " ".join(words)


def _subtask(subtask: JudgedJob) -> str:
    reading, progress = subtask.reading, subtask.reading.progress
    share = f" {progress.progress}%" if progress.progress is not None and progress.delay is None else ""
    delay = f" delay={progress.delay}s" if progress.delay is not None else ""
    return f"{_short(reading.id)} {reading.status.status or reading.state.value}{share}{delay}"
