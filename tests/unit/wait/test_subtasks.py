# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subtasks: when the list of jobs is read, which subtasks count, and what they do to their parent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Verdict
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Reading, Rules, Subtasks, judge_jobs
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import ListedJob
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.names import Asked
from ansible_collections.cutover.drs.plugins.module_utils._wait.subtasks import Jobs
from ansible_collections.cutover.drs.tests.unit.builders import (
    CAUGHT_UP,
    A,
    B,
    C,
    Waiting,
    answers,
    caught_up,
    entry,
    judged,
    reading,
    sample,
)

D = "5a1b0239-2308-4bb5-a6bc-1040402fjb21"
OVER = ["RELEASE_CHILD_TRANSFER_COMPLETE", "RELEASE_RESOURCE_COMPLETE", "DELETED"]
DENIED = DrsError(Kind.PERMISSION, "HTTP 403 DRS.M00102 No permission.", http_status=403)
PERMISSION = "Reading the list of jobs needs the permission drs:migrationJob:list."
ADVICE = "To wait without them, set check_subtasks: false."


def parent(*subtasks: Reading, job_id: str = A, problem: str | None = None, **fields: Any) -> Reading:
    return reading(job_id, subtasks=Subtasks(subtasks, listed=not problem, problem=problem), **fields)


def texts(seen: Reading, **rules: Any) -> list[tuple[str, str]]:
    (job,) = judge_jobs([seen], Rules(**{"goal": Goal.CAUGHT_UP, **rules}), held=False)
    return [(hold.rule.value, hold.text) for hold in job.holds]


COPYING = reading(C, "CHILD_TRANSFER_STARTED", delay=None, progress=40, name="orders-add")


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (parent(COPYING), "1 subtask is not ready: orders-add CHILD_TRANSFER_STARTED [wrong_phase, delay]."),
        (
            parent(reading(C, "STARTJOBING", delay=None)),
            f"1 subtask is not ready: {C} STARTJOBING [wrong_phase, delay].",
        ),
        (parent(reading(C, delay=3)), f"1 subtask is not ready: {C} {CAUGHT_UP} [delay]."),
        (parent(reading(C, found=(True, False))), f"1 subtask is not ready: {C} {CAUGHT_UP} [not_found]."),
        (parent(reading(C, found=(False, True))), f"1 subtask is not ready: {C} missing [not_found]."),
        (parent(reading(C, "BRAND_NEW")), f"1 subtask is not ready: {C} BRAND_NEW [unknown_status, wrong_phase]."),
        (
            parent(*(reading(f"{number}{C}", "STARTJOBING", delay=0) for number in range(8))),
            "8 subtasks are not ready: "
            + ", ".join(f"{number}{C} STARTJOBING [wrong_phase]" for number in range(3))
            + ", and 5 more.",
        ),
        (parent(problem="Subtasks not known: why."), "Subtasks not known: why."),
        (
            reading(subtasks=Subtasks()),
            f"Subtasks not known: they were not listed for this sample. {ADVICE}",
        ),
    ],
)
def test_what_a_subtask_does_to_its_parent(seen: Reading, text: str) -> None:
    assert texts(seen) == [("subtasks", text)]
    assert texts(seen, check_subtasks=False) == []


@pytest.mark.parametrize("status", OVER)
def test_a_subtask_that_is_over_holds_nothing(status: str) -> None:
    assert texts(parent(reading(C, status, transfer_status="".join(list(status)), delay=None))) == []
    # As long as only one operation says so, it may still run.
    for other in ("CHILD_TRANSFER_STARTED", "STARTJOBING"):
        assert texts(parent(reading(C, status, transfer_status=other)))
        assert texts(parent(reading(C, other, transfer_status=status)))


def test_a_subtask_that_has_caught_up_holds_nothing() -> None:
    assert texts(parent(reading(C), reading(D))) == []
    assert texts(parent(reading(C, delay=5)), max_delay=5) == []


