# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that all reports share: durations, and what a verdict or an outcome means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from ...module_utils._cutover.stages import Outcome
from ...module_utils._cutover.wording import HEADLINES
from ...module_utils._gate.gate import Verdict
from ...module_utils._job.text import counted, listed
from .svg import clock
from .view import Cutover, Job, Wait

_MOST_STOPPED = 5
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))

Tone: TypeAlias = Literal["good", "warn", "hold", "bad", "odd"]

# What each verdict means, and how alarming it is.
_OF_VERDICTS: Mapping[Verdict, tuple[str, Tone]] = {
    Verdict.READY: ("All jobs were ready together. The gate is open.", "good"),
    Verdict.TIMEOUT: ("Timed out before all jobs were ready. The gate stays shut.", "warn"),
    Verdict.HELD: ("Only the hold file is blocking. The gate stays shut.", "hold"),
    Verdict.FAILED: ("A job failed. The gate stays shut.", "bad"),
    Verdict.ENDED: ("A job ended before it reached its goal. The gate stays shut.", "bad"),
    Verdict.ERROR: ("The jobs could not be read. The gate stays shut.", "bad"),
    Verdict.MISSING: ("The service does not know every job. The gate stays shut.", "odd"),
    Verdict.UNKNOWN: ("A job has an unknown status. The gate stays shut.", "odd"),
}


def span(seconds: float) -> str:
    """Return a duration for people: ``12.4 s``, ``2 min 25 s``, ``1 h 5 min``, ``3 d 4 h``."""
    if abs(seconds) < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    rest = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in _UNITS:
        number, rest = divmod(rest, size)
        if parts and not number:
            break
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])


def day_and_time(at: float) -> str:
    """Return an epoch time as a person writes it, in UTC."""
    return clock(at, "%d %b %Y, %H:%M:%S UTC")


def estimate(seconds: float) -> str:
    """Return a duration that nobody knows exactly: from a minute on without seconds, from a day on without minutes."""
    size = 1 if seconds < 60 else 60 if seconds < 86400 else 3600
    return span(round(seconds / size) * size)


_CONNECTION = {"endpoint": "endpoint", "region": "region", "project_id": "project", "user": "user"}


def origin(wait: Wait) -> list[tuple[str, str]]:
    """Where the jobs were read and by whom: names and values, as far as they are known."""
    known = dict(wait.connection)
    return [(name, known[key]) for key, name in _CONNECTION.items() if key in known]


def of_cutover(cutover: Cutover) -> dict[str, str]:
    """Return since when the source has been frozen, if it may still be, and which jobs were stopped."""
    facts: dict[str, str] = {}
    if cutover.frozen_since is not None and cutover.outage is None:
        facts["Frozen since"] = day_and_time(cutover.frozen_since)
    if cutover.stopped:
        facts["Stopped"] = listed(cutover.stopped, _MOST_STOPPED)
    return facts


def of_subtasks(job: Job) -> str:
    """Return how many subtasks of a job are ready; empty if it has none."""
    if not job.subtasks:
        return ""
    number = len(job.subtasks)
    # Of those that the result leaves out nothing is known here.
    more = f", {job.subtasks_left_out} more not listed" if job.subtasks_left_out else ""
    return f"{sum(task.ready for task in job.subtasks)} of {counted(number, 'subtask')} ready{more}"


def says(view: Wait | Cutover) -> str:
    """Return what the verdict or the outcome means, in a sentence or two."""
    if isinstance(view, Cutover):
        return _of_cutover(view)
    if view.verdict == Verdict.ERROR.value and not view.jobs:
        return "The wait could not begin. The gate stays shut."
    if view.verdict == Verdict.TIMEOUT.value and view.rules.get("timeout") == "0":
        return "Not all jobs were ready in the one sample that was taken. The gate stays shut."
    if view.verdict == Verdict.READY.value and not view.ready:
        return "The result contradicts itself. The gate stays shut."
    return _of_verdict(view)[0]


def _of_cutover(cutover: Cutover) -> str:
    # The result may be of another version, with an outcome that this one does not know.
    known = {outcome.value: said for outcome, said in HEADLINES.items()}
    if cutover.outcome in known and (cutover.ready or cutover.outcome != Outcome.DONE.value):
        return known[cutover.outcome]
    failed = next((stage.name for stage in cutover.stages if stage.state == "failed"), "")
    return f"The cutover stopped in the stage {failed}." if failed else "The cutover did not succeed."


def tone(view: Wait | Cutover) -> Tone:
    """How alarming it is."""
    if isinstance(view, Cutover):
        if view.ready:
            return "good"
        # Nothing is lost: the source is in use, as before.
        return "warn" if view.outcome in ("unfrozen", "not_begun") else "bad"
    if view.verdict == Verdict.READY.value and not view.ready:
        return "bad"
    return _of_verdict(view)[1]


def _of_verdict(wait: Wait) -> tuple[str, Tone]:
    # The result may be of another version, with a verdict that this one does not know.
    known = {verdict.value: said for verdict, said in _OF_VERDICTS.items()}
    return known.get(wait.verdict, ("The gate stays shut.", "odd"))
