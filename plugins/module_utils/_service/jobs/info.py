# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of ``drs_job_info``: the jobs of a project, chosen and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..._job.errors import DrsError
from ..._job.text import counted, listed
from ..options import chosen
from .client import Client
from .lists import ListedJob


def jobs_info(client: Client, options: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """The result for a task's options. What is null or empty chooses nothing and leaves nothing out."""
    ids, names, statuses = (chosen(options[option], option) for option in ("ids", "names", "statuses"))
    types = options["types"] or None
    found = client.list_jobs(ids=ids or None, names=names or None, types=types, statuses=statuses or None)
    jobs = [job.as_dict() for job in _in_order(found, ids)]
    if options["details"] and jobs:
        readonly, warning = target_readonly(client, [job["id"] for job in jobs])
        if warning:
            warn(warning)
        jobs = [{**job, "target_readonly": readonly[job["id"]]} for job in jobs]
    return {"jobs": jobs, **_counts(found), "missing": _missing(found, ids, names)}


def target_readonly(client: Client, ids: Sequence[str]) -> tuple[dict[str, bool | None], str | None]:
    """Whether each job's target is read-only until the job has ended, and a warning if that could not be checked.

    None means not known. Details are often refused to a user who may read statuses, so that is not an error.
    """
    try:
        records = client.details(ids)
    except DrsError as error:
        warning = f"Whether the targets are read-only until the jobs have ended could not be checked. {error}"
        return dict.fromkeys(ids), warning
    found = {record.id: record.target_readonly for record in records}
    unknown = [record.id for record in records if record.target_readonly is None and record.has_setting]
    if unknown:
        jobs = listed(unknown, 20)
        return found, f"The service does not say whether the target is read-only until the job has ended: {jobs}."
    return found, None


def _in_order(jobs: Sequence[ListedJob], ids: Sequence[str]) -> Sequence[ListedJob]:
    by_id = {job.id: job for job in jobs}
    return [by_id[job_id] for job_id in dict.fromkeys(ids) if job_id in by_id] if ids else jobs


def _missing(jobs: Sequence[ListedJob], ids: Sequence[str], names: Sequence[str]) -> list[str]:
    known = {text for job in jobs for text in (job.id, job.name)}
    return [text for text in dict.fromkeys([*ids, *names]) if text not in known]


def _counts(jobs: Sequence[ListedJob]) -> dict[str, Any]:
    by_state = dict(Counter(job.meaning.state.value for job in jobs))
    counts = {
        "total": len(jobs),
        "by_type": dict(Counter(job.type for job in jobs if job.type is not None)),
        "by_state": by_state,
        "by_status": dict(Counter(job.status for job in jobs if job.status is not None)),
    }
    shares = ", ".join(f"{number} {state}" for state, number in sorted(by_state.items()))
    return {"counts": counts, "summary": f"{counted(len(jobs))}{': ' if shares else ''}{shares}"}