def test_the_goal_of_a_subtask_comes_from_its_own_mode() -> None:
    done = reading(C, "FULL_TRANSFER_COMPLETE", task_mode="FULL_TRANS", delay=None)
    assert texts(parent(done), goal=Goal.AUTO) == []
    assert texts(parent(done), goal=Goal.CAUGHT_UP)


def test_a_subtask_that_is_not_ready_stands_beside_the_other_holds_of_its_parent() -> None:
    assert [rule for rule, _text in texts(parent(COPYING, delay=9))] == ["delay", "subtasks"]
    # Of a job that is not found nothing else is asked.
    assert [rule for rule, _text in texts(parent(COPYING, found=(False, True)))] == ["not_found"]


def test_while_one_job_is_held_the_others_need_no_list() -> None:
    late, unlisted = reading(A, delay=9), reading(B, subtasks=Subtasks())
    jobs = judge_jobs([late, unlisted], Rules(goal=Goal.CAUGHT_UP), held=False)
    assert [[hold.rule.value for hold in job.holds] for job in jobs] == [["delay"], []]


@pytest.mark.parametrize("status", ["CHILD_TRANSFER_FAILED", "INCRE_TRANSFER_FAILED", "START_JOB_FAILED"])
def test_a_failed_subtask_is_a_failed_job(status: str) -> None:
    failed = sample(0, parent(reading(C, status, delay=None)))
    (decision,) = judged(caught_up(), failed)
    assert decision.verdict is Verdict.FAILED
    assert C in decision.reason
    (decision,) = judged(caught_up(check_subtasks=False), failed)
    assert decision.verdict is None


def test_a_subtask_that_is_being_released_does_not_end_its_parent() -> None:
    (decision,) = judged(caught_up(), sample(0, parent(reading(C, "RELEASE_CHILD_TRANSFER_STARTED", delay=None))))
    assert decision.verdict is None


class Service:
    """A client whose jobs are what a test says: readings by id, and a list."""

    def __init__(self, *readings: Reading, listed: Sequence[ListedJob] | DrsError | None = None) -> None:
        self.jobs = {each.id: each for each in readings}
        self.listed: Sequence[ListedJob] | DrsError = [entry(A)] if listed is None else listed
        self.read: list[list[str]] = []
        self.lists = 0

    def both(self, ids: Sequence[str], until: float) -> Any:
        self.read.append(list(ids))
        return answers(*(self.jobs.get(job_id) or reading(job_id, found=(False, False)) for job_id in ids))

    def list_jobs(self, *, ids: Sequence[str] | None = None, until: float | None = None) -> Sequence[ListedJob]:
        self.lists += 1
        if isinstance(self.listed, DrsError):
            raise self.listed
        return self.listed


def read(service: Service, jobs: Jobs, *, held: bool = False) -> dict[str, Reading]:
    return {each.id: each for each in jobs.read(service, 1000.0, lambda: held)}


def jobs_of(ids: Sequence[str], of_rules: Rules) -> Jobs:
    return Jobs(Asked(tuple(ids), (), None), of_rules)


def rules(**options: Any) -> Rules:
    return Rules(**{"goal": Goal.CAUGHT_UP, **options})


def test_the_list_is_read_at_first_and_whenever_nothing_else_holds_any_job() -> None:
    service, jobs = Service(reading(delay=9)), jobs_of([A], rules())
    lists = []
    for delay, held in ((9, False), (9, False), (0, False), (0, False), (0, True), (9, False)):
        service.jobs[A] = reading(delay=delay)
        seen = read(service, jobs, held=held)
        lists.append(service.lists)
        assert seen[A].subtasks.listed is (delay == 0 and not held) or len(lists) == 1
    assert lists == [1, 1, 2, 3, 3, 3]


