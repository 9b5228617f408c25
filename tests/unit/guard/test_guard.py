# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a run: what it answers, when it acts, and what it leaves."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import take_over
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Next, Outcome, Role
from ansible_collections.cutover.drs.plugins.module_utils._job.text import sentence
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import lock, process, protocol, unfreeze
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.protocol import (
    Finish,
    JobsStopped,
    LeftBehind,
    Look,
    StepFailed,
    SwitchCompleted,
)
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import BusyError, StoreError, unusable
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    LEASE,
    MAX_OUTAGE,
    SHORT,
    UNFREEZE_FOR,
    WATCH,
    a_cutover,
    plan,
)
from ansible_collections.cutover.drs.tests.unit.guard.support import (
    WENT,
    Guarded,
    Listener,
    Silence,
    World,
    everywhere,
    on_a_file,
    plain,
)

SURE = LEASE * 2 / 3
FAILED = StepFailed("The task 'Lock the tables' of freeze.yml failed: locked")


def test_a_cutover_in_which_all_goes_well_is_done(world: World) -> None:
    guarded = world.guard().until("switch")
    answer = guarded.ask(SwitchCompleted())
    assert (answer.next, world.store.journal.outcome) == (Next.ENDED, Outcome.DONE)
    answer = guarded.ask(Finish())
    assert (answer.next, set(answer.gates)) == (Next.ENDED, {"approach", "final", "recheck"})
    assert not world.unfreezes
    assert guarded.guard._finished


@pytest.mark.parametrize("last", ["freeze", "final", "verify"])
def test_a_task_that_fails_in_the_outage_is_answered_by_an_unfreeze_of_the_guard(world: World, last: str) -> None:
    guarded = world.guard().until(last)
    assert guarded.ask(FAILED).next is Next.WAIT
    assert guarded.turn().ask(Look()).next is Next.WAIT
    assert [(each.tasks, each.check) for each in world.unfreezes] == [("/play/unfreeze.yml", False)]
    # Nothing says that the source accepts writes while it may not.
    assert not [text for text in world.said if "accepts writes" in text]
    world.unfreezes[0].says = ""
    answer = guarded.turn().ask(Look())
    assert (answer.next, world.store.journal.outcome) == (Next.ENDED, Outcome.UNFROZEN)
    assert world.store.journal.unfrozen_by is Role.GUARD
    assert world.said[-1] == "The guard unfroze the source: it accepts writes again."
    assert guarded.ask(Finish()).next is Next.ENDED
    assert len(world.unfreezes) == 1


def test_a_task_that_fails_before_the_freeze_leaves_nothing(world: World) -> None:
    guarded = world.guard().until("approach")
    answer = guarded.ask(FAILED)
    assert (answer.next, answer.journal and answer.journal["outcome"]) == (Next.ENDED, "not_begun")
    guarded.ask(Finish())
    guarded.guard.close()
    assert (world.store.newest, world.unfreezes) == (None, [])


def guard_a_run_that_died(world: World, monkeypatch: pytest.MonkeyPatch, **start: Any) -> None:
    """Let the run die in its final gate, and the guard do all that is to be done then."""
    guarded = world.guard(title="A cutover", **start).until("final")
    world.gone_runs.add(10)

    def at_once(*_arguments: Any, **options: Any) -> Any:
        playbook = world._start(*_arguments, **options)
        playbook.says = ""
        return playbook

    monkeypatch.setattr(unfreeze, "start", at_once)
    guarded.guard.run(Silence(world.clock))  # type: ignore[arg-type]


def test_a_run_that_died_is_unfrozen_and_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    guard_a_run_that_died(world, monkeypatch, reports=[str(world.folder / "report.json")])
    assert world.store.journal.outcome is Outcome.UNFROZEN
    assert world.store.journal.failure == "The run died during the final stage."
    written = json.loads((world.folder / "report.json").read_text("utf-8"))
    assert (written["outcome"], written["unfrozen_by"]) == ("unfrozen", "guard")


def test_a_collection_that_is_installed_anew_meanwhile_costs_the_reports_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_version(*_arguments: Any) -> Any:
        raise ImportError("cannot import name")

    monkeypatch.setattr(
        "ansible_collections.cutover.drs.plugins.plugin_utils._report.write.write_reports", another_version
    )
    guard_a_run_that_died(world, monkeypatch)
    assert world.store.journal.outcome is Outcome.UNFROZEN


