# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines with which a role ends: few, on one screen, with the worst first, whatever the outcome."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._report.summary import summary
from ansible_collections.cutover.drs.tests.unit.reports.results import (
    OUTCOMES,
    VERDICTS,
    configuration_result,
    cutover_result,
    unread_result,
    wait_result,
)

REPORTS = ["/srv/gate.html", "/srv/gate.md"]
LINKS = ["Report: file:///srv/gate.html", "Report: file:///srv/gate.md"]


def test_of_a_gate_that_opened_it_says_why() -> None:
    assert summary(wait_result("ready", 4), REPORTS, with_reason=True) == [
        "Verdict: ready after 45 min 31 s. 4 jobs ready in 4 consecutive samples over 89 s.",
        "Jobs: 4 of 4 ready",
        *LINKS,
    ]


def test_of_many_jobs_it_shows_the_worst_five() -> None:
    lines = summary(wait_result("timeout", 30), REPORTS, with_reason=False)
    assert lines[:3] == [
        "Verdict: timeout after 1 h",
        "Jobs: 24 of 30 ready; not ready: 6 INCRE_TRANSFER_STARTED",
        "- 46f7..jb21 INCRE_TRANSFER_STARTED [delay] delay 575 s, steady",
    ]
    delays = [int(line.rpartition("delay ")[2].split()[0]) for line in lines[2:7]]
    assert delays == sorted(delays, reverse=True)
    assert lines[7:] == ["... and 1 more", *LINKS]


def test_a_job_is_called_by_its_name_and_shows_its_progress() -> None:
    result = wait_result("timeout", 1)
    full = {"rule": "wrong_phase", "text": "Still copying."}
    result["jobs"][0].update(name="orders", status="FULL_TRANSFER_STARTED", delay=None, progress=40, holds=[full])
    assert summary(result, [], with_reason=False)[2] == "- orders FULL_TRANSFER_STARTED [wrong_phase] 40 %"


def test_a_replay_says_so_first_and_by_which_rules_it_judged() -> None:
    changed = [
        {"rule": "max_delay", "recorded": 0, "replayed": 5},
        {"rule": "hold_file", "recorded": "x", "replayed": None},
    ]
    replay = {"file": "a.jsonl", "recorded_at": "2026-11-24T12:00:00Z", "rules_changed": changed, "jobs_left_out": []}
    lines = summary({**wait_result("ready", 4), "replay": replay}, [], with_reason=False)
    assert lines == [
        "REPLAY, no evidence: Verdict: ready after 45 min 31 s",
        "Jobs: 4 of 4 ready",
        "Rules that differ: max_delay 5 (recorded: 0), hold_file none (recorded: x)",
    ]


def test_jobs_that_no_poll_read_are_unread_not_missing() -> None:
    assert summary(unread_result(15), [], with_reason=False) == ["Verdict: error after 0.1 s", "Jobs: 15 unread"]


def test_a_wait_that_could_not_begin_has_no_jobs() -> None:
    lines = summary(configuration_result(), [], with_reason=True)
    assert lines == ["Verdict: error. interval must be at least 0.01, not 0."]


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        ("done", ["Outcome: done. The target is the database in use.", "Outage: 2 min 25 s"]),
        ("unfrozen", ["Outcome: unfrozen", "Outage: 1 min 55 s"]),
        ("not_begun", ["Outcome: not_begun", "Stages: approach 1 h"]),
    ],
)
def test_of_a_cutover_it_says_how_it_ended(outcome: str, shown: list[str]) -> None:
    lines = summary(cutover_result(outcome), REPORTS, with_reason=outcome == "done")
    assert lines[: len(shown)] == shown
    assert lines[-2:] == LINKS


@pytest.mark.parametrize(
    "result",
    [wait_result(verdict, 300) for verdict in ("timeout", "failed", "error")]
    + [wait_result(verdict, 4) for verdict in VERDICTS]
    + [cutover_result(outcome) for outcome in OUTCOMES],
    ids=lambda result: (
        f"{result.get('kind', 'wait')}-{result.get('outcome') or result['verdict']}-{len(result['jobs'])}"
    ),
)
def test_it_is_short(result: dict[str, Any]) -> None:
    lines = summary(result, REPORTS, with_reason=False)
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 110
