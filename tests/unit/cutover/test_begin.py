# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new run, and a guard elsewhere, do with the journal of an earlier run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import begin, busy, take_over
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Journal, Next, Outcome, Owner, Role
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal_json import outage
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    MAX_OUTAGE,
    OTHER,
    RECOVER,
    RUN,
    SHORT,
    WATCH,
    Cutover,
    a_cutover,
    ended,
    plan,
)

LATER = 5000.0
FROZEN = ("freeze", "final", "verify")


def test_without_an_earlier_journal_a_run_begins_anew() -> None:
    move = begin(None, plan(), RUN, LATER, owner_lives=False)
    assert (move.next, move.journal, move.message) == (Next.GO_ON, Journal(plan(), RUN), "")


@pytest.mark.parametrize(
    "earlier",
    [
        ended("approach"),
        ended("approach", "failed"),
        ended("final", "failed", "unfrozen"),
        ended("final", "died", "unfrozen"),
        Journal(plan(), RUN),
        Journal(plan(), None),
    ],
    ids=["died in the approach", "not begun", "unfrozen", "unfrozen without a word", "died at once", "owned by nobody"],
)
def test_after_a_run_that_left_nothing_frozen_a_run_begins_anew(earlier: Journal) -> None:
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=False)
    assert (move.next, move.journal, move.message) == (Next.GO_ON, Journal(plan(), OTHER), "")


@pytest.mark.parametrize(("last", "ways"), [*((last, ()) for last in ("", *SHORT)), ("final", ("died",))])
def test_a_second_run_is_refused_while_the_first_or_its_guard_lives(last: str, ways: tuple[str, ...]) -> None:
    earlier = ended(last, *ways)
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=True)
    assert (move.next, move.journal, move.message) == (Next.REFUSED, earlier, busy(earlier))


def test_an_owner_that_still_lives_does_not_matter_after_the_end() -> None:
    earlier = ended("final", "failed", "unfrozen")
    assert begin(earlier, plan(), RUN, LATER, owner_lives=True).next is Next.GO_ON
    frozen = ended("final", "failed", "gives_up")
    assert take_over(frozen, RECOVER, LATER, acting=False).next is Next.UNFREEZE


@pytest.mark.parametrize("jobs", [("c",), ("a",), ("c", "d"), ("A", "B"), ()], ids=" ".join)
@pytest.mark.parametrize("way", [(), ("failed", "unfrozen")])
def test_the_journal_of_other_jobs_is_refused(way: tuple[str, ...], jobs: tuple[str, ...]) -> None:
    earlier = ended("final", *way)
    move = begin(earlier, plan(jobs=jobs), OTHER, LATER, owner_lives=False)
    assert (move.next, move.journal) == (Next.REFUSED, earlier)
    assert move.message == "The journal belongs to a cutover of other jobs: a, b. Set another drs_cutover_journal."


def test_the_order_of_the_jobs_does_not_matter() -> None:
    earlier = ended("final", "failed", "unfrozen")
    assert begin(earlier, plan(jobs=("b", "a")), OTHER, LATER, owner_lives=False).next is Next.GO_ON


@pytest.mark.parametrize("lives", [True, False])
def test_a_cutover_that_is_done_is_not_repeated(lives: bool) -> None:
    earlier = ended("switch", "completed")
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=lives)
    assert (move.next, move.journal, move.message) == (Next.ENDED, earlier, "")


@pytest.mark.parametrize("way", [(), ("failed",), ("died",)], ids=["interrupted", "failed", "died"])
def test_after_a_switch_that_did_not_complete_nothing_begins_and_nothing_is_undone(way: tuple[str, ...]) -> None:
    earlier = ended("switch", *way)
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=False)
    assert (move.next, move.journal) == (Next.REFUSED, earlier)
    assert move.message == "An earlier run failed, or was interrupted, during the switch."
    taken = take_over(earlier, RECOVER, LATER, acting=False)
    assert (taken.next, taken.journal) == (Next.REFUSED, earlier)
    assert taken.message == (
        "The switch has begun, so both sides may have been changed. Nothing is undone automatically."
    )


@pytest.mark.parametrize("last", FROZEN)
def test_a_run_takes_over_a_frozen_source(last: str) -> None:
    earlier = replace(ended(last), keep={"timeout": 60})
    move = begin(earlier, plan(), OTHER, LATER, owner_lives=False)
    assert move.next is Next.GO_ON
    assert move.message == (
        f"An earlier run was interrupted in the stage {last} and left the source frozen since 1970-01-01T00:16:43Z."
    )
    assert (move.journal.frozen, move.journal.frozen_since) == (True, earlier.frozen_since)
    assert (move.journal.owner, move.journal.entries, move.journal.evidence) == (OTHER, (), None)
    assert (move.journal.deadline, move.journal.keep) == (LATER + MAX_OUTAGE, {"timeout": 60})


@pytest.mark.parametrize("way", ["failed", "died", "time_up", "unrenewed"])
def test_whatever_ends_the_run_that_took_over_unfreezes(way: str) -> None:
    for last in ("", "approach"):
        taken = begin(ended("final"), plan(), OTHER, LATER, owner_lives=False).journal
        cutover = Cutover(taken, LATER)
        if last:
            cutover.until(last)
        assert getattr(cutover, way)().next is Next.UNFREEZE
        assert cutover.journal.frozen


