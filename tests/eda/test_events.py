# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes an event, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import Kind
from ansible_collections.cutover.drs.tests.eda.support import FULL, Watched, broken, reading
from ansible_collections.cutover.drs.tests.unit.builders import CAUGHT_UP, A, B

LATE = [reading(delay=5)]
READY = [reading()]
FAILED = [reading(status="INCRE_TRANSFER_FAILED", error_code="DRS.M00004", error_message="Lost.")]


ENDING = [reading(status="RELEASE_RESOURCE_STARTED")]
FULLY = reading(status="FULL_TRANSFER_COMPLETE", task_mode="FULL_TRANS")


class TestStatus:
    def test_the_first_sample_tells_where_each_job_is(self) -> None:
        watched = Watched([reading(A, FULL, progress=3), reading(B)], jobs=[A, B])
        assert watched.of_type("status", "job", "from", "to") == [(A, None, FULL), (B, None, CAUGHT_UP)]

    def test_only_a_change_is_an_event(self) -> None:
        watched = Watched([reading(A, FULL)], [reading(A, FULL)], READY, READY)
        assert watched.of_type("status", "from", "to") == [(None, FULL), (FULL, CAUGHT_UP)]

    def test_it_says_what_the_status_means_and_what_the_service_says(self) -> None:
        assert Watched(FAILED).of_type("status") == [
            {
                "type": "status",
                "at": "2026-11-24T12:00:00Z",
                "job": A,
                "name": None,
                "from": None,
                "to": "INCRE_TRANSFER_FAILED",
                "phase": "incremental",
                "state": "failed",
                "terminal": True,
                "error_code": "DRS.M00004",
                "error_message": "Lost.",
            }
        ]

    def test_a_job_that_vanishes_and_comes_back_is_told(self) -> None:
        watched = Watched(READY, [reading(status=None)], READY)
        told = [("in_progress", CAUGHT_UP), ("missing", None), ("in_progress", CAUGHT_UP)]
        assert watched.of_type("status", "state", "to") == told

    def test_a_status_that_is_not_known_is_told_as_such(self) -> None:
        assert Watched([reading(status="SOMETHING_NEW")]).of_type("status", "state", "to") == [
            ("unknown", "SOMETHING_NEW")
        ]


class TestProgress:
    @pytest.mark.parametrize(
        ("step", "seen", "told"),
        [
            pytest.param(10, [3, 9, 10, 19, 45], [(None, 3), (3, 10), (10, 45)], id="steps"),
            pytest.param(30, [90, 95, 100], [(None, 90), (90, 100)], id="the end, which is not a multiple"),
            pytest.param(10, [50, 51, 0, 5], [(None, 50), (50, 0)], id="back to the start"),
            pytest.param(10, [None, 5, None, 7], [(None, 5)], id="unknown is no change"),
            pytest.param(1, [5, 5, 6], [(None, 5), (5, 6)], id="every percent"),
        ],
    )
    def test_steps(self, step: int, seen: list[int | None], told: list[Any]) -> None:
        watched = Watched(*([reading(A, FULL, progress=value)] for value in seen), progress_step=step)
        assert watched.of_type("progress", "from", "to") == told

    def test_it_says_what_is_left(self) -> None:
        watched = Watched([reading(A, FULL, progress=63, remaining_time=720)])
        assert watched.of_type("progress", "job", "phase", "remaining_time") == [(A, "full", 720)]