def test_no_error_of_its_own_ends_a_guard_of_a_frozen_source(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = world.guard().until("final")
    world.gone_runs.add(10)
    real, errors = (
        guarded.guard.look_after_unfreeze,
        [MemoryError(), OSError(24, "Too many open files"), RuntimeError()],
    )

    def look_after_unfreeze() -> None:
        if errors:
            raise errors.pop()
        for playbook in world.unfreezes:
            playbook.says = ""
        real()

    monkeypatch.setattr(guarded.guard, "look_after_unfreeze", look_after_unfreeze)
    guarded.guard.run(Silence(world.clock))  # type: ignore[arg-type]
    assert (world.store.journal.outcome, len(world.unfreezes)) == (Outcome.UNFROZEN, 1)
    assert len([text for text in world.said if text.startswith("The guard goes on after an error of its own")]) == 3


def test_a_guard_without_descriptors_for_a_request_does_what_is_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = world.guard().until("final")

    def accept() -> None:
        for playbook in world.unfreezes:
            playbook.says = ""
        raise OSError(24, "Too many open files")

    listener = SimpleNamespace(accept=accept, settimeout=lambda _seconds: None)
    world.gone_runs.add(10)
    guarded.guard.serve(listener)  # type: ignore[arg-type]
    assert (world.store.journal.outcome, len(world.unfreezes)) == (Outcome.UNFROZEN, 1)


def test_a_run_that_died_in_the_switch_is_told_about_and_nothing_is_undone(world: World) -> None:
    guarded = world.guard().until("switch")
    world.gone_runs.add(10)
    guarded.turns(2 * MAX_OUTAGE)
    assert (world.store.journal.outcome, world.unfreezes) == (Outcome.SWITCH_FAILED, [])
    assert world.said[-1] == "The run ended during the switch. Nothing is undone. Find out which side is in use."


def test_an_outage_that_is_too_long_is_ended_and_a_run_that_comes_back_is_refused(world: World) -> None:
    guarded = world.guard().until("verify")
    guarded.turns(MAX_OUTAGE + 1)
    assert len(world.unfreezes) == 1
    answer = guarded.enter("switch")
    assert (answer.next, answer.message) == (Next.REFUSED, "The stage switch cannot begin: the cutover has ended.")
    assert guarded.ask(StepFailed("late")).next is Next.WAIT
    world.unfreezes[0].says = ""
    guarded.turn()
    assert guarded.ask(Finish()).next is Next.ENDED
    assert world.store.journal.failure == ("The outage reached drs_cutover_max_outage (100 s) in the stage verify.")


def test_a_run_that_finishes_in_the_outage_without_a_word_is_unfrozen(world: World) -> None:
    guarded = world.guard().until("freeze")
    assert guarded.ask(Finish()).next is Next.WAIT
    world.unfreezes[0].says = ""
    guarded.turn()
    assert guarded.ask(Finish()).next is Next.ENDED
    assert world.store.journal.failure == "The run died during the freeze stage."


def test_a_run_that_finishes_in_the_switch_without_a_word_is_no_cutover_that_did_not_begin(world: World) -> None:
    guarded = world.guard().until("switch")
    answer = guarded.ask(Finish())
    assert (answer.next, world.store.journal.outcome) == (Next.ENDED, Outcome.SWITCH_FAILED)


# The rehearsal


def test_nothing_is_frozen_before_the_unfreeze_was_rehearsed(world: World) -> None:
    guarded = world.guard()
    guarded.enter("approach")
    guarded.judged("approach")
    assert guarded.enter("freeze").next is Next.WAIT
    assert guarded.turn().enter("freeze").message == "The guard rehearses the unfreeze."
    (rehearsal,) = world.playbooks
    assert (rehearsal.tasks, rehearsal.check) == ("/play/unfreeze.yml", True)
    rehearsal.says = ""
    assert guarded.turn().enter("freeze").next is Next.GO_ON


def test_a_rehearsal_that_failed_refuses_the_freeze(world: World) -> None:
    guarded = world.guard()
    guarded.enter("approach")
    guarded.judged("approach")
    guarded.rehearsal.says = "'db_password' is undefined"
    answer = guarded.turn().enter("freeze")
    assert answer.next is Next.REFUSED
    assert "The rehearsal of the unfreeze in check mode failed, so nothing was frozen: 'db_password'" in answer.message
    assert guarded.ask(StepFailed(answer.message)).next is Next.ENDED
    assert world.unfreezes == []


def test_an_unfreeze_ends_the_rehearsal_that_still_runs(world: World) -> None:
    world.store.newest = None
    frozen = a_cutover("final").journal
    world.store.take(plain_journal(frozen), "ab" * 8, None)
    world.clock.now += LEASE
    # The run goes on with what an earlier one left frozen, and fails at once.
    guarded = world.guard()
    guarded.enter("approach")
    assert guarded.ask(FAILED).next is Next.WAIT
    assert (guarded.rehearsal.stopped, len(world.unfreezes)) == (True, 1)


def plain_journal(journal: Any) -> dict[str, Any]:
    return plain(process.journal_json.encode(journal, 0.0))


# The attempts


def test_an_unfreeze_that_fails_is_tried_again_with_growing_rests(world: World) -> None:
    guarded = world.guard().until("final")
    guarded.ask(FAILED)
    rests = []
    for attempt in range(1, 7):
        world.unfreezes[-1].says = "no route to host"
        guarded.turn()
        failed = world.clock.now
        while len(world.unfreezes) == attempt:
            assert guarded.turn().ask(Look()).next is Next.WAIT
        rests.append(round(world.clock.now - failed))
    assert rests == [3, 6, 12, 24, 48, 60]
    loud = [text for text in world.said if text.startswith("THE SOURCE MAY STILL BE FROZEN")]
    assert loud == ["THE SOURCE MAY STILL BE FROZEN: no route to host The next attempt is in 3 s."]
    world.unfreezes[-1].says = ""
    guarded.turn()
    assert (world.store.journal.outcome, world.store.journal.attempts) == (Outcome.UNFROZEN, 7)


def test_the_first_failure_is_said_and_each_tenth(world: World) -> None:
    long = plan()
    guarded = world.guard(plan=long.__class__(**{**vars(long), "unfreeze_for": 1e6})).until("final")
    guarded.ask(FAILED)
    for _attempt in range(21):
        world.unfreezes[-1].says = "no route"
        guarded.turn().turn(60.25)
    assert len([text for text in world.said if text.startswith("THE SOURCE MAY STILL BE FROZEN")]) == 3


def test_an_unfreeze_that_never_succeeds_is_reported_as_failed(world: World) -> None:
    guarded = world.guard().until("final")
    guarded.ask(FAILED)
    end = world.clock.now + UNFREEZE_FOR + 60
    while world.clock.now < end:
        world.unfreezes[-1].says = "no route to host"
        guarded.turn()
    journal = world.store.journal
    assert (journal.outcome, journal.frozen, journal.attempts) == (Outcome.FROZEN, True, 9)
    assert world.said[-1].startswith("THE SOURCE MAY STILL BE FROZEN. The task 'Lock the tables' of freeze.yml failed")
    assert guarded.ask(Finish()).next is Next.ENDED


def test_an_ansible_playbook_that_cannot_be_started_is_waited_for(world: World) -> None:
    guarded = world.guard().until("final")
    world.cannot_start = True
    guarded.ask(FAILED)
    assert world.store.journal.unfreeze_failure.startswith("ansible-playbook could not be started: ")
    guarded.turns(20)
    world.cannot_start = False
    guarded.turns(20)
    world.unfreezes[0].says = ""
    guarded.turn()
    assert world.store.journal.outcome is Outcome.UNFROZEN


# Freeze tasks that outlive their run


def test_what_is_left_of_the_freeze_is_ended_before_the_unfreeze(world: World) -> None:
    guarded = world.guard().until("freeze")
    world.gone_runs.add(10)
    guarded.turn()
    assert world.left.asked == (("c1", "freeze", b"ansible-playbook 10"),)
    assert (len(world.unfreezes), world.store.journal.again) == (1, False)


@pytest.mark.parametrize("local", [True, False], ids=["not ended here", "on other hosts"])
def test_freeze_tasks_that_may_still_act_are_undone_once_more_half_a_minute_later(world: World, local: bool) -> None:
    guarded = world.guard(local=local).until("freeze")
    world.left.alive = 2 * local
    world.gone_runs.add(10)
    guarded.turn()
    assert world.store.journal.again
    world.unfreezes[0].says = ""
    # Until it is sure that the last one has ended.
    guarded.turns(29)
    assert (world.store.journal.outcome, len(world.unfreezes)) == (None, 1)
    guarded.turns(2)
    world.unfreezes[1].says = ""
    guarded.turns(1)
    assert (world.store.journal.outcome, len(world.unfreezes)) == (Outcome.UNFROZEN, 2)


def test_of_a_run_that_lives_nothing_is_unfrozen_before_its_freeze_tasks_have_settled(world: World) -> None:
    guarded = world.guard().until("freeze")
    guarded.turn(MAX_OUTAGE + 1)
    assert world.left.asked == (("c1", "freeze", b""),)
    world.unfreezes[0].says = ""
    # Its next task begins only now.
    guarded.turns(5)
    world.left.alive = 1
    guarded.turns(40)
    assert (world.store.journal.outcome, len(world.unfreezes)) == (None, 2)
    world.unfreezes[1].says = ""
    guarded.turn()
    assert world.store.journal.outcome is Outcome.UNFROZEN


def test_a_run_that_is_at_its_next_step_has_no_freeze_tasks_left(world: World) -> None:
    guarded = world.guard().until("freeze")
    guarded.turn(MAX_OUTAGE + 1)
    world.unfreezes[0].says = ""
    assert guarded.turn().ask(FAILED).next is Next.WAIT
    assert guarded.turn().ask(Look()).next is Next.ENDED
    assert len(world.unfreezes) == 1


# The lease and the store


def test_a_journal_that_cannot_be_renewed_for_two_thirds_of_the_lease_is_unfrozen(world: World) -> None:
    guarded = world.guard().until("final").turns(5)
    began = world.clock.now
    world.store.fault = lambda operation: "refused"
    while not world.unfreezes:
        guarded.turn()
    # Counted from the last renewal that went well, which was up to a renewal's pace ago.
    assert SURE - 3 <= world.clock.now - began <= SURE + 0.5
    assert "could not be written for 20 s in the stage final" in guarded.journal.failure
    assert guarded.ask(Look()).next is Next.WAIT
    world.unfreezes[0].says = ""
    guarded.turn()
    assert guarded.journal.outcome is Outcome.UNFROZEN
    # What happened is written as soon as that is possible.
    world.store.fault = lambda operation: ""
    guarded.turns(3)
    assert world.store.journal.outcome is Outcome.UNFROZEN
    assert guarded.ask(Finish()).warnings == [f"The journal could not be written ({WENT})."]


@pytest.mark.parametrize("last", ["freeze", "verify"])
def test_tasks_of_a_stage_are_ended_before_a_source_is_unfrozen_whose_journal_is_away(world: World, last: str) -> None:
    guarded = world.guard(local=last == "verify").until(last)
    world.store.fault = lambda operation: "refused"
    guarded.turns(SURE + 1)
    assert (world.left.asked, len(world.unfreezes)) == ((("c1", last, b""),), 1)
    # Of a host elsewhere nobody knows whether its freeze tasks have ended.
    assert guarded.journal.again is (last == "freeze")


def test_no_stage_begins_while_the_lease_may_have_run_out(world: World) -> None:
    guarded = world.guard().until("final")
    guarded.judged("final")
    world.clock.now += SURE
    answer = guarded.enter("verify")
    assert (answer.next, answer.message) == (Next.REFUSED, "The journal memory cannot be renewed.")
    # The lease is renewed late, and nobody has taken over.
    guarded.turn()
    assert guarded.enter("verify").next is Next.GO_ON


@pytest.mark.parametrize("stage", ["freeze", "switch"])
def test_a_guard_that_was_suspended_while_it_wrote_lets_nothing_begin(world: World, stage: str) -> None:
    """The machine sleeps between the write and the answer: meanwhile anybody may have taken over."""
    guarded = world.guard().until("approach" if stage == "freeze" else "verify")
    guarded.judged("approach" if stage == "freeze" else "recheck")

    def sleeps(operation: str) -> str:
        world.clock.now += SURE * (operation == "replace")
        return ""

    world.store.fault = sleeps
    answer = guarded.enter(stage)
    assert (answer.next, answer.message) == (Next.REFUSED, "The journal memory cannot be renewed.")


def test_a_switch_that_was_written_too_late_for_its_step_has_not_begun(world: World) -> None:
    """The step has given up, and so fails: no switch task runs, and the source must not stay frozen for it."""
    guarded = world.guard().until("verify")
    guarded.judged("recheck")

    def slow(operation: str) -> str:
        world.clock.now += 19.5 * (operation == "replace")
        return ""

    world.store.fault = slow
    answer = guarded.enter("switch")
    assert (answer.next, answer.message) == (Next.REFUSED, "The journal memory was written too late for this step.")
    world.store.fault = lambda operation: ""
    assert guarded.ask(StepFailed("The guard of this cutover is gone.")).next is Next.WAIT
    assert len(world.unfreezes) == 1
    world.unfreezes[0].says = ""
    guarded.turn()
    assert world.store.journal.outcome is Outcome.UNFROZEN


def fails_at_a_write(world: World, how: str) -> None:
    """Let each write fail; ``late``: it takes place, after the step has given up."""

    def fails(operation: str) -> str:
        if operation != "replace":
            return ""
        world.clock.now += 19.5 * (how == "late")
        return "" if how == "late" else how

    world.store.fault = fails


@pytest.mark.parametrize("how", ["late", "refused", "unheard"])
def test_what_the_freeze_found_is_restored_also_if_the_stage_that_told_it_has_not_begun(world: World, how: str) -> None:
    guarded = world.guard(keep={"event_scheduler": "ON"}).until("freeze")
    fails_at_a_write(world, how)
    answer = guarded.enter("final", keep={"event_scheduler": "OFF"})
    assert answer.next is Next.REFUSED
    world.store.fault = lambda operation: ""
    guarded.ask(StepFailed(answer.message))
    assert [unfreezing.keep for unfreezing in world.unfreezes] == [{"event_scheduler": "OFF"}]
    assert world.store.journal.keep == {"event_scheduler": "OFF"}


@pytest.mark.parametrize("how", ["late", "refused", "unheard"])
def test_a_switch_that_ended_stays_one_if_the_stop_after_it_has_not_begun(world: World, how: str) -> None:
    guarded = world.guard(plan=plan((*SHORT, "stop"))).until("switch")
    fails_at_a_write(world, how)
    answer = guarded.enter("stop")
    assert answer.next is Next.REFUSED
    world.store.fault = lambda operation: ""
    assert guarded.ask(StepFailed(answer.message)).next is Next.ENDED
    assert (world.store.journal.outcome, world.store.journal.failed_in) == (Outcome.DONE, "stop")


def test_a_step_that_waits_for_the_rehearsal_is_not_told_of_a_write(world: World) -> None:
    guarded = world.guard(needs_watch=True)
    guarded.enter("approach")
    guarded.judged("approach")

    def slow(operation: str) -> str:
        world.clock.now += 19.5 * (operation == "acknowledgements")
        return ""

    world.store.fault = slow
    assert guarded.enter("freeze").message == "The guard rehearses the unfreeze."


@pytest.mark.parametrize("fault", ["refused", "unheard"])
@pytest.mark.parametrize("stage", ["freeze", "switch"])
def test_a_journal_that_cannot_be_written_lets_nothing_begin(world: World, stage: str, fault: str) -> None:
    guarded = world.guard().until("approach" if stage == "freeze" else "verify")
    guarded.judged("approach" if stage == "freeze" else "recheck")
    world.store.fault = lambda operation: fault if operation == "replace" else ""
    answer = guarded.enter(stage)
    assert (answer.next, answer.message) == (Next.REFUSED, f"The journal memory cannot be written: {WENT}.")
    world.store.fault = lambda operation: ""
    answer = guarded.ask(StepFailed(answer.message))
    if stage == "freeze":
        assert (answer.next, world.store.journal.outcome, world.unfreezes) == (Next.ENDED, Outcome.NOT_BEGUN, [])
        return
    # Nobody has switched, whatever the journal said for a moment.
    assert (answer.next, world.store.journal.unfreezing, len(world.unfreezes)) == (Next.WAIT, True, 1)


def test_an_unfreeze_whose_end_nobody_heard_of_is_written_once(world: World) -> None:
    guarded = world.guard().until("final")
    guarded.ask(FAILED)
    world.unfreezes[0].says = ""
    world.store.fault = lambda operation: "unheard" if operation == "replace" else ""
    guarded.turn()
    assert guarded.journal.outcome is Outcome.UNFROZEN
    world.store.fault = lambda operation: ""
    guarded.turns(5)
    assert world.store.journal.outcome is Outcome.UNFROZEN
    assert len(world.unfreezes) == 1


def test_a_verdict_that_was_written_though_nobody_heard_of_it_costs_no_journal(world: World) -> None:
    guarded = world.guard().until("final")
    world.store.fault = lambda operation: "unheard" if operation == "replace" else ""
    assert guarded.judged("final").next is Next.REFUSED
    world.store.fault = lambda operation: ""
    assert guarded.ask(FAILED).next is Next.WAIT
    assert (world.store.journal.unfreezing, guarded.guard.owned.lost) == (True, False)


def test_a_stage_that_another_owner_made_impossible_does_not_begin(world: World) -> None:
    guarded = world.guard().until("verify")
    guarded.judged("recheck")
    taken_elsewhere(world)
    answer = guarded.enter("switch")
    assert answer.next is Next.REFUSED
    assert answer.message == (
        "A watch has taken over this cutover. The run was lost in the stage verify, and its "
        "guard with it. This run stops here."
    )
    assert world.unfreezes == []


def taken_elsewhere(world: World, outcome: str | None = None) -> None:
    """Let a watch take the journal over, and perhaps end the cutover."""
    assert world.store.newest is not None
    before = world.store.journal
    move = take_over(before, WATCH, time.time(), acting=True)
    document = plain_journal(move.journal)
    document["outcome"] = outcome
    world.store.take(document, "cd" * 8, world.store.newest)


@pytest.mark.parametrize(("outcome", "told"), [(None, Next.WAIT), ("unfrozen", Next.ENDED)])
def test_a_run_that_lost_the_journal_waits_for_the_end_and_learns_it(
    world: World, outcome: str | None, told: Next
) -> None:
    guarded = world.guard().until("verify")
    taken_elsewhere(world, outcome)
    guarded.turns(5)
    for request in (StepFailed("late"), Look(), Finish()):
        answer = guarded.ask(request)
        assert (answer.next, answer.journal and answer.journal["outcome"]) == (told, outcome)
    assert guarded.guard._finished is (told is Next.ENDED)
    assert world.unfreezes == []


@pytest.mark.parametrize("request_", [StepFailed("late"), Look(), Finish()])
def test_a_run_that_lost_the_journal_to_other_jobs_takes_nothing_of_theirs(world: World, request_: Any) -> None:
    guarded = world.guard().until("approach")
    theirs = replace(world.store.journal, plan=plan(jobs=("c",)), outcome=Outcome.DONE)
    document = plain_journal(theirs)
    assert world.store.newest is not None
    world.store.take(document, "cd" * 8, world.store.newest)
    guarded.turns(5)
    answer = guarded.ask(request_)
    said = "The journal belongs to a cutover of other jobs: c. Set another drs_cutover_journal."
    assert (answer.next, answer.message) == (Next.ENDED, said)
    assert answer.journal is not None
    assert (answer.journal["jobs"], answer.journal["outcome"]) == (["a", "b"], "not_begun")
    assert guarded.enter("freeze").next is Next.REFUSED


@pytest.mark.parametrize("request_", [JobsStopped(["a"], ""), SwitchCompleted()])
def test_a_run_that_lost_the_journal_can_say_nothing_more(world: World, request_: Any) -> None:
    guarded = world.guard().until("verify")
    taken_elsewhere(world)
    answer = guarded.turns(5).ask(request_)
    assert (answer.next, world.store.journal.owner and world.store.journal.owner.role) == (Next.REFUSED, Role.WATCH)
    guarded.guard.close()
    assert world.store.newest is not None


def test_a_guard_that_lost_the_journal_ends_the_tasks_of_its_stage(world: World) -> None:
    """They were let begin, and only now is it known that the source was unfrozen meanwhile."""
    guarded = world.guard().until("freeze")
    taken_elsewhere(world)
    guarded.turns(5)
    assert world.left.asked == (("c1", "freeze", b""),)
    assert world.unfreezes == []
    # It alone was suspended, and its freeze tasks went on after the unfreeze of the other one.
    assert world.said[-1] == (
        "Freeze tasks of this run may have acted since. CHECK NOW THAT THE SOURCE ACCEPTS WRITES."
    )


def test_a_guard_that_lost_the_journal_leaves_the_switch_alone(world: World) -> None:
    guarded = world.guard().until("switch")
    assert world.store.newest is not None
    world.store.take(world.store.newest.document, "cd" * 8, world.store.newest)
    guarded.turns(5)
    assert (world.left.asked, world.unfreezes) == ((), [])


def test_a_guard_that_lost_the_journal_ends_its_own_unfreeze(world: World) -> None:
    guarded = world.guard().until("verify")
    guarded.ask(FAILED)
    world.clock.now += 2 * LEASE
    taken_elsewhere(world)
    guarded.turns(5)
    assert (world.unfreezes[0].stopped, guarded.guard.busy) == (True, False)
    world.gone_runs.add(10)
    assert guarded.turn().guard._over()


# Who else there is


def test_a_second_run_is_refused_while_the_first_lives(world: World) -> None:
    world.guard().until("freeze")
    begun = world.guard(pid=20).begun
    assert begun.next is Next.REFUSED
    assert begun.message.startswith("Another run owns this cutover: the run, process 10")


@everywhere
def test_a_run_that_begins_waits_for_the_lease_of_one_that_is_gone(world: World) -> None:
    world.guard().until("freeze")
    if world.database:
        world.clock.now += LEASE
    began = world.clock.now
    begun = world.guard(pid=20).begun
    assert begun.next is Next.GO_ON
    assert begun.message.startswith("An earlier run was interrupted in the stage freeze")
    assert world.clock.now - began >= (0 if world.database else LEASE)


def test_the_outage_of_an_earlier_run_ends_in_time_too(world: World) -> None:
    world.guard().until("freeze")
    world.clock.now += LEASE
    world.guard(pid=20).turns(MAX_OUTAGE + 1)
    assert len(world.unfreezes) == 1


@on_a_file
def test_a_run_that_begins_sees_within_moments_that_an_owner_lives(world: World) -> None:
    first = world.guard().until("freeze")
    began = world.clock.now

    def beats(operation: str) -> str:
        if operation == "read" and world.clock.now > began + 2:
            world.store.fault = lambda operation: ""
            first.turn(0)
        return ""

    world.store.fault = beats
    assert world.guard(pid=20).begun.next is Next.REFUSED
    assert world.clock.now - began < 4


@on_a_file
def test_a_guard_that_is_known_to_be_gone_is_not_waited_for(world: World) -> None:
    world.guard().until("freeze")
    world.gone_guards.add(os.getpid())
    began = world.clock.now
    assert (world.guard(pid=20).begun.next, world.clock.now) == (Next.GO_ON, began)


def test_of_two_runs_that_begin_at_the_same_moment_one_wins(world: World) -> None:
    other: list[Guarded] = []

    def meanwhile(operation: str) -> str:
        if operation == "take" and not other:
            world.store.fault = lambda operation: ""
            other.append(world.guard(pid=20))
        return ""

    world.store.fault = meanwhile
    late = world.guard()
    assert (late.begun.next, other[0].begun.next) == (Next.REFUSED, Next.GO_ON)


def test_a_store_that_does_not_answer_lets_nothing_begin(world: World) -> None:
    world.store.fault = lambda operation: "refused"
    assert world.guard().begun == f"The journal memory cannot be used: {WENT}"


def test_what_is_no_journal_is_named_and_lets_nothing_begin(world: World) -> None:
    world.guard()
    assert world.store.newest is not None
    world.store.newest = replace(world.store.newest, document={"schema": 3})
    assert world.guard(pid=20).begun == "The journal memory cannot be used: schema 3"


@pytest.mark.parametrize(("frozen", "unfreezes"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("lives", [False, True], ids=["ended", "goes on"])
def test_a_run_that_is_ended_while_it_begins_leaves_no_source_frozen(
    world: World, monkeypatch: pytest.MonkeyPatch, frozen: bool, unfreezes: int, lives: bool
) -> None:
    """As somebody does who is told that it watches for a lease whether the owner lives. The keyword timeout ends the step alone."""
    world.guard().until("final" if frozen else "approach")
    began = world.clock.now
    world.gone_guards.add(os.getpid())
    if not lives:
        world.gone_runs.add(20)
    guard = process.RunGuard(world.start(pid=20), world.store, world.folder)  # type: ignore[arg-type]
    look_after_unfreeze = guard.look_after_unfreeze

    def that_succeeds() -> None:
        for playbook in world.unfreezes:
            playbook.says = ""
        look_after_unfreeze()

    monkeypatch.setattr(guard, "look_after_unfreeze", that_succeeds)
    read, write = os.pipe()
    os.close(read)
    process._begin(guard, world.folder, Silence(world.clock), write)  # type: ignore[arg-type]
    guard.close()
    assert len(world.unfreezes) == unfreezes
    assert world.store.journal.outcome is (Outcome.UNFROZEN if frozen else None)
    assert world.clock.now - began < 10


@pytest.mark.parametrize("role", ["run", "watch", "recover"])
def test_a_journal_that_cannot_be_opened_is_said_to_whoever_starts_a_guard(world: World, role: str) -> None:
    read, write = os.pipe()
    process._guarded(world.start(role, journal="oracle://ann:secret@host/orders"), world.folder, write)
    answer = protocol.decode_answer(os.read(read, 1 << 16))
    os.close(read)
    assert answer.next is Next.REFUSED
    assert answer.message.startswith("A journal cannot be in a database of the kind 'oracle':")
    assert "secret" not in answer.message


@pytest.mark.parametrize("role", ["run", "watch"])
def test_a_job_that_cannot_be_encoded_is_said_too(world: World, role: str) -> None:
    """Half a character, as JSON may name it."""
    read, write = os.pipe()
    start = world.start(role, journal="postgresql+psycopg://ann@host/orders", plan=replace(plan(), jobs=("a\ud83d",)))
    process._guarded(start, world.folder, write)
    answer = protocol.decode_answer(os.read(read, 1 << 16))
    os.close(read)
    assert (answer.next, "surrogates not allowed" in answer.message) == (Next.REFUSED, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("planted", ["link", "file", "own link"])
def test_a_log_that_somebody_else_planted_is_not_written(tmp_path: Path, planted: str) -> None:
    victim, log = tmp_path / "victim", tmp_path / "j.guard.log"
    victim.touch(0o600)
    if planted == "file":
        log.touch()
    else:
        log.symlink_to(victim)
    if planted != "own link":
        os.chown(log, 54321, 54321, follow_symlinks=False)
    null = os.open(os.devnull, os.O_RDWR)
    opened = process._opened(str(log), null)
    os.write(opened, b"a line\n")
    assert (opened == null) == (planted != "own link")
    assert victim.read_bytes() == (b"a line\n" if planted == "own link" else b"")
    for descriptor in sorted({opened, null}):
        os.close(descriptor)


def test_a_journal_that_an_error_names_is_named_once() -> None:
    assert unusable("orders.json", "used", StoreError(WENT)) == f"The journal orders.json cannot be used: {WENT}"
    said = "The journal orders.json cannot be read: Is it a folder?"
    assert unusable("orders.json", "used", StoreError(said)) == sentence(said) == said


def test_a_job_of_another_cutover_is_named_with_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = a_cutover("final")
    alive = plain_journal(frozen.journal)
    frozen.failed()
    frozen.gives_up()

    def busy(document: dict[str, Any]) -> str:
        def take(*_arguments: Any) -> None:
            raise BusyError("taken", document)

        monkeypatch.setattr(world.store, "take", take)
        return str(world.guard().begun)

    assert busy(alive).startswith(
        "Another run owns this cutover: the run, process 10 on here (ann), in the stage final"
    )
    assert busy(plain_journal(frozen.journal)) == (
        "A cutover of a, b left its source frozen. Run cutover.drs.recover for it first"
    )
    assert busy({"schema": 99}) == "Another cutover has one of these jobs"


def test_a_second_run_on_this_machine_says_who_owns_the_jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    holder: dict[str, Any] = {}

    class Held:
        def __init__(self, jobs: object) -> None:
            self.jobs = jobs

        def take(self, about: dict[str, Any]) -> dict[str, Any] | None:
            if holder:
                return holder
            holder.update(about)
            return None

        def release(self) -> None:
            self.jobs = None

    monkeypatch.setattr(lock, "JobsLock", Held)
    monkeypatch.setattr(process, "open_store", lambda journal, jobs: world.store)
    first = world.guard().until("freeze")
    holder.update(ours=True, whose="ann", journal="journal.json")
    assert str(world.guard(pid=20).begun).startswith("Another run owns this cutover: the run, process 10 on here (ann)")
    # Nobody opens a journal because another user's lock names it.
    holder.update(ours=False)
    assert str(world.guard(pid=20).begun).endswith("; its lock belongs to ann")
    # Another host of the same run gets another sentence.
    assert "db1 would cut over the same jobs at the same time." in str(world.guard().begun)
    world.store.newest = None
    holder.update(ours=True)
    assert str(world.guard(pid=20).begun).startswith(
        "the run, process 10 on here (ann) owns a cutover of the same jobs since "
    )
    for damaged in ({"pid": 1}, {"pid": [], "run_started": {}}):
        holder.clear()
        holder.update(damaged)
        assert str(world.guard(pid=20).begun) == (
            "another run on this machine has locked the same jobs; its lock belongs to nobody known"
        )
    first.guard.close()


# In a container


@everywhere
def test_in_a_container_nothing_freezes_before_a_watch_has_acknowledged(world: World) -> None:
    guarded = world.guard(needs_watch=True).until("approach")
    guarded.judged("approach")
    answer = guarded.enter("freeze")
    assert answer.next is Next.WAIT
    assert answer.message.startswith("This run is in a container, which takes its guard with it")
    guarded.turns(LEASE)
    answer = guarded.enter("freeze")
    assert (answer.next, "Start cutover.drs.watch for these jobs" in answer.message) == (Next.REFUSED, True)
    world.store.acknowledge("ab" * 8, {"cutover": "another", "reason": ""})
    assert guarded.enter("freeze").next is Next.REFUSED
    world.store.acknowledge("ab" * 8, {"cutover": "c1", "reason": None})
    assert guarded.enter("freeze").next is Next.WAIT
    world.store.acknowledge("ab" * 8, {"cutover": "c1"})
    assert guarded.enter("freeze").next is Next.REFUSED
    world.store.acknowledge("ab" * 8, {"cutover": "c1", "reason": "no route"})
    assert guarded.enter("freeze").message.endswith("A watch could not rehearse it: no route")
    world.store.acknowledge("ab" * 8, {"cutover": "c1", "reason": ""})
    assert guarded.enter("freeze").next is Next.GO_ON


@pytest.mark.parametrize("looked_before", [True, False])
@everywhere
def test_a_watch_that_was_lost_while_nobody_looked_at_it_does_not_count(world: World, looked_before: bool) -> None:
    if looked_before:
        world.store.acknowledge("ab" * 8, {"cutover": "c1", "reason": None})
    guarded = world.guard(needs_watch=True).until("approach")
    world.store.acknowledge("ab" * 8, {"cutover": "c1", "reason": ""})
    guarded.turns(2 * LEASE).judged("approach")
    answer = guarded.enter("freeze")
    # A file does not say when it was written: whoever lives writes it again within moments.
    assert answer.next is (Next.REFUSED if world.database else Next.WAIT)
    guarded.turns(LEASE)
    assert guarded.enter("freeze").next is Next.REFUSED
    world.store.acknowledge("ab" * 8, {"cutover": "c1", "reason": ""})
    assert guarded.enter("freeze").next is Next.GO_ON


def test_a_store_that_cannot_say_who_watches_lets_nothing_freeze(world: World) -> None:
    guarded = world.guard(needs_watch=True).until("approach")
    guarded.judged("approach")
    world.store.fault = lambda operation: "refused" if operation == "acknowledgements" else ""
    assert guarded.enter("freeze").message == f"The journal memory cannot be read: {WENT}."


# Requests


@pytest.mark.parametrize("request_", [SwitchCompleted(), StepFailed("late"), LeftBehind(), Finish()])
def test_a_request_whose_sender_has_given_up_changes_nothing(world: World, request_: Any) -> None:
    guarded = world.guard().until("switch")
    before = world.store.newest
    assert guarded.ask(request_, late=0.5).message == "no answer"
    assert (world.store.newest, guarded.guard._finished, guarded.guard._left_at) == (before, False, None)


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"kind": "Dance"}\n', b"[]\n", b"\xff\n", b"no end"])
def test_what_is_no_request_gets_no_answer_and_stops_nothing(world: World, content: bytes) -> None:
    guarded = world.guard().until("freeze")
    here, there = socket.socketpair()
    with here:
        here.sendall(content)
        here.shutdown(socket.SHUT_WR)
        guarded.guard.hear(Listener(there))  # type: ignore[arg-type]
        assert here.recv(10) == b""
    assert world.said[-1].startswith("A request could not be answered")
    assert guarded.enter("final").next is Next.GO_ON


def test_a_host_that_was_left_behind_is_unfrozen_unless_it_comes_back(world: World) -> None:
    guarded = world.guard().until("freeze")
    guarded.ask(LeftBehind())
    guarded.turns(2)
    assert guarded.enter("final").next is Next.GO_ON
    guarded.turns(10)
    assert world.unfreezes == []
    guarded.ask(LeftBehind())
    # A look is no step of this host's run.
    guarded.turns(2).ask(Look())
    guarded.turns(2)
    assert len(world.unfreezes) == 1
    assert "The run goes on without this host." in world.said


def test_what_the_unfreeze_needs_is_what_the_last_step_gave(world: World) -> None:
    guarded = world.guard().until("approach")
    guarded.judged("approach")
    handover = {**guarded.guard.start.handover, "folder": "/elsewhere"}
    guarded.enter("freeze", handover=handover, keep={"was": 1}, plan_lines=["1. freeze"])
    answer = guarded.ask(FAILED)
    assert (world.unfreezes[0].tasks, world.unfreezes[0].keep) == ("/elsewhere/unfreeze.yml", {"was": 1})
    assert answer.plan == ["1. freeze"]


def test_how_long_the_outage_may_last_does_not_depend_on_the_clock_of_the_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = world.guard().until("freeze")
    world.clock.now += 60.0
    # Somebody sets the clock back by two hours, and forward by a day.
    for step in (-7200.0, 86400.0):
        monkeypatch.setattr(process.time, "time", lambda step=step: 1_700_000_000.0 + step)
        assert guarded.ask(Look()).outage_left == pytest.approx(MAX_OUTAGE - 60.0)


def test_without_a_freeze_there_is_no_outage_that_could_end(world: World) -> None:
    assert world.guard().until("approach").ask(Look()).outage_left is None


def test_a_failure_that_is_told_again_and_again_learns_how_the_unfreeze_ends(world: World) -> None:
    guarded = world.guard().until("final")
    for _ask in range(3):
        assert guarded.ask(StepFailed("They differ.")).next is Next.WAIT
        guarded.turn()
    world.unfreezes[0].says = ""
    answer = guarded.turn().ask(StepFailed("They differ."))
    assert answer.next is Next.ENDED
    assert len(world.unfreezes) == 1
    assert answer.journal is not None
    assert (answer.journal["outcome"], answer.journal["failure"]) == ("unfrozen", "They differ.")