def test_a_machine_whose_clock_is_behind_keeps_what_the_first_freeze_found() -> None:
    """What the second freeze finds is a source that is frozen already: to restore that would leave it so."""
    earlier = Cutover(Journal(plan(), RUN, rehearsal=""), LATER).until("approach")
    earlier.judged("approach")
    earlier.enter("freeze", keep={"read_only": "OFF"})
    behind = LATER - 300
    taken = begin(earlier.journal, plan(), OTHER, behind, owner_lives=False, keep={"read_only": "ON"}).journal
    cutover = Cutover(taken, behind).until("approach")
    cutover.judged("approach")
    cutover.enter("freeze", keep={"read_only": "ON"})
    assert cutover.journal.keep == {"read_only": "OFF"}
    cutover.failed()
    cutover.unfrozen()
    assert outage(cutover.journal) == cutover.at - behind


@pytest.mark.parametrize("owner", [WATCH, RECOVER], ids=["watch", "recover"])
def test_a_guard_elsewhere_whose_clock_is_behind_tells_no_negative_outage(owner: Owner) -> None:
    behind = LATER - 300
    earlier = Cutover(Journal(plan(), RUN, rehearsal=""), LATER).until("final").journal
    cutover = Cutover(take_over(earlier, owner, behind, acting=False).journal, behind)
    cutover.unfrozen()
    assert outage(cutover.journal) == 1.0


@pytest.mark.parametrize("owner", [WATCH, RECOVER], ids=["watch", "recover"])
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
def test_a_guard_elsewhere_says_that_nothing_is_frozen(earlier: Journal, owner: Owner) -> None:
    move = take_over(earlier, owner, LATER, acting=True)
    assert (move.next, move.journal, move.message) == (Next.ENDED, earlier, "Nothing is frozen.")


@pytest.mark.parametrize("owner", [WATCH, RECOVER], ids=["watch", "recover"])
@pytest.mark.parametrize("last", FROZEN)
def test_a_guard_elsewhere_unfreezes_what_a_dead_run_left_frozen(last: str, owner: Owner) -> None:
    move = take_over(ended(last), owner, LATER, acting=False)
    assert (move.next, move.journal.owner, move.journal.attempts) == (Next.UNFREEZE, owner, 1)
    assert move.journal.failure == f"The run was lost in the stage {last}, and its guard with it."
    assert (move.journal.failed_in, move.journal.again) == (last, False)
    assert move.journal.entries[-1].by is owner.role
    done = Cutover(move.journal, LATER).unfrozen()
    assert (done.journal.outcome, done.journal.unfrozen_by) == (Outcome.UNFROZEN, owner.role)


@pytest.mark.parametrize(("last", "again"), [("freeze", True), ("final", False), ("verify", False)])
def test_after_freeze_tasks_that_may_still_act_elsewhere_it_unfreezes_once_more(last: str, again: bool) -> None:
    move = take_over(ended(last), WATCH, LATER, acting=True)
    assert move.journal.again is again
    cutover = Cutover(move.journal, LATER)
    assert (cutover.unfrozen().next, cutover.journal.outcome is None) == (
        (Next.WAIT, True) if again else (Next.ENDED, False)
    )


def taken_after_a_failed_unfreeze(*ways: str) -> Cutover:
    cutover = a_cutover("final")
    cutover.failed("The table is locked.")
    for way in ways:
        getattr(cutover, way)()
    move = take_over(cutover.journal, RECOVER, LATER, acting=False)
    assert move.next is Next.UNFREEZE
    assert (move.journal.outcome, move.journal.attempts, move.journal.unfreeze_failure) == (None, 1, "")
    return Cutover(move.journal, LATER)


@pytest.mark.parametrize(
    "ways",
    [("gives_up",), ("unfreeze_failed",), ("unfreeze_failed", "unfreezes_again"), ()],
    ids=["given up", "between two attempts", "in the second attempt", "in the first attempt"],
)
def test_recover_tries_again_what_failed_and_no_longer_says_that_it_failed(ways: tuple[str, ...]) -> None:
    cutover = taken_after_a_failed_unfreeze(*ways)
    assert [entry.state for entry in cutover.journal.entries[-2:]] == ["failed", "running"]
    assert cutover.journal.entries[-1].began == LATER
    move = cutover.unfrozen()
    assert (move.journal.outcome, move.journal.unfrozen_by) == (Outcome.UNFROZEN, Role.RECOVER)
    assert move.journal.why == "The table is locked."


def test_recover_that_fails_reports_its_own_failure_once() -> None:
    cutover = taken_after_a_failed_unfreeze("gives_up")
    move = cutover.gives_up("Still no route.")
    assert (move.next, move.journal.outcome) == (Next.ENDED, Outcome.FROZEN)
    assert move.journal.why.count("FAILED TOO") == 1
    assert move.journal.why.endswith("Still no route.")


def test_a_guard_elsewhere_without_tasks_to_unfreeze_leaves_the_source_frozen() -> None:
    move = take_over(ended("final", unfreeze=""), RECOVER, LATER, acting=True)
    assert (move.next, move.journal.outcome, move.journal.frozen) == (Next.ENDED, Outcome.FROZEN, True)


def test_who_owns_it_is_told_with_stage_process_machine_user_and_the_beginning_of_the_outage() -> None:
    assert busy(a_cutover("approach").journal) == (
        "Another run owns this cutover: the run, process 10 on here (ann), in the stage approach."
    )
    assert busy(a_cutover("final").journal) == (
        "Another run owns this cutover: the run, process 10 on here (ann), in the stage final, "
        "frozen since 1970-01-01T00:16:43Z."
    )
    assert str(replace(WATCH, user="")) == "a watch, process 30 on here"
