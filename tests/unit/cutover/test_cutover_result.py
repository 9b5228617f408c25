# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a cutover: its times add up, and its sentence says how it ended."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import take_over
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Journal, Next
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal_json import encode_value
from ansible_collections.cutover.drs.plugins.module_utils._cutover.result import About, nothing_begun, result
from ansible_collections.cutover.drs.plugins.module_utils._cutover.wording import reason
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    ALL,
    RECOVER,
    RUN,
    SHORT,
    Cutover,
    a_cutover,
    ended,
    plan,
)

LOUD = "THE TASKS TO UNFREEZE THE SOURCE FAILED TOO, so it may still be frozen:"


def done(stages: tuple[str, ...] = SHORT) -> Cutover:
    cutover = a_cutover("switch", stages=stages)
    cutover.completed()
    return cutover


def unfrozen(last: str = "verify", ready: bool = True) -> Cutover:
    cutover = a_cutover(last)
    if not ready:
        cutover.judged(last, ready=False)
    cutover.failed("The table is locked.")
    cutover.unfrozen()
    return cutover


def unfrozen_by_guard() -> Cutover:
    cutover = a_cutover("final")
    cutover.died()
    cutover.later(7.25)
    cutover.unfreeze_failed()
    cutover.later(0.125)
    cutover.unfreezes_again()
    cutover.unfrozen()
    return cutover


def unfrozen_by_recover() -> Cutover:
    cutover = a_cutover("final")
    cutover.died()
    move = take_over(cutover.journal, RECOVER, cutover.later(3000), acting=False)
    assert move.next is Next.UNFREEZE
    recovered = Cutover(move.journal, cutover.at)
    recovered.unfrozen()
    return recovered


ENDED = {
    "done": done(),
    "done in all stages": done(ALL),
    "unfrozen": unfrozen(),
    "unfrozen after a gate that was not ready": unfrozen("final", ready=False),
    "unfrozen by the guard": unfrozen_by_guard(),
    "unfrozen by recover": unfrozen_by_recover(),
}


@pytest.mark.parametrize("cutover", ENDED.values(), ids=ENDED)
def test_the_stages_from_the_first_frozen_one_add_up_to_the_outage(cutover: Cutover) -> None:
    told = result(cutover.journal, About())
    names = [stage["name"] for stage in told["stages"]]
    frozen = told["stages"][names.index("freeze") :]
    assert told["outage_seconds"] == round(cutover.at - cutover.journal.frozen_since, 3)
    assert sum(stage["seconds"] for stage in frozen) == pytest.approx(told["outage_seconds"], abs=0.0005 * len(frozen))
    # Each begins when the one before it ends.
    for earlier, later in itertools.pairwise(frozen):
        assert later["started_at"] == earlier["finished_at"]


RAN_BY = {"user": "ops", "machine": "control-1", "host": "localhost"}
ABOUT = About(
    gates={"approach": {"verdict": "ready", "jobs": [{"id": "a", "name": "orders"}, {"id": "b", "name": None}]}},
    plan=["freeze, then switch"],
    warnings=["A warning."],
    engines={"b": "mysql"},
    facts={"orders": {"rows": 7}},
    ran_by=RAN_BY,
)


def stage(name: str, state: str, began: int, ended: int, by: str = "run") -> dict[str, object]:
    return {
        "name": name,
        "state": state,
        "started_at": f"1970-01-01T00:16:{began - 960}.000000Z",
        "finished_at": f"1970-01-01T00:16:{ended - 960}.000000Z",
        "seconds": float(ended - began),
        "by": by,
    }


