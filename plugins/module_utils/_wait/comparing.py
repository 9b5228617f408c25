# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until comparisons that began after a moment are consistent: those that were not in the list at that moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from .._job.comparisons import CompareKind, CompareVerdict
from .._job.errors import DrsError
from .._job.text import counted, iso, listed, printable
from .._service.connection import connect
from .._service.http.clock import REAL_CLOCK, Clock
from .._service.jobs.comparisons import Compared, compared, comparison_ids, shown

_INTERVAL = 5.0
_MOST_ERRORS = 5
# What a person, or time, can still change.
_PENDING = (CompareVerdict.MISSING, CompareVerdict.STALE, CompareVerdict.UNFINISHED)
_FINAL = (CompareVerdict.INCONSISTENT, CompareVerdict.FAILED)
_MOST_NAMED = 5


def known_comparisons(
    options: Mapping[str, Any], environ: Mapping[str, str], clock: Clock = REAL_CLOCK
) -> dict[str, list[str]]:
    """Return the ids of all comparisons that each job has now. Raises :class:`DrsError` if one list is not known.

    ``options`` are those of the connection, and ``jobs``.
    """
    with connect(options, environ, clock=clock) as client:
        return {job_id: sorted(comparison_ids(client, job_id)) for job_id in options["jobs"]}


def wait_for_comparisons(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    kinds: Sequence[CompareKind],
    known: Mapping[str, Collection[str]],
    timeout: float,
    *,
    say: Callable[[str], None],
    clock: Clock = REAL_CLOCK,
) -> tuple[dict[str, Any], str]:
    """Wait until every kind of every job is consistent, for at most ``timeout`` seconds; what was found, and why not.

    A comparison in ``known`` (by job) does not count. The reason is empty if all are consistent.
    """
    until = clock.elapsed() + timeout
    said, errors, found = "", 0, [Compared(job_id, {}) for job_id in options["jobs"]]
    with connect(options, environ, clock=clock, until=until) as client:
        while True:
            problem = ""
            try:
                found = [
                    compared(client, job_id, kinds, None, until, known=frozenset(known.get(job_id, ())))
                    for job_id in options["jobs"]
                ]
                errors = 0
            except DrsError as error:
                problem, errors = str(error), errors + 1
                if error.final or errors > _MOST_ERRORS:
                    return shown(found, kinds), f"The comparisons could not be read. {problem}"
            text = problem or _described(found)
            if text != said:
                said = text
                say(printable(f"drs_compare {iso(clock.now())[11:]} {text}"))
            if not problem and all(job.consistent for job in found):
                return shown(found, kinds), ""
            if not problem and not _may_still_be(found):
                return shown(found, kinds), f"Source and target are not known to be equal: {text}."
            remaining = until - clock.elapsed()
            if remaining <= 0:
                return shown(found, kinds), f"No consistent comparison within {timeout:.0f} s: {text}."
            clock.sleep(min(_INTERVAL, remaining))


def _may_still_be(found: Sequence[Compared]) -> bool:
    """Whether waiting makes sense: nothing differs or failed, and something has not been compared yet."""
    verdicts = [comparison.verdict for job in found for comparison in job.all_read.values()]
    return not any(verdict in _FINAL for verdict in verdicts) and any(verdict in _PENDING for verdict in verdicts)


def _described(found: Sequence[Compared]) -> str:
    """The jobs that are not consistent, with their verdicts."""
    late = [job for job in found if not job.consistent]
    if not late:
        return f"{counted(len(found))} consistent"
    texts = [
        f"{job.id} " + " ".join(f"{kind.value}={comparison.verdict.value}" for kind, comparison in job.by_kind.items())
        for job in late
    ]
    return f"{len(found) - len(late)} of {counted(len(found))} consistent; {listed(texts, _MOST_NAMED)}"
