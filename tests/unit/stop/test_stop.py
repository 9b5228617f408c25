# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stop, from the first reading to its result: each state a job can be in, and faults at each point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._job.status_table import STATUSES, STOPPED, Phase
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import ListedJob
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import StopAnswer
from ansible_collections.cutover.drs.plugins.module_utils._stop.decide import (
    StopRules,
    answered,
    batches,
    observed,
)
from ansible_collections.cutover.drs.tests.unit.builders import CAUGHT_UP, A, B
from ansible_collections.cutover.drs.tests.unit.stop.service import (
    BUSY,
    DENIED,
    FORBIDDEN,
    RESET,
    UNCLEAR,
    WRONG_STATE,
    Service,
    Stopped,
    Task,
    stopped,
)

ENDED, RELEASING, NOT_RELEASED = "RELEASE_RESOURCE_COMPLETE", "RELEASE_RESOURCE_STARTED", "RELEASE_RESOURCE_FAILED"
CHECK_MODES = pytest.mark.parametrize("check_mode", [False, True], ids=["for real", "check mode"])
LISTS = ("changed", "stopped", "already_ended", "failed_jobs", "failed")


def lists(result: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(result[name] for name in LISTS)


def test_a_job_that_is_ready_is_stopped_and_waited_for() -> None:
    done = stopped()
    assert lists(done.result) == (True, [A], [], [], False)
    assert done.result["jobs"][0]["status"] == ENDED
    assert done.result["jobs"][0]["reason"] == ""
    assert (done.result["msg"], done.result["elapsed"], done.result["failure"]) == ("1 job stopped.", 10.0, None)
    assert done.service.sent == [((A,), False)]


def test_the_second_time_nothing_is_sent_and_nothing_is_changed() -> None:
    done = stopped(Task(ENDED))
    assert lists(done.result) == (False, [], [A], [], False)
    assert (done.sent, done.service.asked) == ([], ["both"])
    assert done.result["msg"] == "0 jobs stopped; 1 job had ended or was ending already."


def outcome_of(status: str, require_ready: bool) -> tuple[bool, bool]:
    """Whether a stop is sent to a job with this status, and whether the task succeeds."""
    if status in STOPPED:
        return False, True
    if STATUSES[status].phase is Phase.RELEASE:
        # Nobody ends it here: the test's job keeps its status.
        return False, False
    return (True, True) if not require_ready or status == CAUGHT_UP else (False, False)


@CHECK_MODES
@pytest.mark.parametrize("require_ready", [True, False])
@pytest.mark.parametrize("status", STATUSES)
def test_each_status(status: str, require_ready: bool, check_mode: bool) -> None:
    sends, succeeds = outcome_of(status, require_ready)
    done = stopped(Task(status), require_ready=require_ready, check_mode=check_mode)
    ending = STATUSES[status].phase is Phase.RELEASE and status not in STOPPED and status != NOT_RELEASED
    assert bool(done.sent) is (sends and not check_mode)
    assert done.result["changed"] is sends
    # Check mode cannot know how a job that is being stopped will end.
    assert done.result["failed"] is not (succeeds or (check_mode and ending))
    assert all(job in done.result["msg"] for job in done.result["failed_jobs"])


@pytest.mark.parametrize("require_ready", [True, False])
@CHECK_MODES
def test_if_one_job_is_not_found_none_is_stopped(require_ready: bool, check_mode: bool) -> None:
    done = stopped(Task(), Task(None), require_ready=require_ready, check_mode=check_mode)
    assert (done.sent, done.result["changed"], done.result["failed"]) == ([], False, True)
    assert "No job was stopped" in done.result["msg"]


@pytest.mark.parametrize(
    ("other", "options"),
    [
        (Task(delay=1), {}),
        (Task(delay=None), {}),
        (Task(delay=6), {"max_delay": 5}),
        (Task(mode="BRAND_NEW"), {}),
        (Task("BRAND_NEW"), {}),
        (Task("PAUSING"), {}),
        (Task("FULL_TRANSFER_STARTED"), {}),
        (Task(NOT_RELEASED), {}),
    ],
)
@CHECK_MODES
def test_if_one_job_is_not_ready_none_is_stopped(other: Task, options: dict[str, Any], check_mode: bool) -> None:
    done = stopped(Task(), other, Task(ENDED), check_mode=check_mode, **options)
    assert (done.sent, done.result["changed"], done.result["failed"]) == ([], False, True)
    assert done.result["msg"].startswith("No job was stopped, because not all of them are ready. ")
    # What has ended has not failed.
    assert (len(done.result["failed_jobs"]), len(done.result["already_ended"])) == (2, 1)
    assert done.result["failure"] is None


@pytest.mark.parametrize(
    "other",
    [Task(delay=5), Task("FULL_TRANSFER_COMPLETE", mode="FULL_TRANS", delay=None), Task(RELEASING), Task(ENDED)],
)
def test_jobs_that_are_ready_by_the_rules_of_the_gate_or_are_ending_do_not_stand_in_the_way(other: Task) -> None:
    done = stopped(Task(), other, max_delay=5, wait=False)
    assert done.sent[0][0] == A
    assert done.result["failed"] is False


@CHECK_MODES
def test_a_job_that_is_being_stopped_is_waited_for_and_not_asked_again(check_mode: bool) -> None:
    done = stopped(Task(stopped_at=1000.0), check_mode=check_mode)
    assert lists(done.result) == (False, [], [A], [], False)
    assert (done.sent, done.result["elapsed"]) == ([], 0.0 if check_mode else 10.0)


def test_check_mode_says_what_would_be_stopped_and_sends_nothing() -> None:
    done = stopped(Task(), Task(ENDED), ids=[A, B], check_mode=True)
    assert lists(done.result) == (True, [A], [B], [], False)
    assert (done.sent, done.service.clock.sleeps) == ([], [])
    assert done.result["msg"] == "Would stop 1 job; 1 job had ended or was ending already."


def test_without_wait_an_accepted_stop_is_enough() -> None:
    done = stopped(Task(), Task(answers=[BUSY]), ids=[A, B], wait=False)
    assert lists(done.result) == (True, [A, B], [], [], False)
    assert done.sent == [(A, B), (B,)]
    assert done.result["msg"] == "2 jobs being stopped."


# A stop that may have been carried out is settled by the status; it is sent again only if nothing happened.


@pytest.mark.parametrize("error", [RESET, DrsError(Kind.SERVICE, "HTTP 502."), DrsError(Kind.PROTOCOL, "Empty.")])
@pytest.mark.parametrize("lag", [0, 7, 17])
def test_an_answer_that_is_lost_after_the_stop_is_settled_by_the_status(error: DrsError, lag: float) -> None:
    done = stopped(Task(lag=lag), service={"stops": {1: error}, "lost": frozenset({1})})
    assert lists(done.result) == (True, [A], [], [], False)
    # While the status says nothing yet, a second stop does no harm: it is refused.
    assert len(done.sent) == (1 if lag == 0 else 2)


@pytest.mark.parametrize("error", [RESET, DrsError(Kind.SERVICE, "HTTP 502."), DrsError(Kind.PROTOCOL, "Empty.")])
def test_a_stop_that_got_lost_on_its_way_is_sent_again_after_a_reading(error: DrsError) -> None:
    done = stopped(service={"stops": {1: error, 2: error}})
    assert lists(done.result) == (True, [A], [], [], False)
    assert (len(done.sent), done.service.asked[:3]) == (3, ["both", "both", "both"])


def test_a_job_is_due_only_on_a_reading_after_the_latest_answer() -> None:
    seen = [StatusRecord(A, True, CAUGHT_UP)]
    jobs = observed((), seen, {})
    assert batches(jobs, 100) == [[A]]
    jobs = answered(jobs, {A: BUSY})
    assert batches(jobs, 100) == []
    assert batches(observed(jobs, seen, {}), 100) == [[A]]
    assert batches(observed(jobs, seen, {A: "Late."}), 100) == []


def test_a_stop_is_not_sent_again_without_a_reading_after_it() -> None:
    done = stopped(service={"stops": {1: RESET}, "reads": dict.fromkeys(range(2, 500), RESET)}, timeout=60)
    assert (len(done.sent), done.result["failed"]) == (1, True)
    assert done.result["failure"]["kind"] == "network"
    assert "no clear answer to the stop" in done.result["msg"]
    # It may have been stopped.
    assert done.result["changed"] is True


def test_a_stop_is_not_sent_again_to_a_job_that_is_no_longer_ready() -> None:
    late = Task(answers=[BUSY])

    class Falling(Service):
        def both(self, ids: Any, until: float | None = None) -> Any:
            answer = super().both(ids, until)
            late.delay = 30
            return answer

    done = stopped(late, timeout=20, kind=Falling)
    assert (len(done.sent), done.result["failed_jobs"]) == (1, [A])
    assert "it was not sent again: Delay 30 s, allowed 0 s" in done.result["msg"]


def test_a_job_that_comes_back_to_life_is_not_stopped_before_it_was_judged() -> None:
    # First it seems to be ending; then it is live, and behind.
    odd = Task("RELEASE_CHILD_TRANSFER_COMPLETE", delay=30)

    class Reviving(Service):
        def statuses(self, ids: Any, until: float | None = None) -> Any:
            odd.status = CAUGHT_UP
            return super().statuses(ids, until)

    done = stopped(odd, timeout=20, kind=Reviving)
    assert (done.sent, done.result["failed_jobs"]) == ([], [A])


@pytest.mark.parametrize("answers", [[BUSY, BUSY, BUSY], [UNCLEAR]], ids=["busy", "left out of the answer"])
def test_a_job_whose_stop_did_nothing_is_asked_again_until_it_is_accepted(answers: list[StopAnswer]) -> None:
    again = [(A,)] * len(answers)
    done = stopped(Task(answers=answers), Task(), ids=[A, B])
    assert lists(done.result) == (True, [A, B], [], [], False)
    assert done.sent == [(A, B), *again]


def test_a_job_that_stays_busy_ends_the_task_at_the_timeout() -> None:
    done = stopped(Task(answers=[BUSY] * 500), Task(), ids=[A, B], timeout=60)
    assert lists(done.result) == (True, [B], [], [A], True)
    assert "1 of 2 jobs has not ended after 60 s" in done.result["msg"]
    assert "the service is still busy (DRS.M01504" in done.result["msg"]
    assert f"These jobs were stopped and cannot be resumed: {B}." in done.result["msg"]
    assert done.result["elapsed"] == 60


@pytest.mark.parametrize("answer", [WRONG_STATE, DENIED])
def test_a_refusal_is_settled_by_the_status(answer: Any) -> None:
    # Somebody else stopped it in between.
    done = stopped(Task(answers=[answer], stopped_at=1000.0, lag=3))
    assert lists(done.result) == (False, [], [A], [], False)
    # Nothing happened: it is live as before.
    done = stopped(Task(answers=[answer]), Task(), ids=[A, B])
    assert lists(done.result) == (True, [B], [], [A], True)
    assert f"the stop was refused ({answer.error_code}" in done.result["jobs"][0]["reason"]
    assert len(done.sent) == 1


def test_a_request_that_is_refused_because_of_one_of_its_jobs_is_taken_apart() -> None:
    refused = DrsError(Kind.INVALID_REQUEST, "HTTP 400.", http_status=400, error_code="DRS.M00304")
    done = stopped(Task(), Task(), ids=[A, B], service={"stops": {1: refused, 2: refused}})
    assert done.sent == [(A, B), (A,), (B,)]
    assert lists(done.result) == (True, [B], [], [A], True)


def test_a_refusal_of_all_is_the_failure() -> None:
    done = stopped(Task(), Task(), ids=[A, B], service={"stops": {1: FORBIDDEN}})
    assert lists(done.result) == (False, [], [], [A, B], True)
    assert done.result["failure"]["kind"] == "permission"
    assert "HTTP 403 DRS.M00102 No permission." in done.result["msg"]


def test_an_operation_that_is_withdrawn_is_not_tried_for_each_job() -> None:
    gone = DrsError(Kind.INVALID_REQUEST, "HTTP 404.", http_status=404, error_code="APIGW.0101")
    done = stopped(Task(), Task(), ids=[A, B], service={"stops": {1: gone}})
    assert (done.sent, done.result["failed_jobs"]) == ([(A, B)], [A, B])


def test_a_release_that_fails_is_a_failure_that_names_the_job() -> None:
    done = stopped(Task(end=NOT_RELEASED), Task(), ids=[A, B])
    assert lists(done.result) == (True, [B], [], [A], True)
    assert f"{A}: releasing its resources failed (RELEASE_RESOURCE_FAILED)" in done.result["msg"]


def test_a_stop_that_is_accepted_and_does_nothing_ends_at_the_timeout() -> None:
    done = stopped(Task(works=False), timeout=30)
    assert lists(done.result) == (True, [], [], [A], True)
    assert f"{A}: the stop was accepted, and the status is {CAUGHT_UP}." in done.result["msg"]
    assert len(done.sent) == 1


def test_a_stop_that_lasts_longer_than_the_timeout_names_the_job() -> None:
    done = stopped(Task(takes=100), timeout=60)
    assert (done.result["failed_jobs"], done.result["elapsed"]) == ([A], 60)
    assert f"{A}: the status is {RELEASING}." in done.result["msg"]


@CHECK_MODES
def test_a_first_reading_that_fails_stops_nothing(check_mode: bool) -> None:
    done = stopped(service={"reads": {1: FORBIDDEN}}, check_mode=check_mode)
    assert lists(done.result) == (False, [], [], [A], True)
    assert done.result["msg"] == "No job was stopped. HTTP 403 DRS.M00102 No permission."
    assert done.result["failure"]["kind"] == "permission"
    assert done.sent == []


def test_a_reading_that_fails_in_between_is_tried_again() -> None:
    done = stopped(service={"reads": {2: RESET, 3: RESET}})
    assert lists(done.result) == (True, [A], [], [], False)
    assert done.result["failure"] is None


def test_a_reading_that_no_later_one_can_mend_ends_the_task() -> None:
    done = stopped(service={"reads": {2: FORBIDDEN}})
    assert lists(done.result) == (True, [], [], [A], True)
    assert "The last reading failed: HTTP 403" in done.result["msg"]
    assert len(done.service.asked) == 2


def test_a_job_with_a_subtask_that_still_copies_is_not_stopped() -> None:
    tasks = {A: Task(), B: Task("CHILD_TRANSFER_STARTED", delay=None)}
    children = (ListedJob(B, status="CHILD_TRANSFER_STARTED"),)

    def done(**rules: Any) -> Stopped:
        return stopped(tasks[A], ids=[A], service={"children": children, "others": tasks}, **rules)

    assert (done().sent, done().result["failed_jobs"]) == ([], [A])
    assert f"1 subtask is not ready: {B} CHILD_TRANSFER_STARTED" in done().result["msg"]
    assert done(check_subtasks=False, check_mode=True).result["stopped"] == [A]
    assert done(require_ready=False, check_mode=True).result["stopped"] == [A]


def test_a_subtask_that_is_left_out_once_does_not_let_a_busy_job_be_stopped() -> None:
    class LosesTheSubtask(Service):
        def _status(self, job_id: str) -> StatusRecord:
            # The first reading asks for the job, and then for its subtask.
            return StatusRecord(job_id) if job_id == B and len(self.asked) > 2 else super()._status(job_id)

        def list_jobs(self, *, ids: Sequence[str] | None = None, until: float | None = None) -> list[ListedJob]:
            self.children = self.children if len(self.asked) < 2 else ()
            return super().list_jobs(ids=ids, until=until)

    fields = {"children": (ListedJob(B, status="INCRE_TRANSFER_STARTED"),), "others": {B: Task()}}
    done = stopped(Task(answers=[BUSY]), ids=[A], kind=LosesTheSubtask, service=fields, timeout=9, interval=5)
    assert done.sent == [(A,)]
    assert f"1 subtask is not ready: {B} missing [not_found]." in done.result["msg"]


def test_evidence_that_is_too_old_stops_nothing() -> None:
    # Each reading takes longer than it may be trusted.
    done = stopped(service={"takes": 70.0}, timeout=300)
    assert (done.sent, done.result["failed_jobs"]) == ([], [A])


def test_many_jobs_are_stopped_in_batches() -> None:
    done = stopped(*[Task() for _job in range(7)], service={"batch_size": 3})
    assert [len(ids) for ids in done.sent] == [3, 3, 1]
    assert len(done.result["stopped"]) == 7


LEFT = (
    "After a forced stop, do by hand what a normal one migrates: set the sequences and start values of the target, create "
    "its triggers and events, and drop the replication slots on the source."
)


def test_a_forced_stop_says_what_is_left_and_any_other_does_not() -> None:
    forced = stopped(force=True)
    assert forced.result["msg"].endswith(f" {LEFT}")
    assert forced.result["changed"]
    assert stopped(force=True, check_mode=True).result["msg"].endswith(f" {LEFT}")
    for done in (stopped(), stopped(check_mode=True), stopped(Task("RELEASE_RESOURCE_COMPLETE"), force=True)):
        assert "forced" not in done.result["msg"]


def test_only_force_forces() -> None:
    assert [force for _ids, force in stopped(force=True).service.sent] == [True]
    assert [force for _ids, force in stopped(Task("PAUSING"), require_ready=False).service.sent] == [False]


def test_nothing_is_sent_after_until() -> None:
    done = stopped(Task(answers=[BUSY] * 500), timeout=1800, until=1030.0)
    assert done.result["elapsed"] == 30


@pytest.mark.parametrize(
    "rules",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": 1e12},
        {"interval": 0},
        {"interval": -1},
        {"max_delay": -1},
    ],
)
def test_values_that_make_no_sense_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(DrsError) as caught:
        StopRules(**rules)
    assert caught.value.kind is Kind.CONFIGURATION
    assert next(iter(rules)) in str(caught.value)


