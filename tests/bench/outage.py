# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role adds to an outage, and how soon a source is unfrozen after its run has died."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from candidates import PROJECT, TOKEN
from page import Part, Table

from checkout import playbook_variables
from drs_simulator import Simulator

HERE = Path(__file__).resolve().parent
RUNS = 5
JOB = {"id": "bench-0001", "status": "INCRE_TRANSFER_STARTED", "delay": 0}
COMMANDS = 5


def outage() -> Part:
    """Return what the role adds between freeze and switch, and the time from a death to the unfreeze."""
    with Simulator({"jobs": [JOB]}) as simulator:
        measured = [overhead(simulator) for _run in range(RUNS)]
        deaths = [death(simulator) for _run in range(RUNS)]
    between, unit = (statistics.median(values) for values in zip(*measured, strict=True))
    table = Table(("what", "median", "slowest"))
    table.add("one task of ansible.builtin.command", f"{unit:.3f} s", f"{max(each[1] for each in measured):.3f} s")
    table.add("the role, from freeze to switch", f"{between:.3f} s", f"{max(each[0] for each in measured):.3f} s")
    table.add(
        "from SIGKILL of the run to the first unfreeze task",
        f"{statistics.median(deaths):.1f} s",
        f"{max(deaths):.1f} s",
    )
    return Part(
        "Outage",
        f"""\
        A cutover whose gates are ready at their first sample, {RUNS} runs. What the role adds is the time from the
        end of the last freeze task to the beginning of the first switch task, with the final gate and its one sample.
        The unit is one ``ansible.builtin.command`` task of the same run.""",
        table,
        targets=[
            ("what the role adds to the outage, in command tasks", "at most 4", f"{between / unit:.2f}", ""),
            ("from the death of a run to the first unfreeze task", "at most 10 s", f"{max(deaths):.1f} s", ""),
        ],
    )


def overhead(simulator: Simulator) -> tuple[float, float]:
    """Return the seconds from freeze to switch, and of one command task."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = {"ansible.builtin.command": "true", "changed_when": False}
        for stage in ("freeze", "switch", "unfreeze"):
            tasks = [{"name": f"{stage} task", **command}]
            (folder / f"{stage}.yml").write_text(json.dumps(tasks), encoding="utf-8")
        units = [{"name": f"unit {number}", **command} for number in range(COMMANDS + 1)]
        subprocess.run(
            program(simulator, folder, units), cwd=folder, env=variables(folder), check=True, capture_output=True
        )
        lines = (folder / "times").read_text(encoding="utf-8").splitlines()
    at = {(entry["what"], entry["task"]): entry["at"] for entry in map(json.loads, lines)}
    first, last = at["begins", "unit 0"], at["begins", f"unit {COMMANDS}"]
    return at["begins", "switch task"] - at["ends", "freeze task"], (last - first) / COMMANDS


def death(simulator: Simulator) -> float:
    """Return the seconds from SIGKILL of a run that is frozen to the first unfreeze task."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hang = [{"ansible.builtin.command": "touch frozen"}, {"ansible.builtin.command": "sleep 60"}]
        undo = [{"ansible.builtin.command": "touch unfrozen"}]
        for stage, tasks in (("freeze", hang), ("switch", undo), ("unfreeze", undo)):
            (folder / f"{stage}.yml").write_text(json.dumps(tasks), encoding="utf-8")
        with subprocess.Popen(
            program(simulator, folder, []),
            cwd=folder,
            env=variables(folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as run:
            wait_for(folder / "frozen")
            died = time.time()
            os.killpg(run.pid, signal.SIGKILL)
        wait_for(folder / "unfrozen")
        unfrozen = (folder / "unfrozen").stat().st_mtime
        # The guard removes what it made, then it ends.
        wait_for(folder / "state.json", '"outcome": "unfrozen"')
        return unfrozen - died


def wait_for(file: Path, text: str = "") -> None:
    deadline = time.monotonic() + 60
    while not (file.exists() and text in file.read_text(encoding="utf-8")):
        if time.monotonic() > deadline:
            raise SystemExit(f"{file} does not come")
        time.sleep(0.01)


def program(simulator: Simulator, folder: Path, before: list[dict[str, Any]]) -> list[str]:
    """Return the command that cuts one job over whose gates are ready at the first sample."""
    options = {
        "drs_cutover_jobs": ["bench-0001"],
        "drs_cutover_stable_samples": 1,
        "drs_cutover_stable_for": 0,
        "drs_cutover_state_file": str(folder / "state.json"),
        **{f"drs_cutover_{stage}_tasks": str(folder / f"{stage}.yml") for stage in ("freeze", "switch", "unfreeze")},
    }
    login = {"endpoint": simulator.endpoint, "auth_token": TOKEN, "project_id": PROJECT}
    book = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/cutover.drs.drs": login},
        "tasks": [*before, {"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover"}, "vars": options}],
    }
    (folder / "bench.json").write_text(json.dumps([book]), encoding="utf-8")
    return [sys.executable, "-m", "ansible", "playbook", str(folder / "bench.json")]


def variables(folder: Path) -> dict[str, str]:
    return playbook_variables(
        ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callbacks"),
        ANSIBLE_CALLBACKS_ENABLED="bench_times",
        ANSIBLE_PYTHON_INTERPRETER=sys.executable,
        BENCH_TIMES=str(folder / "times"),
    )
