# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a journal tells somebody who only reads it: what matters most first, and what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import GateEnded, RunDied
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Journal, Next, Outcome
from ansible_collections.cutover.drs.plugins.module_utils._cutover.preflight import of_gates, of_journal
from ansible_collections.cutover.drs.plugins.module_utils._cutover.status import (
    Outside,
    advice,
    lines,
    sample_of,
    status,
)
from ansible_collections.cutover.drs.tests.unit.cutover.builders import OTHER, Cutover, a_cutover, begin, plan

RUN_WORDS = "the run, process 10 on here (ann)"
JUDGED = {
    "ready": True,
    "reason": "2 jobs ready.",
    "jobs": [
        {"id": "a", "name": "orders", "delay": 0, "src_offset": "mysql-bin.000012:500", "ready": True},
        {"id": "b", "name": None, "delay": None, "src_offset": None, "ready": True},
    ],
}


def at(journal: Journal, seconds: float = 0.0) -> float:
    """Seconds after the stage began in which the journal is."""
    return journal.entries[-1].began + seconds if journal.entries else 1000.0 + seconds


def told(cutover: Cutover, *, lives: bool = False, age: float | None = 45.0, seconds: float = 60.0) -> list[str]:
    return lines(cutover.journal, "/j.json", Outside(at(cutover.journal, seconds), lives, age))


def ended(outcome: Outcome, stage: str = "final", **more: Any) -> Cutover:
    cutover = a_cutover(stage)
    cutover.journal = replace(cutover.journal, outcome=outcome, **more)
    return cutover


def test_a_source_that_is_frozen_and_nobodys_comes_first_with_what_to_do() -> None:
    cutover = a_cutover("final")
    found = told(cutover)
    assert found[0].startswith("The source is frozen since 1970-01-01T00:16:4")
    assert f"Z, by {RUN_WORDS}, in the stage final (1m1s ago)." in found[0]
    assert found[1] == "What to do: Unfreeze the source now: run cutover.drs.recover, or do it by hand."
    assert found[2] == "Stage: final, for 1m."
    assert found[3] == f"Owner: {RUN_WORDS}, which is gone: nothing was heard for 45 s or longer, the lease is 30 s."
    assert found[4] == "Watch: none has said that it is there."
    assert found[-2:] == ["Jobs: a, b", "Journal: /j.json"]


@pytest.mark.parametrize(
    ("stage", "lives", "said"),
    [
        ("approach", True, "Wait. Nothing is frozen yet."),
        ("approach", False, "Nothing is frozen. Find out why it ended, then run the cutover again."),
        ("final", True, "Wait. The source is unfrozen at 1970-01-01T00:18:2"),
        ("final", False, "Unfreeze the source now: run cutover.drs.recover, or do it by hand."),
        ("switch", True, "Wait for the switch. Nothing is undone from here on."),
        ("switch", False, "Find out which side is in use. Finish or undo the switch by hand, then remove the journal."),
    ],
)
def test_what_to_do_depends_on_the_stage_and_on_whether_the_owner_lives(stage: str, lives: bool, said: str) -> None:
    assert advice(a_cutover(stage).journal, lives).startswith(said)


