# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a cutover, as people read it before anything is frozen: each stage that will run, in its order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.options import PREFIX, Options
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.run import plan_lines

APPROACH, FINAL = "approach gate: delay of at most 60 s", "final gate: delay of at most 0 s, stable"
FREEZE, VERIFY, SWITCH = "freeze: /f.yml", "verify: /v.yml", "switch: /s.yml"
STOP = "stop the jobs, within 300 s; a job that was stopped cannot be resumed"
NOT_STOPPED = "The jobs are not stopped (drs_cutover_stop_jobs is never)."
ALL = {"freeze": "/f.yml", "verify": "/v.yml", "switch": "/s.yml", "unfreeze": "/u.yml"}


def plan(files: dict[str, str], asks: bool, stop_jobs: str) -> list[str]:
    values: dict[str, Any] = {"approach_max_delay": 60, "max_delay": 0, "stop_timeout": 300.0, "stop_jobs": stop_jobs}
    values.update(compare=[], compare_timeout=600.0)
    return plan_lines(Options(values, ("a",), "/journal.json", PREFIX.__add__, files, asks))


@pytest.mark.parametrize(
    ("files", "asks", "stop_jobs", "stages", "rest"),
    [
        (
            ALL,
            False,
            "never",
            [APPROACH, FREEZE, FINAL, VERIFY, SWITCH],
            ["If step 2 to 4 fails, unfreeze: /u.yml", NOT_STOPPED],
        ),
        (
            ALL,
            True,
            "before_switch",
            [
                *(APPROACH, "ask before the freeze", FREEZE, FINAL),
                *(VERIFY, "ask before the switch", STOP, SWITCH),
            ],
            ["If step 3 to 7 fails, unfreeze: /u.yml"],
        ),
        (
            ALL,
            False,
            "after_switch",
            [APPROACH, FREEZE, FINAL, VERIFY, SWITCH, STOP],
            ["If step 2 to 4 fails, unfreeze: /u.yml"],
        ),
        (
            {"switch": "/s.yml"},
            False,
            "by_switch_tasks",
            [APPROACH, "freeze: no tasks", FINAL, "verify: no tasks", SWITCH],
            ["If step 2 to 4 fails, unfreeze: no tasks", "Your switch tasks stop the jobs."],
        ),
    ],
    ids=["all tasks", "asked, and stopped before the switch", "stopped after the switch", "only switch tasks"],
)
def test_a_plan_has_every_stage_that_will_run(
    files: dict[str, str], asks: bool, stop_jobs: str, stages: list[str], rest: list[str]
) -> None:
    numbered = [f"{number}. {text}" for number, text in enumerate(stages, start=1)]
    assert plan(files, asks, stop_jobs) == [*numbered, *rest]
