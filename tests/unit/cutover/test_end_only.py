# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a switch lacks while a job goes on: a table of what details say, and what follows for each time of the stop."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.end_only import EndOnly, end_only
from ansible_collections.cutover.drs.plugins.module_utils._job.details import DetailRecord

A, B = "9a470239-2308-4bb5-a6bc-1040402fjb21", "dc67695a-ee3e-49b8-a022-a099bd81jb21"
TOO_LATE = ["never", "after_switch"]
IN_TIME = ["before_switch", "by_switch_tasks"]
SYNC = {"type": "sync", "has_setting": False}


def job(job_id: str = A, **fields: Any) -> DetailRecord:
    """A migration between two MySQL servers whose target can be written to, unless a test says otherwise."""
    usual = {"target_readonly": False, "type": "migration", "source_engine": "mysql", "target_engine": "mysql"}
    return DetailRecord(job_id, True, "INCRE_TRANSFER_STARTED", **{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "engine"),
    [
        ({}, "mysql"),
        ({"target_engine": "gaussdb"}, "mysql to gaussdb"),
        ({"source_engine": None, "engine": "mysql", "target_engine": None}, "mysql"),
        ({"source_engine": None, "engine": None, "target_engine": "mysql"}, "mysql"),
    ],
)
def test_it_is_found_what_the_databases_of_a_job_are(fields: dict[str, Any], engine: str) -> None:
    nothing = {"source_engine": None, "engine": None, "target_engine": None}
    assert end_only([job(**fields), job(B, **nothing)], "before_switch").engines == {A: engine}


POSTGRESQL = job(**SYNC, target_readonly=None, source_engine="postgresql", target_engine="postgresql")


@pytest.mark.parametrize("when", TOO_LATE)
def test_a_switch_from_postgresql_before_the_stop_is_refused_with_the_reason_and_the_way_out(when: str) -> None:
    assert end_only([POSTGRESQL, job(B)], when).refusal == (
        f"drs_cutover_stop_jobs is {when}, but DRS sets the sequences of a PostgreSQL target only when its job is "
        f"stopped in the normal way: {A}. The application would draw old values and get duplicate keys. Set it to "
        "before_switch, or to by_switch_tasks if your switch tasks stop the jobs."
    )


@pytest.mark.parametrize("when", TOO_LATE)
@pytest.mark.parametrize(
    "fields",
    [
        {**SYNC, "source_engine": "postgresql"},
        {**SYNC, "source_engine": "postgres"},
        {**SYNC, "source_engine": None, "engine": "postgresql"},
        {**SYNC, "source_engine": "mysql", "engine": "postgresql"},
        {"type": None, "source_engine": "postgresql"},
    ],
)
def test_what_may_be_a_synchronisation_from_postgresql_counts_as_one(fields: dict[str, Any], when: str) -> None:
    assert "sequences of a PostgreSQL target" in end_only([job(**fields)], when).refusal


@pytest.mark.parametrize("when", IN_TIME)
def test_a_stop_before_the_switch_sets_the_sequences_and_the_plan_says_so(when: str) -> None:
    assert end_only([POSTGRESQL], when) == EndOnly(
        lines=(f"Sequences are set on the target only by a normal stop: {A}",)
    )


@pytest.mark.parametrize("when", [*TOO_LATE, *IN_TIME])
def test_a_mysql_migration_to_a_writable_target_is_neither_refused_nor_warned_of(when: str) -> None:
    assert end_only([job(), job(B)], when) == EndOnly()


@pytest.mark.parametrize("when", TOO_LATE)
def test_a_target_that_is_read_only_is_refused_alone_and_with_sequences(when: str) -> None:
    readonly = job(B, target_readonly=True)
    assert end_only([readonly], when).refusal == (
        f"drs_cutover_stop_jobs is {when}, but until its job has ended the target is read-only: {B}. The application "
        "would be switched to a database that refuses its writes. Set it to before_switch, or to by_switch_tasks if "
        "your switch tasks stop the jobs."
    )
    both = end_only([POSTGRESQL, readonly], when)
    assert "is read-only" in both.refusal
    assert "duplicate keys" in both.refusal
    assert len(both.lines) == 2


WARNED: list[tuple[dict[str, Any], str]] = [
    ({"source_engine": None}, "(not said). If it sets sequences or start values, stop them before the switch."),
    ({"source_engine": "brand-new"}, "(brand-new)"),
    ({"source_engine": "postgresql"}, "(postgresql)"),
    ({"target_engine": "ddm"}, "Start values of auto-increment columns are set on the target only when the job ends"),
    ({"target_engine": "gaussdbv5"}, "Start values of auto-increment columns"),
    ({"target_readonly": None}, "The service does not say whether the target is read-only"),
]


@pytest.mark.parametrize(("fields", "text"), WARNED)
def test_what_is_not_known_is_a_warning_if_the_switch_comes_before_the_stop(fields: dict[str, Any], text: str) -> None:
    for when in TOO_LATE:
        found = end_only([job(**fields)], when)
        assert found.refusal == ""
        [warning] = found.warnings
        assert text in warning
        assert A in warning
    for when in IN_TIME:
        assert end_only([job(**fields)], when).warnings == ()


@pytest.mark.parametrize("when", [*TOO_LATE, *IN_TIME])
def test_a_policy_that_drops_rows_is_a_warning_whenever_the_jobs_are_stopped(when: str) -> None:
    [warning] = end_only([job(conflict_policy="ignore"), job(B, conflict_policy="overwrite")], when).warnings
    assert "The conflict policy is ignore, so rows that conflict are dropped silently" in warning
    assert A in warning
    assert B not in warning


def test_a_job_without_details_is_warned_of_and_not_refused() -> None:
    found = end_only([DetailRecord(A)], "never")
    assert found.refusal == ""
    assert len(found.warnings) == 2