WHOLE = {
    "comparisons": None,
    "kind": "cutover",
    "outcome": "unfrozen",
    "ready": False,
    "reason": "The table is locked. The source was unfrozen by the guard and accepts writes again.",
    "failed_stage": "freeze",
    "jobs": ["a", "b"],
    "databases": [
        {"id": "a", "name": "orders", "engine": None, "stopped": False},
        {"id": "b", "name": None, "engine": "mysql", "stopped": False},
    ],
    "facts": {"orders": {"rows": 7}},
    "ran_by": RAN_BY,
    "plan": ["freeze, then switch"],
    "stages": [
        stage("approach", "ok", 1001, 1003),
        stage("freeze", "failed", 1003, 1004),
        stage("unfreeze", "ok", 1004, 1005, "guard"),
    ],
    "frozen_since": "1970-01-01T00:16:43.000000Z",
    "outage_seconds": 2.0,
    "unfrozen_by": "guard",
    "owner": encode_value(RUN),
    "gates": ABOUT.gates,
    "started_at": "1970-01-01T00:16:41.000000Z",
    "finished_at": "1970-01-01T00:16:45.000000Z",
    "stopped": [],
    "warnings": ["A warning."],
}


def test_a_result_says_what_happened() -> None:
    assert result(unfrozen("freeze").journal, ABOUT) == WHOLE


def test_a_result_has_the_same_keys_for_every_end() -> None:
    cutovers = [*ENDED.values(), a_cutover(), a_cutover("approach"), a_cutover("final"), a_cutover("switch")]
    assert all(set(result(cutover.journal, About())) == set(WHOLE) for cutover in cutovers)


def test_a_stage_that_still_runs_has_no_end() -> None:
    told = result(a_cutover("final").journal, About())
    assert (told["stages"][-1]["finished_at"], told["stages"][-1]["seconds"]) == (None, None)
    assert (told["finished_at"], told["outage_seconds"], told["unfrozen_by"]) == (None, None, None)


def test_a_result_without_stages_has_no_times() -> None:
    told = result(Journal(plan(), None), About())
    assert (told["stages"], told["started_at"], told["finished_at"], told["owner"]) == ([], None, None, None)
    assert (told["frozen_since"], told["failed_stage"]) == (None, None)


@pytest.mark.parametrize(
    ("journal", "outcome", "ready", "said"),
    [
        (done().journal, "done", True, "The target is the database in use."),
        (
            ended("switch", "failed"),
            "switch_failed",
            False,
            (
                "The switch failed. A task failed. Both sides may have been changed, so nothing was undone. "
                "Find out which side is in use."
            ),
        ),
        (
            unfrozen_by_guard().journal,
            "unfrozen",
            False,
            ("The run died during the final stage. The source was unfrozen by the guard and accepts writes again."),
        ),
        (
            unfrozen_by_recover().journal,
            "unfrozen",
            False,
            ("The run died during the final stage. The source was unfrozen by recover and accepts writes again."),
        ),
        (ended("final", "failed", "gives_up"), "frozen", False, f"A task failed. {LOUD} No route."),
        (
            ended("final", "failed", unfreeze=""),
            "frozen",
            False,
            "A task failed. There are no tasks to unfreeze the source, so it may still be frozen.",
        ),
        (ended("approach", "failed"), "not_begun", False, "A task failed. Nothing was frozen."),
    ],
    ids=["done", "switch failed", "guard", "recover", "unfreeze failed", "no unfreeze tasks", "not begun"],
)
def test_the_reason_says_how_it_ended(journal: Journal, outcome: str, ready: bool, said: str) -> None:
    told = result(journal, About())
    assert (told["outcome"], told["ready"], told["reason"]) == (outcome, ready, said)


@pytest.mark.parametrize("last", ["freeze", "final", "verify"])
def test_a_frozen_source_is_never_said_to_be_untouched(last: str) -> None:
    for journal in (ended(last), ended(last, "failed"), ended(last, "died")):
        assert "Nothing was frozen" not in reason(journal)
        assert result(journal, About())["outcome"] != "not_begun"


def test_a_cutover_that_never_began_has_the_same_keys_and_says_why() -> None:
    refused = nothing_begun("Another run owns the journal.")
    assert set(refused) == set(WHOLE)
    said = (refused["outcome"], refused["ready"], refused["reason"], refused["stages"], refused["started_at"])
    assert said == ("not_begun", False, "Another run owns the journal.", [], None)
