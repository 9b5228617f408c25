# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard elsewhere: watch acknowledges, follows and takes over once; recover does so for one occasion."""

from __future__ import annotations

import os
import re

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Journal, Next, Outcome, Role
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import watch as watching
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.protocol import Finish, StepFailed, SwitchCompleted
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import BusyError, StoreError
from ansible_collections.cutover.drs.tests.unit.cutover.builders import LEASE, UNFREEZE_FOR, a_cutover, plan
from ansible_collections.cutover.drs.tests.unit.guard.support import WENT, World, everywhere

pytestmark = everywhere


def test_a_watch_waits_for_a_cutover_rehearses_and_acknowledges_it(world: World) -> None:
    watch = world.watch().turns(3)
    assert watch.lines == ["WAIT [db1] No cutover of these jobs has begun (memory)."]
    guarded = world.guard()
    watch.turn()
    (of_run, of_watch) = world.rehearsals
    assert of_watch.tasks == "/play/unfreeze.yml"
    # While it rehearses it says so, and the run waits for it.
    assert [told.document["reason"] for told in world.store.told.values()] == [None]
    of_watch.says = ""
    watch.turns(3)
    (told,) = world.store.told.values()
    assert (told.document["cutover"], told.document["reason"], told.document["by"]) == ("c1", "", "ann on here")
    assert any(line == "REHEARSED [db1] The unfreeze tasks can run here." for line in watch.lines)
    beat = told.beat
    for _turn in range(20):
        guarded.turn()
        watch.turn()
    (told,) = world.store.told.values()
    assert told.beat > beat
    assert (watch.ended, len(world.rehearsals)) == (None, 2)
    assert of_run.runs


def test_a_watch_that_cannot_rehearse_says_why(world: World) -> None:
    watch = world.watch(unfreeze_tasks="")
    world.guard()
    watch.turn()
    (told,) = world.store.told.values()
    assert told.document["reason"].startswith("drs_cutover_unfreeze_tasks is not set: a journal in a database does not")


def test_a_watch_that_cannot_write_the_journal_says_that_nobody_hears_of_it(world: World) -> None:
    """As with a user of the database who may only read: the run is refused, because nobody watches."""
    guarded = world.guard()
    watch = world.watch()
    world.store.fault = lambda operation: "refused" if operation == "acknowledge" else ""
    for _turn in range(100):
        guarded.turn(0)
        watch.turn()
    told = [line for line in watch.lines if line.startswith("ALIVE")]
    assert len(told) == 2
    assert told[1].endswith(f" The run does not hear of this watch, for the journal cannot be written: {WENT}")
    world.store.fault = lambda operation: ""
    watch.turns(5)
    assert "The run does not hear" not in watch.lines[-1]
    assert world.store.told


def test_a_watch_of_a_journal_that_comes_and_goes_still_tells_what_it_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LONGEST", 20)
    guarded = world.guard().until("final")
    watch = world.watch()
    for turn in range(30):
        guarded.turn(0)
        world.store.fault = lambda operation, turn=turn: "refused" if turn % 2 else ""
        watch.turn()
    world.store.fault = lambda operation: ""
    assert len(watch.lines) == 20
    while not world.unfreezes:
        watch.turn()
    world.unfreezes[0].says = ""
    watch.turn()
    assert [line.split()[0] for line in watch.lines[20:]] == ["TAKEOVER", "GUARD", "GUARD", "END"]


def test_a_watch_ends_with_the_cutover_that_it_followed(world: World) -> None:
    watch = world.watch()
    guarded = world.guard().until("approach")
    watch.turn()
    guarded.judged("approach")
    for stage in ("freeze", "final"):
        guarded.enter(stage)
    guarded.judged("final")
    guarded.enter("verify")
    guarded.judged("recheck")
    guarded.enter("switch")
    watch.turn()
    guarded.ask(SwitchCompleted())
    watch.turn()
    assert watch.ended == (Next.ENDED, "The target is the database in use.")
    assert world.unfreezes == []
    assert [line for line in watch.lines if line.startswith("ALIVE")][-1].startswith(
        "ALIVE [db1] owner=the run, process 10 on here (ann) stage=switch lease="
    )


