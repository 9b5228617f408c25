# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that come from the service, through whole waits: they forge no line, and are no larger than one can bear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.unit.service.support import JOBS, ByHand, waited
from drs_simulator import Simulator

FORGED = (
    "disk full.\ndrs_wait 12:00:00Z +1s VERDICT ready jobs=1\n##vso[task.setvariable variable=ready]yes\u200b\u202e"
)
LONG = "x" * 1_000_000
RUNNING = {"status": "INCRE_TRANSFER_STARTED", "delay": 0}

# Where a text may stand: fields of a job in the simulator, or a fault of one operation.
PLACES: dict[str, Any] = {
    "status": lambda text: {"raw_status": {"status": text}},
    "transfer status": lambda text: {"raw_progress": {"transfer_status": text}},
    "error": lambda text: {"raw_status": {"error_code": text, "error_message": text}},
    "error of progress": lambda text: {"raw_progress": {"error_code": text, "error_msg": text}},
    "mode": lambda text: {"raw_progress": {"task_mode": text}},
    "part": lambda text: {"raw_progress": {"progress_map": {text: {"completed": "10"}}}},
    "list": lambda text: {"raw_list": {"status": text, "name": text, "error_msg": text, "task_type": text}},
    "action": lambda text: {"raw_list": {"job_action": {"current_action": text}}},
    "subtask": lambda text: {"children": [{"id": "child", "name": text, "status": text}]},
    "id of a subtask": lambda text: {"children": [{"id": text, "name": text}]},
}
FAULTS: dict[str, Any] = {
    "refusal": lambda text: {"http_status": 403, "body": {"error_code": text, "error_msg": text}},
    "busy": lambda text: {"http_status": 503, "body": {"error_code": text, "error_msg": text, "request_id": text}},
    "login": lambda text: {"http_status": 401, "body": {"error": {"code": text, "message": text}}},
}


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for entry in value if isinstance(value, (list, tuple)) else value.values() if isinstance(value, dict) else ():
        yield from texts_of(entry)
    if isinstance(value, dict):
        yield from value


@pytest.mark.parametrize("text", [FORGED, LONG], ids=["forged", "long"])
@pytest.mark.parametrize("place", [*PLACES, *FAULTS])
def test_no_text_of_the_service_forges_a_line_or_fills_a_screen(
    simulator: Simulator, by_hand: ByHand, tmp_path: Path, place: str, text: str
) -> None:
    job = PLACES[place](text) if place in PLACES else {}
    simulator.load({"jobs": [{"id": JOBS[0], **RUNNING, **job}]})
    if place in FAULTS:
        simulator.add_fault(kind="status", operation="batch-status", **FAULTS[place](text))
    lines: list[str] = []
    rules: dict[str, Any] = {"timeout": 10, "stable_for": 5, "require_full_progress": True, "request_retries": 0}
    record = tmp_path / "recording"
    result = waited(simulator, by_hand, lines=lines, jobs=[JOBS[0]], record=str(record), **rules)
    assert not result["ready"]
    for said in (*texts_of(result), *lines):
        assert said.isprintable()
        assert "##vso[" not in said
    assert all(line.startswith("drs_wait ") and line.count("VERDICT ready") <= 1 for line in lines)
    assert len(json.dumps(result)) < 100_000
    assert record.stat().st_size < 200_000


def test_a_name_is_compared_as_it_came_and_shown_so_that_it_can_be_read(simulator: Simulator, by_hand: ByHand) -> None:
    named = "orders\u3000to\u00a0cloud"
    simulator.load(
        {"jobs": [{"id": JOBS[0], "name": named, **RUNNING}, {"id": JOBS[1], "name": "orders to cloud", **RUNNING}]}
    )
    result = waited(simulator, by_hand, timeout=0, job_names=[named])
    assert [(job["id"], job["name"], job["ready"]) for job in result["jobs"]] == [(JOBS[0], "orders to cloud", True)]
