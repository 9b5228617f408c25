# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What whole cutovers rest on: the service tells the truth of the replication, and the judge notices what is wrong."""

from __future__ import annotations

import json
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.databases.application import WRITES, connect
from ansible_collections.cutover.drs.tests.databases.engines import Pair
from ansible_collections.cutover.drs.tests.databases.faults import FAULTS, STAGES, drawn
from ansible_collections.cutover.drs.tests.databases.nights import PROJECT, Night, judge, night


def asked(it: Night, method: str, operation: str, job: Any) -> dict[str, Any]:
    """Send a request about the job to the service; what it says of it."""
    url = f"{it.simulator.endpoint}/v3/{PROJECT}/jobs/{operation}"
    headers = {"X-Auth-Token": "simulated-token", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps({"jobs": [job]}).encode(), headers, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
        return dict(json.load(response)["results"][0])


def progress(it: Night) -> dict[str, Any]:
    return asked(it, "POST", "batch-progress", it.job)


def stopped(it: Night, how: str) -> None:
    """Stop the job, and wait until it has ended."""
    asked(it, "DELETE", "batch-jobs", {"job_id": it.job, "delete_type": how})
    it.until(lambda: progress(it)["transfer_status"] == "RELEASE_RESOURCE_COMPLETE", "the job does not end")


def test_the_service_tells_the_delay_and_the_position_of_the_replication(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it:
        it.until(lambda: progress(it)["incre_trans_delay"] in ("0", "1"), "the delay is not small")
        before = progress(it)["src_offset"]
        it.until(lambda: progress(it)["src_offset"] != before, "the position does not move")
        pair.stand_still()
        late = ("2", "3", "4") if pair.engine == "mysql" else ("-1",)
        it.until(lambda: progress(it)["incre_trans_delay"] in late, f"the delay is {progress(it)['incre_trans_delay']}")


def test_a_replication_that_breaks_fails_the_job(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it:
        pair.break_replication()
        it.until(lambda: progress(it)["transfer_status"] == "INCRE_TRANSFER_FAILED", "the job does not fail")
        assert progress(it)["error_msg"]


@pytest.mark.parametrize("how", ["terminate", "force_terminate"])
def test_the_target_accepts_writes_once_its_job_has_ended(pair: Pair, tmp_path: Path, how: str) -> None:
    with night(pair, tmp_path) as it:
        with closing(connect(pair.engine, "127.0.0.1", pair.target.port, "shop")) as application:
            with pytest.raises(Exception, match=r"read.only"), application.cursor() as cursor:
                cursor.execute(WRITES[2])
            application.rollback()
        stopped(it, how)
        with closing(connect(pair.engine, "127.0.0.1", pair.target.port, "shop")) as application:
            with application.cursor() as cursor:
                cursor.execute(WRITES[2])
            application.commit()


@pytest.mark.parametrize("pair", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("how", "moved"), [("terminate", True), ("force_terminate", False)])
def test_only_a_normal_stop_sets_the_sequences(pair: Pair, tmp_path: Path, how: str, moved: bool) -> None:
    with night(pair, tmp_path) as it:
        stopped(it, how)
        last = pair.sql(pair.target, "SELECT last_value FROM pg_sequences WHERE sequencename = 'orders_id_seq'", "shop")
        assert (last[0][0] is not None) == moved


def test_the_judge_notices_a_write_that_is_lost_and_one_that_is_there_twice(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it:
        judge(it, "not_begun")
        token = it.acknowledged()[0].token
        schema = "shop"
        pair.sql(pair.source, f"DELETE FROM order_lines WHERE token = '{token}'", schema)
        with pytest.raises(AssertionError, match="1 acknowledged writes are lost"):
            judge(it, "not_begun")
        for _time in range(2):
            query = f"INSERT INTO order_lines (order_id, token) SELECT id, token FROM orders WHERE token = '{token}'"
            pair.sql(pair.source, query, schema)
        with pytest.raises(AssertionError, match="1 writes are there twice"):
            judge(it, "not_begun")


def test_the_judge_notices_an_application_that_uses_the_other_database(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it, pytest.raises(AssertionError, match="the application uses port"):
        judge(it, "done")


def test_a_seed_draws_the_same_fault_each_time_and_many_draw_all() -> None:
    many = [drawn("mysql", seed) for seed in range(200)]
    assert many == [drawn("mysql", seed) for seed in range(200)]
    assert {fault.what for fault in many} == {*FAULTS}
    assert {fault.stage for fault in many} == {*STAGES}