def test_without_check_subtasks_no_list_is_read() -> None:
    service = Service(reading())
    assert read(service, jobs_of([A], rules(check_subtasks=False)))[A].subtasks == Subtasks()
    assert service.lists == 0


def test_jobs_that_are_not_found_are_not_looked_for_in_the_list() -> None:
    service, jobs = Service(), jobs_of([A], rules())
    assert (read(service, jobs)[A].subtasks, service.lists) == (Subtasks(), 0)
    service.jobs[A] = reading(delay=9)
    assert (read(service, jobs)[A].subtasks, service.lists) == (Subtasks(listed=True), 1)


def test_subtasks_are_read_with_the_jobs_once_they_are_known() -> None:
    service = Service(reading(), COPYING, listed=[entry(A, "orders", children=(entry(C, "orders-add"),))])
    jobs = jobs_of([A], rules())
    seen = read(service, jobs)[A]
    assert ([each.id for each in seen.subtasks.readings], seen.name) == ([C], "orders")
    assert seen.subtasks.readings[0].name == "orders-add"
    assert service.read == [[A], [C]]
    read(service, jobs)
    # It holds its parent, so nothing new has to be looked for.
    assert (service.read[2:], service.lists) == ([[A, C]], 1)


def test_a_subtask_that_starts_in_the_middle_of_a_streak_is_seen(waiting: Waiting) -> None:
    begun: list[ListedJob] = []
    copying = answers(reading(), COPYING)

    def late() -> Any:
        # From the third sample on there is a subtask.
        if len(waiting.script.began) >= 3:
            begun[:] = [entry(C)]
        return copying

    waiting.lists(lambda ids: [entry(job_id, children=tuple(begun)) for job_id in ids or ()])
    result = waiting(late, stable_samples=5, stable_for=10, timeout=60)
    assert (result["verdict"], result["jobs"][0]["subtasks"][0]["id"]) == ("timeout", C)
    assert any("RESET" in line and "subtasks" in line for line in waiting.lines)


def ended(*shown: str) -> str:
    which = "1 subtask has" if len(shown) == 1 else f"{len(shown)} subtasks have"
    return f"{which} ended without being seen complete: {', '.join(shown)}. Check what was copied. {ADVICE}"


def test_a_subtask_that_is_over_is_not_read() -> None:
    service = Service(reading(), listed=[entry(A, children=(entry(C, status="RELEASE_CHILD_TRANSFER_COMPLETE"),))])
    assert read(service, jobs_of([A], rules()))[A].subtasks == Subtasks(listed=True)
    assert service.read == [[A]]


@pytest.mark.parametrize("status", ["RELEASE_RESOURCE_COMPLETE", "DELETED"])
def test_a_subtask_that_was_stopped_or_deleted_holds_its_job(status: str) -> None:
    service = Service(reading(), listed=[entry(A, children=(entry(C, "orders-add", status=status),))])
    jobs = jobs_of([A], rules())
    assert read(service, jobs)[A].subtasks == Subtasks(problem=ended(f"orders-add {status}"))
    # For good: that it is in no answer any more does not make it better.
    service.listed = [entry(A)]
    for _sample in range(5):
        assert read(service, jobs)[A].subtasks.problem == ended(f"orders-add {status}")
    assert service.read == [[A]] * 6


def test_that_a_subtask_ended_is_enough_if_that_is_the_goal_or_if_it_is_one_of_the_jobs() -> None:
    stopped = [entry(A, status=None, children=(entry(C, status="DELETED"),))]
    service = Service(reading(A, "DELETED"), reading(C, "DELETED"), listed=stopped)
    assert read(service, jobs_of([A], rules(goal=Goal.STOPPED)))[A].subtasks.problem is None
    assert read(service, jobs_of([A, C], rules()))[A].subtasks.problem is None


