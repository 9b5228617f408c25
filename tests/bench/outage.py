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

from checkout import collections_path, playbook_variables
from drs_simulator import Simulator

HERE = Path(__file__).resolve().parent
RUNS = 5
JOB = {"id": "bench-0001", "status": "INCRE_TRANSFER_STARTED", "delay": 0}
COMMANDS = 5
MANY = 60
WRITES = 200
COMMAND: dict[str, Any] = {"ansible.builtin.command": "true"}


def outage() -> Part:
    """Return what the role adds between freeze and switch, and the time from a death to the unfreeze."""
    with Simulator({"jobs": [JOB]}) as simulator:
        measured = [overhead(simulator) for _run in range(RUNS)]
        deaths = [death(simulator) for _run in range(RUNS)]
        aborts = [abort(simulator) for _run in range(RUNS)]
        memory, logins = many(simulator)
    database = compare_and_set()
    between, unit = (statistics.median(values) for values in zip(*measured, strict=True))
    table = Table(("what", "median", "slowest"))
    table.add("one task of ansible.builtin.command", f"{unit:.3f} s", f"{max(each[1] for each in measured):.3f} s")
    table.add("the role, from freeze to switch", f"{between:.3f} s", f"{max(each[0] for each in measured):.3f} s")
    table.add(
        "from SIGKILL of the run to the first unfreeze task",
        f"{statistics.median(deaths):.1f} s",
        f"{max(deaths):.1f} s",
    )
    table.add(
        "from a task that fails to the first unfreeze task",
        f"{statistics.median(aborts):.1f} s",
        f"{max(aborts):.1f} s",
    )
    table.add(f"memory of a guard, of {MANY} at once", f"{statistics.median(memory):.1f} MiB", f"{max(memory):.1f} MiB")
    if database:
        median, slowest = statistics.median(database) * 1000, max(database) * 1000
        table.add("a compare-and-set on a local PostgreSQL, connected anew", f"{median:.1f} ms", f"{slowest:.1f} ms")
    return Part(
        "Outage",
        f"""\
        A cutover whose gates are ready at their first sample, {RUNS} runs. What the role adds is the time from the
        end of the last freeze task to the beginning of the first switch task, with the final gate and its one sample.
        The unit is one ``ansible.builtin.command`` task of the same run.""",
        table,
        targets=[
            ("what the role adds to the outage, in command tasks", "at most 1", f"{between / unit:.2f}", ""),
            ("from the death of a run to the first unfreeze task", "at most 3 s", f"{max(deaths):.1f} s", ""),
            ("from a task that fails to the first unfreeze task", "at most 3 s", f"{max(aborts):.1f} s", ""),
            (f"memory of a guard, of {MANY} at once", "at most 20 MiB", f"{max(memory):.1f} MiB", ""),
            (f"logins of {MANY} cutovers in one play", f"at most {MANY}", f"{logins}", ""),
        ],
    )


def overhead(simulator: Simulator) -> tuple[float, float]:
    """Return the seconds from freeze to switch, and of one command task."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = {"ansible.builtin.command": "true", "changed_when": False}
        files = {stage: [{"name": f"{stage} task", **command}] for stage in ("freeze", "switch", "unfreeze")}
        write_tasks(folder, files)
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
        write_tasks(folder, {"freeze": hang, "switch": undo, "unfreeze": undo})
        with started(program(simulator, folder, []), folder) as run:
            wait_for(folder / "frozen")
            died = time.time()
            os.killpg(run.pid, signal.SIGKILL)
        wait_for(folder / "unfrozen")
        unfrozen = (folder / "unfrozen").stat().st_mtime
        # The guard removes what it made, then it ends.
        wait_for(folder / "state.json", '"outcome": "unfrozen"')
        return unfrozen - died


def abort(simulator: Simulator) -> float:
    """Return the seconds from a verify task that fails to the first unfreeze task."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fails = [{"ansible.builtin.shell": "touch failed; exit 1"}]
        tasks = {"freeze": [COMMAND], "verify": fails, "switch": [COMMAND]}
        tasks["unfreeze"] = [{"ansible.builtin.command": "touch unfrozen"}]
        write_tasks(folder, tasks)
        subprocess.run(
            program(simulator, folder, [], drs_cutover_verify_tasks=str(folder / "verify.yml")),
            cwd=folder,
            env=variables(folder),
            capture_output=True,
            check=False,
        )
        return (folder / "unfrozen").stat().st_mtime - (folder / "failed").stat().st_mtime