class TestDelay:
    @pytest.mark.parametrize(
        ("seen", "told"),
        [
            pytest.param([412, 300, 61], [], id="within"),
            pytest.param([412, 60], [(60, "down")], id="down to a threshold"),
            pytest.param([60, 61], [(60, "down"), (60, "up")], id="up"),
            pytest.param([412, 0], [(60, "down"), (0, "down")], id="past two, the nearest first"),
            pytest.param([0, 412], [(60, "down"), (0, "down"), (0, "up"), (60, "up")], id="and back"),
            pytest.param([None, None], [], id="unknown is above all"),
            pytest.param([30, None], [(60, "down"), (60, "up")], id="not known any longer"),
        ],
    )
    def test_thresholds(self, seen: list[int | None], told: list[Any]) -> None:
        watched = Watched(*([reading(delay=value)] for value in seen), delay_thresholds=[60, 0])
        assert watched.of_type("delay", "threshold", "direction") == told

    def test_it_says_from_where_to_where(self) -> None:
        watched = Watched([reading(delay=412)], [reading(delay=300)], [reading(delay=40)], delay_thresholds=[60])
        assert watched.of_type("delay", "job", "from", "to") == [(A, 300, 40)]

    def test_without_thresholds_there_are_none(self) -> None:
        assert not Watched([reading(delay=9)], READY, delay_thresholds=[]).of_type("delay")


class TestVerdict:
    def test_ready_needs_the_streak_and_is_told_once(self) -> None:
        watched = Watched(READY, READY, READY, READY)
        assert watched.of_type("verdict") == [
            {
                "type": "verdict",
                "at": "2026-11-24T12:00:10Z",
                "verdict": "ready",
                "previous": "none",
                "ready": True,
                "reason": "1 job ready in 2 consecutive samples over 10 s.",
                "valid_until": "2026-11-24T12:01:10Z",
                "goal": "auto",
                "jobs": [
                    {
                        "id": A,
                        "name": None,
                        "status": CAUGHT_UP,
                        "phase": "incremental",
                        "state": "in_progress",
                        "progress": 100,
                        "delay": 0,
                        "goal": "caught_up",
                        "ready": True,
                        "holds": [],
                        "subtasks": [],
                        "subtasks_left_out": 0,
                    }
                ],
            }
        ]

    def test_readiness_that_is_lost_is_told_and_comes_again_by_a_whole_streak(self) -> None:
        watched = Watched(READY, READY, LATE, READY, READY)
        told = [("none", "ready"), ("ready", "withdrawn"), ("withdrawn", "ready")]
        assert watched.of_type("verdict", "previous", "verdict") == told
        lost = watched.of_type("verdict")[1]
        assert (lost["ready"], lost["valid_until"]) == (False, None)
        assert lost["reason"] == f"{A} is not ready. Delay 5 s, allowed 0 s."
        assert lost["jobs"][0]["holds"] == [{"rule": "delay", "text": "Delay 5 s, allowed 0 s."}]

    def test_a_failed_poll_withdraws_ready(self) -> None:
        watched = Watched(READY, READY, broken("No connection."), READY)
        assert watched.of_type("verdict", "verdict", "reason")[1] == ("withdrawn", "No connection.")

    def test_jobs_that_are_ready_but_not_for_long_enough_are_named_so(self) -> None:
        watched = Watched(FAILED, READY)
        assert watched.of_type("verdict", "reason")[1] == "All jobs are ready, but not for long enough."

    def test_of_several_that_are_late_it_names_the_first(self) -> None:
        ready, late = [reading(A), reading(B)], [reading(A, delay=5), reading(B, delay=6)]
        reason = Watched(ready, ready, late, jobs=[A, B]).of_type("verdict", "reason")[1]
        assert reason == f"{A} is not ready. Delay 5 s, allowed 0 s. And 1 more."

    def test_a_gap_in_which_nobody_looked_withdraws_ready(self) -> None:
        watched = Watched(READY, READY, READY, gaps={2: 90.0})
        assert watched.of_type("verdict", "verdict", "reason")[1] == (
            "withdrawn",
            "All jobs are ready, but not for long enough: gap of 100 s between samples, allowed 30 s.",
        )

    @pytest.mark.parametrize(
        ("steps", "args", "told"),
        [
            pytest.param([FAILED], {}, ["failed"], id="failed"),
            pytest.param([ENDING], {}, ["ended"], id="ended"),
            pytest.param([[reading(status=None)]] * 2, {"max_missing": 1}, ["missing"], id="missing"),
            pytest.param([[reading(status="NEW")]] * 2, {"unknown_for": 0}, ["unknown"], id="unknown"),
            pytest.param([broken()] * 2, {"max_errors": 1}, ["error"], id="error"),
            pytest.param([broken(kind=Kind.PERMISSION)], {}, ["error"], id="an error that stays"),
            pytest.param([[FULLY]], {}, ["ready"], id="full"),
            pytest.param([[reading(status="DELETED")]], {"goal": "stopped"}, ["ready"], id="stopped"),
            pytest.param([FAILED, broken(), FAILED], {}, ["failed"], id="a failed poll withdraws only ready"),
            pytest.param([FAILED, LATE], {}, ["failed", "withdrawn"], id="a job goes on after a failure"),
            pytest.param([broken(), LATE], {"max_errors": 0}, ["error", "withdrawn"], id="an error and a sample"),
            pytest.param([READY, READY, ENDING], {}, ["ready", "ended"], id="a ready job is stopped"),
        ],
    )
    def test_each_verdict_is_told_with_the_one_before(
        self, steps: list[Any], args: dict[str, Any], told: list[str]
    ) -> None:
        verdicts = Watched(*steps, **args).of_type("verdict", "previous", "verdict")
        assert verdicts == list(zip(["none", *told], told, strict=False))

    def test_one_failed_job_of_two_waits_for_the_other_without_fail_fast(self) -> None:
        one, both = [FAILED[0], reading(B, delay=5)], [FAILED[0], reading(B)]
        watched = Watched(one, both, jobs=[A, B], fail_fast=False)
        assert watched.of_type("verdict", "at", "verdict") == [("2026-11-24T12:00:10Z", "failed")]

    def test_a_hold_file_keeps_it_shut(self, tmp_path: Any) -> None:
        watched = Watched([reading()], [reading()], hold_file=str(tmp_path), held=True)
        assert not watched.of_type("verdict")


