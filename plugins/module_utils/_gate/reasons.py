# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs in a verdict's reason, worst first, in a text that fits on a screen however many there are."""

from __future__ import annotations

from collections.abc import Sequence

from .._job.status_table import Phase, State
from .._job.text import listed
from .rules import JudgedJob, Rule

# The number of jobs of which a reason tells everything, and that it names if there are more.
_IN_FULL = 3
_NAMED = 5
# Characters of a name, and of a sentence about a job: an error of the service may have thousands.
_LONGEST_NAME = 60
_LONGEST_TEXT = 400


def named(jobs: Sequence[JudgedJob]) -> str:
    """The jobs, each with its status: all that is known of a few, of many the names of the first."""
    if len(jobs) <= _IN_FULL:
        return "; ".join(_in_full(job) for job in jobs)
    return listed([f"{called(job)} {_status(job)}" for job in jobs], _NAMED, last=", ")


def grouped(jobs: Sequence[JudgedJob]) -> str:
    """Return the jobs that are not ready: all that is known of a few, else groups, and the worst with their holds."""
    worst = sorted(jobs, key=badness, reverse=True)[:_IN_FULL]
    if len(jobs) <= _IN_FULL:
        return "; ".join(_in_full(job) for job in worst)
    groups: dict[tuple[int, str], list[JudgedJob]] = {}
    for job in jobs:
        groups.setdefault(_group(job), []).append(job)
    texts = [f"{len(group)} {label} ({_worst(group)})" for (_place, label), group in sorted(groups.items())]
    return f"{', '.join(texts)}. Worst: {'; '.join(map(_with_holds, worst))}"


def called(job: JudgedJob) -> str:
    """The name by which people know a job, or its id."""
    return _cut(job.reading.name or job.reading.id, _LONGEST_NAME)


def _in_full(job: JudgedJob) -> str:
    texts = " ".join(_cut(hold.text, _LONGEST_TEXT) for hold in job.holds)
    return f"{_with_holds(job)} {texts}".rstrip(". ")


def _with_holds(job: JudgedJob) -> str:
    name = f" ({_cut(job.reading.name, _LONGEST_NAME)})" if job.reading.name else ""
    return f"{job.reading.id}{name} {_status(job)} [{', '.join(hold.rule.value for hold in job.holds)}]"


def _status(job: JudgedJob) -> str:
    return job.reading.status.status or job.reading.state.value


def _group(job: JudgedJob) -> tuple[int, str]:
    """A place among the groups, the worst first, and what the jobs of the group have in common."""
    if job.failed:
        return 0, "failed"
    if job.ended:
        return 1, "ended"
    rules = {hold.rule for hold in job.holds}
    for place, (rule, label) in enumerate(_BEFORE_THE_PHASE, start=2):
        if rule in rules:
            return place, label
    if Rule.WRONG_PHASE in rules:
        in_phase = f"in the {job.reading.status.meaning.phase.value} phase"
        return (7, _STATES[job.reading.state]) if job.reading.state in _STATES else (8, in_phase)
    if Rule.SUBTASKS in rules:
        return 9, "with a subtask that is not ready" if job.subtasks else "with subtasks that are not known"
    if Rule.DELAY in rules:
        return (10, "without a delay") if job.reading.progress.delay is None else (11, "behind")
    for place, (rule, label) in enumerate(_AFTER_THE_DELAY, start=12):
        if rule in rules:
            return place, label
    return _GROUPS - 1, "held by the hold file"


_BEFORE_THE_PHASE = (
    (Rule.NOT_FOUND, "not found"),
    (Rule.UNKNOWN_STATUS, "with an unknown status"),
    (Rule.ERROR_REPORTED, "with an error"),
    (Rule.DISAGREEMENT, "with answers that disagree"),
    (Rule.ACTION, "with an action under way"),
)
_AFTER_THE_DELAY = (
    (Rule.WRITES, "whose source is still written to"),
    (Rule.POSITION, "whose source is not known to be quiet"),
    (Rule.INCOMPLETE, "not at 100 %"),
)
# The places of groups are below this number.
_GROUPS = 16
_STATES = {State.PAUSED: "paused", State.WAITING: "waiting for a person"}


def _worst(group: Sequence[JudgedJob]) -> str:
    """An example of a group: the job that is farthest behind, or the first ones."""
    job = max(group, key=badness)
    progress = job.reading.progress
    if _group(job)[1] == "behind":
        return f"worst: {called(job)}, {progress.delay} s"
    if job.reading.status.meaning.phase is Phase.FULL and progress.progress is not None:
        return f"slowest: {called(job)}, {progress.progress} %"
    more = ", ..." if len(group) > 2 else ""
    return f"{', '.join(called(each) for each in group[:2])}{more}"


def badness(job: JudgedJob) -> tuple[int, int, int]:
    """Return what orders jobs, as large as the job is bad: first by their groups, then by how far they are from being ready."""
    if job.ready:
        return (0, 0, 0)
    progress = job.reading.progress
    return (_GROUPS - _group(job)[0], progress.delay or 0, 100 - (progress.progress or 0))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} (cut)"
