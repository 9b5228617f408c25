# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from a file or another process is equal to what was there before, and never the same object."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    Completed,
    Enter,
    Failed,
    GateEnded,
    Rehearsed,
    RunDied,
    Stopped,
    TimeUp,
    UnfreezeFailed,
    Unfrozen,
    Unrenewed,
    advance,
    begin,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import (
    Entry,
    Evidence,
    Move,
    Next,
    Role,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES, Stage
from ansible_collections.cutover.drs.tests.unit.cutover.builders import OTHER, RUN, WATCH, Cutover, a_cutover, plan


def other_text(text: str) -> str:
    return "".join(list(text))


def test_what_comes_next_is_a_word_for_the_role() -> None:
    assert [each.value for each in Next] == ["go_on", "sample", "wait", "unfreeze", "ended", "refused"]


def test_stages_and_gates_are_known_by_their_value() -> None:
    cutover = a_cutover()
    assert cutover.enter(other_text("approach")).next is Next.GO_ON
    assert cutover.judged(other_text("approach")).next is Next.GO_ON


def test_an_owner_comes_out_of_json_as_it_was() -> None:
    again = journal_json.decode_owner(json.loads(json.dumps(journal_json.encode_owner(WATCH))))
    assert (again == WATCH, again is WATCH) == (True, False)


def test_only_a_guard_unfreezes() -> None:
    assert {role: role.unfreezes_as for role in Role} == {
        Role.RUN: Role.GUARD,
        Role.GUARD: Role.GUARD,
        Role.WATCH: Role.WATCH,
        Role.RECOVER: Role.RECOVER,
    }


def test_a_journal_that_nobody_owns_is_unfrozen_by_a_guard() -> None:
    cutover = a_cutover("final")
    cutover.journal = dataclasses.replace(cutover.journal, owner=None)
    cutover.failed()
    assert (cutover.journal.entries[-1].by, cutover.unfrozen().journal.unfrozen_by) == (Role.GUARD, Role.GUARD)


def test_the_last_stage_is_known_by_its_value() -> None:
    cutover = a_cutover("switch")
    stages = tuple(map(other_text, cutover.journal.plan.stages))
    cutover.journal = dataclasses.replace(
        cutover.journal, plan=dataclasses.replace(cutover.journal.plan, stages=stages)
    )
    assert cutover.completed().next is Next.ENDED


@pytest.mark.parametrize(("running", "judged"), [("approach", "final"), ("final", "approach")])
def test_a_verdict_counts_for_the_gate_that_runs(running: str, judged: str) -> None:
    cutover = a_cutover(running)
    move = cutover.judged(judged)
    assert (move.next, move.message) == (Next.REFUSED, f"The {judged} gate has not begun.")


def test_a_clock_that_was_set_back_gives_the_running_stage_no_negative_time() -> None:
    cutover = a_cutover("final")
    began = cutover.journal.entries[-1].began
    move = advance(cutover.journal, GateEnded(1.0, "final", True, "", 2.0))
    assert move.journal.entries[-1].ended == began


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Stage("freeze", "Freeze the source"), "frozen"),
        (Evidence("final", 1.0), "used"),
        (Move(Cutover().journal, Next.ENDED), "next"),
        (Cutover().journal, "outcome"),
        (plan(), "jobs"),
        (Entry("freeze", "running", 1.0, Role.RUN), "state"),
        (RUN, "pid"),
        (Enter(1.0, "freeze"), "stage"),
        (GateEnded(1.0, "final", True, ""), "ready"),
        (Stopped(1.0, ()), "jobs"),
        (Failed(1.0, ""), "reason"),
        (Unfrozen(1.0), "at"),
        (UnfreezeFailed(1.0, ""), "reason"),
        (Completed(1.0), "at"),
        (Rehearsed(1.0, ""), "reason"),
        (Unrenewed(1.0, 9.0), "seconds"),
        (RunDied(1.0), "acting"),
        (TimeUp(1.0), "acting"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_cannot_be_changed(value: Any, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)


@pytest.mark.parametrize("jobs", [("a",), ("c", "d"), ("A", "B"), ()], ids=" ".join)
def test_the_journal_of_other_jobs_is_refused_whatever_their_order(jobs: tuple[str, ...]) -> None:
    move = begin(a_cutover("final").journal, plan(jobs=jobs), OTHER, 2000.0, owner_lives=False)
    assert move.message.startswith("The journal belongs to a cutover of other jobs: a, b.")


def test_one_more_sample_does_not_end_the_stage_that_runs() -> None:
    cutover = a_cutover("verify")
    move = cutover.judged("recheck")
    assert (move.next, move.journal.running) == (Next.GO_ON, cutover.journal.entries[-1])
    assert move.journal.stage == "verify"


def test_what_failed_is_not_completed() -> None:
    cutover = a_cutover("switch")
    cutover.journal = dataclasses.replace(cutover.journal, failed_in="switch", failure="No route.")
    assert (cutover.completed().next, cutover.journal.outcome) == (Next.REFUSED, None)


# name, title, and what is true of it
STAGE_TABLE = [
    ("approach", "Wait until the target has nearly caught up", "own gate"),
    ("confirm_freeze", "Ask before the freeze", "takes_time"),
    ("freeze", "Begin the freeze: from here on the source counts as frozen", "frozen needs_evidence"),
    ("final", "Wait until the target has every write of the source", "own gate frozen"),
    ("verify", "Verify the target", "frozen takes_time"),
    ("compare", "Wait for a comparison that began after the freeze", "frozen takes_time"),
    ("confirm_switch", "Ask before the switch", "frozen takes_time"),
    ("stop", "Stop the jobs", "own frozen needs_evidence"),
    ("switch", "Begin the switch: nothing is undone from here on", "frozen needs_evidence"),
]


def test_the_stages_are_these_in_this_order() -> None:
    flags = ("own", "gate", "frozen", "needs_evidence", "takes_time")
    shown = [
        (name, stage.title, " ".join(flag for flag in flags if getattr(stage, flag))) for name, stage in STAGES.items()
    ]
    assert shown == STAGE_TABLE


def test_the_names_of_stages_are_known_by_their_value() -> None:
    entries = tuple(Entry(other_text(name), "ok", 1.0, Role.RUN, 2.0) for name in ("switch", "unfreeze"))
    journal = dataclasses.replace(a_cutover().journal, entries=entries)
    assert (journal.switching, journal.switched, journal.unfreezing) == (True, True, True)


def test_a_plan_without_a_final_gate_never_switches() -> None:
    cutover = a_cutover("freeze", stages=("approach", "freeze", "verify", "switch"))
    assert cutover.enter("verify").next is Next.GO_ON
    move = cutover.enter("switch")
    assert (move.next, move.message) == (Next.REFUSED, "The stage switch cannot begin: no gate was ready.")


def test_what_failed_is_why_the_next_stage_cannot_begin() -> None:
    cutover = a_cutover("freeze")
    cutover.journal = dataclasses.replace(cutover.journal, failed_in="freeze", failure="No route.")
    assert cutover.enter("final").message == "The stage final cannot begin: No route."