class TestNames:
    def test_the_name_of_a_job_is_beside_its_id_in_every_event(self) -> None:
        orders = [reading(A, FULL, progress=3, name="orders"), reading(B, delay=90)]
        watched = Watched(orders, [reading(A, name="orders"), reading(B)], jobs=[A, B], delay_thresholds=[60])
        for kind in ("status", "progress", "delay"):
            assert set(watched.of_type(kind, "job", "name")) == {(A, "orders"), (B, None)}, kind

    def test_a_verdict_names_the_jobs(self) -> None:
        named = [reading(A, name="orders")]
        watched = Watched(named, named, [reading(A, name="orders", delay=5)])
        assert [verdict["jobs"][0]["name"] for verdict in watched.of_type("verdict")] == ["orders", "orders"]
        assert watched.of_type("verdict", "reason")[1] == f"{A} (orders) is not ready. Delay 5 s, allowed 0 s."

    def test_the_name_is_that_of_the_latest_list(self) -> None:
        watched = Watched([reading(A, FULL)], [reading(A, name="orders")])
        assert watched.of_type("status", "to", "name") == [(FULL, None), (CAUGHT_UP, "orders")]


class TestSubtasks:
    COPYING = reading("child", "CHILD_TRANSFER_STARTED", name="orders-add", progress=40)
    DONE = reading("done", "RELEASE_CHILD_TRANSFER_COMPLETE")

    def test_a_subtask_that_is_not_ready_withdraws_ready_and_is_in_the_verdict(self) -> None:
        watched = Watched(READY, READY, [reading(subtasks=[self.DONE, self.COPYING])])
        (job,) = watched.of_type("verdict", "jobs")[1]
        assert [hold["rule"] for hold in job["holds"]] == ["subtasks"]
        assert (job["subtasks"][0]["id"], job["subtasks"][0]["name"], job["subtasks"][0]["ready"]) == (
            "child",
            "orders-add",
            False,
        )
        assert job["subtasks_left_out"] == 0

    def test_a_subtask_that_failed_is_the_verdict_failed(self) -> None:
        watched = Watched([reading(subtasks=[reading("child", "CHILD_TRANSFER_FAILED")])])
        assert watched.of_type("verdict", "verdict") == ["failed"]

    def test_of_many_subtasks_a_verdict_has_ten(self) -> None:
        failed = reading("child", "CHILD_TRANSFER_FAILED")
        many = [reading(f"child-{number}", "CHILD_TRANSFER_STARTED") for number in range(11)]
        (job,) = Watched([reading(subtasks=[*many, failed])]).of_type("verdict", "jobs")[0]
        assert (len(job["subtasks"]), job["subtasks_left_out"]) == (10, 2)


