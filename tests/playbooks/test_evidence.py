# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delay of 0 does not say, in whole cutovers: comparisons after the freeze, and writes that go on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.playbooks.support import Cutover, Place

OLD = {"id": "before", "began": -600}
EQUAL = {"id": "after"}
DIFFERENT = {"id": "after", "results": {"shop": "INCONSISTENT"}}


def compared(place: Place, *after: dict[str, Any], **options: Any) -> Cutover:
    """A cutover that waits for a comparison of rows; there is one from before, and these begin while it verifies."""
    cutover = Cutover(place, compare=["rows"], verify_tasks="tasks/verify.yml", **{"compare_timeout": 3, **options})
    cutover.change(comparisons=[OLD])
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[cutover.changing(comparisons=[OLD, *after])])
    return cutover


@pytest.mark.thorough
def test_a_switch_waits_for_a_comparison_that_began_after_the_freeze(place: Place) -> None:
    cutover = compared(place, {**EQUAL, "takes": 2}, compare_timeout=60)
    cutover.options["reports"].append(str(cutover.folder / "cutover.md"))
    said = cutover.run("-vvvv", succeeds=True)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert [name for name, _state in cutover.stages()] == ["approach", "freeze", "final", "verify", "compare", "switch"]
    assert "drs_compare START Start a comparison (rows) of each job in the console now, within 60 s." in said
    assert f"{cutover.job} rows=unfinished" in said
    found = cutover.report["comparisons"]
    assert (found["consistent"], found["summary"]) == (True, "1 of 1 job consistent (rows)")
    assert found["jobs"][0]["comparisons"]["rows"]["id"] == "after"
    report = (cutover.folder / "cutover.md").read_text("utf-8")
    assert "comparison after the freeze: 1 of 1 job consistent" in report
    # What the simulator puts into every answer as the user's data: not on the screen, in no report, journal or log.
    assert "SIMULATED-" not in said
    files = [path for path in cutover.folder.rglob("*") if path.is_file()]
    assert {".json", ".md", ".log"} <= {path.suffix for path in files}
    assert [path.name for path in files if b"SIMULATED-" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("after", "text"),
    [
        pytest.param([], "rows=missing", marks=pytest.mark.thorough),
        pytest.param([{**EQUAL, "takes": 60}], "rows=unfinished", marks=pytest.mark.thorough),
        ([DIFFERENT], "Source and target are not known to be equal: 0 of 1 job consistent"),
        pytest.param([{**EQUAL, "status": "FAILED"}], "rows=failed", marks=pytest.mark.thorough),
    ],
)
def test_anything_but_a_new_and_consistent_comparison_unfreezes(
    place: Place, after: list[dict[str, Any]], text: str
) -> None:
    cutover = compared(place, *after)
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert (cutover.report["outcome"], cutover.report["failed_stage"]) == ("unfrozen", "compare")
    assert text in cutover.report["reason"]
    assert text in said
    assert cutover.report["comparisons"]["consistent"] is False


@pytest.mark.thorough
def test_comparisons_that_cannot_be_listed_refuse_the_cutover_before_the_freeze(place: Place) -> None:
    cutover = compared(place, EQUAL)
    cutover.change(comparisons=[OLD, OLD])
    said = cutover.run(succeeds=False)
    assert "nobody could tell which comparison began after the freeze" in said
    assert cutover.ran == []
    assert "nobody could tell which comparison" in cutover.run("--check", succeeds=False)


@pytest.mark.thorough
def test_writes_that_go_on_after_the_freeze_keep_the_gate_shut_and_before_it_they_do_not(place: Place) -> None:
    cutover = Cutover(place, require_quiet=True, quiet_for=1, final_interval=0.2, final_timeout=5)
    cutover.change(position="mysql-bin.000012:500", position_rate=1000)
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert (cutover.report["outcome"], cutover.report["failed_stage"]) == ("unfrozen", "final")
    assert "[writes] The source's position moved from mysql-bin.000012:" in said


@pytest.mark.thorough
def test_a_source_that_is_quiet_after_the_freeze_is_switched_and_the_report_says_so(place: Place) -> None:
    cutover = Cutover(place, require_quiet=True, quiet_for=1, final_interval=0.2, final_timeout=30)
    cutover.options["reports"].append(str(cutover.folder / "cutover.md"))
    cutover.change(position="mysql-bin.000012:500", position_rate=1000)
    cutover.tasks(freeze=[cutover.changing(delay=0, position_rate=0)])
    cutover.run(succeeds=True)
    assert cutover.report["gates"]["final"]["jobs"][0]["quiet"]["state"] == "unmoved"
    assert cutover.report["gates"]["approach"]["rules"]["require_quiet"] is False
    report = (cutover.folder / "cutover.md").read_text("utf-8")
    assert "source position unmoved since" in report
    assert "comparison after the freeze: none" in report


@pytest.mark.thorough
def test_a_write_between_the_final_gate_and_the_switch_is_noticed(place: Place) -> None:
    cutover = Cutover(
        place, require_quiet=True, quiet_for=1, final_interval=0.2, valid_for=1, verify_tasks="tasks/verify.yml"
    )
    cutover.change(position="mysql-bin.000012:500")
    wait: dict[str, Any] = {"ansible.builtin.command": "sleep 2"}
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[cutover.changing(position="mysql-bin.000012:900"), wait])
    said = cutover.run(succeeds=False)
    assert "The position of the source moved since the final gate" in said
    assert cutover.report["outcome"] == "unfrozen"
