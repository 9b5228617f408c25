# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new run, and recover, do with the journal of an earlier run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    RunDied,
    TimeUp,
    advance,
    begin,
    busy,
    recover,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import Journal, Next, Outcome, Role
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    GUARD,
    MAX_OUTAGE,
    OTHER,
    RECOVER,
    RUN,
    SHORT,
    Cutover,
    a_cutover,
    plan,
)

LATER = 5000.0
FROZEN = ("freeze", "final", "verify")


def ended(last: str, *ways: str, unfreeze: str = "unfreeze.yml") -> Journal:
    cutover = a_cutover(last, unfreeze=unfreeze)
    for way in ways:
        getattr(cutover, way)()
    return cutover.journal


def unfrozen_by_guard() -> Journal:
    cutover = a_cutover("final")
    cutover.died()
    cutover.unfrozen(GUARD)
    return cutover.journal


def test_without_an_earlier_journal_a_run_begins_anew() -> None:
    move = begin(None, plan(), RUN, LATER, owner_lives=False)
    assert (move.next, move.journal, move.message) == (Next.PROCEED, Journal(plan(), RUN), "")


@pytest.mark.parametrize(
    "earlier",
    [
        ended("approach"),
        ended("approach", "failed"),
        ended("final", "failed", "unfrozen"),
        unfrozen_by_guard(),
        Journal(plan(), RUN),
        Journal(plan(), None),
    ],
    ids=["died in the approach", "not begun", "unfrozen", "unfrozen by the guard", "died at once", "owned by nobody"],
)
def test_after_a_run_that_left_nothing_frozen_a_run_begins_anew(earlier: Journal) -> None:
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=False)
    assert (move.next, move.journal, move.message) == (Next.PROCEED, Journal(plan(), OTHER), "")


@pytest.mark.parametrize("last", ["", *SHORT])
def test_a_second_run_is_refused_while_the_first_lives(last: str) -> None:
    earlier = a_cutover(last).journal
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=True)
    assert (move.next, move.journal, move.message) == (Next.REFUSE, earlier, busy(earlier))
    recovered = recover(earlier, RECOVER, LATER, owner_lives=True)
    assert recovered is not None
    assert (recovered.next, recovered.journal, recovered.message) == (Next.REFUSE, earlier, busy(earlier))


def test_a_second_run_is_refused_while_the_guard_unfreezes() -> None:
    cutover = a_cutover("final")
    cutover.died()
    assert begin(cutover.journal, plan(), OTHER, LATER, owner_lives=True).next is Next.REFUSE


def test_an_owner_that_still_lives_does_not_matter_after_the_end() -> None:
    earlier = ended("final", "failed", "unfrozen")
    assert begin(earlier, plan(), RUN, LATER, owner_lives=True).next is Next.PROCEED
    frozen = ended("final", "failed", "unfreeze_failed")
    recovered = recover(frozen, RECOVER, LATER, owner_lives=True)
    assert recovered is not None
    assert recovered.next is Next.UNFREEZE


@pytest.mark.parametrize("way", [(), ("failed", "unfrozen")])
def test_the_journal_of_other_jobs_is_refused(way: tuple[str, ...]) -> None:
    earlier = ended("final", *way)
    move = begin(earlier, plan(jobs=("c",)), OTHER, LATER, owner_lives=False)
    assert (move.next, move.journal) == (Next.REFUSE, earlier)
    assert move.message == "The journal belongs to a cutover of other jobs: a, b. Set another drs_cutover_state_file."


def test_the_order_of_the_jobs_does_not_matter() -> None:
    earlier = ended("final", "failed", "unfrozen")
    assert begin(earlier, plan(jobs=("b", "a")), OTHER, LATER, owner_lives=False).next is Next.PROCEED


@pytest.mark.parametrize("lives", [True, False])
def test_a_cutover_that_is_done_is_not_repeated(lives: bool) -> None:
    earlier = ended("switch", "completed")
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=lives)
    assert (move.next, move.journal, move.message) == (Next.STOP, earlier, "")


@pytest.mark.parametrize("way", [(), ("failed",), ("died",)], ids=["interrupted", "failed", "died"])
def test_after_a_switch_that_did_not_complete_nothing_begins_and_nothing_is_undone(way: tuple[str, ...]) -> None:
    earlier = ended("switch", *way)
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=False)
    assert (move.next, move.journal) == (Next.REFUSE, earlier)
    assert move.message == "An earlier run failed, or was interrupted, during the switch."
    recovered = recover(earlier, RECOVER, LATER, owner_lives=False)
    assert recovered is not None
    assert (recovered.next, recovered.journal) == (Next.REFUSE, earlier)
    assert recovered.message == (
        "The switch has begun, so both sides may have been changed. Nothing is undone automatically."
    )


