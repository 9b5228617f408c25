# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a target stays read-only, from the details of the jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.details import DetailRecord, parse_details
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.info import target_readonly
from ansible_collections.cutover.drs.plugins.module_utils._stop.loop import details_of
from ansible_collections.cutover.drs.tests.unit.service.support import BY_TOKEN, DEFAULTS, JOBS, PROJECT
from drs_simulator import Simulator

Start = Callable[..., Simulator]
ClientFor = Callable[..., Client]
A, B = JOBS
BODIES = Path(__file__).resolve().parents[3] / "simulator" / "bodies"


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (True, True),
        (False, False),
        (None, None),
        ("true", None),
        ("false", None),
        (0, None),
        (1, None),
        ("left out", None),
    ],
)
def test_only_a_boolean_is_evidence(said: Any, known: bool | None) -> None:
    said = {} if said == "left out" else {"is_target_readonly": said}
    item = {"id": A, "name": "DRS-1", "status": "CONFIGURATION", **said}
    assert parse_details({"results": [item]})[A].target_readonly is known


def test_addresses_and_names_are_not_kept(start: Start, client_for: ClientFor) -> None:
    simulator = start(jobs=[{"id": A, "status": "INCRE_TRANSFER_STARTED", "target_readonly": True}])
    (record,) = client_for(simulator).details([A])
    assert (record.target_readonly, record.status) == (True, "INCRE_TRANSFER_STARTED")
    assert not {"192.0.2.56", "192.0.2.219", "SIMULATED-USER"} & {str(value) for value in record.as_dict().values()}
    assert "192.0.2" not in str(record.as_dict())


def test_details_of_many_jobs_come_in_the_order_asked(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 12, "status": "INCRE_TRANSFER_STARTED"}, shuffle=True)
    ids = list(simulator.job_ids)
    assert [record.id for record in client_for(simulator, batch_size=5).details(ids)] == ids
    # Several at once, so that they may arrive in any order.
    assert sorted(len(entry["body"]["jobs"]) for entry in simulator.requests) == [2, 5, 5]


@pytest.mark.parametrize(
    ("jobs", "known", "warns"),
    [
        ((True, False), {A: True, B: False}, ""),
        ((True, None), {A: True, B: None}, f"{B}."),
    ],
)
def test_a_plan_learns_of_each_job(
    start: Start, client_for: ClientFor, jobs: tuple[Any, Any], known: dict[str, Any], warns: str
) -> None:
    simulator = start(
        jobs=[
            {"id": job, "status": "INCRE_TRANSFER_STARTED", "target_readonly": readonly}
            for job, readonly in zip(JOBS, jobs, strict=True)
        ]
    )
    found, warning = target_readonly(client_for(simulator), JOBS)
    assert found == known
    assert (warning or "").endswith(warns)
    assert bool(warning) is bool(warns)


def test_details_that_are_refused_are_a_warning(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(operation="batch-detail", kind="status", http_status=403)
    found, warning = target_readonly(client_for(simulator), JOBS)
    assert found == {A: None, B: None}
    assert warning is not None
    assert warning.startswith("Whether the targets are read-only until the jobs have ended could not be checked. ")
    assert "HTTP 403" in warning


def test_a_plan_learns_it_by_the_options_of_a_task(start: Start) -> None:
    simulator = start(jobs=[{"id": A, "status": "INCRE_TRANSFER_STARTED", "target_readonly": True}])
    options = {**DEFAULTS, **BY_TOKEN, "endpoint": simulator.endpoint, "jobs": [A, A]}
    [record], problem = details_of(options, {})
    assert (record.id, record.target_readonly, problem) == (A, True, "")


@pytest.mark.parametrize("login", [{}, {"auth_token": "wrong", "project_id": PROJECT}])
def test_a_login_that_fails_is_a_warning_too(simulator: Simulator, login: dict[str, str]) -> None:
    found, warning = details_of({**DEFAULTS, **login, "endpoint": simulator.endpoint, "jobs": list(JOBS)}, {})
    assert found == []
    assert "and what only a normal stop migrates, could not be checked. " in warning


@pytest.mark.parametrize(
    ("kind", "warns"),
    [
        ({"db_use_type": "migration", "job_direction": "up"}, True),
        ({"db_use_type": "cloudDataGuard", "job_direction": "up"}, True),
        ({}, True),
        ({"db_use_type": "sync", "job_direction": "up"}, False),
        ({"db_use_type": "migration", "job_direction": "down"}, False),
        ({"db_use_type": "migration", "job_direction": "non-dbs"}, False),
    ],
)
def test_a_job_of_a_kind_without_the_setting_gives_no_warning(kind: dict[str, str], warns: bool) -> None:
    class Details:
        def details(self, ids: Sequence[str]) -> list[DetailRecord]:
            return list(
                parse_details({"results": [{"id": job, "status": "CONFIGURATION", **kind} for job in ids]}).values()
            )

    found, warning = target_readonly(Details(), [A])
    assert found == {A: None}
    assert bool(warning) is warns


def published(name: str) -> DetailRecord:
    body = json.loads((BODIES / f"{name}.json").read_text("utf-8"))
    return next(iter(parse_details(body).values()))


def test_type_engines_and_policy_are_read_from_the_bodies_of_the_service() -> None:
    mysql, postgresql = published("detail-v3-documented"), published("detail-v3-postgresql-derived")
    assert (mysql.type, mysql.engine, mysql.source_engine, mysql.target_engine) == ("migration", *["mysql"] * 3)
    assert (postgresql.type, postgresql.source_engine, postgresql.conflict_policy) == ("sync", "postgresql", None)


@pytest.mark.parametrize("said", [7, None, "", "a sentence with blanks", {"db_type": "x"}])
def test_an_engine_that_is_no_word_is_not_known(said: Any) -> None:
    item = {"id": A, "status": "CONFIGURATION", "source_endpoint": {"db_type": said}, "conflict_policy": said}
    record = parse_details({"results": [item]})[A]
    assert (record.source_engine, record.conflict_policy) == (None, None)


def test_words_count_whatever_their_case() -> None:
    item = {
        "id": A,
        "status": "CONFIGURATION",
        "source_endpoint": {"db_type": "PostgreSQL"},
        "conflict_policy": "IGNORE",
    }
    record = parse_details({"results": [item]})[A]
    assert (record.source_engine, record.conflict_policy) == ("postgresql", "ignore")
