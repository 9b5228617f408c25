# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a cutover hand on about positions and comparisons, and what a person is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.evidence import (
    FACT,
    Evidence,
    moved_since,
    positions_of,
)
from ansible_collections.cutover.drs.tests.unit.reports.results import wait_result

FOUND = Evidence(
    "r1", {"a": ["old"]}, "unmoved since 12:15:18 UTC", {"summary": "1 of 1 job consistent (rows)"}, {"a": "x:1"}
)
NOTHING = Evidence("r1")


def facts(evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = evidence.as_facts()["ansible_facts"]
    return found


def test_what_a_step_found_is_known_to_the_next_step_of_the_same_cutover_alone() -> None:
    assert Evidence.of(facts(FOUND), "r1") == FOUND
    assert Evidence.of(facts(FOUND), "r2") == Evidence("r2")
    assert Evidence.of({}, "r1") == NOTHING
    assert Evidence.of({FACT: "broken"}, "r1") == NOTHING
    assert Evidence.of(facts(replace(FOUND, run="")), "") == Evidence("")


def test_what_a_step_that_failed_found_is_in_its_result() -> None:
    failed = {"ansible_failed_result": FOUND.as_facts()}
    assert Evidence.of({**facts(NOTHING), **failed}, "r1") == FOUND
    assert Evidence.of({**facts(NOTHING), "ansible_failed_result": {"msg": "It broke."}}, "r1") == NOTHING


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence(), "No position of the source is known. No comparison was asked for."),
        (
            FOUND,
            (
                "Position of the source: unmoved since 12:15:18 UTC. "
                "Comparison after the freeze: 1 of 1 job consistent (rows)."
            ),
        ),
    ],
)
def test_who_is_asked_whether_to_switch_reads_the_evidence(evidence: Evidence, said: str) -> None:
    assert evidence.question() == said


def test_positions_are_those_of_the_gate_and_nothing_without_any() -> None:
    judged = wait_result("ready", 2)
    assert positions_of(judged) == ""
    quiet = {"state": "unmoved", "since": "2026-11-24T12:15:18Z", "from": None, "to": "mysql-bin.12:7"}
    judged["jobs"] = [{**job, "quiet": quiet} for job in judged["jobs"]]
    assert positions_of(judged) == "unmoved since 12:15:18 UTC"


@pytest.mark.parametrize(
    ("job", "moved"),
    [
        ({"src_offset": "x:1", "goal": "caught_up"}, False),
        ({"src_offset": "x:2", "goal": "caught_up"}, True),
        ({"src_offset": None, "goal": "caught_up"}, True),
        ({"src_offset": None, "goal": "full_complete"}, False),
    ],
)
def test_a_later_sample_tells_whether_a_source_moved_since_the_final_gate(job: dict[str, Any], moved: bool) -> None:
    said = moved_since({"jobs": [{"id": "a", **job}]}, FOUND.at)
    assert said == ("The position of the source moved since the final gate: a." if moved else "")
