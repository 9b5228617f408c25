# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from a file or another process is equal to what was there before, and never the same object."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    GateEnded,
    advance,
    begin,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import (
    Next,
    Role,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES
from ansible_collections.cutover.drs.tests.unit.cutover.builders import OTHER, a_cutover, plan


def test_stages_and_gates_are_known_by_their_value() -> None:
    cutover, approach = a_cutover(), "".join(list("approach"))
    assert cutover.enter(approach).next is Next.GO_ON
    assert cutover.judged(approach).next is Next.GO_ON


def test_a_journal_that_nobody_owns_is_unfrozen_by_a_guard() -> None:
    cutover = a_cutover("final")
    cutover.journal = dataclasses.replace(cutover.journal, owner=None)
    cutover.failed()
    assert (cutover.journal.entries[-1].by, cutover.unfrozen().journal.unfrozen_by) == (Role.GUARD, Role.GUARD)


def test_a_clock_that_was_set_back_gives_the_running_stage_no_negative_time() -> None:
    cutover = a_cutover("final")
    began = cutover.journal.entries[-1].began
    move = advance(cutover.journal, GateEnded(1.0, "final", True, "", 2.0))
    assert move.journal.entries[-1].ended == began


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


def test_what_failed_is_why_the_next_stage_cannot_begin() -> None:
    cutover = a_cutover("freeze")
    cutover.journal = dataclasses.replace(cutover.journal, failed_in="freeze", failure="No route.")
    assert cutover.enter("final").message == "The stage final cannot begin: No route."
