# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage ``stop``: jobs end before or after the switch, and what follows if they do not."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import begin, take_over
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Next, Outcome
from ansible_collections.cutover.drs.plugins.module_utils._cutover.result import About, result
from ansible_collections.cutover.drs.plugins.module_utils._cutover.wording import still_copying
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    OTHER,
    RECOVER,
    VALID_FOR,
    Cutover,
    a_cutover,
)

BEFORE = ("approach", "freeze", "final", "stop", "switch")
AFTER = ("approach", "freeze", "final", "switch", "stop")
GONE = "These jobs were stopped and cannot be resumed: a. Set up their replication again."
UNKNOWN = "The jobs may have been stopped. Look at them: a job that was stopped must be set up again."
COPYING = (
    "Not all jobs were stopped after the switch, and these may copy late writes of the source over the target: {}. "
    "Stop them with drs_job_stop."
)


def told(cutover: Cutover) -> dict[str, object]:
    return result(cutover.journal, About())


def test_the_stop_needs_evidence_that_is_still_valid() -> None:
    cutover = a_cutover("final", stages=BEFORE)
    cutover.judged("final")
    assert cutover.enter("stop", after=VALID_FOR).next is Next.SAMPLE
    cutover.judged("recheck")
    assert cutover.enter("stop").next is Next.GO_ON


def test_after_the_stop_no_sample_of_jobs_that_have_ended_is_asked_for() -> None:
    cutover = a_cutover("stop", stages=BEFORE)
    assert cutover.stopped("a", "b").next is Next.GO_ON
    assert cutover.enter("switch", after=VALID_FOR + 1).next is Next.GO_ON
    cutover.completed()
    assert (told(cutover)["outcome"], told(cutover)["stopped"]) == ("done", ["a", "b"])


@pytest.mark.parametrize("jobs", [(), ("a",), ("a", "c")])
def test_nothing_is_switched_before_all_jobs_have_ended(jobs: tuple[str, ...]) -> None:
    cutover = a_cutover("stop", stages=BEFORE)
    assert cutover.enter("switch").message == "The stage switch cannot begin: stop did not succeed."
    assert cutover.stopped(*jobs).message == "Not all jobs have ended."
    assert cutover.enter("switch").next is Next.REFUSED


def test_a_stop_of_more_jobs_than_these_has_stopped_these() -> None:
    assert a_cutover("stop", stages=BEFORE).stopped("a", "b", "c").next is Next.GO_ON


def test_a_stop_that_fails_before_the_switch_unfreezes_and_says_which_jobs_are_gone() -> None:
    cutover = a_cutover("stop", stages=BEFORE)
    assert cutover.stopped("a", reason="b: the service is still busy.").next is Next.REFUSED
    assert cutover.failed("The step failed.").next is Next.UNFREEZE
    cutover.unfrozen()
    assert told(cutover)["failed_stage"] == "stop"
    assert told(cutover)["reason"] == (
        f"b: the service is still busy. The source was unfrozen by the guard and accepts writes again. {GONE}"
    )


def test_a_run_that_dies_during_the_stop_leaves_it_open_which_jobs_are_gone() -> None:
    cutover = a_cutover("stop", stages=BEFORE)
    assert cutover.died().next is Next.UNFREEZE
    # The run comes back and reports too late.
    assert cutover.stopped("a", "b").next is Next.REFUSED
    cutover.unfrozen()
    assert str(told(cutover)["reason"]).endswith(f"accepts writes again. {UNKNOWN}")


def test_a_run_that_dies_between_stop_and_switch_names_the_jobs_that_are_gone() -> None:
    cutover = a_cutover("stop", stages=BEFORE)
    cutover.stopped("a", "b")
    cutover.died()
    cutover.unfrozen()
    assert "These jobs were stopped and cannot be resumed: a, b." in str(told(cutover)["reason"])


def test_the_jobs_are_stopped_after_the_switch_whatever_the_time_and_the_evidence() -> None:
    cutover = a_cutover("switch", stages=AFTER)
    too_early = cutover.completed()
    assert (too_early.next, too_early.message) == (Next.REFUSED, "The last stage has not begun, or failed.")
    assert cutover.enter("stop", after=999).next is Next.GO_ON
    too_early = cutover.completed()
    assert (too_early.next, too_early.message) == (Next.REFUSED, "The stage stop has not ended.")
    ended = cutover.stopped("a", "b")
    assert (ended.next, ended.journal.entries[-1].state) == (Next.GO_ON, "ok")
    cutover.completed()
    assert (told(cutover)["outcome"], told(cutover)["reason"]) == ("done", "The target is the database in use.")
    # The application runs again when the switch has ended.
    assert told(cutover)["outage_seconds"] == 1003.0


@pytest.mark.parametrize("event", ["failed", "died"])
def test_a_stop_that_fails_after_the_switch_undoes_nothing(event: str) -> None:
    cutover = a_cutover("stop", stages=AFTER)
    cutover.stopped("a", reason="b: the service is still busy.")
    getattr(cutover, event)()
    assert cutover.moves[-1].next is Next.ENDED
    assert (told(cutover)["outcome"], told(cutover)["ready"], told(cutover)["failed_stage"]) == ("done", True, "stop")
    assert told(cutover)["reason"] == (
        f"The target is the database in use. b: the service is still busy. {COPYING.format('b')}"
    )


def test_before_the_stop_a_switch_that_fails_is_a_switch_that_failed() -> None:
    cutover = a_cutover("switch", stages=AFTER)
    cutover.failed()
    assert cutover.journal.outcome is Outcome.SWITCH_FAILED


def test_later_runs_know_that_the_switch_was_done_and_jobs_may_still_copy() -> None:
    cutover = a_cutover("stop", stages=AFTER)
    journal = journal_json.decode(journal_json.encode(cutover.journal, cutover.at))
    assert journal == cutover.journal
    again = begin(journal, journal.plan, OTHER, cutover.later(), owner_lives=False)
    assert again.next is Next.ENDED
    assert again.message.startswith("Not all jobs were stopped")
    recovered = take_over(journal, RECOVER, cutover.later(), acting=False)
    assert (recovered.next, recovered.message) == (Next.ENDED, "Nothing is frozen.")


def test_only_the_stage_stop_reports_a_stop() -> None:
    for last in ("", "approach", "freeze", "final", "switch"):
        assert a_cutover(last, stages=BEFORE).stopped("a", "b").message == "No stop of the jobs is under way."


@pytest.mark.parametrize(("stopped", "left"), [((), "a, b"), (("a",), "b"), (("a", "b"), "none is left")])
def test_the_jobs_that_may_still_copy_are_named(stopped: tuple[str, ...], left: str) -> None:
    journal = dataclasses.replace(a_cutover("switch").journal, stopped=stopped)
    assert still_copying(journal) == COPYING.format(left)