# How a subtask goes on from sample to sample, by both operations and by the list, and whether it succeeded.
WAYS: list[tuple[list[str], bool]] = [
    (["CHILD_TRANSFER_STARTED", "CHILD_TRANSFER_COMPLETE", "DELETED"], True),
    (["CHILD_TRANSFER_STARTED", "RELEASE_CHILD_TRANSFER_STARTED", "DELETED"], True),
    (["CHILD_TRANSFER_STARTED", "RELEASE_CHILD_TRANSFER_COMPLETE", "DELETED"], True),
    (["CHILD_TRANSFER_FAILED", "CHILD_TRANSFER_STARTED", "CHILD_TRANSFER_COMPLETE", "DELETED"], True),
    (["CHILD_TRANSFER_STARTED", "RELEASE_CHILD_TRANSFER_COMPLETE"], True),
    (["CHILD_TRANSFER_STARTED", "DELETED"], False),
    (["CHILD_TRANSFER_STARTED", "RELEASE_RESOURCE_STARTED", "RELEASE_RESOURCE_COMPLETE"], False),
    (["CHILD_TRANSFER_FAILED", "RELEASE_RESOURCE_COMPLETE"], False),
    (["CHILD_TRANSFER_FAILED", "RELEASE_CHILD_TRANSFER_STARTED", "RELEASE_CHILD_TRANSFER_COMPLETE"], False),
    # It had caught up, and then nobody copied what came after.
    (["INCRE_TRANSFER_STARTED", "DELETED"], False),
    # Where it has an incremental phase, the full one is passed through.
    (["FULL_TRANSFER_COMPLETE", "RELEASE_RESOURCE_COMPLETE"], False),
]


@pytest.mark.parametrize("told_by", ["both", "the list alone", "the operations first"])
@pytest.mark.parametrize(("way", "succeeded"), WAYS, ids=[" ".join(way) for way, _succeeded in WAYS])
def test_a_subtask_succeeded_if_it_was_seen_complete(way: list[str], succeeded: bool, told_by: str) -> None:
    jobs, service = jobs_of([A], rules(fail_fast=False)), Service(reading())
    for number, status in enumerate([*way, way[-1]]):
        listed = way[max(0, number - 1)] if told_by == "the operations first" else status
        service.listed = [entry(A, children=(entry(C, status=listed),))]
        service.jobs[C] = reading(C, status, delay=0 if status == CAUGHT_UP else None)
        if told_by == "the list alone":
            service.jobs[C] = reading(C, found=(False, False))
        seen = read(service, jobs)[A]
    assert texts(seen) == ([] if succeeded else [("subtasks", ended(f"{C} {way[-1]}"))])


def test_a_full_transfer_is_complete_if_that_is_all_there_is_to_do() -> None:
    for mode, goal in (("FULL_TRANS", Goal.AUTO), ("FULL_INCR_TRANS", Goal.FULL_COMPLETE)):
        done = reading(C, "FULL_TRANSFER_COMPLETE", task_mode=mode, delay=None)
        service = Service(reading(), done, listed=[entry(A, children=(entry(C, status=None),))])
        jobs = jobs_of([A], rules(goal=goal))
        read(service, jobs)
        service.jobs[C] = reading(C, "RELEASE_RESOURCE_COMPLETE", delay=None)
        service.listed = [entry(A, children=(entry(C, status="RELEASE_RESOURCE_COMPLETE"),))]
        assert texts(read(service, jobs)[A], goal=goal) == []


