# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few lines with which a role ends: how it ended, its jobs, the worst of them, and where the reports are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._job.status_table import State
from ...module_utils._job.text import listed
from ...module_utils._wait.recording import REPLAY
from .untrusted import shortened
from .view import Cutover, Job, Wait, read
from .wording import changed_rules, span

_MOST_WORST = 5
# A line fits on a terminal of 80 columns, with what the default callback puts around it.
_LONGEST_NAME = 30


def summary(result: Mapping[str, Any], reports: Iterable[str], *, with_reason: bool) -> list[str]:
    """Return the lines for a result of ``drs_job_wait`` or of the role ``drs_cutover``.

    Without the reason if the task that follows fails with it.
    """
    view = read(result)
    lines = _cutover(view) if isinstance(view, Cutover) else _wait(view)
    if with_reason and view.reason:
        lines[0] = f"{lines[0]}. {view.reason}"
    return lines + [f"Report: file://{Path(path).absolute()}" for path in reports]


def _wait(wait: Wait) -> list[str]:
    elapsed = wait.numbers["elapsed"]
    mark = f"{REPLAY}, no evidence: " if wait.replay else ""
    lines = [f"{mark}Verdict: {wait.verdict}{f' after {span(elapsed)}' if elapsed else ''}", *_jobs(wait)]
    changed = changed_rules(wait.replay) if wait.replay else []
    return lines + ([f"Rules that differ: {listed(changed, _MOST_WORST)}"] if changed else [])


def _cutover(cutover: Cutover) -> list[str]:
    lines = [f"Outcome: {cutover.outcome}"]
    if cutover.outage is not None:
        lines.append(f"Outage: {span(cutover.outage)}")
    stages = [f"{stage.name} {span(stage.seconds or 0)}" for stage in cutover.stages]
    lines += [f"Stages: {', '.join(stages)}"] if stages else []
    gate = list(cutover.gates)[-1:]
    return lines + [line for name in gate for line in _jobs(cutover.gates[name], f" at the {name} gate")]


def _jobs(wait: Wait, where: str = "") -> list[str]:
    if not wait.jobs:
        return []
    if all(job.state == State.UNREAD.value for job in wait.jobs):
        return [f"Jobs: {len(wait.jobs)} unread{where}"]
    held = [job for job in wait.worst_first if not job.ready]
    statuses = Counter(job.status or job.state for job in held)
    others = ", ".join(f"{number} {status}" for status, number in statuses.most_common())
    lines = [f"Jobs: {wait.jobs_ready} of {len(wait.jobs)} ready{where}{f'; not ready: {others}' if others else ''}"]
    lines += [_job(job) for job in held[:_MOST_WORST]]
    return lines + ([f"... and {len(held) - _MOST_WORST} more"] if len(held) > _MOST_WORST else [])


def _job(job: Job) -> str:
    """Return a line about a job that is not ready, its holds as in the reason of a verdict."""
    holds = ", ".join(hold.rule for hold in job.holds)
    values = ""
    if job.delay is not None:
        values = f" delay {job.delay:g} s{f', {job.trend}' if job.trend and job.delay else ''}"
    elif job.progress is not None and job.progress < 100:
        values = f" {job.progress:g} %"
    return f"- {shortened(job.name, _LONGEST_NAME)} {job.status or job.state} [{holds}]{values}"
