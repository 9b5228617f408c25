# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs by name: which jobs a task's options ask for, and the ids of those that are given by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..._job.errors import DrsError, configuration_error
from ..._job.text import listed
from ..options import distinct_jobs
from .client import Client
from .lists import ListedJob

# The number of candidates that an error lists.
_CANDIDATES = 5


@dataclass(frozen=True)
class Asked:
    """The jobs that options ask for, each once: either ids or names, in the order given."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    warning: str | None


def asked_jobs(options: Mapping[str, Any], named: Callable[[str], str] = str) -> Asked:
    """The jobs of ``jobs`` or ``job_names``. Raises :class:`DrsError` of kind ``configuration`` for anything else.

    ``named`` returns what the user calls an option.
    """
    jobs, names = options.get("jobs"), options.get("job_names")
    if jobs and names:
        raise configuration_error(f"{named('jobs')} and {named('job_names')} are both set. Set only one.")
    if names or (names is not None and jobs is None):
        distinct, warning = _distinct(names, "job_names", "name", named)
        return Asked((), distinct, warning)
    if jobs is None:
        raise configuration_error("No jobs specified. Set jobs (ids) or job_names (names as shown in the console).")
    distinct, warning = _distinct(jobs, "jobs", "id", named)
    return Asked(distinct, (), warning)


def _distinct(
    entries: Sequence[str], option: str, what: str, named: Callable[[str], str]
) -> tuple[tuple[str, ...], str | None]:
    distinct, repeated = distinct_jobs(entries, named(option), what)
    warning = f"{option} names {', '.join(repeated)} more than once; each job is asked for once."
    return tuple(distinct), warning if repeated else None


def resolve_names(listed: Sequence[ListedJob], names: Sequence[str]) -> list[str]:
    """The id of each of these jobs, in the order of their names, which are compared exactly.

    ``listed`` are all jobs of the project: the service's own filter also finds parts of names, and candidates are
    needed for the error. Raises :class:`DrsError` of kind ``configuration``, which is final, if a name has no job or several.
    """
    found: dict[str, list[ListedJob]] = {name: [] for name in names}
    for job in listed:
        if job.name in found:
            found[job.name].append(job)
    wrong = [(name, jobs) for name, jobs in found.items() if len(jobs) != 1]
    if wrong:
        # Candidates only for those that are told: to look for them takes its time.
        texts = [_wrong(name, jobs, listed) for name, jobs in wrong[:_CANDIDATES]]
        more = f" And {len(wrong) - _CANDIDATES} more names." if len(wrong) > _CANDIDATES else ""
        raise configuration_error(f"job_names: {' '.join(texts)}{more}")
    return [found[name][0].id for name in names]


def ids_of(client: Client, asked: Asked, until: float | None = None) -> list[str]:
    """The ids of the jobs that options ask for, looked up if they are given by name.

    Nothing is tried again after ``until`` (monotonic seconds). Raises :class:`DrsError`, as it may be shown.
    """
    if not asked.names:
        return list(asked.ids)
    try:
        return resolve_names(client.list_jobs(until=until), asked.names)
    except DrsError as error:
        raise client.shown_error(error) from None


def _wrong(name: str, jobs: Sequence[ListedJob], listed: Sequence[ListedJob]) -> str:
    if jobs:
        return f"{len(jobs)} jobs are named {name!r}: {_shown(jobs)}. Set jobs to the id of the right one."
    if not listed:
        return f"No job is named {name!r}; the project has no jobs. Check the project."
    named = [job for job in listed if job.name]
    similar = get_close_matches(name.lower(), [str(job.name).lower() for job in named], _CANDIDATES, 0.6)
    candidates = [job for job in named if str(job.name).lower() in similar or name.lower() in str(job.name).lower()]
    if candidates:
        return f"No job is named {name!r}. Similar: {_shown(candidates)}."
    return f"No job is named {name!r}. The project has: {_shown(listed)}."


def _shown(jobs: Sequence[ListedJob]) -> str:
    """Candidates for a sentence, each as one can tell it from the others."""
    shown = [
        f"{job.name or 'without a name'} ({', '.join(filter(None, (job.id, job.type, job.status)))})" for job in jobs
    ]
    return listed(shown, _CANDIDATES)