class TestWarnings:
    WITHDRAWN = "The service no longer has batch-status."

    def test_a_warning_is_an_event_and_a_line_in_the_log_once(self, caplog: pytest.LogCaptureFixture) -> None:
        warned = {1: [self.WITHDRAWN], 3: [self.WITHDRAWN, "Another one."]}
        watched = Watched(READY, READY, READY, READY, warned=warned)
        assert watched.of_type("warning", "at", "message") == [
            ("2026-11-24T12:00:10Z", self.WITHDRAWN),
            ("2026-11-24T12:00:30Z", "Another one."),
        ]
        assert [record.message for record in caplog.records] == [self.WITHDRAWN, "Another one."]

    def test_it_comes_before_what_the_poll_changed(self) -> None:
        watched = Watched(READY, warned={0: [self.WITHDRAWN]})
        assert [event["type"] for event in watched.events[:2]] == ["warning", "status"]

    def test_a_poll_that_failed_may_warn_too(self) -> None:
        watched = Watched(broken(), warned={0: [self.WITHDRAWN]})
        assert [event["type"] for event in watched.events] == ["warning", "fault"]


class TestFaults:
    def test_a_failed_poll_says_what_was_wrong_and_when_the_next_one_comes(self) -> None:
        assert Watched(broken("No connection.")).of_type("fault") == [
            {
                "type": "fault",
                "at": "2026-11-24T12:00:00Z",
                "kind": "network",
                "http_status": 503,
                "error_code": None,
                "request_id": "req-1",
                "message": "No connection.",
                "final": False,
                "errors": 1,
                "next_poll_in": 20.0,
            }
        ]

    def test_each_one_counts_until_a_poll_succeeds(self) -> None:
        watched = Watched(broken(), broken(), READY, broken())
        assert watched.of_type("fault", "errors") == [1, 2, 1]
        assert watched.of_type("recovered") == [
            {"type": "recovered", "at": "2026-11-24T12:01:00Z", "errors": 2, "since": "2026-11-24T12:00:00Z"}
        ]


class TestAlways:
    def test_every_sample_tells_everything(self) -> None:
        watched = Watched(READY, READY, READY, emit="always", delay_thresholds=[0])
        assert [len(watched.of_type(kind)) for kind in ("status", "progress", "delay", "verdict")] == [3, 3, 3, 2]
        assert watched.of_type("verdict", "valid_until") == ["2026-11-24T12:01:10Z", "2026-11-24T12:01:20Z"]
        assert watched.of_type("delay", "threshold", "direction") == [(0, "down"), (None, None), (None, None)]

    def test_before_a_verdict_there_is_none_to_tell(self) -> None:
        assert not Watched(LATE, LATE, emit="always").of_type("verdict")


def test_events_of_a_type_have_the_same_keys_always() -> None:
    faults = [broken(), broken(kind=Kind.PERMISSION)]
    watched = Watched(
        [reading(status=None)],
        READY,
        READY,
        FAILED,
        *faults,
        LATE,
        READY,
        emit="always",
        heartbeat=10,
        warned={1: ["W."]},
    )
    keys: dict[str, set[tuple[str, ...]]] = {}
    for event in watched.events:
        keys.setdefault(event["type"], set()).add(tuple(event))
    assert sorted(keys) == ["delay", "fault", "heartbeat", "progress", "recovered", "status", "verdict", "warning"]
    assert all(len(variants) == 1 for variants in keys.values()), keys