@pytest.mark.parametrize("last", FROZEN)
def test_a_run_takes_over_a_frozen_source(last: str) -> None:
    earlier = ended(last)
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=False)
    assert move.next is Next.PROCEED
    assert move.message == f"An earlier run was interrupted in the stage {last} and left the source frozen."
    assert (move.journal.frozen, move.journal.frozen_since) == (True, earlier.frozen_since)
    assert (move.journal.owner, move.journal.entries, move.journal.evidence) == (OTHER, (), None)
    assert move.journal.deadline == LATER + MAX_OUTAGE


@pytest.mark.parametrize("way", ["failed", "died", "time_up"])
def test_whatever_ends_the_run_that_took_over_unfreezes(way: str) -> None:
    for last in ("", "approach"):
        taken = begin(ended("final"), plan(), OTHER, LATER, owner_lives=False).journal
        cutover = Cutover(taken, OTHER, LATER)
        if last:
            cutover.until(last)
        assert getattr(cutover, way)().next is Next.UNFREEZE
        assert cutover.journal.frozen


def test_the_outage_goes_on_from_the_first_freeze() -> None:
    earlier = ended("final")
    taken = begin(earlier, plan(), OTHER, LATER, owner_lives=False).journal
    cutover = Cutover(taken, OTHER, LATER).until("final")
    assert cutover.journal.frozen_since == earlier.frozen_since
    assert cutover.journal.deadline == LATER + MAX_OUTAGE


def test_recover_has_nothing_to_do_without_a_journal() -> None:
    assert recover(None, RECOVER, LATER, owner_lives=False) is None


@pytest.mark.parametrize(
    "earlier",
    [
        a_cutover().journal,
        ended("approach"),
        ended("approach", "failed"),
        ended("final", "failed", "unfrozen"),
        ended("switch", "completed"),
    ],
    ids=["nothing begun", "died in the approach", "not begun", "unfrozen", "done"],
)
def test_recover_says_that_nothing_is_frozen(earlier: Journal) -> None:
    move = recover(earlier, RECOVER, LATER, owner_lives=False)
    assert move is not None
    assert (move.next, move.journal, move.message) == (Next.STOP, earlier, "Nothing is frozen.")


@pytest.mark.parametrize("last", FROZEN)
def test_recover_unfreezes_what_a_dead_run_left_frozen(last: str) -> None:
    move = recover(ended(last), RECOVER, LATER, owner_lives=False)
    assert move is not None
    assert (move.next, move.journal.owner, move.journal.attempts) == (Next.UNFREEZE, RECOVER, 1)
    assert move.journal.failure == "The run ended and nobody unfroze the source."
    assert move.journal.failed_in == last
    cutover = Cutover(move.journal, RECOVER, LATER)
    done = cutover.unfrozen()
    assert (done.journal.outcome, done.journal.unfrozen_by) == (Outcome.UNFROZEN, Role.RECOVER)


def recovered_after_a_failed_unfreeze() -> Cutover:
    cutover = a_cutover("final")
    cutover.failed("The table is locked.")
    cutover.unfreeze_failed("No route.")
    move = recover(cutover.journal, RECOVER, LATER, owner_lives=False)
    assert move is not None
    assert move.next is Next.UNFREEZE
    assert move.journal.outcome is None
    return Cutover(move.journal, RECOVER, LATER)


def test_recover_tries_again_what_failed_and_no_longer_says_that_it_failed() -> None:
    cutover = recovered_after_a_failed_unfreeze()
    assert cutover.unfrozen().journal.why == "The table is locked."


def test_recover_that_fails_reports_its_own_failure_once() -> None:
    cutover = recovered_after_a_failed_unfreeze()
    move = cutover.unfreeze_failed("Still no route.")
    assert (move.next, move.journal.outcome) == (Next.STOP, Outcome.FROZEN)
    assert move.journal.why.count("FAILED TOO") == 1
    assert move.journal.why.endswith("Still no route.")


def test_recover_without_tasks_to_unfreeze_leaves_the_source_frozen() -> None:
    move = recover(ended("final", unfreeze=""), RECOVER, LATER, owner_lives=False)
    assert move is not None
    assert (move.next, move.journal.outcome, move.journal.frozen) == (Next.STOP, Outcome.FROZEN, True)


@pytest.mark.parametrize(
    "event", [lambda at: RunDied(GUARD, at, RUN), lambda at: TimeUp(GUARD, at, RUN)], ids=["run died", "time is up"]
)
def test_a_guard_does_not_take_the_journal_from_recover(event: Callable[[float], RunDied | TimeUp]) -> None:
    taken = recover(ended("final"), RECOVER, LATER, owner_lives=False)
    assert taken is not None
    move = advance(taken.journal, event(LATER + 1))
    assert (move.next, move.journal) == (Next.STOP, taken.journal)
