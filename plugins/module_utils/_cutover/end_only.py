# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a switch lacks while a job goes on: what the service does only when the job is stopped in the normal way.

Sources: the user manuals of both clouds. "When a synchronisation task from PostgreSQL is stopped normally, DRS sets the
sequences of the target to the source's value plus 10,000 and deletes its replication slot"; start values of
auto-increment columns of a DDM or GaussDB target are set when the task ends; a MySQL migration may keep its target
read-only until then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._job.details import DetailRecord
from .._job.engines import POSTGRESQL
from .._job.text import listed

# Beginnings of the engines in the API's lists. Of what is not listed nobody knows what a stop migrates.
_KNOWN = (
    *("mysql", "mariadb", POSTGRESQL, "gaussdb", "gaussmysql", "gaussmongodb", "taurus", "ddm", "mongodb", "dds"),
    *("redis", "oracle", "sqlserver", "microsoft", "mssql", "db2", "kafka", "cassandra", "gaussredis"),
)
_WITH_START_VALUES = ("gaussdb", "ddm")
_WITHOUT_A_STOP = ("never", "after_switch")
_MOST_JOBS = 20


@dataclass(frozen=True)
class EndOnly:
    """What jobs have that only their end completes.

    ``refusal`` is why the switch would come too early, or empty. ``lines`` and ``warnings`` belong into the plan.
    ``engines`` says what the databases of each job are, if the service does.
    """

    refusal: str = ""
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    engines: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def planned(self) -> list[str]:
        """What a plan says of it."""
        return [*self.lines, *(f"Warning: {warning}" for warning in self.warnings)]


def end_only(details: Sequence[DetailRecord], stop_jobs: str) -> EndOnly:
    """Return what the option ``stop_jobs`` means for these jobs."""
    found = [record for record in details if record.found]
    readonly = [record.id for record in found if record.target_readonly]
    sequences = [record.id for record in found if _has_sequences(record)]
    lines, warnings = [], []
    if readonly:
        lines.append(f"Read-only until its job has ended: the target of {_jobs(readonly)}")
    if sequences:
        lines.append(f"Sequences are set on the target only by a normal stop: {_jobs(sequences)}")
    refusal = ""
    if stop_jobs in _WITHOUT_A_STOP:
        refusal = _refusal(stop_jobs, readonly, sequences)
        warnings += _not_known(details, readonly)
    ignoring = [record.id for record in found if record.conflict_policy == "ignore"]
    if ignoring:
        warnings.append(
            f"The conflict policy is ignore, so rows that conflict are dropped silently, and a delay of 0 does not say that "
            f"the data is equal: {_jobs(ignoring)}. Compare the data before the switch."
        )
    engines = {record.id: record.engines for record in found if record.engines}
    return EndOnly(refusal, tuple(lines), tuple(warnings), engines)


def _refusal(stop_jobs: str, readonly: Sequence[str], sequences: Sequence[str]) -> str:
    reasons = []
    if readonly:
        reasons.append(
            f"until its job has ended the target is read-only: {_jobs(readonly)}. The application would be switched to a "
            "database that refuses its writes."
        )
    if sequences:
        reasons.append(
            f"DRS sets the sequences of a PostgreSQL target only when its job is stopped in the normal way: {_jobs(sequences)}. "
            "The application would draw old values and get duplicate keys."
        )
    if not reasons:
        return ""
    return (
        f"drs_cutover_stop_jobs is {stop_jobs}, but {' Also, '.join(reasons)} Set it to before_switch, or to by_switch_tasks "
        "if your switch tasks stop the jobs."
    )


def _not_known(details: Sequence[DetailRecord], readonly: Sequence[str]) -> list[str]:
    warnings = []
    unsaid = [
        record.id for record in details if record.target_readonly is None and (record.has_setting or not record.found)
    ]
    if unsaid:
        warnings.append(
            f"The service does not say whether the target is read-only until the job has ended: {_jobs(unsaid)}."
        )
    strange = [record for record in details if not _has_sequences(record) and not _is_known(record)]
    if strange:
        named = [f"{record.id} ({record.source_engine or record.engine or 'not said'})" for record in strange]
        warnings.append(
            f"It is not known what only a normal stop of these jobs migrates, because of their engine: "
            f"{listed(named, _MOST_JOBS)}. If it sets sequences or start values, stop them before the switch."
        )
    counters = [record.id for record in details if (record.target_engine or "").startswith(_WITH_START_VALUES)]
    if counters:
        warnings.append(
            f"Start values of auto-increment columns are set on the target only when the job ends: {_jobs(counters)}. Set them "
            "before the application writes, or stop the jobs before the switch."
        )
    return warnings


def _has_sequences(record: DetailRecord) -> bool:
    """Whether it is, or may be, a synchronisation from PostgreSQL: what is not said does not speak for a switch."""
    if record.type not in (None, "sync"):
        return False
    return any((engine or "").startswith(POSTGRESQL) for engine in (record.source_engine, record.engine))


def _is_known(record: DetailRecord) -> bool:
    source = record.source_engine or record.engine or ""
    # A migration from PostgreSQL is in no manual.
    return source.startswith(_KNOWN) and not source.startswith(POSTGRESQL)


def _jobs(ids: Sequence[str]) -> str:
    return listed(ids, _MOST_JOBS)