def test_a_watch_does_not_end_with_a_cutover_that_was_over_before(world: World) -> None:
    world.guard().until("switch").ask(SwitchCompleted())
    watch = world.watch(wait=100.0).turns(50)
    assert (watch.ended, watch.lines) == (None, ["WAIT [db1] The last cutover of these jobs ended: done."])
    watch.turns(60)
    assert watch.ended == (Next.REFUSED, "Time is up after 100 s: no other cutover of these jobs began")


@pytest.mark.parametrize("last", ["freeze", "final", "verify"])
@pytest.mark.parametrize("role", ["watch", "recover"])
def test_a_frozen_source_whose_owner_is_lost_is_unfrozen_within_its_lease(world: World, role: str, last: str) -> None:
    world.guard().until(last)
    lost = world.clock.now
    watch = world.watch(role, wait=10 * LEASE)
    while not world.unfreezes:
        watch.turn()
    assert LEASE - 5 <= world.clock.now - lost <= LEASE + 5
    taken = world.store.journal
    assert taken.owner is not None
    assert (taken.owner.role.value, taken.unfreezing, taken.attempts) == (role, True, 1)
    world.unfreezes[0].says = ""
    watch.turns(40)
    if last == "freeze":
        # Freeze tasks may have acted elsewhere until a while ago.
        world.unfreezes[1].says = ""
        watch.turns(2)
    assert len(world.unfreezes) == (2 if last == "freeze" else 1)
    assert (world.store.journal.outcome, world.store.journal.unfrozen_by) == (Outcome.UNFROZEN, Role(role))
    assert watch.ended is not None
    assert watch.ended[0] is Next.ENDED
    who = "a watch" if role == "watch" else "recover"
    assert watch.ended[1].endswith(f"The source was unfrozen by {who} and accepts writes again.")


def test_an_owner_that_is_known_to_be_gone_is_not_waited_for_and_its_tasks_are_ended(world: World) -> None:
    world.guard().until("freeze")
    world.gone_guards.add(os.getpid())
    watch = world.watch("recover", wait=60.0).turn()
    assert [asked[:2] for asked in world.left.asked] == [("c1", "freeze"), ("c1", "unfreeze")]
    world.unfreezes[0].says = ""
    watch.turns(2)
    assert world.store.journal.outcome is Outcome.UNFROZEN


def test_of_two_watches_one_takes_over(world: World) -> None:
    world.guard().until("final")
    watches = [world.watch(), world.watch()]
    for _turn in range(300):
        for watch in watches:
            watch.turn(0.125)
    assert len(world.unfreezes) == 1
    owners = [watch for watch in watches if watch.watch._owned is not None]
    assert len(owners) == 1
    world.unfreezes[0].says = ""
    owners[0].turn()
    for watch in watches:
        watch.turn()
        assert watch.ended is not None
        assert watch.ended[1].endswith("The source was unfrozen by a watch and accepts writes again.")


def test_two_watches_at_the_same_moment_take_over_once(world: World) -> None:
    world.guard().until("final")
    first, second = world.watch(), world.watch()
    for watch in (first, second):
        watch.turn(0)
    world.clock.now += LEASE

    def meanwhile(operation: str) -> str:
        if operation == "take":
            world.store.fault = lambda operation: ""
            second.turn(0)
        return ""

    world.store.fault = meanwhile
    first.turn(0)
    assert len(world.unfreezes) == 1
    assert [first.watch._owned is None, second.watch._owned is None] == [True, False]
    assert "LOST [db1] Another guard was faster." in first.lines


def test_a_takeover_that_took_place_though_nobody_heard_of_it_unfreezes_at_once(world: World) -> None:
    world.guard().until("freeze")
    watch = world.watch()
    watch.turn(0)
    world.clock.now += LEASE
    world.store.fault = lambda operation: "unheard" if operation == "take" else ""
    watch.turn(0)
    assert (world.unfreezes, world.store.journal.unfreezing) == ([], True)
    world.store.fault = lambda operation: ""
    watch.turns(1)
    # And of the freeze tasks that may still act nothing is forgotten.
    assert (len(world.unfreezes), world.store.journal.again) == (1, True)