def test_the_lines_say_what_happens() -> None:
    done = stopped(Task(answers=[BUSY]), Task(ENDED), ids=[A, B])
    assert done.lines == [
        "drs_stop 12:00:00Z +0s START jobs=2 timeout=30m",
        "drs_stop 12:00:00Z +0s CHANGE 9a47..jb21 INCRE_TRANSFER_STARTED delay=0s hold=wrong_phase",
        "drs_stop 12:00:00Z +0s CHANGE dc67..jb21 RELEASE_RESOURCE_COMPLETE delay=0s ready",
        "drs_stop 12:00:00Z +0s STOP busy 9a47..jb21 DRS.M01504: Another operation is being performed",
        "drs_stop 12:00:05Z +5s STOP accepted=1 9a47..jb21",
        "drs_stop 12:00:10Z +10s CHANGE 9a47..jb21 RELEASE_RESOURCE_STARTED hold=wrong_phase",
        "drs_stop 12:00:15Z +15s CHANGE 9a47..jb21 RELEASE_RESOURCE_COMPLETE ready",
        "drs_stop 12:00:15Z +15s END 1 job stopped; 1 job had ended or was ending already.",
    ]


def test_a_long_stop_of_many_jobs_keeps_its_lines_short_and_few() -> None:
    done = stopped(*[Task(takes=80000) for _job in range(60)], timeout=86400, interval=60)
    assert len(done.lines) <= 500
    assert max(len(line) for line in done.lines) <= 160
    assert any(
        line.endswith("RELEASE_RESOURCE_STARTED hold=wrong_phase") for line in done.lines if "ALIVE ready=0/60" in line
    )