@pytest.mark.parametrize(
    ("cutover", "headline", "said"),
    [
        (ended(Outcome.NOT_BEGUN, "approach"), "Nothing is frozen.", "Nothing is frozen. Find out why it ended"),
        (ended(Outcome.FROZEN), "The source is frozen since", "Unfreeze the source now"),
        (ended(Outcome.UNFROZEN, failed_in="final", failure="Late."), "Late. The source was unfrozen by", "Nothing is"),
        (ended(Outcome.SWITCH_FAILED, "switch"), "The switch has begun and has not ended", "Find out which side"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_cutover_that_has_ended_has_no_owner(cutover: Cutover, headline: str, said: str) -> None:
    found = told(cutover)
    assert found[0].startswith(headline)
    assert found[1].startswith(f"What to do: {said}")
    assert f"Owner: nobody any more; it was {RUN_WORDS}." in found
    assert not any(line.startswith("Watch") for line in found)


def test_after_the_switch_there_is_nothing_to_do_but_to_stop_what_still_copies() -> None:
    cutover = a_cutover("switch")
    cutover.completed()
    assert told(cutover)[:2] == ["The target is the database in use.", "What to do: Nothing. Watch the application."]
    cutover.journal = replace(cutover.journal, failed_in="stop", failure="Busy.")
    assert "these may copy late writes of the source over the target: a, b" in told(cutover)[1]


def test_an_unfreeze_that_fails_again_and_again_is_told_with_its_reason() -> None:
    cutover = a_cutover("final")
    cutover.happens(RunDied(cutover.later()))
    cutover.journal = replace(cutover.journal, unfreeze_failure="No route.")
    assert advice(cutover.journal, True) == (
        "Wait: the source is being unfrozen (attempt 1). The last attempt failed: No route."
    )


def test_a_watch_is_told_with_what_it_can_do() -> None:
    seen = Outside(2000.0, True, 0.4, (("ann on lap", ""), ("bob on ci", "No route."), ("eve on pc", None)))
    found = lines(a_cutover("final").journal, "/j.json", seen)
    assert found[4] == (
        "Watch: ann on lap, which can unfreeze; bob on ci, which cannot unfreeze: No route; eve on pc, which rehearses the "
        "unfreeze."
    )
    assert found[3] == f"Owner: {RUN_WORDS}, which lives: last heard of 0 s ago, the lease is 30 s."


def test_a_guard_whose_process_has_ended_is_gone_at_once() -> None:
    assert told(a_cutover("final"), age=None)[3] == f"Owner: {RUN_WORDS}, which is gone: its guard has ended."


def test_the_last_sample_is_in_the_journal_with_delays_and_positions() -> None:
    cutover = a_cutover("final")
    assert told(cutover)[5] == "Last sample: none, as no gate has ended yet."
    now = cutover.later()
    cutover.happens(GateEnded(now, "final", True, "", now + 60, sample_of("final", JUDGED, now)))
    cutover.journal = journal_json.decode(json.loads(json.dumps(journal_json.encode(cutover.journal, now))))
    found = told(cutover, seconds=now - at(cutover.journal) + 5)
    assert found[5].endswith(
        " (5s ago), final gate, ready. 2 jobs ready. orders (a): delay 0 s, position mysql-bin.000012:500; b: delay not known"
    )


def test_the_sample_of_many_jobs_keeps_the_journal_small() -> None:
    jobs = [{"id": str(number)} for number in range(10_000)]
    assert len(sample_of("final", {"jobs": jobs}, 1.0)["jobs"]) == 20


def test_a_task_returns_the_same_for_programs() -> None:
    found = status(a_cutover("final").journal, "/j.json", Outside(2000.0, False, 45.04))
    shown = ("journal", "jobs", "stage", "outcome", "frozen", "owner_lives", "lease", "lease_age", "sample")
    assert [found[name] for name in shown] == ["/j.json", ["a", "b"], "final", None, True, False, 30.0, 45.0, None]
    assert found["owner"]["user"] == "ann"
    assert found["advice"].startswith("Unfreeze the source now")
    json.dumps(found)


# What check mode makes of the same journals.


@pytest.mark.parametrize("outcome", [None, Outcome.FROZEN])
def test_a_source_that_somebody_waits_for_fails_check_mode(outcome: Outcome | None) -> None:
    earlier = replace(a_cutover("final").journal, outcome=outcome)
    begun = begin(earlier, plan(), OTHER, 2000.0, owner_lives=False)
    move = of_journal(earlier, begun)
    assert (begun.next, move.next) == (Next.GO_ON, Next.REFUSED)
    assert move.message.startswith("The source is frozen since 1970-01-01T00:16:4")
    assert (
        f", by {RUN_WORDS}, in the stage final, and nobody owns the cutover any more. Run cutover.drs.recover"
        in move.message
    )


@pytest.mark.parametrize("outcome", [Outcome.UNFROZEN, Outcome.NOT_BEGUN])
def test_an_earlier_cutover_that_left_nothing_behind_does_not(outcome: Outcome) -> None:
    stage = "final" if outcome is Outcome.UNFROZEN else "approach"
    earlier = replace(a_cutover(stage).journal, outcome=outcome)
    assert of_journal(earlier, begin(earlier, plan(), OTHER, 2000.0, owner_lives=False)).next is Next.GO_ON
    assert of_journal(None, begin(None, plan(), OTHER, 2000.0, owner_lives=False)).next is Next.GO_ON


def job(**more: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "ready": False,
        "found": True,
        "state": "in_progress",
        "status": "INCRE_TRANSFER_STARTED",
        **more,
    }


def judged(verdict: str, *jobs: dict[str, Any]) -> dict[str, Any]:
    return {"verdict": verdict, "reason": f"It is {verdict}.", "jobs": list(jobs)}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (judged("ready", job(ready=True)), []),
        (judged("timeout", job()), []),
        (judged("held", job()), []),
        *(
            (judged(verdict), [f"The final gate would fail: It is {verdict}."])
            for verdict in ("failed", "ended", "error")
        ),
        (judged("missing"), ["The final gate would fail: It is missing."]),
        (judged("unknown"), ["The final gate would fail: It is unknown."]),
        (judged("never heard of"), ["The final gate would fail: It is never heard of."]),
        (
            judged("timeout", job(found=False, state="missing", status=None)),
            ["The final gate would fail: the service does not know a. Check the ids and the project."],
        ),
        (
            judged("timeout", job(), job(id="b", state="failed", status="INCRE_TRANSFER_FAILED")),
            ["The final gate would fail: this cannot become ready any more: b (INCRE_TRANSFER_FAILED)."],
        ),
        (judged("ready", job(ready=True, state="ended", status="DELETED")), []),
    ],
    ids=lambda value: str(value)[:60],
)
def test_only_what_cannot_become_ready_fails_check_mode(found: dict[str, Any], said: list[str]) -> None:
    assert of_gates({"approach": judged("ready", job(ready=True)), "final": found}) == said


def test_what_both_gates_say_is_said_once() -> None:
    assert of_gates(dict.fromkeys(("approach", "final"), judged("error"))) == [
        "The approach gate would fail: It is error."
    ]