def many(simulator: Simulator) -> tuple[list[float], int]:
    """Return the memory of each guard of many cutovers in one play in MiB (Pss), and the number of logins."""
    hosts = [f"host-{number}" for number in range(MANY)]
    for host in hosts:
        simulator.set_job(host, status="INCRE_TRANSFER_STARTED", delay=0)
    before = sum(entry["path"].endswith("/auth/tokens") for entry in simulator.requests)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks = {"freeze": [COMMAND], "switch": [COMMAND], "unfreeze": [COMMAND]}
        tasks["verify"] = [{"ansible.builtin.wait_for": {"path": str(folder / "measured"), "timeout": 300}}]
        write_tasks(folder, tasks)
        own = {
            "drs_cutover_jobs": ["{{ inventory_hostname }}"],
            "drs_cutover_journal": f"{folder}/state-{{{{ inventory_hostname }}}}.json",
            "drs_cutover_verify_tasks": str(folder / "verify.yml"),
        }
        login = {"auth_url": simulator.auth_url, "username": "demo", "password": "simulated-password"}
        login |= {"user_domain_name": "simulated-domain", "endpoint": simulator.endpoint, "project_id": PROJECT}
        command = program(simulator, folder, [], login=login, hosts="all", **own)
        with started([*command, "-i", ",".join(hosts), "-c", "local", "-f", "10"], folder) as run:
            for host in hosts:
                wait_for(folder / f"state-{host}.json", '"stage": "verify"', within=600)
            memory = [proportional(pid) for pid in guards(folder)]
            (folder / "measured").touch()
            run.wait(600)
    logins = sum(entry["path"].endswith("/auth/tokens") for entry in simulator.requests) - before
    return memory, logins


def guards(folder: Path) -> list[int]:
    """Return the guards whose journal lies in a folder: people see it in the list of processes, too."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"cutover.drs guard" in command and str(folder).encode() in command:
                found.append(int(entry.name))
    return found


def proportional(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1024


def compare_and_set() -> list[float]:
    """Return the seconds of each compare-and-set on a local PostgreSQL; nothing if there is none."""
    sys.path.append(str(collections_path()))
    from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import open_store
    from ansible_collections.cutover.drs.tests import servers

    measured = []
    try:
        with servers.postgresql() as running:
            store = open_store(running.url, ["bench"])
            held = store.take({"outcome": None, "lease": 30.0, "frozen_since": None}, "a" * 32, None)
            for number in range(WRITES):
                began = time.perf_counter()
                held = store.replace({**held.document, "number": number}, held)
                measured.append(time.perf_counter() - began)
    except servers.MissingError:
        pass
    return measured


def write_tasks(folder: Path, files: dict[str, list[dict[str, Any]]]) -> None:
    """Write the file of tasks of each stage."""
    for stage, tasks in files.items():
        (folder / f"{stage}.yml").write_text(json.dumps(tasks), encoding="utf-8")


def started(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a run in a session of its own."""
    silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=folder, env=variables(folder), start_new_session=True, **silent)


def wait_for(file: Path, text: str = "", within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not (file.exists() and text in file.read_text(encoding="utf-8")):
        if time.monotonic() > deadline:
            raise SystemExit(f"{file} does not come")
        time.sleep(0.01)


def program(
    simulator: Simulator,
    folder: Path,
    before: list[dict[str, Any]],
    login: dict[str, Any] | None = None,
    hosts: str = "localhost",
    **more: Any,
) -> list[str]:
    """Return the command that cuts one job over whose gates are ready at the first sample."""
    options = {
        "drs_cutover_jobs": ["bench-0001"],
        "drs_cutover_stable_samples": 1,
        "drs_cutover_stable_for": 0,
        "drs_cutover_journal": str(folder / "state.json"),
        **{f"drs_cutover_{stage}_tasks": str(folder / f"{stage}.yml") for stage in ("freeze", "switch", "unfreeze")},
        **more,
    }
    login = login or {"endpoint": simulator.endpoint, "auth_token": TOKEN, "project_id": PROJECT}
    book = {
        "hosts": hosts,
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
        # These machines may be containers, which end with the benchmark.
        DRS_CUTOVER_UNWATCHED="true",
    )
