# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the question to a person."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.action import drs_confirm


@pytest.mark.parametrize(
    ("timeout", "problem"),
    [
        (math.nan, "timeout must be a number that is not negative, not nan."),
        (math.inf, "timeout must be a number that is not negative, not inf."),
        (-5, "timeout must be a number that is not negative, not -5.0."),
        (300, ""),
        (None, ""),
    ],
)
def test_a_time_that_makes_no_sense_is_refused_and_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, timeout: float | None, problem: str
) -> None:
    asked: list[Any] = []

    def ask(question: str, seconds: float | None) -> dict[str, Any]:
        asked.append((question, seconds))
        return {}

    monkeypatch.setattr(drs_confirm, "ask_person", ask)
    task = SimpleNamespace(args={"question": "Now?", "timeout": timeout}, async_val=0, check_mode=False, diff=False)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    result = drs_confirm.ActionModule(task, connection, None, None, None, None).run()
    assert (result.get("failed", False), result.get("msg", "")) == (bool(problem), problem)
    assert asked == ([] if problem else [("Now?", timeout)])
