# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens in each stage: the order, the evidence, and how each event ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    AGAIN_AFTER,
    Event,
    GateEnded,
    RunDied,
    TimeUp,
    Unrenewed,
    advance,
    rest,
    unfrozen_under_the_freeze,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Next, Outcome, Role
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import (
    STAGES,
    UNFREEZE,
    has_user_tasks,
    stages_of,
)
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    ALL,
    MAX_OUTAGE,
    SHORT,
    UNFREEZE_FOR,
    VALID_FOR,
    Cutover,
    a_cutover,
    ended,
)

BEFORE_FREEZE = ("approach", "confirm_freeze")
FROZEN = ("freeze", "final", "verify", "confirm_switch", "stop")
LOUD = "THE TASKS TO UNFREEZE THE SOURCE FAILED TOO, so it may still be frozen:"


def test_the_tasks_of_three_stages_are_the_users() -> None:
    known = [*STAGES, UNFREEZE, "", "another"]
    assert [stage for stage in known if has_user_tasks(stage)] == ["freeze", "verify", "switch"]


def test_a_stage_is_shown_by_its_title_and_may_take_time_if_somebody_else_acts_in_it() -> None:
    assert {name: stage.title for name, stage in STAGES.items()} == {
        "approach": "Wait until the target has nearly caught up",
        "confirm_freeze": "Ask before the freeze",
        "freeze": "Begin the freeze: from here on the source counts as frozen",
        "final": "Wait until the target has every write of the source",
        "verify": "Verify the target",
        "compare": "Wait for a comparison that began after the freeze",
        "confirm_switch": "Ask before the switch",
        "stop": "Stop the jobs",
        "switch": "Begin the switch: nothing is undone from here on",
    }
    slow = {name for name, stage in STAGES.items() if stage.takes_time}
    assert slow == {"confirm_freeze", "verify", "compare", "confirm_switch"}


@pytest.mark.parametrize(
    ("files", "options", "stages"),
    [
        ((), {"stop_jobs": "never"}, "approach final switch"),
        (("freeze", "verify"), {"stop_jobs": "by_switch_tasks"}, "approach freeze final verify switch"),
        (
            ("freeze",),
            {"asks": True, "stop_jobs": "before_switch"},
            "approach confirm_freeze freeze final confirm_switch stop switch",
        ),
        (("verify",), {"stop_jobs": "after_switch"}, "approach final verify switch stop"),
        (
            ("freeze", "verify"),
            {"stop_jobs": "before_switch", "compares": True},
            "approach freeze final verify compare stop switch",
        ),
    ],
)
def test_a_cutover_has_the_stages_it_needs_in_their_order(
    files: tuple[str, ...], options: dict[str, Any], stages: str
) -> None:
    assert stages_of(files, **{"asks": False, **options}) == tuple(stages.split())


@pytest.mark.parametrize(
    "stages", [SHORT, ALL, ("approach", "freeze", "final", "switch")], ids=["short", "all", "least"]
)
def test_a_cutover_in_which_all_goes_well_is_done(stages: tuple[str, ...]) -> None:
    cutover = a_cutover("switch", stages=stages)
    move = cutover.completed()
    assert (move.next, move.journal.outcome, move.journal.failure) == (Next.ENDED, Outcome.DONE, "")
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
        assert cutover.enter(stage).next in (Next.GO_ON, Next.SAMPLE)
    else:
        move = cutover.enter(stage)
        assert (move.next, move.journal) == (Next.REFUSED, before)
        assert move.message == f"The stage {stage} cannot begin: the next one is {expected}."


@pytest.mark.parametrize("gate", ["approach", "final"])
def test_nothing_begins_while_a_gate_waits(gate: str) -> None:
    cutover = a_cutover(gate)
    following = SHORT[SHORT.index(gate) + 1]
    move = cutover.enter(following)
    assert move.next is Next.REFUSED
    assert move.message == f"The stage {following} cannot begin: {gate} did not succeed."


@pytest.mark.parametrize("gate", ["approach", "final"])
def test_nothing_begins_after_a_gate_that_is_not_ready(gate: str) -> None:
    cutover = a_cutover(gate)
    move = cutover.judged(gate, ready=False)
    assert (move.next, move.message) == (Next.REFUSED, "Delay 9 s.")
    assert (move.journal.failure, move.journal.failed_in, move.journal.evidence) == ("Delay 9 s.", gate, None)
    assert move.journal.entries[-1].state == "failed"
    assert cutover.enter(SHORT[SHORT.index(gate) + 1]).next is Next.REFUSED