@pytest.mark.parametrize("goal", [Goal.CAUGHT_UP, Goal.FULL_COMPLETE, Goal.AUTO])
@pytest.mark.parametrize(("max_missing", "held"), [(3, 3), (1, 1), (0, 1)])
def test_a_subtask_that_is_left_out_of_all_answers_is_not_known(goal: Goal, max_missing: int, held: int) -> None:
    copying = reading(C, "CHILD_TRANSFER_STARTED", delay=None, progress=37)
    family, alone = [entry(A, children=(entry(C, status="CHILD_TRANSFER_STARTED"),))], [entry(A)]
    service, jobs = Service(reading(), copying, listed=family), jobs_of([A], rules(goal=goal, max_missing=max_missing))
    read(service, jobs)
    for _time in range(2):
        # Once it is back, it may be left out as often again.
        holds = []
        service.listed = alone
        del service.jobs[C]
        for _sample in range(held):
            holds += texts(read(service, jobs)[A], goal=goal)
        assert holds == [("subtasks", f"1 subtask is not ready: {C} missing [not_found].")] * held
        service.jobs[C], service.listed = copying, family
        assert texts(read(service, jobs)[A], goal=goal)
    service.listed = alone
    del service.jobs[C]
    for _sample in range(held):
        read(service, jobs)
    assert texts(read(service, jobs)[A], goal=goal) == []


def test_a_subtask_is_not_forgotten_when_its_parent_is_left_out_too() -> None:
    service = Service(reading(), COPYING, listed=[entry(A, children=(entry(C, status="CHILD_TRANSFER_STARTED"),))])
    jobs = jobs_of([A], rules())
    read(service, jobs)
    del service.jobs[C]
    for listed in ([], [entry(A)]):
        service.listed = listed
        assert texts(read(service, jobs)[A]) == [("subtasks", f"1 subtask is not ready: {C} missing [not_found].")]


def test_of_a_job_that_was_deleted_nothing_runs() -> None:
    service = Service(reading(), COPYING, listed=[entry(A, children=(entry(C, status="CHILD_TRANSFER_STARTED"),))])
    jobs = jobs_of([A], rules(goal=Goal.STOPPED))
    read(service, jobs)
    del service.jobs[C]
    service.jobs[A], service.listed = reading(A, "DELETED"), []
    assert texts(read(service, jobs)[A], goal=Goal.STOPPED) == []


@pytest.mark.parametrize("found", [(True, False), (False, True)])
def test_a_subtask_that_one_operation_still_shows_running_is_waited_for(found: tuple[bool, bool]) -> None:
    service = Service(reading(), COPYING, listed=[entry(A, children=(entry(C, status="CHILD_TRANSFER_STARTED"),))])
    jobs = jobs_of([A], rules())
    read(service, jobs)
    service.listed = [entry(A)]
    service.jobs[C] = reading(C, "CHILD_TRANSFER_STARTED", delay=None, found=found)
    for _sample in range(9):
        assert [rule for rule, _text in texts(read(service, jobs)[A])] == ["subtasks"]


def test_a_subtask_that_the_list_calls_finished_and_both_operations_running_is_held() -> None:
    service = Service(reading(), reading(C), listed=[entry(A, children=(entry(C),))])
    jobs = jobs_of([A], rules())
    assert texts(read(service, jobs)[A]) == []
    service.listed = [entry(A, children=(entry(C, status="RELEASE_CHILD_TRANSFER_COMPLETE"),))]
    assert texts(read(service, jobs)[A]) == [("subtasks", f"1 subtask is not ready: {C} {CAUGHT_UP} [disagreement].")]


@pytest.mark.parametrize(
    "children",
    [(entry(A),), (entry(C, children=(entry(A),)),), (entry(C, children=(entry(C),)),), (entry(B), entry(A))],
    ids=["of its parent", "of the parent of that", "of itself", "beside another"],
)
def test_a_subtask_with_the_id_of_its_own_parent_is_one_whose_state_is_not_known(
    children: tuple[ListedJob, ...],
) -> None:
    service = Service(reading(), reading(B), reading(C), listed=[entry(A, children=children)])
    assert texts(read(service, jobs_of([A], rules()))[A]) == [
        ("subtasks", f"Subtasks not known: the list of jobs has a subtask with the id of its own parent. {ADVICE}")
    ]


