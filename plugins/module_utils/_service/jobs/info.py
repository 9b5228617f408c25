# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of ``drs_job_info``: the jobs of a project, chosen and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..._job.text import counted
from ..options import chosen
from .details import ReadsDetails, target_readonly
from .lists import ListedJob


class Lists(ReadsDetails, Protocol):
    """The part of the client that is needed here."""

    def list_jobs(
        self,
        *,
        ids: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        statuses: Sequence[str] | None = None,
    ) -> Sequence[ListedJob]:
        """The jobs of the project that are chosen by all of these."""


def jobs_info(client: Lists, options: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """The result for a task's options. What is null or empty chooses nothing and leaves nothing out."""
    ids, names, statuses = (chosen(options[option], option) for option in ("ids", "names", "statuses"))
    types = options["types"] or None
    listed = client.list_jobs(ids=ids or None, names=names or None, types=types, statuses=statuses or None)
    jobs = [job.as_dict() for job in _in_order(listed, ids)]
    if options["details"] and jobs:
        readonly, warning = target_readonly(client, [job["id"] for job in jobs])
        if warning:
            warn(warning)
        jobs = [{**job, "target_readonly": readonly[job["id"]]} for job in jobs]
    return {"jobs": jobs, **_counts(listed), "missing": _missing(listed, ids, names)}


def _in_order(jobs: Sequence[ListedJob], ids: Sequence[str]) -> Sequence[ListedJob]:
    by_id = {job.id: job for job in jobs}
    return [by_id[job_id] for job_id in dict.fromkeys(ids) if job_id in by_id] if ids else jobs


def _missing(jobs: Sequence[ListedJob], ids: Sequence[str], names: Sequence[str]) -> list[str]:
    known = {text for job in jobs for text in (job.id, job.name)}
    return [text for text in dict.fromkeys([*ids, *names]) if text not in known]


def _counts(jobs: Sequence[ListedJob]) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {"by_type": {}, "by_state": {}, "by_status": {}}
    for job in jobs:
        for kind, value in (("by_type", job.type), ("by_state", job.meaning.state.value), ("by_status", job.status)):
            if value is not None:
                counts[kind][value] = counts[kind].get(value, 0) + 1
    total = len(jobs)
    shares = ", ".join(f"{number} {state}" for state, number in sorted(counts["by_state"].items()))
    return {
        "counts": {"total": total, **counts},
        "summary": f"{counted(total)}{': ' if shares else ''}{shares}",
    }
