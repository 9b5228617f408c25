# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether nobody writes to the source any more, as far as its position shows it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Decision, Sample
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Subtasks
from ansible_collections.cutover.drs.tests.unit.builders import B, caught_up, failed_poll, judged, reading, sample

HERE, LATER = "mysql-bin.000012:500", "mysql-bin.000012:62500"
LSN = "0/16B3748"
TWO = {"interval": 10, "near_interval": 10, "stable_samples": 2, "stable_for": 0}


def at(ended: float, position: str | None, **fields: Any) -> Sample:
    return sample(ended, reading(src_offset=position, **fields))


def holds(decision: Decision) -> list[tuple[str, str]]:
    return [(hold.rule.value, hold.text) for hold in decision.standing.jobs[0].holds]


def quiet(**options: Any) -> Any:
    return caught_up(**{**TWO, "require_quiet": True, "quiet_for": 30, **options})


def test_a_position_that_moves_while_the_delay_is_0_does_not_hold_unless_quiet_is_required() -> None:
    seen = (at(0, HERE), at(10, LATER))
    assert judged(caught_up(**TWO), *seen)[-1].verdict == "ready"
    assert judged(quiet(quiet_for=0), *seen)[-1].verdict is None


def test_the_sentence_says_from_where_to_where_what_moves_it_without_users_and_what_to_do() -> None:
    [(rule, text)] = holds(judged(quiet(), at(0, HERE), at(10, LATER), at(15, LATER))[-1])
    assert rule == "writes"
    assert text.startswith(
        "The source's position moved from mysql-bin.000012:500 to mysql-bin.000012:62500 5 s ago, required are 30 s "
        "without a move. End the sessions that write."
    )
    for mover in ("other schemas", "log rotation", "heartbeats", "PostgreSQL", "MongoDB", "Redis", "Oracle"):
        assert mover in text
    assert "require_quiet: false" in text
    # A reason shows no more of a hold's sentence.
    assert len(text) <= 400


NOT_QUIET: list[tuple[str, list[Sample], str, str]] = [
    ("no position", [at(0, HERE), at(40, None)], "position", "The service returns no position of the source"),
    ("one sample", [at(0, HERE)], "position", "has been watched for 0 s, required are 30 s"),
    ("too short", [at(0, HERE), at(29, HERE)], "position", "has been watched for 29 s, required are 30 s"),
    ("the latest moved", [at(0, HERE), at(40, LATER)], "writes", "moved from mysql-bin.000012:500 to"),
    ("moved back", [at(0, HERE), at(40, LATER), at(80, HERE)], "writes", "moved from mysql-bin.000012:62500 to"),
    ("a gap in the positions", [at(0, HERE), at(40, None), at(41, HERE)], "position", "has been watched for 0 s"),
    ("another form", [at(0, HERE), at(40, LSN)], "position", "changed its form 0 s ago"),
    ("rows applied", [at(0, HERE), at(40, HERE, rows_applied=True)], "writes", "applied rows at the latest reading"),
    (
        "rows applied before",
        [at(0, HERE), at(20, HERE, rows_applied=True), at(40, HERE)],
        "writes",
        "applied rows 20 s ago, required are 30 s without",
    ),
]


@pytest.mark.parametrize(
    ("seen", "rule", "text"), [case[1:] for case in NOT_QUIET], ids=[case[0] for case in NOT_QUIET]
)
def test_a_source_that_is_not_shown_to_be_quiet_holds_its_job(seen: list[Sample], rule: str, text: str) -> None:
    [(found, sentence)] = holds(judged(quiet(), *seen)[-1])
    assert found == rule
    assert text in sentence


def test_a_source_is_quiet_when_its_position_was_the_same_for_long_enough_and_over_the_streak() -> None:
    seen = [at(0, HERE), at(10, LATER), at(25, LATER), at(40, LATER), at(50, LATER)]
    decisions = judged(quiet(), *seen)
    assert [decision.standing.streak for decision in decisions] == [0, 0, 0, 1, 2]
    assert decisions[-1].verdict == "ready"


def test_a_failed_poll_between_two_equal_positions_proves_no_move_and_resets_the_streak_alone() -> None:
    decisions = judged(quiet(), at(0, HERE), at(30, HERE), failed_poll(40), at(50, HERE), at(60, HERE))
    assert [decision.standing.streak for decision in decisions] == [0, 1, 0, 1, 2]


@pytest.mark.parametrize("quiet_for", [0, 30])
def test_one_sample_alone_has_nothing_to_compare(quiet_for: float) -> None:
    decision = judged(quiet(timeout=0, quiet_for=quiet_for), at(0, HERE))[-1]
    assert decision.verdict == "timeout"
    assert [rule for rule, _text in holds(decision)] == ["position"]


def test_a_job_that_is_fully_copied_needs_no_position() -> None:
    whole = {"status": "FULL_TRANSFER_COMPLETE", "task_mode": "FULL_TRANS", "delay": None}
    assert judged(caught_up(goal="auto", require_quiet=True), at(0, None, **whole))[-1].verdict == "ready"


def test_a_subtask_whose_source_is_written_to_holds_its_job() -> None:
    def parent(ended: float, position: str) -> Sample:
        child = reading(B, name="orders-shard-1", src_offset=position)
        return sample(ended, reading(src_offset=HERE, subtasks=Subtasks((child,), listed=True)))

    [(rule, text)] = holds(judged(quiet(), parent(0, HERE), parent(40, LATER))[-1])
    assert rule == "subtasks"
    assert "orders-shard-1 INCRE_TRANSFER_STARTED [writes]" in text