@pytest.mark.parametrize("ready_again", [True, False], ids=["another sample is ready", "no other sample"])
@pytest.mark.parametrize("following", ["verify", "switch"])
def test_nothing_begins_after_one_more_sample_that_is_not_ready(following: str, ready_again: bool) -> None:
    stages = SHORT if following == "verify" else ("approach", "freeze", "final", "switch")
    cutover = a_cutover("final", stages=stages)
    cutover.judged("final")
    move = cutover.judged("recheck", ready=False)
    assert (move.next, move.journal.failed_in) == (Next.REFUSED, "final")
    if ready_again:
        assert cutover.judged("recheck").next is Next.REFUSED
    assert cutover.enter(following).next is Next.REFUSED


def test_a_verdict_is_ready_only_with_a_time_until_which_it_holds() -> None:
    cutover = a_cutover("final")
    move = cutover.happens(GateEnded(cutover.later(), "final", True, "All jobs are ready."))
    assert move.next is Next.REFUSED
    assert move.journal.evidence is None
    assert move.journal.failed_in == "final"


@pytest.mark.parametrize(("gate", "last"), [("final", "freeze"), ("approach", "freeze"), ("approach", "")])
def test_a_verdict_of_a_gate_that_does_not_run_is_refused(gate: str, last: str) -> None:
    cutover = a_cutover(last)
    before = cutover.journal
    move = cutover.judged(gate)
    assert (move.next, move.journal, move.message) == (Next.REFUSED, before, f"The {gate} gate has not begun.")


def test_a_verdict_after_a_failure_comes_too_late() -> None:
    for cutover in (a_cutover("final"), a_cutover("approach"), a_cutover("switch")):
        stage = cutover.journal.stage
        if stage != "switch":
            cutover.failed()
        move = cutover.judged("recheck")
        assert (move.next, move.message) == (Next.REFUSED, "The verdict of the recheck gate came too late.")


