# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting, controlling and stopping."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from calls import JOB, HandClock, Start, call, login, status_of

from drs_simulator import ScenarioError, Simulator
from drs_simulator.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[2] / "simulator"


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_announces_itself_and_ends_on_a_signal(tmp_path: Path, number: int) -> None:
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
        process.send_signal(number)
        assert process.wait(10) == 0
    assert not Path(address["ca_path"]).exists()


def test_the_command_ends_by_itself_and_on_request() -> None:
    with command(ROOT / "scenarios/cutover.yml", "--stop-after", "0.2") as process:
        assert process.wait(10) == 0
    with command(ROOT / "scenarios/cutover.yml") as process:
        assert process.stdout is not None
        requests.post(json.loads(process.stdout.readline())["control"] + "/stop", timeout=10)
        assert process.wait(10) == 0


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


def test_on_is_a_word_in_a_scenario() -> None:
    assert load_scenario("faults: [{kind: empty, on: [1, 3]}]\nshuffle: true").faults[0].on == (1, 3)


def test_the_control_endpoints(start: Start) -> None:
    simulator = start()
    login(simulator)
    call(simulator, "batch-status", {"jobs": [JOB]})
    log = requests.get(f"{simulator.control}/log", timeout=10)
    assert [entry["operation"] for entry in log.json()] == ["tokens", "batch-status"]
    assert "simulated-password" not in log.text
    assert "simulated-token" not in log.text
    control = simulator.control
    changes = [
        requests.patch(f"{control}/jobs/{JOB}", json={"status": "PAUSING"}, timeout=10),
        requests.post(f"{control}/faults", json={"kind": "empty", "times": 1}, timeout=10),
        requests.put(f"{control}/credentials", json={"password": "new"}, timeout=10),
        requests.delete(f"{control}/log", timeout=10),
    ]
    assert {change.status_code for change in changes} == {204}
    assert status_of(simulator).text == ""
    assert status_of(simulator).json()["results"][0]["status"] == "PAUSING"
    assert requests.get(f"{control}/jobs", timeout=10).json() == {"jobs": {JOB: "PAUSING"}}
    assert login(simulator).status_code == 401
    assert requests.post(f"{control}/withdraw-tokens", timeout=10).status_code == 204
    assert status_of(simulator).status_code == 401
    scenario = "jobs: [{id: new, status: CREATING}]"
    assert requests.put(f"{control}/scenario", data=scenario, timeout=10).status_code == 204
    assert simulator.requests == []
    assert simulator.job_ids == ["new"]
    assert login(simulator).status_code == 201
    bad = requests.post(f"{control}/faults", json={"kind": "odd"}, timeout=10)
    assert (bad.status_code, "must be one of" in bad.json()["error"]) == (400, True)


def test_a_scenario_loaded_later_begins_anew(start: Start, clock: HandClock) -> None:
    simulator = start({"jobs": [{"id": JOB, "life": "full", "full_seconds": 10}]})
    clock.seconds += 20
    assert status_of(simulator).json()["results"][0]["status"] == "FULL_TRANSFER_COMPLETE"
    simulator.load({"jobs": [{"id": JOB, "life": "full", "full_seconds": 10}]})
    assert status_of(simulator).json()["results"][0]["status"] == "FULL_TRANSFER_STARTED"
    assert len(simulator.requests) == 1


def test_connections_and_parallel_requests_show_in_the_log(start: Start) -> None:
    simulator = start({"jobs": [{"id": JOB, "status": "CREATING"}], "latency": 200})
    with requests.Session() as session:
        for _request in range(2):
            call(simulator, "batch-status", {"jobs": [JOB]}, session=session)
    assert len({entry["connection"] for entry in simulator.requests}) == 1
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _number: status_of(simulator), range(3)))
    assert max(entry["under_way"] for entry in simulator.requests) == 3


def test_nothing_is_left_running() -> None:
    before = threading.active_count()
    with Simulator({"generate": {"count": 1, "life": "full"}}) as simulator:
        endpoint = simulator.endpoint
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        requests.get(endpoint, timeout=2)


def test_a_client_that_keeps_a_connection_over_tls_leaves_nothing_open() -> None:
    with requests.Session() as client:
        with Simulator({"jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED"}]}, tls=True) as simulator:
            client.get(f"{simulator.endpoint}/_simulator/jobs", verify=simulator.ca_path, timeout=10)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            gc.collect()
    assert [str(each.message) for each in said] == []
