# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example rulebooks, by the real ansible-rulebook, with the collection installed, against the simulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.tests.unit.builders import A, B
from drs_simulator import Simulator

PLAYBOOKS = Path(__file__).with_name("playbooks")
RULEBOOK = Path(sys.executable).with_name("ansible-rulebook")
# Seconds for all that a test waits for; ansible-rulebook alone takes some ten of them to start.
LIMIT = 120


class Running:
    """An ansible-rulebook under way."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def output(self) -> str:
        """What it has said so far."""
        return (self._folder / "output.log").read_text(encoding="utf-8")

    def result(self) -> Any:
        """What the playbook left, once it is there."""
        left = self._folder / "result.json"
        self.wait_until(left.exists)
        return json.loads(left.read_text(encoding="utf-8"))

    def wait_until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)

    def stop(self) -> int:
        """End it as an operator does; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


@pytest.fixture
def start(installed: Path, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start a rulebook against a simulator; it is stopped with the test."""
    started: list[Running] = []

    def start_rulebook(name: str, simulator: Simulator, *arguments: str, **variables: Any) -> Running:
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"localhost": here}}}))
        variables = {"drs_endpoint": simulator.endpoint, "drs_jobs": simulator.job_ids, **variables}
        (tmp_path / "vars.yml").write_text(yaml.safe_dump(variables))
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("OS_", "ANSIBLE_", "EDA_"))}
        settings = {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(installed),
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "DRS_TEST_RESULT": str(tmp_path / "result.json"),
            "PYTHONUNBUFFERED": "1",
            "OS_AUTH_URL": simulator.auth_url,
            "OS_USERNAME": "demo",
            "OS_PASSWORD": "simulated-password",
            "OS_USER_DOMAIN_NAME": "simulated-domain",
            "OS_PROJECT_NAME": "eu-de",
        }
        options = ["--vars", "vars.yml", "--inventory", "inventory.yml", "--print-events", *arguments]
        with (tmp_path / "output.log").open("w") as output:
            process = subprocess.Popen(
                [sys.executable, str(RULEBOOK), "--rulebook", name, *options],
                cwd=tmp_path,
                env=settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        started.append(Running(process, tmp_path))
        return started[-1]

    yield start_rulebook
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def test_a_ready_verdict_runs_a_playbook_once_and_ends(start: Callable[..., Running]) -> None:
    jobs = [{"id": A, "life": "incremental", "delay_from": 120, "drain_seconds": 120}]
    with Simulator({"jobs": jobs, "time_scale": 60}) as simulator:
        running = start(
            "cutover.drs.ready",
            simulator,
            drs_interval=0.5,
            drs_stable_for=1,
            drs_ready_playbook=str(PLAYBOOKS / "switch.yml"),
        )
        result = running.result()
        assert running.process.wait(timeout=LIMIT) == 0, running.output
    assert (result["verdict"]["verdict"], result["verdict"]["jobs"][0]["id"]) == ("ready", A)
    assert result["again"] == "ready"
    assert running.output.count("PLAY [Switch") == 1
    assert "simulated-password" not in running.output


def test_a_failed_job_runs_a_playbook_and_the_rulebook_goes_on(start: Callable[..., Running]) -> None:
    jobs = [
        {"id": A, "life": "failing", "full_seconds": 240, "fail_at": 120, "error_code": "DRS.M00004"},
        {"id": B, "life": "full_incremental", "full_seconds": 6000},
    ]
    with Simulator({"jobs": jobs, "time_scale": 60}) as simulator:
        running = start(
            "cutover.drs.failed",
            simulator,
            drs_interval=0.5,
            drs_failed_playbook=str(PLAYBOOKS / "call_for_help.yml"),
        )
        result = running.result()
        refusal = {"error_code": "DRS.M00102", "error_msg": "No permission."}
        simulator.add_fault(kind="status", http_status=403, body=refusal)
        running.wait_until(lambda: "'kind': 'permission'" in running.output)
        assert running.stop() in (0, 130, -signal.SIGINT), running.output
    assert (result["type"], result["job"], result["state"], result["error_code"]) == (
        "status",
        A,
        "failed",
        "DRS.M00004",
    )
    assert running.output.count("PLAY [Call for help]") == 1
    assert "Traceback" not in running.output


def test_a_source_dir_serves_as_well(start: Callable[..., Running], installed: Path, tmp_path: Path) -> None:
    folder = installed / "ansible_collections/cutover/drs/extensions/eda/plugins/event_source"
    (tmp_path / "local.yml").write_text(
        yaml.safe_dump(
            [
                {
                    "name": "A source out of a folder",
                    "hosts": "localhost",
                    "sources": [{"drs_jobs": {"endpoint": "{{ drs_endpoint }}", "jobs": "{{ drs_jobs }}"}}],
                    "rules": [
                        {
                            "name": "The first event ends it",
                            "condition": 'event.drs.type == "status"',
                            "action": {"shutdown": {"message": "seen"}},
                        }
                    ],
                }
            ]
        )
    )
    with Simulator({"jobs": [{"id": A, "status": "PAUSING"}]}) as simulator:
        running = start("local.yml", simulator, "--source-dir", str(folder))
        assert running.process.wait(timeout=LIMIT) == 0, running.output
    assert "'state': 'paused'" in running.output


def test_an_argument_that_makes_no_sense_is_said_in_a_sentence(start: Callable[..., Running]) -> None:
    with Simulator({"jobs": [{"id": A, "status": "PAUSING"}]}) as simulator:
        running = start("cutover.drs.failed", simulator, drs_interval="soon", drs_failed_playbook="none.yml")
        running.process.wait(timeout=LIMIT)
    assert "interval must be a number, not 'soon'." in running.output
