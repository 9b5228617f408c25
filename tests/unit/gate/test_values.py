# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read and what was judged is a value: nothing can change it afterwards."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Decision, Standing
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Rules, judge_job
from ansible_collections.cutover.drs.plugins.module_utils._job.status_table import UNKNOWN
from ansible_collections.cutover.drs.tests.unit.builders import failed_poll, reading, sample

HELD = judge_job(reading(), Rules(), held=True)
VALUES = [
    UNKNOWN,
    HELD.reading.status,
    HELD.reading.progress,
    HELD.reading,
    HELD.holds[0],
    HELD,
    Rules(),
    sample(0),
    failed_poll(0),
    Standing(),
    Decision(Standing()),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_cannot_be_changed(value: Any) -> None:
    for field in fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)


@pytest.mark.parametrize("value", [HELD, HELD.reading, HELD.reading.status, HELD.reading.progress, HELD.holds[0]])
def test_what_comes_in_large_numbers_has_no_dictionary_of_its_own(value: Any) -> None:
    assert not hasattr(value, "__dict__")


def test_a_wait_begins_with_nothing_in_hand_and_a_judgement_says_no_more_than_it_is_told() -> None:
    nothing = {"streak": 0, "streak_since": 0.0, "streak_for": 0.0, "errors": 0, "missing": 0, "unknown": {}}
    assert asdict(Standing()) == {**nothing, "sampled_at": None, "late": False, "jobs": (), "quiets": {}, "reset": ""}
    decision = Decision(Standing())
    assert (decision.verdict, decision.reason, decision.reset) == (None, "", "")
