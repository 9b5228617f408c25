# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens in each stage: the order, the evidence, and how each event ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    GUARD_ATTEMPTS,
    Completed,
    Enter,
    Failed,
    GateEnded,
    UnfreezeFailed,
    Unfrozen,
    busy,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import (
    STAGES,
    Next,
    Outcome,
    Owner,
    Role,
    stages_of,
)
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    ALL,
    GUARD,
    MAX_OUTAGE,
    OTHER,
    RUN,
    SHORT,
    VALID_FOR,
    a_cutover,
)

BEFORE_FREEZE = ("approach", "confirm_freeze")
FROZEN = ("freeze", "final", "verify", "confirm_switch", "stop")
LOUD = "THE TASKS TO UNFREEZE THE SOURCE FAILED TOO, so it may still be frozen:"


@pytest.mark.parametrize(
    ("files", "asks", "stop_jobs", "stages"),
    [
        ((), False, "never", "approach final switch"),
        (("freeze", "verify"), False, "by_switch_tasks", "approach freeze final verify switch"),
        (("freeze",), True, "before_switch", "approach confirm_freeze freeze final confirm_switch stop switch"),
        (("verify",), False, "after_switch", "approach final verify switch stop"),
    ],
)
def test_a_cutover_has_the_stages_it_needs_in_their_order(
    files: tuple[str, ...], asks: bool, stop_jobs: str, stages: str
) -> None:
    assert stages_of(files, asks=asks, stop_jobs=stop_jobs) == tuple(stages.split())


@pytest.mark.parametrize(
    "stages", [SHORT, ALL, ("approach", "freeze", "final", "switch")], ids=["short", "all", "least"]
)
def test_a_cutover_in_which_all_goes_well_is_done(stages: tuple[str, ...]) -> None:
    cutover = a_cutover("switch", stages=stages)
    move = cutover.completed()
    assert (move.next, move.journal.outcome, move.journal.failure) == (Next.STOP, Outcome.DONE, "")
    assert [(entry.name, entry.state) for entry in move.journal.entries] == [(stage, "ok") for stage in stages]
    assert move.journal.unfrozen_by is None
    assert move.journal.attempts == 0


