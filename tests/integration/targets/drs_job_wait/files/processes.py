# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a wait as a process of its own: ``python processes.py SIM FOLDER``.

SIM is the JSON of the fact ``sim``, FOLDER where recordings go. The tests run side by side, as most of their time is
waiting.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "setup_simulator" / "files"))
from child import LONGEST, Child, ask, child, gone, kill, run_all

SIM: dict[str, Any] = json.loads(sys.argv[1])
FOLDER = Path(sys.argv[2])


def playing(*tasks: dict[str, Any]) -> AbstractContextManager[Child]:
    login = {"group/cutover.drs.drs": SIM["login"]}
    play = {"hosts": "localhost", "gather_facts": False, "module_defaults": login, "tasks": list(tasks)}
    return child([play], FOLDER)


def wait(job: str, stable_for: float = 0, **more: Any) -> dict[str, Any]:
    options = {"jobs": [job], "interval": 0.1, "near_interval": 0.1, "stable_for": stable_for, "timeout": 30, **more}
    return {"cutover.drs.drs_job_wait": options}


def stop(job: str, **more: Any) -> dict[str, Any]:
    return {"cutover.drs.drs_job_stop": {"jobs": [job], "interval": 0.1, "timeout": 30, **more}}


def lines_come_while_it_waits_on_standard_error_alone() -> None:
    with playing(wait("job-loud", stable_for=1.5), stop("job-loud")) as run:
        assert run.end() == 0, run.stdout
    lines = [(at, line) for at, line in run.lines if line.startswith("drs_wait ")]
    begins = r"drs_wait \d\d:\d\d:\d\dZ \+0s START jobs=1 goal=auto max_delay=0s stable=3x/1.5s timeout=30s$"
    assert re.match(begins, lines[0][1])
    assert re.search(r"\+0s CHANGE DRS-job-loud job-loud INCRE_TRANSFER_STARTED delay=0s ready$", lines[1][1])
    assert re.search(r"VERDICT ready jobs=1 streak=\d+x/2s valid_until=", lines[-1][1])
    # The first lines came when they were written, more than a second before the last one.
    assert lines[-1][0] - lines[1][0] > 1.2
    # A stop shows its lines in the same way.
    assert re.search(
        r"\ndrs_stop \d\d:\d\d:\d\dZ \+0s START jobs=1 timeout=30s\n(.*\n)*.* END 1 job stopped\.\n", run.stderr
    )
    assert "drs_wait " not in run.stdout
    assert "drs_stop " not in run.stdout


def progress_false_and_no_log_write_nothing() -> None:
    hidden = [{**task, "no_log": True} for task in (wait("job-hidden"), stop("job-hidden"))]
    quiet = [wait("job-quiet", progress=False), stop("job-quiet", progress=False)]
    with playing(*quiet, *hidden, wait("job-after")) as run:
        assert run.end() == 0, run.stdout
    assert "job-quiet" not in run.stderr
    assert "job-hidden" not in run.stderr
    assert "job-after" in run.stderr
    assert "job-hidden" not in run.stdout


def a_failing_wait_of_30_jobs_fits_on_a_screen() -> None:
    fits_on_a_screen(30)


def a_failing_wait_of_300_jobs_fits_on_a_screen() -> None:
    fits_on_a_screen(300)


def fits_on_a_screen(number: int) -> None:
    failing = {**wait("", jobs=[f"many-{each}" for each in range(number)], timeout=2), "register": "gate"}
    short = [f"gate.jobs | length + gate.jobs_left_out == {number}", "gate.jobs[2].holds[0].rule == 'wrong_phase'"]
    check = {"ansible.builtin.assert": {"that": [*short, "gate.verdict == 'timeout'"], "quiet": True}}
    with playing({"block": [failing], "rescue": [check]}) as run:
        assert run.end() == 0, run.stdout
    shown = run.stdout.partition("TASK [ansible.builtin.assert]")[0] + run.stderr
    assert f"{number} of {number} jobs are not ready after 2 s: " in shown
    assert len(shown.splitlines()) <= 25, shown
    assert len(shown.encode()) <= 7000, f"{len(shown.encode())} bytes: {shown}"


def ctrl_c_leaves_nothing_running_and_a_recording() -> None:
    interrupt("job-ctrl-c", lambda pids: os.killpg(pids[0], signal.SIGINT))


def termination_leaves_nothing_running_and_a_recording() -> None:
    interrupt("job-ended", lambda pids: os.killpg(pids[0], signal.SIGTERM))


def kill_leaves_a_recording() -> None:
    interrupt("job-killed", kill)


def the_worker_of_a_killed_ansible_playbook_ends_too() -> None:
    interrupt("job-orphaned", lambda pids: kill(pids[:1]))


def interrupt(job: str, act: Callable[[list[int]], None]) -> None:
    recording = FOLDER / f"{job}.jsonl"
    with playing(wait(job, stable_for=600, timeout=3600, record=str(recording))) as run:
        run.until(f" {job} INCRE_TRANSFER_STARTED")
        time.sleep(0.5)
        pids = run.tree()
        act(pids)
        assert run.process.wait(LONGEST) != 0
        assert gone(pids), "a process goes on"
    asked = requests_of(job)
    time.sleep(0.5)
    assert requests_of(job) == asked
    whole = recording.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
    kinds = [json.loads(line)["type"] for line in whole]
    assert kinds[0] == "start"
    assert len(kinds) > 2
    assert set(kinds[1:]) == {"sample"}, whole[-1]


def requests_of(job: str) -> int:
    return sum(job in (entry["body"] or {}).get("jobs", ()) for entry in ask(SIM["control"], "log"))


if __name__ == "__main__":
    tests = (
        lines_come_while_it_waits_on_standard_error_alone,
        progress_false_and_no_log_write_nothing,
        a_failing_wait_of_30_jobs_fits_on_a_screen,
        a_failing_wait_of_300_jobs_fits_on_a_screen,
        ctrl_c_leaves_nothing_running_and_a_recording,
        termination_leaves_nothing_running_and_a_recording,
        kill_leaves_a_recording,
        the_worker_of_a_killed_ansible_playbook_ends_too,
    )
    sys.exit(run_all({test.__name__: test for test in tests}, len(tests)))