@pytest.mark.parametrize(
    "listed",
    [
        [entry(A, children=(entry(C, children=(entry(D),)),))],
        [entry(A, children=(entry(C, status="DELETED"),)), entry(A, children=(entry(C), entry(D)))],
    ],
    ids=["subtasks of subtasks", "of both entries of a job"],
)
def test_all_subtasks_that_a_list_has_count(listed: list[ListedJob]) -> None:
    seen = read(Service(reading(), listed=listed), jobs_of([A], rules()))
    assert [each.id for each in seen[A].subtasks.readings] == [C, D]


def test_a_job_that_is_itself_a_subtask_of_a_listed_job_is_known() -> None:
    service = Service(reading(), reading(C), listed=[entry(A, children=(entry(C, "orders-add"),))])
    seen = read(service, jobs_of([A, C], rules()))
    assert (seen[C].name, seen[C].subtasks) == ("orders-add", Subtasks(listed=True))


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ([], f"Subtasks not known: the list of jobs has no entry for this job. {ADVICE}"),
        ([entry(B)], f"Subtasks not known: the list of jobs has no entry for this job. {ADVICE}"),
        (
            [entry(A, children=(entry(""),))],
            f"Subtasks not known: the list of jobs has a subtask without an id. {ADVICE}",
        ),
        (
            DrsError(Kind.PROTOCOL, "The response is not JSON."),
            f"Subtasks not known: The response is not JSON. {ADVICE}",
        ),
        (
            DENIED,
            f"Subtasks not known: HTTP 403 DRS.M00102 No permission. {PERMISSION} {ADVICE}",
        ),
    ],
)
def test_a_list_that_does_not_tell_is_a_hold_until_one_does(listed: Any, problem: str) -> None:
    service, jobs = Service(reading(), listed=listed), jobs_of([A], rules())
    seen = read(service, jobs)[A]
    assert seen.subtasks == Subtasks(problem=problem)
    assert texts(seen) == [("subtasks", problem)]
    service.listed = [entry(A)]
    # While something else holds the job, the problem stays, and no list is read.
    service.jobs[A] = reading(delay=9)
    assert (read(service, jobs)[A].subtasks.problem, service.lists) == (problem, 1)
    service.jobs[A] = reading()
    assert (read(service, jobs)[A].subtasks, service.lists) == (Subtasks(listed=True), 2)


def test_a_deleted_job_needs_no_entry_in_the_list() -> None:
    service = Service(reading(A, "DELETED"), listed=[])
    assert read(service, jobs_of([A], rules(goal=Goal.STOPPED)))[A].subtasks == Subtasks(listed=True)


def test_a_list_that_fails_later_keeps_the_subtasks_known_before() -> None:
    service = Service(reading(), reading(C), listed=[entry(A, children=(entry(C),))])
    jobs = jobs_of([A], rules())
    read(service, jobs)
    service.listed = DENIED
    seen = read(service, jobs)[A].subtasks
    assert ([each.id for each in seen.readings], seen.listed, bool(seen.problem)) == ([C], False, True)


@pytest.mark.parametrize(
    ("child", "stays"),
    [
        (reading(C), True),
        (reading(C, "CHILD_TRANSFER_STARTED"), True),
        (reading(C, "RELEASE_CHILD_TRANSFER_COMPLETE", delay=None), False),
    ],
)
def test_a_subtask_that_leaves_the_list_counts_while_both_operations_show_it_running(
    child: Reading, stays: bool
) -> None:
    service = Service(reading(), reading(C), listed=[entry(A, children=(entry(C),))])
    jobs = jobs_of([A], rules())
    read(service, jobs)
    service.listed = [entry(A)]
    service.jobs[C] = child
    read(service, jobs)
    # One that holds its parent ends only when its own status says so, which needs no list.
    late = child.found and child.status.status == "CHILD_TRANSFER_STARTED"
    assert service.lists == (1 if late else 2)
    assert [each.id for each in read(service, jobs)[A].subtasks.readings] == ([C] if stays else [])


