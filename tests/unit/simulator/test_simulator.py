# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator that the demo and a rehearsal start: its command, its scenarios, and how its jobs live.

What it answers, the tests of the client and those with the official clients show.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from drs_simulator import ScenarioError
from drs_simulator.faults import Schedule
from drs_simulator.jobs import parse_job
from drs_simulator.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[3] / "simulator"
FULL, DONE, INCREMENTAL = "FULL_TRANSFER_STARTED", "FULL_TRANSFER_COMPLETE", "INCRE_TRANSFER_STARTED"


@contextmanager
def command(scenario: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command as people start it; a test that fails does not leave it running."""
    arguments = [sys.executable, "-m", "drs_simulator", "--scenario", str(scenario), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        arguments, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_announces_itself_and_ends_on_a_signal(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    with command(ROOT / "scenarios/cutover.yml", "--tls", "--ready-file", str(ready)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = json.loads(line)
        assert ready.read_text() == line
        assert address["pid"] == process.pid
        assert (
            requests.get(address["auth_url"], verify=address["ca_path"], timeout=10).json()["version"]["id"] == "v3.14"
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not Path(address["ca_path"]).exists()


def test_a_bad_scenario_is_one_sentence(tmp_path: Path) -> None:
    scenario = tmp_path / "bad.yml"
    scenario.write_text("jobs: [{id: x, lief: full}]")
    with command(scenario) as process:
        _out, error = process.communicate(timeout=10)
    assert process.returncode == 2
    assert error.startswith("drs_simulator: jobs[0] has the unknown key 'lief'; known are ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("scenario", sorted((ROOT / "scenarios").glob("*.yml")), ids=lambda path: path.stem)
def test_every_scenario_here_can_be_played(scenario: Path) -> None:
    assert load_scenario(scenario).jobs


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ([], "The scenario must be a mapping, not a list."),
        ({"job": []}, "The scenario has the unknown key 'job'"),
        ({"jobs": [{}]}, "jobs[0].id must be a string that is not empty, not None."),
        ({"jobs": [{"id": "a"}]}, "jobs[0] (a) needs a life, steps, a status or an answer."),
        ({"jobs": [{"id": "a", "life": "long"}]}, "jobs[0] (a).life must be one of full,"),
        ({"jobs": [{"id": "a", "status": "X", "full_seconds": 1}]}, "only a named life reads"),
        ({"jobs": [{"id": "a", "life": "full", "steps": []}]}, "has both a life and steps"),
        ({"jobs": [{"id": "a", "steps": []}]}, "must hold at least one step"),
        ({"jobs": [{"id": "a", "steps": [{"status": "X", "at": 5}, {"at": 4}]}]}, "steps[1].at must not come before"),
        ({"jobs": [{"id": "a", "status": "X"}] * 2}, "The job id 'a' is given twice."),
        ({"jobs": [{"id": "a", "life": "paused", "pause_at": 9, "resume_at": 3}]}, "resume_at must not come before"),
        ({"generate": {"life": "full"}}, "generate[0].count must be a whole number, not None."),
        ({"faults": [{"kind": "odd"}]}, "faults[0].kind must be one of throttled"),
        ({"faults": [{"kind": "status"}]}, "faults[0].http_status must be a whole number, not None."),
        ({"faults": [{"kind": "empty", "on": 1, "every": 2}]}, "must count in one way only"),
        ({"faults": [{"kind": "status", "documented": 99}]}, "documented must be below 16"),
        ({"account": {"keys": [{"access_key": "a"}]}}, "account.keys[0] lacks a key"),
        ({"progress_map": "list"}, "progress_map must be one of object, array"),
        ("a: [", "The scenario is not YAML"),
    ],
)
def test_what_a_scenario_may_not_say(scenario: Any, sentence: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(scenario)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"on": [1, 3]}, [1, 3]),
        ({"from": 4}, [4, 5, 6]),
        ({"from": 2, "to": 3}, [2, 3]),
        ({"every": 3}, [3, 6]),
        ({"every": 2, "times": 1}, [2]),
    ],
)
def test_when_a_fault_strikes(fault: dict[str, Any], struck: list[int]) -> None:
    scenario = load_scenario({"faults": [{"operation": "batch-status", "kind": "too_frequent", **fault}]})
    schedule = Schedule(tuple(scenario.faults))
    met = []
    for number in range(1, 7):
        # The other operation is neither hit nor counted.
        assert schedule.next("batch-progress", frozenset()) is None
        met += [number] if schedule.next("batch-status", frozenset()) else []
    assert met == struck


def seen(job: dict[str, Any], seconds: float) -> tuple[str, int, int]:
    now = parse_job({"id": "job", **job}, "job").at(seconds)
    return now["status"], int(now["progress"]), int(now["delay"])


@pytest.mark.parametrize(
    ("job", "moments"),
    [
        (
            {"life": "full", "start_seconds": 10, "full_seconds": 100},
            {
                0: ("STARTJOBING", 0, -1),
                10: (FULL, 0, -1),
                60: (FULL, 50, -1),
                110: (DONE, 100, -1),
                999: (DONE, 100, -1),
            },
        ),
        (
            {"life": "full_incremental", "full_seconds": 100, "complete_seconds": 5, "delay_from": 300},
            {
                99: (FULL, 99, -1),
                104: (DONE, 100, -1),
                105: (INCREMENTAL, 100, 300),
                255: (INCREMENTAL, 100, 150),
                405: (INCREMENTAL, 100, 0),
            },
        ),
        (
            {"life": "full_incremental", "full_seconds": 100, "complete_seconds": 0},
            {99: (FULL, 99, -1), 100: (INCREMENTAL, 100, 300)},
        ),
        (
            {"life": "incremental", "delay_from": 40, "delay_to": 3, "drain_seconds": 10},
            {0: (INCREMENTAL, 100, 40), 10: (INCREMENTAL, 100, 3), 99: (INCREMENTAL, 100, 3)},
        ),
        (
            {"life": "failing", "mode": "FULL_TRANS", "full_seconds": 100, "fail_at": 40},
            {39: (FULL, 39, -1), 40: ("FULL_TRANSFER_FAILED", 40, -1), 500: ("FULL_TRANSFER_FAILED", 40, -1)},
        ),
        (
            {"life": "failing", "mode": "INCR_TRANS", "drain_seconds": 100, "fail_at": 50, "resume_at": 70},
            {
                49: (INCREMENTAL, 100, 153),
                50: ("INCRE_TRANSFER_FAILED", 100, -1),
                70: (INCREMENTAL, 100, 150),
                120: (INCREMENTAL, 100, 0),
            },
        ),
        (
            {"life": "paused", "full_seconds": 100, "pause_at": 50, "resume_at": 80},
            {
                49: (FULL, 49, -1),
                60: ("PAUSING", 50, -1),
                80: (FULL, 50, -1),
                129: (FULL, 99, -1),
                130: (DONE, 100, -1),
            },
        ),
        (
            {"life": "stopped", "full_seconds": 100, "stop_at": 50, "release_seconds": 10},
            {50: ("RELEASE_RESOURCE_STARTED", 50, -1), 60: ("RELEASE_RESOURCE_COMPLETE", 50, -1)},
        ),
        ({"life": "deleted"}, {0: ("DELETED", 0, -1)}),
        ({"life": "deleted", "delete_at": 5}, {4: (FULL, 0, -1), 5: ("DELETED", 0, -1)}),
        (
            {"life": "children", "start_seconds": 5, "full_seconds": 10},
            {
                0: ("CHILD_TRANSFER_STARTING", 0, -1),
                10: ("CHILD_TRANSFER_STARTED", 50, -1),
                15: ("CHILD_TRANSFER_COMPLETE", 100, -1),
            },
        ),
        (
            {
                "steps": [
                    {"at": 0, "status": INCREMENTAL, "delay": 100, "ramp": True},
                    {"at": 10, "delay": 0},
                    {"at": 20, "delay": 7},
                ]
            },
            {5: (INCREMENTAL, 100, 50), 15: (INCREMENTAL, 100, 0), 25: (INCREMENTAL, 100, 7)},
        ),
        ({"status": "PAUSING"}, {0: ("PAUSING", 0, -1)}),
    ],
)
def test_a_life(job: dict[str, Any], moments: dict[float, tuple[str, int, int]]) -> None:
    assert {at: seen(job, at) for at in moments} == moments