@pytest.mark.parametrize(
    ("wait", "expected"), [(VALID_FOR - 0.5, Next.GO_ON), (VALID_FOR, Next.SAMPLE), (VALID_FOR + 1, Next.SAMPLE)]
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
        assert cutover.judged("recheck").next is Next.GO_ON
        assert cutover.enter(stage).next is Next.GO_ON


@pytest.mark.parametrize(
    ("between", "stage"),
    [("confirm_freeze", "freeze"), ("verify", "switch"), ("compare", "switch"), ("confirm_switch", "switch")],
)
def test_work_that_takes_time_asks_for_one_more_sample(between: str, stage: str) -> None:
    stages = tuple(name for name in ALL if name in (*SHORT, between) and (name != "verify" or between == "verify"))
    cutover = a_cutover(between, stages=stages)
    assert cutover.enter(stage).next is Next.SAMPLE
    # A verdict does not become new again.
    assert cutover.enter(stage).next is Next.SAMPLE
    cutover.judged("recheck")
    assert cutover.enter(stage).next is Next.GO_ON


def test_without_any_gate_nothing_freezes() -> None:
    cutover = a_cutover(stages=("freeze", "final", "switch"))
    move = cutover.enter("freeze")
    assert (move.next, move.message) == (Next.REFUSED, "The stage freeze cannot begin: no gate was ready.")
    assert not move.journal.frozen


def test_a_verdict_given_before_the_freeze_is_gone_when_the_final_gate_is_left_out() -> None:
    cutover = a_cutover("freeze", stages=("approach", "freeze", "switch"))
    assert cutover.enter("switch").next is not Next.GO_ON


@pytest.mark.parametrize(("after", "expected"), [(MAX_OUTAGE - 4, Next.GO_ON), (MAX_OUTAGE, Next.REFUSED)])
def test_no_stage_begins_once_the_longest_outage_is_over(after: float, expected: Next) -> None:
    cutover = a_cutover("freeze")
    move = cutover.enter("final", after=after)
    assert move.next is expected
    if expected is Next.REFUSED:
        assert move.message == "The outage reached drs_cutover_max_outage (100 s)."


def test_the_outage_counts_from_the_beginning_of_the_freeze() -> None:
    cutover = a_cutover("approach")
    assert (cutover.journal.frozen, cutover.journal.deadline) == (False, None)
    cutover.judged("approach")
    cutover.enter("freeze")
    since = cutover.at
    cutover.enter("final")
    assert (cutover.journal.frozen_since, cutover.journal.deadline) == (since, since + MAX_OUTAGE)


ENDS = {
    "failed": "A task failed.",
    "died": "The run died during the {last} stage.",
    "time_up": "The outage reached drs_cutover_max_outage (100 s) in the stage {last}.",
    "unrenewed": "The journal could not be written for 20 s in the stage {last}, so another machine may soon take this cutover for dead.",
}


@pytest.mark.parametrize("last", ["", *BEFORE_FREEZE])
@pytest.mark.parametrize("event", ["failed", "died"])
def test_what_ends_it_before_the_freeze_ends_it_with_nothing_begun(last: str, event: str) -> None:
    move = getattr(a_cutover(last, stages=ALL), event)()
    assert (move.next, move.journal.outcome) == (Next.ENDED, Outcome.NOT_BEGUN)
    last = last or "begin"
    assert (move.journal.failure, move.journal.failed_in) == (ENDS[event].format(last=last), last)


@pytest.mark.parametrize("last", FROZEN)
@pytest.mark.parametrize("event", ENDS)
def test_what_ends_it_while_frozen_leads_to_the_unfreeze_by_the_guard(last: str, event: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    move = getattr(cutover, event)()
    assert (move.next, move.journal.outcome, move.journal.attempts) == (Next.UNFREEZE, None, 1)
    assert (move.journal.failure, move.journal.failed_in) == (ENDS[event].format(last=last), last)
    assert [(entry.name, entry.state) for entry in move.journal.entries[-2:]] == [
        (last, "failed"),
        ("unfreeze", "running"),
    ]
    assert move.journal.entries[-1].by is Role.GUARD
    move = cutover.unfrozen()
    assert (move.next, move.journal.outcome, move.journal.unfrozen_by) == (Next.ENDED, Outcome.UNFROZEN, Role.GUARD)
    assert not move.journal.frozen
    assert move.journal.entries[-1].state == "ok"


@pytest.mark.parametrize("event", ["failed", "died"])
def test_what_ends_it_during_the_switch_undoes_nothing(event: str) -> None:
    move = getattr(a_cutover("switch"), event)()
    assert (move.next, move.journal.outcome) == (Next.ENDED, Outcome.SWITCH_FAILED)
    assert (move.journal.failure, move.journal.failed_in) == (ENDS[event].format(last="switch"), "switch")
    assert not move.journal.unfreezing
    assert not move.journal.frozen


@pytest.mark.parametrize("last", ["", *BEFORE_FREEZE, "switch"])
@pytest.mark.parametrize("event", [TimeUp(2000.0), Unrenewed(2000.0, 99.0)], ids=lambda event: type(event).__name__)
def test_neither_the_time_nor_the_journal_ends_it_before_the_freeze_or_in_the_switch(last: str, event: Event) -> None:
    cutover = a_cutover(last, stages=ALL)
    before = cutover.journal
    move = cutover.happens(event)
    assert (move.next, move.journal, before.outcome) == (Next.GO_ON, before, None)


@pytest.mark.parametrize(
    ("event", "told"),
    [("died", Next.WAIT), ("failed", Next.WAIT), ("time_up", Next.GO_ON), ("unrenewed", Next.GO_ON)],
)
def test_nothing_breaks_off_an_unfreeze(event: str, told: Next) -> None:
    cutover = a_cutover("final")
    cutover.failed("No route.")
    before = cutover.journal
    move = getattr(cutover, event)()
    assert (move.next, move.journal) == (told, before)


@pytest.mark.parametrize("last", FROZEN)
def test_without_tasks_to_unfreeze_it_stays_frozen_and_says_so(last: str) -> None:
    move = a_cutover(last, stages=ALL, unfreeze="").failed()
    assert (move.next, move.journal.outcome, move.journal.unfreezing) == (Next.ENDED, Outcome.FROZEN, False)
    assert move.journal.frozen


def test_the_first_failure_is_the_one_that_counts() -> None:
    cutover = a_cutover("final")
    cutover.judged("final", ready=False)
    cutover.failed("The gate did not open.")
    assert (cutover.journal.failure, cutover.journal.failed_in) == ("Delay 9 s.", "final")


def test_an_unfreeze_that_fails_is_tried_again_until_its_time_is_over() -> None:
    cutover = a_cutover("final")
    cutover.failed()
    began = cutover.at
    for attempt in range(2, 40):
        if cutover.at + rest(cutover.journal.attempts) + 2 >= began + UNFREEZE_FOR:
            break
        move = cutover.unfreeze_failed("No route")
        assert (move.next, move.journal.outcome, move.journal.attempts) == (Next.WAIT, None, attempt - 1)
        assert move.journal.why == f"A task failed. {LOUD} No route."
        cutover.later(rest(move.journal.attempts) - 1)
        move = cutover.unfreezes_again()
        assert (move.next, move.journal.attempts, move.journal.stage) == (Next.UNFREEZE, attempt, "unfreeze")
    # With growing rests these are all.
    assert cutover.journal.attempts == 9
    move = cutover.unfreeze_failed("No route", after=60)
    assert (move.next, move.journal.outcome) == (Next.ENDED, Outcome.FROZEN)
    assert move.journal.why == f"A task failed. {LOUD} No route."
    # All attempts are one stage.
    assert [(entry.name, entry.state) for entry in move.journal.entries[-2:]] == [
        ("final", "failed"),
        ("unfreeze", "failed"),
    ]
    move = cutover.unfreezes_again()
    assert (move.next, move.message) == (Next.REFUSED, "No unfreeze is under way.")


@pytest.mark.parametrize(("after", "tried"), [(UNFREEZE_FOR - 3.5, True), (UNFREEZE_FOR - 3, False)])
def test_no_attempt_begins_after_the_time_for_it(after: float, tried: bool) -> None:
    cutover = a_cutover("final")
    cutover.failed()
    move = cutover.unfreeze_failed(after=after)
    assert move.next is (Next.WAIT if tried else Next.ENDED)


def test_the_rests_between_attempts_grow_from_three_seconds_to_a_minute() -> None:
    assert [rest(attempts) for attempts in range(8)] == [3, 3, 6, 12, 24, 48, 60, 60]
    assert rest(2000) == 60
    assert AGAIN_AFTER == 30


def test_an_unfreeze_that_succeeds_after_a_failure_says_nothing_of_it_any_more() -> None:
    cutover = a_cutover("final")
    cutover.failed("The table is locked.")
    cutover.unfreeze_failed()
    cutover.unfreezes_again()
    move = cutover.unfrozen()
    assert (move.next, move.journal.outcome, move.journal.why) == (Next.ENDED, Outcome.UNFROZEN, "The table is locked.")


@pytest.mark.parametrize("ends", ["died", "time_up"])
def test_freeze_tasks_that_may_still_have_acted_are_undone_once_more(ends: str) -> None:
    cutover = a_cutover("freeze")
    assert getattr(cutover, ends)(acting=True).journal.again
    cutover.unfreeze_failed()
    cutover.unfreezes_again()
    move = cutover.unfrozen()
    assert (move.next, move.journal.outcome, move.journal.again) == (Next.WAIT, None, False)
    # Of the attempt that failed before.
    assert move.journal.unfreeze_failure == ""
    assert move.journal.frozen
    assert cutover.unfreezes_again().next is Next.UNFREEZE
    assert cutover.unfrozen().journal.outcome is Outcome.UNFROZEN


@pytest.mark.parametrize(
    "ended", [RunDied(2000.0), TimeUp(2000.0), Unrenewed(2000.0, 20.0)], ids=lambda event: type(event).__name__
)
def test_freeze_tasks_of_which_nobody_says_that_they_act_are_undone_once(ended: RunDied | TimeUp | Unrenewed) -> None:
    move = a_cutover("freeze").happens(ended)
    assert (move.next, move.journal.again) == (Next.UNFREEZE, False)


def test_freeze_tasks_that_acted_during_the_unfreeze_are_undone_once_more() -> None:
    cutover = a_cutover("freeze")
    cutover.died()
    assert cutover.unfrozen(again=True).next is Next.WAIT
    cutover.unfreezes_again()
    assert cutover.unfrozen().next is Next.ENDED


@pytest.mark.parametrize("last", ["final", "verify"])
def test_what_acts_after_the_freeze_has_ended_freezes_nothing(last: str) -> None:
    for ends in ("died", "time_up"):
        cutover = a_cutover(last)
        assert not getattr(cutover, ends)(acting=True).journal.again


def test_the_end_of_an_unfreeze_counts_only_while_there_is_one() -> None:
    ended = a_cutover("final")
    ended.failed()
    ended.unfrozen()
    for cutover in (a_cutover("final"), a_cutover("switch"), a_cutover(), ended):
        before = cutover.journal
        for move in (cutover.unfrozen(), cutover.unfreeze_failed()):
            assert (move.next, move.journal, move.message) == (Next.REFUSED, before, "No unfreeze is under way.")


@pytest.mark.parametrize("last", ["", *ALL[:-1]])
def test_only_a_switch_is_completed(last: str) -> None:
    cutover = a_cutover(last, stages=ALL)
    before = cutover.journal
    move = cutover.completed()
    assert (move.next, move.journal, move.message) == (Next.REFUSED, before, "The switch has not begun.")


def test_a_gate_that_is_ready_has_succeeded() -> None:
    for gate in ("approach", "final"):
        cutover = a_cutover(gate)
        assert cutover.judged(gate).journal.entries[-1].state == "ok"


def test_nothing_is_completed_twice_or_after_a_failure() -> None:
    for first in ("completed", "failed"):
        cutover = a_cutover("switch")
        getattr(cutover, first)()
        assert cutover.completed().next is Next.REFUSED


def test_nothing_begins_after_an_end_or_an_unfreeze() -> None:
    unfreezing, done = a_cutover("verify"), a_cutover("switch")
    unfreezing.failed()
    done.completed()
    for cutover in (unfreezing, done):
        move = cutover.enter("switch")
        assert (move.next, move.message) == (Next.REFUSED, "The stage switch cannot begin: the cutover has ended.")


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    cutover = a_cutover("freeze")
    cutover.at -= 500
    cutover.enter("final")
    assert cutover.journal.entries[1].ended == cutover.journal.entries[1].began


def test_a_failure_without_a_reason_still_has_one() -> None:
    cutover = a_cutover("freeze")
    cutover.failed("")
    cutover.gives_up("")
    assert cutover.journal.why == f"No reason was recorded. {LOUD} No reason was recorded."


@pytest.mark.parametrize(("after", "late"), [(MAX_OUTAGE - 0.5, False), (MAX_OUTAGE, True)])
def test_the_time_is_up_at_the_limit_and_not_before(after: float, late: bool) -> None:
    cutover = a_cutover("freeze")
    before = cutover.journal
    move = cutover.time_up(after=after)
    assert (move.next is Next.UNFREEZE, move.journal != before) == (late, late)


@pytest.mark.parametrize(
    ("event", "told"),
    [("died", Next.ENDED), ("time_up", Next.GO_ON), ("unrenewed", Next.GO_ON), ("failed", Next.ENDED)],
)
def test_an_end_is_an_end(event: str, told: Next) -> None:
    for before in (
        ended("final", "died", "unfrozen"),
        ended("switch", "completed"),
        ended("switch", "failed"),
        ended("final", "failed", "gives_up"),
        ended("approach", "failed"),
    ):
        assert before.outcome is not None
        move = getattr(Cutover(before, 2000.0), event)()
        assert (move.next, move.journal) == (told, before)


@pytest.mark.parametrize("first", ["confirm_freeze", "freeze"])
def test_nobody_is_asked_and_nothing_freezes_before_the_unfreeze_was_rehearsed(first: str) -> None:
    stages = ("approach", first, "switch") if first == "freeze" else ("approach", first, "freeze", "final", "switch")
    cutover = Cutover(replace(a_cutover(stages=stages).journal, rehearsal=None))
    cutover.enter("approach")
    cutover.judged("approach")
    before = cutover.journal
    move = cutover.enter(first)
    assert (move.next, move.journal, move.message) == (Next.WAIT, before, "The guard rehearses the unfreeze.")
    assert cutover.rehearsed().next is Next.GO_ON
    assert cutover.enter(first).next is Next.GO_ON


def test_a_rehearsal_that_failed_refuses_the_freeze_and_says_what_to_do() -> None:
    cutover = Cutover(replace(a_cutover().journal, rehearsal=None))
    cutover.enter("approach")
    cutover.rehearsed("'db_password' is undefined")
    cutover.judged("approach")
    before = cutover.journal
    move = cutover.enter("freeze")
    assert (move.next, move.journal) == (Next.REFUSED, before)
    assert move.message == (
        "The rehearsal of the unfreeze in check mode failed, so nothing was frozen: 'db_password' is undefined. "
        "Correct the unfreeze tasks or give them what they need by drs_cutover_unfreeze_vars; set "
        "drs_cutover_rehearse_unfreeze to false if they cannot run in check mode."
    )
    assert cutover.failed(move.message).journal.outcome is Outcome.NOT_BEGUN


@pytest.mark.parametrize("options", [{"rehearses": False}, {"unfreeze": ""}], ids=["not wanted", "no tasks"])
def test_where_nothing_is_rehearsed_nothing_waits_for_it(options: dict[str, object]) -> None:
    cutover = Cutover(replace(a_cutover(**options).journal, rehearsal=None))
    assert cutover.until("freeze").journal.frozen


def test_what_is_frozen_already_waits_for_no_rehearsal() -> None:
    cutover = Cutover(replace(a_cutover().journal, rehearsal=None, frozen_since=900.0, deadline=1500.0))
    assert cutover.until("switch").journal.switching


@pytest.mark.parametrize(("patient", "told"), [(True, Next.WAIT), (False, Next.REFUSED)])
@pytest.mark.parametrize("last", ["confirm_freeze", "freeze"])
def test_nothing_freezes_that_nobody_would_unfreeze(last: str, patient: bool, told: Next) -> None:
    cutover = a_cutover("approach", stages=("approach", last, "switch"))
    cutover.judged("approach")
    before = cutover.journal
    move = cutover.enter(last, unwatched="Start a watch.", patient=patient)
    assert (move.next, move.journal, move.message) == (told, before, "Start a watch.")
    assert cutover.enter(last).next is Next.GO_ON


@pytest.mark.parametrize(
    ("last", "ways", "told"),
    [
        ("freeze", ("unfrozen",), True),
        ("freeze", (), False),
        ("freeze", ("gives_up",), False),
        ("approach", (), False),
        ("final", ("unfrozen",), False),
        ("verify", ("unfrozen",), False),
    ],
)
def test_only_a_source_that_was_unfrozen_in_its_freeze_may_be_frozen_under_it(
    last: str, ways: tuple[str, ...], told: bool
) -> None:
    assert unfrozen_under_the_freeze(ended(last, "failed", *ways)) is told


def test_after_the_freeze_nobody_asks_for_a_watch_any_more() -> None:
    cutover = a_cutover("freeze")
    assert cutover.enter("final", unwatched="Start a watch.").next is Next.GO_ON
    assert a_cutover().enter("approach", unwatched="Start a watch.").next is Next.GO_ON


def test_what_the_freeze_found_is_kept_as_it_was_known_last() -> None:
    cutover = a_cutover("approach")
    cutover.judged("approach")
    assert cutover.enter("freeze", keep={"was": 1}).journal.keep == {"was": 1}
    assert cutover.enter("final").journal.keep == {"was": 1}
    cutover.judged("final")
    assert cutover.enter("verify", keep={}).journal.keep == {}
    assert cutover.failed().journal.keep == {}


def test_a_refused_stage_keeps_nothing() -> None:
    cutover = a_cutover("approach")
    assert cutover.enter("freeze", keep={"was": 1}).journal.keep == {}


def test_a_journal_that_nobody_owns_is_unfrozen_by_a_guard() -> None:
    cutover = a_cutover("final")
    cutover.journal = replace(cutover.journal, owner=None)
    cutover.failed()
    assert (cutover.journal.entries[-1].by, cutover.unfrozen().journal.unfrozen_by) == (Role.GUARD, Role.GUARD)


def test_a_clock_that_was_set_back_gives_the_running_stage_no_negative_time() -> None:
    cutover = a_cutover("final")
    began = cutover.journal.entries[-1].began
    move = advance(cutover.journal, GateEnded(1.0, "final", True, "", 2.0))
    assert move.journal.entries[-1].ended == began


def test_one_more_sample_does_not_end_the_stage_that_runs() -> None:
    cutover = a_cutover("verify")
    move = cutover.judged("recheck")
    assert (move.next, move.journal.running) == (Next.GO_ON, cutover.journal.entries[-1])
    assert move.journal.stage == "verify"


def test_what_failed_is_not_completed() -> None:
    cutover = a_cutover("switch")
    cutover.journal = replace(cutover.journal, failed_in="switch", failure="No route.")
    assert (cutover.completed().next, cutover.journal.outcome) == (Next.REFUSED, None)


def test_what_failed_is_why_the_next_stage_cannot_begin() -> None:
    cutover = a_cutover("freeze")
    cutover.journal = replace(cutover.journal, failed_in="freeze", failure="No route.")
    assert cutover.enter("final").message == "The stage final cannot begin: No route."