def test_requests_that_fail_after_the_list_are_a_hold_too() -> None:
    service = Service(reading(), listed=[entry(A, children=(entry(C),))])
    jobs = jobs_of([A], rules())
    whole = service.both

    def both(ids: Sequence[str], until: float) -> Any:
        if C in ids:
            raise DrsError(Kind.SERVICE, "HTTP 503.")
        return whole(ids, until)

    service.both = both  # type: ignore[method-assign]
    seen = read(service, jobs)[A].subtasks
    assert (seen.listed, seen.problem) == (False, f"Subtasks not known: HTTP 503. {ADVICE}")


def test_what_was_recorded_is_judged_again_with_its_subtasks(waiting: Waiting, tmp_path: Path) -> None:
    file = str(tmp_path / "wait.jsonl")
    waiting.lists(lambda ids: [entry(job_id, "orders", children=(entry(C),)) for job_id in ids or ()])
    live = waiting(answers(reading(), COPYING), answers(reading(delay=3), COPYING), timeout=60, record=file)
    again = waiting(replay=file, jobs=None, timeout=60)
    assert (live["verdict"], live["jobs"][0]["holds"][-1]["rule"]) == ("timeout", "subtasks")
    assert live["jobs"][0]["name"] == "orders"
    for key in ("verdict", "reason", "jobs", "transitions"):
        assert again[key] == live[key], key
    assert waiting(replay=file, jobs=None, timeout=0, check_subtasks=False)["verdict"] == "ready"


def test_a_replay_by_other_rules_takes_what_the_last_list_said(waiting: Waiting, tmp_path: Path) -> None:
    file = str(tmp_path / "wait.jsonl")
    # Held by its delay, so that the list was read for the first sample only.
    waiting(answers(reading(delay=3)), timeout=100, record=file)
    assert waiting(replay=file, jobs=None, timeout=100)["verdict"] == "timeout"
    assert waiting(replay=file, jobs=None, timeout=100, max_delay=5)["verdict"] == "ready"
    file = str(tmp_path / "without.jsonl")
    waiting(answers(reading(delay=3)), timeout=100, record=file, check_subtasks=False)
    assert waiting(replay=file, jobs=None, timeout=100, max_delay=5)["verdict"] == "timeout"


def test_a_result_names_few_subtasks_and_counts_the_others(waiting: Waiting) -> None:
    children = [f"{number:08d}-2308-4bb5-a6bc-1040402fjb21" for number in range(30)]
    waiting.lists(lambda ids: [entry(A, children=tuple(map(entry, children)))])
    late = reading(children[29], "CHILD_TRANSFER_STARTED", delay=None)
    (job,) = waiting(answers(reading(), late), timeout=0)["jobs"]
    assert (len(job["subtasks"]), job["subtasks_left_out"]) == (10, 20)
    # The one that holds the job comes first.
    assert [each["ready"] for each in job["subtasks"]] == [False] + [True] * 9


def test_a_replay_picks_jobs_by_the_names_that_were_recorded(waiting: Waiting, tmp_path: Path) -> None:
    file = str(tmp_path / "wait.jsonl")
    waiting.lists(lambda ids: [each for each in (entry(A, "orders"), entry(B, "x")) if ids is None or each.id in ids])
    waiting(
        answers(reading(A), reading(B, delay=9)),
        jobs=None,
        job_names=["orders", "x"],
        timeout=40,
        stable_for=30,
        record=file,
    )
    result = waiting(replay=file, jobs=None, job_names=["orders"], timeout=0)
    assert ([job["id"] for job in result["jobs"]], result["verdict"]) == ([A], "ready")
    assert [job["id"] for job in waiting(replay=file, jobs=None, timeout=0)["jobs"]] == [A, B]
    unknown = waiting(replay=file, jobs=None, job_names=["none"], timeout=0)
    assert unknown["reason"] == f"job_names: the recording {file} has no job none."