@pytest.mark.parametrize("last", ["", *ALL])
@pytest.mark.parametrize("stage", ALL)
def test_only_the_next_stage_begins(last: str, stage: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    expected = (*ALL, "the end")[ALL.index(last) + 1 if last else 0]
    if STAGES.get(last) and STAGES[last].gate:
        cutover.judged(last)
    elif last == "stop":
        cutover.stopped(*cutover.journal.plan.jobs)
    before = cutover.journal
    if stage == expected:
        assert cutover.enter(stage).next in (Next.PROCEED, Next.SAMPLE)
    else:
        move = cutover.enter(stage)
        assert (move.next, move.journal) == (Next.REFUSE, before)
        assert move.message == f"The stage {stage} cannot begin: the next one is {expected}."


@pytest.mark.parametrize("gate", ["approach", "final"])
def test_nothing_begins_while_a_gate_waits(gate: str) -> None:
    cutover = a_cutover(gate)
    following = SHORT[SHORT.index(gate) + 1]
    move = cutover.enter(following)
    assert move.next is Next.REFUSE
    assert move.message == f"The stage {following} cannot begin: {gate} did not succeed."


@pytest.mark.parametrize("gate", ["approach", "final"])
def test_nothing_begins_after_a_gate_that_is_not_ready(gate: str) -> None:
    cutover = a_cutover(gate)
    move = cutover.judged(gate, ready=False)
    assert (move.next, move.message) == (Next.REFUSE, "Delay 9 s.")
    assert (move.journal.failure, move.journal.failed_in, move.journal.evidence) == ("Delay 9 s.", gate, None)
    assert move.journal.entries[-1].state == "failed"
    assert cutover.enter(SHORT[SHORT.index(gate) + 1]).next is Next.REFUSE


@pytest.mark.parametrize("ready_again", [True, False], ids=["another sample is ready", "no other sample"])
@pytest.mark.parametrize("following", ["verify", "switch"])
def test_nothing_begins_after_one_more_sample_that_is_not_ready(following: str, ready_again: bool) -> None:
    stages = SHORT if following == "verify" else ("approach", "freeze", "final", "switch")
    cutover = a_cutover("final", stages=stages)
    cutover.judged("final")
    assert cutover.judged("recheck", ready=False).next is Next.REFUSE
    if ready_again:
        assert cutover.judged("recheck").next is Next.REFUSE
    assert cutover.enter(following).next is Next.REFUSE


def test_a_verdict_is_ready_only_with_a_time_until_which_it_holds() -> None:
    cutover = a_cutover("final")
    move = cutover.happens(GateEnded(RUN, cutover.later(), "final", True, "All jobs are ready."))
    assert move.next is Next.REFUSE
    assert move.journal.evidence is None
    assert move.journal.failed_in == "final"


@pytest.mark.parametrize("gate", ["final", "approach"])
def test_a_verdict_of_a_gate_that_does_not_run_is_refused(gate: str) -> None:
    cutover = a_cutover("freeze")
    before = cutover.journal
    move = cutover.judged(gate)
    assert (move.next, move.journal, move.message) == (Next.REFUSE, before, f"The {gate} gate has not begun.")


def test_a_verdict_before_anything_has_begun_is_refused() -> None:
    assert a_cutover().judged("approach").message == "The approach gate has not begun."


def test_a_verdict_after_a_failure_comes_too_late() -> None:
    for cutover in (a_cutover("final"), a_cutover("approach"), a_cutover("switch")):
        stage = cutover.journal.stage
        if stage != "switch":
            cutover.failed()
        move = cutover.judged("recheck")
        assert (move.next, move.message) == (Next.REFUSE, "The verdict of the recheck gate came too late.")


@pytest.mark.parametrize(
    ("wait", "expected"), [(VALID_FOR - 0.5, Next.PROCEED), (VALID_FOR, Next.SAMPLE), (VALID_FOR + 1, Next.SAMPLE)]
)
@pytest.mark.parametrize("stage", ["freeze", "switch"])
def test_a_verdict_counts_until_its_time_and_not_at_it(stage: str, wait: float, expected: Next) -> None:
    gate = "approach" if stage == "freeze" else "final"
    cutover = a_cutover(gate, stages=("approach", "freeze", "final", "switch"))
    cutover.judged(gate)
    before = cutover.journal
    move = cutover.enter(stage, after=wait)
    assert move.next is expected
    if expected is Next.SAMPLE:
        assert move.journal == before
        assert move.message == "The verdict of the last gate can no longer be trusted."
        assert cutover.judged("recheck").next is Next.PROCEED
        assert cutover.enter(stage).next is Next.PROCEED


@pytest.mark.parametrize(
    ("between", "stage"), [("confirm_freeze", "freeze"), ("verify", "switch"), ("confirm_switch", "switch")]
)
def test_work_that_takes_time_asks_for_one_more_sample(between: str, stage: str) -> None:
    stages = tuple(name for name in ALL if name in (*SHORT, between) and (name != "verify" or between == "verify"))
    cutover = a_cutover(between, stages=stages)
    assert cutover.enter(stage).next is Next.SAMPLE
    # A verdict does not become new again.
    assert cutover.enter(stage).next is Next.SAMPLE
    cutover.judged("recheck")
    assert cutover.enter(stage).next is Next.PROCEED


def test_what_opened_the_first_gate_does_not_open_the_switch() -> None:
    cutover = a_cutover("final", stages=("approach", "freeze", "final", "switch"))
    assert cutover.journal.evidence is None


def test_without_any_gate_nothing_freezes() -> None:
    cutover = a_cutover(stages=("freeze", "final", "switch"))
    move = cutover.enter("freeze")
    assert (move.next, move.message) == (Next.REFUSE, "The stage freeze cannot begin: no gate was ready.")
    assert not move.journal.frozen


def test_a_verdict_given_before_the_freeze_is_gone_when_the_final_gate_is_left_out() -> None:
    cutover = a_cutover("freeze", stages=("approach", "freeze", "switch"))
    assert cutover.enter("switch").next is not Next.PROCEED


@pytest.mark.parametrize(("after", "expected"), [(MAX_OUTAGE - 4, Next.PROCEED), (MAX_OUTAGE, Next.REFUSE)])
def test_no_stage_begins_once_the_longest_outage_is_over(after: float, expected: Next) -> None:
    cutover = a_cutover("freeze")
    move = cutover.enter("final", after=after)
    assert move.next is expected
    if expected is Next.REFUSE:
        assert move.message == "The outage reached drs_cutover_max_outage (100 s)."


def test_the_outage_counts_from_the_beginning_of_the_freeze() -> None:
    cutover = a_cutover("approach")
    assert (cutover.journal.frozen, cutover.journal.deadline) == (False, None)
    cutover.judged("approach")
    cutover.enter("freeze")
    since = cutover.at
    cutover.enter("final")
    assert (cutover.journal.frozen_since, cutover.journal.deadline) == (since, since + MAX_OUTAGE)


@pytest.mark.parametrize("last", ["", *BEFORE_FREEZE])
def test_a_failure_before_the_freeze_ends_it_with_nothing_begun(last: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    move = cutover.failed("The password is wrong")
    assert (move.next, move.journal.outcome) == (Next.STOP, Outcome.NOT_BEGUN)
    assert (move.journal.failure, move.journal.failed_in) == ("The password is wrong.", last or "begin")


@pytest.mark.parametrize("last", FROZEN)
def test_a_failure_while_frozen_leads_to_the_unfreeze(last: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    move = cutover.failed("No route.")
    assert (move.next, move.journal.outcome, move.journal.attempts) == (Next.UNFREEZE, None, 1)
    assert (move.journal.failure, move.journal.failed_in) == ("No route.", last)
    assert [(entry.name, entry.state) for entry in move.journal.entries[-2:]] == [
        (last, "failed"),
        ("unfreeze", "running"),
    ]
    move = cutover.unfrozen()
    assert (move.next, move.journal.outcome, move.journal.unfrozen_by) == (Next.STOP, Outcome.UNFROZEN, Role.RUN)
    assert not move.journal.frozen
    assert move.journal.entries[-1].state == "ok"


@pytest.mark.parametrize("last", FROZEN)
def test_without_tasks_to_unfreeze_it_stays_frozen_and_says_so(last: str) -> None:
    move = a_cutover(last, stages=ALL, unfreeze="").failed()
    assert (move.next, move.journal.outcome, move.journal.unfreezing) == (Next.STOP, Outcome.FROZEN, False)
    assert move.journal.frozen


def test_a_failure_during_the_switch_undoes_nothing() -> None:
    move = a_cutover("switch").failed("No route")
    assert (move.next, move.journal.outcome) == (Next.STOP, Outcome.SWITCH_FAILED)
    assert (move.journal.failure, move.journal.failed_in) == ("No route.", "switch")
    assert not move.journal.unfreezing
    assert not move.journal.frozen


def test_the_first_failure_is_the_one_that_counts() -> None:
    cutover = a_cutover("final")
    cutover.judged("final", ready=False)
    cutover.failed("The gate did not open.")
    assert (cutover.journal.failure, cutover.journal.failed_in) == ("Delay 9 s.", "final")


def test_an_unfreeze_that_fails_in_the_run_is_reported_at_once() -> None:
    reported, failed = a_cutover("final"), a_cutover("final")
    reported.failed()
    failed.failed()
    for move in (reported.unfreeze_failed("No route"), failed.failed("No route")):
        assert (move.next, move.journal.outcome) == (Next.STOP, Outcome.FROZEN)
        assert move.journal.why == f"A task failed. {LOUD} No route."
        assert move.journal.entries[-1].state == "failed"


def test_the_end_of_an_unfreeze_counts_only_while_there_is_one() -> None:
    ended = a_cutover("final")
    ended.failed()
    ended.unfrozen()
    for cutover in (a_cutover("final"), a_cutover("switch"), a_cutover(), ended):
        before = cutover.journal
        for move in (cutover.unfrozen(), cutover.unfreeze_failed()):
            assert (move.next, move.journal, move.message) == (Next.REFUSE, before, "No unfreeze is under way.")


@pytest.mark.parametrize("last", ["", *ALL[:-1]])
def test_only_a_switch_is_completed(last: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    before = cutover.journal
    move = cutover.completed()
    assert (move.next, move.journal, move.message) == (Next.REFUSE, before, "The switch has not begun.")


def test_a_gate_that_is_ready_has_succeeded() -> None:
    for gate in ("approach", "final"):
        cutover = a_cutover(gate)
        assert cutover.judged(gate).journal.entries[-1].state == "ok"


def test_nothing_is_completed_twice_or_after_a_failure() -> None:
    for first in ("completed", "failed"):
        cutover = a_cutover("switch")
        getattr(cutover, first)()
        assert cutover.completed().next is Next.REFUSE


def test_nothing_begins_after_an_end_or_an_unfreeze() -> None:
    unfreezing, done = a_cutover("verify"), a_cutover("switch")
    unfreezing.failed()
    done.completed()
    for cutover in (unfreezing, done):
        move = cutover.enter("switch")
        assert (move.next, move.message) == (Next.REFUSE, "The stage switch cannot begin: the cutover has ended.")


def test_a_failure_after_the_end_changes_nothing() -> None:
    for cutover in (a_cutover("switch"), a_cutover("final")):
        cutover.failed()
        if cutover.journal.unfreezing:
            cutover.unfrozen()
        before = cutover.journal
        move = cutover.failed("Another.")
        assert (move.next, move.journal) == (Next.STOP, before)


def test_one_who_is_not_the_owner_changes_nothing() -> None:
    for last in ("", *SHORT):
        cutover = a_cutover(last)
        before = cutover.journal
        at = cutover.later()
        for event in (
            Enter(OTHER, at, "freeze"),
            GateEnded(OTHER, at, "final", True, "", at + 9),
            Unfrozen(OTHER, at),
            UnfreezeFailed(OTHER, at, "No."),
            Completed(OTHER, at),
        ):
            move = cutover.happens(event)
            assert (move.next, move.journal) == (Next.REFUSE, before)
        move = cutover.happens(Failed(OTHER, at, "No."))
        assert (move.next, move.journal) == (Next.STOP, before)


def test_the_same_process_number_after_a_restart_is_somebody_else() -> None:
    again = Owner(RUN.role, RUN.machine, "another boot", RUN.pid, RUN.started, RUN.host, RUN.user)
    assert a_cutover("approach").happens(Failed(again, 1001.0, "No.")).journal.outcome is None


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    cutover = a_cutover("freeze")
    cutover.at -= 500
    cutover.enter("final")
    assert cutover.journal.entries[1].ended == cutover.journal.entries[1].began


def test_a_failure_without_a_reason_still_has_one() -> None:
    cutover = a_cutover("freeze")
    cutover.failed("")
    cutover.unfreeze_failed("")
    assert cutover.journal.why == f"No reason is known. {LOUD} No reason is known."


def test_who_owns_it_is_told_with_the_process_the_machine_and_the_user() -> None:
    journal = a_cutover("final").journal
    assert busy(journal) == "Another run owns this cutover: the run, process 10 on here (ann), in the stage final."
    assert str(GUARD) == "the guard, process 11 on here"
    assert a_cutover().journal.stage == "begin"


def test_the_guard_tries_three_times() -> None:
    assert GUARD_ATTEMPTS == 3


@pytest.mark.parametrize("last", ["", *BEFORE_FREEZE])
def test_a_run_that_died_before_the_freeze_is_not_begun(last: str) -> None:
    move = a_cutover(last, stages=ALL).died()
    assert (move.next, move.journal.outcome, move.journal.owner) == (Next.STOP, Outcome.NOT_BEGUN, GUARD)


@pytest.mark.parametrize("last", FROZEN)
def test_the_guard_unfreezes_when_the_run_died(last: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    move = cutover.died()
    assert (move.next, move.journal.owner, move.journal.failed_in) == (Next.UNFREEZE, GUARD, last)
    assert move.journal.failure == f"The run ended in the stage {last} without a word."
    assert move.journal.entries[-1].by is Role.GUARD
    move = cutover.unfrozen(GUARD)
    assert (move.journal.outcome, move.journal.unfrozen_by) == (Outcome.UNFROZEN, Role.GUARD)


def test_the_guard_undoes_nothing_when_the_run_died_in_the_switch() -> None:
    move = a_cutover("switch").died()
    assert (move.next, move.journal.outcome, move.journal.unfreezing) == (Next.STOP, Outcome.SWITCH_FAILED, False)


def test_the_guard_starts_the_unfreeze_again_when_the_run_died_in_it() -> None:
    cutover = a_cutover("final")
    cutover.failed("No route.")
    move = cutover.died()
    assert (move.next, move.journal.attempts, move.journal.failure) == (Next.UNFREEZE, 1, "No route.")
    assert [(entry.state, entry.by) for entry in move.journal.entries[-2:]] == [
        ("failed", Role.RUN),
        ("running", Role.GUARD),
    ]


@pytest.mark.parametrize("report", ["unfreeze_failed", "failed"])
def test_the_guard_tries_again_until_its_last_attempt(report: str) -> None:
    cutover = a_cutover("final")
    cutover.died()
    why = cutover.journal.failure
    for attempt in range(2, GUARD_ATTEMPTS + 1):
        move = getattr(cutover, report)(f"Attempt {attempt}.", by=GUARD)
        assert (move.next, move.journal.attempts, move.journal.failure) == (Next.UNFREEZE, attempt, why)
    move = getattr(cutover, report)("The last.", by=GUARD)
    assert (move.next, move.journal.outcome) == (Next.STOP, Outcome.FROZEN)
    assert move.journal.why == f"{why} {LOUD} The last."


@pytest.mark.parametrize("last", FROZEN)
def test_the_guard_unfreezes_when_the_time_is_up(last: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    move = cutover.time_up()
    assert (move.next, move.journal.owner) == (Next.UNFREEZE, GUARD)
    assert move.journal.failure == f"The outage reached drs_cutover_max_outage (100 s) in the stage {last}."


@pytest.mark.parametrize("last", ["", *BEFORE_FREEZE, "switch"])
def test_the_time_is_never_up_before_the_freeze_or_in_the_switch(last: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    before = cutover.journal
    move = cutover.time_up(after=9 * MAX_OUTAGE)
    assert (move.next, move.journal, before.outcome) == (Next.STOP, before, None)


@pytest.mark.parametrize(("after", "late"), [(MAX_OUTAGE - 0.5, False), (MAX_OUTAGE, True)])
def test_the_time_is_up_at_the_limit_and_not_before(after: float, late: bool) -> None:
    cutover = a_cutover("freeze")
    before = cutover.journal
    move = cutover.time_up(after=after)
    assert (move.next is Next.UNFREEZE, move.journal != before) == (late, late)


def test_the_time_that_is_up_does_not_break_off_an_unfreeze() -> None:
    cutover = a_cutover("final")
    cutover.failed()
    before = cutover.journal
    assert cutover.time_up(after=9 * MAX_OUTAGE).journal == before


@pytest.mark.parametrize("event", ["died", "time_up"])
def test_a_guard_that_has_taken_over_or_come_too_late_changes_nothing(event: str) -> None:
    taken, ended = a_cutover("final"), a_cutover("switch")
    taken.died()
    ended.completed()
    for cutover in (taken, ended):
        before = cutover.journal
        move = getattr(cutover, event)()
        assert (move.next, move.journal) == (Next.STOP, before)


def test_a_run_that_comes_back_to_life_is_refused() -> None:
    cutover = a_cutover("verify")
    why = cutover.time_up().journal.failure
    move = cutover.enter("switch", by=RUN)
    assert move.next is Next.REFUSE
    assert move.message == f"This run no longer owns the cutover, the guard has taken over: {why} Nothing more is run."


def test_a_run_that_comes_back_to_life_waits_for_the_guard_and_then_learns_the_end() -> None:
    cutover = a_cutover("verify")
    why = cutover.time_up().journal.failure
    move = cutover.failed(by=RUN)
    assert (move.next, move.message) == (Next.WAIT, "The guard is unfreezing the source.")
    cutover.unfrozen(GUARD)
    move = cutover.failed(by=RUN)
    assert (move.next, move.message) == (Next.STOP, f"The guard has taken over: {why}")


@pytest.mark.parametrize("owner", [RUN, None])
def test_a_run_that_lost_the_journal_to_another_run_is_told_so(owner: Owner | None) -> None:
    cutover = a_cutover("approach")
    cutover.journal = replace(cutover.journal, owner=owner)
    move = cutover.enter("freeze", by=OTHER)
    assert move.message == (
        "This run no longer owns the cutover, another run has taken over: The run was taken for dead. "
        "Nothing more is run."
    )