def test_a_watch_that_loses_the_unfreeze_to_another_one_follows_that(world: World) -> None:
    world.guard().until("final")
    first, second = world.watch(), world.watch()
    first.turn(0)
    world.clock.now += LEASE
    first.turn(0)
    assert len(world.unfreezes) == 1
    # It is suspended for longer than its lease.
    second.turns(LEASE + 1)
    assert len(world.unfreezes) == 2
    first.turns(3)
    assert (world.unfreezes[0].stopped, world.unfreezes[1].runs) == (True, True)
    world.unfreezes[1].says = ""
    second.turn()
    first.turn()
    assert len(world.unfreezes) == 2
    assert first.ended is not None
    assert first.ended[0] is Next.ENDED


@pytest.mark.parametrize("role", ["watch", "recover"])
def test_nothing_is_undone_after_the_switch_began(world: World, role: str) -> None:
    world.guard().until("switch")
    watch = world.watch(role, wait=10 * LEASE).turns(LEASE + 5)
    assert watch.ended == (
        Next.REFUSED,
        "The switch has begun, so both sides may have been changed. Nothing is undone automatically.",
    )
    assert world.unfreezes == []


def test_recover_refuses_while_the_owner_goes_on_living(world: World) -> None:
    guarded = world.guard().until("verify")
    recover = world.watch("recover", wait=2 * LEASE)
    while recover.ended is None:
        guarded.turn(0.25)
        recover.turn(0)
    assert recover.ended[0] is Next.REFUSED
    assert recover.ended[1].startswith(
        "Another run owns this cutover: the run, process 10 on here (ann), in the stage verify"
    )
    assert world.unfreezes == []
    # It has not disturbed it either.
    guarded.judged("recheck")
    assert guarded.enter("switch").next is Next.GO_ON


@pytest.mark.parametrize("role", ["watch", "recover"])
def test_an_owner_that_was_lost_is_never_called_alive_because_its_lease_is_longer_than_the_wait(
    world: World, role: str
) -> None:
    world.guard().until("verify")
    watch = world.watch(role, wait=LEASE / 3).turns(LEASE + 5)
    assert (watch.ended, len(world.unfreezes)) == (None, 1)


def test_recover_without_a_journal_says_so(world: World) -> None:
    recover = world.watch("recover").turn()
    assert (recover.ended, recover.watch._last) == ((Next.ENDED, "No cutover of these jobs has begun."), None)


@pytest.mark.parametrize("role", ["watch", "recover", "guard"])
def test_a_journal_of_other_jobs_is_refused_and_left_alone(world: World, role: str) -> None:
    world.guard().until("final")
    world.gone_guards.add(os.getpid())
    before = world.store.newest
    found = world.watch(role, plan=plan(jobs=("c",))).turn()
    assert found.ended == (
        Next.REFUSED,
        "The journal belongs to a cutover of other jobs: a, b. Set drs_cutover_jobs to these, or another drs_cutover_journal.",
    )
    assert (world.store.newest, world.unfreezes) == (before, [])


def a_run_that_failed(world: World, end: str) -> None:
    """Let a run fail in the approach gate, or in the final one, so that its guard unfreezes."""
    guarded = world.guard().until("final" if end == "unfrozen" else "approach")
    guarded.ask(StepFailed("No route."))
    if end == "unfrozen":
        world.unfreezes[0].says = ""
        guarded.turn()
    guarded.ask(Finish())


