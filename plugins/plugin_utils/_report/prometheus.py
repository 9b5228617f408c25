# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result as a textfile for the Prometheus node exporter.

Every sample has the label ``title``: the exporter drops a whole scrape in which two files hold the same series.
No label is named ``job``: Prometheus sets that one itself, and renames ours to ``exported_job``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from ...module_utils._gate.gate import Verdict
from ...module_utils._gate.rules import Rule
from .view import Cutover, Wait

# Name: (help, samples by their labels).
Samples = dict[tuple[tuple[str, str], ...], float]

_HELP = {
    "drs_wait_ready": "Whether the verdict of the wait was ready.",
    "drs_wait_verdict": "1 for the verdict of the wait, 0 for the others.",
    "drs_wait_jobs": "Number of jobs that were waited for.",
    "drs_wait_jobs_ready": "Number of jobs that the last sample found ready.",
    "drs_wait_jobs_held": "Number of jobs with this hold in the last sample.",
    "drs_wait_job_ready": "Whether the last sample found the job ready.",
    "drs_wait_job_state": "1 for the state of the job in the last sample.",
    "drs_wait_job_delay_seconds": "How far the target is behind the source, if the service reports it.",
    "drs_wait_job_progress_ratio": "Progress of the full phase, 0 to 1, if the service reports it.",
    "drs_wait_duration_seconds": "How long the wait took.",
    "drs_wait_polls": "Number of polls, including failed ones.",
    "drs_wait_requests": "Number of requests, including retries.",
    "drs_wait_errors": "Number of polls that failed.",
    "drs_wait_started_timestamp_seconds": "When the wait began.",
    "drs_wait_finished_timestamp_seconds": "When the wait ended.",
    "drs_wait_valid_until_timestamp_seconds": "Time until which the verdict ready may be trusted.",
    "drs_cutover_ready": "Whether the cutover succeeded.",
    "drs_cutover_outcome": "1 for the outcome of the cutover.",
    "drs_cutover_outage_seconds": "From the first freeze task to the end of the switch, or of the unfreeze.",
    "drs_cutover_stage_state": "1 for the state of this stage of the cutover.",
    "drs_cutover_stage_duration_seconds": "How long this stage of the cutover took.",
    "drs_cutover_started_timestamp_seconds": "When the cutover began.",
    "drs_cutover_finished_timestamp_seconds": "When the cutover ended.",
}


def render(view: Wait | Cutover, title: str, gate: str = "") -> str:
    """Return the whole file, each metric with its HELP and TYPE; ``gate`` is that of a cutover whose wait it is.

    Without that label an alert for overdue readings would take a cutover of long ago for one.
    """
    families: dict[str, Samples] = {name: {} for name in _HELP}
    if isinstance(view, Cutover):
        _add_cutover(families, view, {"title": title})
        for gate, wait in view.gates.items():
            _add_wait(families, wait, {"title": title, "gate": gate})
    else:
        _add_wait(families, view, {"title": title, **({"gate": gate} if gate else {})})
    return "".join(_family(name, samples) for name, samples in families.items() if samples)


def _add(families: Mapping[str, Samples], begin: str, labels: Mapping[str, str], **values: float | None) -> None:
    """Add values with these labels, each to the family whose name begins so and ends in the value's."""
    for name, value in values.items():
        if value is not None:
            # Two ids can look the same once unprintable characters are removed: the first one stays.
            families[begin + name].setdefault(tuple(labels.items()), value)


def _add_wait(families: Mapping[str, Samples], wait: Wait, labels: Mapping[str, str]) -> None:
    if wait.replay:
        labels = {**labels, "replay": "true"}
    add = partial(_add, families, "drs_wait_")
    add(
        labels,
        ready=wait.ready,
        duration_seconds=wait.numbers["elapsed"],
        polls=wait.numbers["polls"],
        requests=wait.numbers["requests"],
        errors=wait.numbers["errors"],
        started_timestamp_seconds=wait.started_at,
        finished_timestamp_seconds=wait.finished_at,
        valid_until_timestamp_seconds=wait.valid_until,
    )
    for verdict in Verdict:
        add({**labels, "verdict": verdict.value}, verdict=verdict.value == wait.verdict)
    if wait.jobs:
        add(labels, jobs=len(wait.jobs), jobs_ready=wait.jobs_ready)
        held = {rule: len(jobs) for rule, jobs in wait.held_by}
        for rule in Rule:
            add({**labels, "rule": rule.value}, jobs_held=held.get(rule.value, 0))
    for job in wait.jobs:
        # Always set, so that a legend or an alert has something to show for a job without a known name.
        of_job = {**labels, "job_id": job.id, "job_name": job.given_name or job.id}
        ratio = None if job.progress is None else job.progress / 100
        add(of_job, job_ready=job.ready, job_delay_seconds=job.delay, job_progress_ratio=ratio)
        add({**of_job, "state": job.state}, job_state=1)


def _add_cutover(families: Mapping[str, Samples], cutover: Cutover, labels: Mapping[str, str]) -> None:
    add = partial(_add, families, "drs_cutover_")
    add(
        labels,
        ready=cutover.ready,
        outage_seconds=cutover.outage,
        started_timestamp_seconds=cutover.started_at,
        finished_timestamp_seconds=cutover.finished_at,
    )
    add({**labels, "outcome": cutover.outcome}, outcome=1)
    for stage in cutover.stages:
        of_stage = {**labels, "stage": stage.name}
        add(of_stage, stage_duration_seconds=stage.seconds)
        add({**of_stage, "state": stage.state}, stage_state=1)


def _family(name: str, samples: Samples) -> str:
    lines = [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
    lines += [f"{name}{{{_labels(labels)}}} {_number(value)}" for labels, value in samples.items()]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
