# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX keeps of a play, by ansible-runner, which AWX runs it with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Rules
from ansible_collections.cutover.drs.plugins.module_utils._wait.recording import Recorder
from ansible_collections.cutover.drs.tests.unit.builders import NOON, A, reading, sample
from drs_simulator import Simulator

JOB = "9a470239-2308-4bb5-a6bc-1040402fjb21"
PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("delay", "status", "artifacts"),
    [
        (
            0,
            "successful",
            {"drs_wait_ready": True, "drs_wait_verdict": "ready", "drs_wait_verdicts": {"localhost": "ready"}},
        ),
        (
            7,
            "failed",
            {"drs_wait_ready": False, "drs_wait_verdict": "timeout", "drs_wait_verdicts": {"localhost": "timeout"}},
        ),
    ],
)
def test_artifacts_survive_a_failed_play(tmp_path: Path, delay: int, status: str, artifacts: dict[str, Any]) -> None:
    with Simulator({"jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED", "delay": delay}]}) as simulator:
        found = ran(
            tmp_path,
            drs_wait_jobs=[JOB],
            drs_wait_timeout=0,
            drs_wait_endpoint=simulator.endpoint,
            drs_wait_auth_token="simulated-token",
            drs_wait_project_id=PROJECT,
        )
    assert found == (status, artifacts)


@pytest.mark.thorough
def test_a_replay_is_published_as_a_replay_and_never_as_ready(tmp_path: Path) -> None:
    """The next node of a workflow would switch on it."""
    recording = tmp_path / "wait.jsonl"
    rules = Rules(timeout=0)
    with Recorder(str(recording), [A], rules, NOON) as recorder:
        recorder.observed(sample(0.5, reading(A)))
    status, artifacts = ran(tmp_path, drs_wait_replay=str(recording), drs_wait_timeout=0)
    assert status == "successful"
    assert artifacts == {
        "drs_wait_ready": False,
        "drs_wait_verdict": "replay",
        "drs_wait_verdicts": {"localhost": "replay"},
    }


def ran(folder: Path, **variables: Any) -> tuple[str, dict[str, Any]]:
    """Run the role drs_wait as AWX does, and return how the play ended and its artifacts."""
    role = {"ansible.builtin.include_role": {"name": "cutover.drs.drs_wait"}, "vars": variables}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [role]}
    collections = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    # That of this Python, or where ansible-test has its own.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=[play],
        envvars={"ANSIBLE_COLLECTIONS_PATH": collections, "PATH": path},
        quiet=True,
    )
    [stats] = [event for event in run.events if event["event"] == "playbook_on_stats"]
    return run.status, stats["event_data"]["artifact_data"]