@pytest.mark.parametrize("end", ["never begun", "not begun", "unfrozen"])
def test_nothing_is_called_not_frozen_while_a_cutover_of_more_jobs_is(
    world: World, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if end != "never begun":
        a_run_that_failed(world, end)
    frozen = journal_json.encode(a_cutover("final").journal, 0.0)

    def ensure_free() -> None:
        raise BusyError("taken", frozen)

    monkeypatch.setattr(world.store, "ensure_free", ensure_free)
    ended = world.watch("recover").turn().ended
    assert ended is not None
    assert ended[0] is Next.REFUSED
    assert re.fullmatch(
        r"A cutover of a, b has one of these jobs, and is in the stage final, frozen since \S+Z\. "
        r"Set drs_cutover_jobs to all of its jobs\.",
        ended[1],
    )


def test_recover_of_a_journal_that_cannot_be_read_fails_and_never_says_that_nothing_is_frozen(world: World) -> None:
    world.store.fault = lambda operation: "refused"
    recover = world.watch("recover").turn()
    assert recover.ended == (Next.REFUSED, f"The journal memory cannot be read: {WENT}")


def test_a_watch_of_a_journal_that_cannot_be_read_goes_on(world: World) -> None:
    world.guard().until("final")
    watch = world.watch().turn()
    world.store.fault = lambda operation: "refused"
    watch.turns(2 * LEASE)
    assert (watch.ended, world.unfreezes) == (None, [])
    world.store.fault = lambda operation: ""
    watch.turns(LEASE + 1)
    assert len(world.unfreezes) == 1


def test_a_watch_of_a_folder_that_is_not_mounted_for_a_while_gives_its_owner_a_lease(world: World) -> None:
    """There it reads that there is no journal. The owner could not renew either, and has unfrozen or says that it lives."""
    world.guard().until("final")
    watch = world.watch().turn()
    newest, world.store.newest = world.store.newest, None
    watch.turns(2 * LEASE)
    world.store.newest = newest
    watch.turns(LEASE - 1)
    assert (watch.ended, world.unfreezes) == (None, [])
    watch.turns(2)
    assert len(world.unfreezes) == 1


@pytest.mark.parametrize("end", ["unfrozen", "not begun"])
def test_recover_says_that_nothing_is_frozen(world: World, end: str) -> None:
    a_run_that_failed(world, end)
    recover = world.watch("recover").turn()
    assert recover.ended == (Next.ENDED, "Nothing is frozen.")
    assert len(world.unfreezes) == (end == "unfrozen")


def test_recover_tries_again_where_a_guard_gave_up(world: World) -> None:
    guarded = world.guard().until("final")
    guarded.ask(StepFailed("No route."))
    end = world.clock.now + UNFREEZE_FOR + 60
    while world.clock.now < end:
        world.unfreezes[-1].says = "locked"
        guarded.turn()
    assert world.store.journal.outcome is Outcome.FROZEN
    attempts = len(world.unfreezes)
    recover = world.watch("recover").turn()
    assert len(world.unfreezes) == attempts + 1
    world.unfreezes[-1].says = ""
    recover.turn()
    assert recover.ended is not None
    assert recover.ended[0] is Next.ENDED
    assert (world.store.journal.outcome, world.store.journal.unfrozen_by) == (Outcome.UNFROZEN, Role.RECOVER)


def test_recover_in_check_mode_only_says_what_it_would_do(world: World) -> None:
    world.guard().until("final")
    world.gone_guards.add(os.getpid())
    before = world.store.newest
    recover = world.watch("recover", check_mode=True).turn()
    assert recover.ended == (Next.ENDED, "Check mode: the source is frozen, and /play/unfreeze.yml would unfreeze it.")
    assert (world.store.newest, world.unfreezes) == (before, [])


def test_recover_from_a_database_runs_only_a_file_that_its_caller_names(world: World) -> None:
    world.guard().until("final")
    world.gone_guards.add(os.getpid())
    recover = world.watch("recover", unfreeze_tasks="").turn()
    assert recover.ended is not None
    assert recover.ended[0] is Next.REFUSED
    assert recover.ended[1].startswith(
        "THE SOURCE MAY STILL BE FROZEN, and cannot be unfrozen here: drs_cutover_unfreeze_tasks is not set"
    )
    assert world.unfreezes == []


def test_a_task_file_that_is_gone_or_not_trusted_meanwhile_is_a_failed_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.guard().until("final")
    world.gone_guards.add(os.getpid())
    recover = world.watch("recover", unfreeze_for=UNFREEZE_FOR).turn()
    world.unfreezes[0].says = "locked"

    def gone(_journal: Journal) -> str:
        raise StoreError("there is no file unfreeze.yml")

    monkeypatch.setattr(recover.watch, "tasks", gone)
    recover.turns(UNFREEZE_FOR + 60)
    found = world.store.journal
    assert (found.outcome, found.unfreeze_failure, found.attempts < 20) == (
        Outcome.FROZEN,
        "ansible-playbook could not be started: there is no file unfreeze.yml.",
        True,
    )
