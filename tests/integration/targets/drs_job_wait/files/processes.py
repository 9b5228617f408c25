# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a wait as a process of its own: ``python processes.py SIM FOLDER``.

SIM is the JSON of the fact ``sim``, FOLDER where recordings go. Each test runs ansible-playbook and reads its standard
error while it runs. They run side by side, as most of their time is waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SIM: dict[str, Any] = json.loads(sys.argv[1])
FOLDER = Path(sys.argv[2])
# No machine is so slow.
LONGEST = 60.0


class Child:
    """An ansible-playbook in a process group of its own, with the time at which each line of its standard error came."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        login = {"group/cutover.drs.drs": SIM["login"]}
        play = {"hosts": "localhost", "gather_facts": False, "module_defaults": login, "tasks": list(tasks)}
        handle, playbook = tempfile.mkstemp(suffix=".json", dir=FOLDER)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump([play], file)
        self.process = subprocess.Popen(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", playbook],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[tuple[float, str]] = []
        self.stdout = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_stderr, self._read_stdout)]
        for reader in self._readers:
            reader.start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append((time.monotonic(), line.rstrip("\n")))

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        self.stdout = self.process.stdout.read()

    def until(self, text: str) -> None:
        """Wait for a line of the standard error with this text."""
        deadline = time.monotonic() + LONGEST
        while not any(text in line for _at, line in self.lines):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"no line with {text!r} in {self.lines}\n{self.stdout}")
            time.sleep(0.02)

    def end(self) -> int:
        """The exit code, once it ended by itself."""
        code = self.process.wait(LONGEST)
        for reader in self._readers:
            reader.join(LONGEST)
        return code

    def tree(self) -> list[int]:
        """Its process and all below it. A worker of ansible-core 2.19 has a process group of its own."""
        listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        found = [self.process.pid]
        for parent in found:
            found += [pid for pid, of in pairs if of == parent]
        return found


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def gone(pids: list[int]) -> bool:
    """Whether all these processes end within a moment."""
    deadline = time.monotonic() + 10
    while any(map(alive, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_task(job: str, **more: Any) -> dict[str, Any]:
    options = {"jobs": [job], "interval": 0.1, "near_interval": 0.1, "stable_for": 1.5, "timeout": 30}
    keywords = {name: more.pop(name) for name in list(more) if name == "no_log"}
    return {"cutover.drs.drs_job_wait": {**options, **more}, **keywords}


@contextlib.contextmanager
def child(*tasks: dict[str, Any]) -> Iterator[Child]:
    """A child of which nothing is left behind, however the test ends."""
    started = Child(*tasks)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            kill(started.tree())


def requests_of(job: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{SIM['control']}/log", timeout=10) as answer:
        return sum(job in (entry["body"] or {}).get("jobs", ()) for entry in json.load(answer))


class Processes(unittest.TestCase):
    def test_lines_come_while_it_waits_on_standard_error_alone(self) -> None:
        with child(wait_task("job-loud")) as run:
            self.assertEqual(run.end(), 0, run.stdout)
        lines = [(at, line) for at, line in run.lines if line.startswith("drs_wait ")]
        self.assertRegex(
            lines[0][1], r"^drs_wait \d\d:\d\d:\d\dZ \+0s START jobs=1 goal=auto max_delay=0s stable=3x/1.5s"
        )
        self.assertRegex(lines[1][1], r"\+0s CHANGE job-loud INCRE_TRANSFER_STARTED delay=0s ready$")
        self.assertRegex(lines[-1][1], r"VERDICT ready jobs=1 streak=\d+x/2s valid_until=")
        # The first lines came when they were written, more than a second before the last one.
        self.assertGreater(lines[-1][0] - lines[1][0], 1.2)
        self.assertNotIn("drs_wait ", run.stdout)

    def test_progress_false_and_no_log_write_nothing(self) -> None:
        quiet = wait_task("job-quiet", progress=False, stable_for=0)
        hidden = wait_task("job-hidden", no_log=True, stable_for=0)
        with child(quiet, hidden, wait_task("job-after", stable_for=0)) as run:
            self.assertEqual(run.end(), 0, run.stdout)
        written = "\n".join(line for _at, line in run.lines)
        self.assertNotIn("job-quiet", written)
        self.assertNotIn("job-hidden", written)
        self.assertIn("job-after", written)
        self.assertNotIn("job-hidden", run.stdout)

    def test_ctrl_c_leaves_nothing_running_and_a_recording_that_can_be_read(self) -> None:
        self.interrupt("job-ctrl-c", lambda pids: os.killpg(pids[0], signal.SIGINT))

    def test_a_termination_leaves_nothing_running_and_a_recording_that_can_be_read(self) -> None:
        self.interrupt("job-ended", lambda pids: os.killpg(pids[0], signal.SIGTERM))

    def test_a_kill_of_all_leaves_a_recording_that_can_be_read(self) -> None:
        self.interrupt("job-killed", kill)

    def interrupt(self, job: str, act: Any) -> None:
        recording = FOLDER / f"{job}.jsonl"
        with child(wait_task(job, stable_for=600, record=str(recording))) as run:
            run.until(f"CHANGE {job}")
            time.sleep(0.5)
            pids = run.tree()
            act(pids)
            self.assertNotEqual(run.process.wait(LONGEST), 0)
            self.assertTrue(gone(pids), "a process goes on")
        asked = requests_of(job)
        time.sleep(0.5)
        self.assertEqual(requests_of(job), asked)
        whole = recording.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        kinds = [json.loads(line)["type"] for line in whole]
        self.assertEqual(kinds[0], "start")
        self.assertGreater(len(kinds), 2)
        self.assertEqual(set(kinds[1:]), {"sample"})


def main() -> int:
    names = unittest.defaultTestLoader.getTestCaseNames(Processes)
    with ThreadPoolExecutor(len(names)) as pool:
        results = list(pool.map(lambda name: Processes(name).run(), names))
    for result in results:
        for test, said in [*result.failures, *result.errors]:
            print(f"{test}\n{said}", file=sys.stderr)
    passed = sum(result.testsRun for result in results if result.wasSuccessful())
    print(f"{passed} of {len(names)} tests passed")
    return 0 if passed == len(names) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
