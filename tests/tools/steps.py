# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run steps, report how long each took, and sum up.

usage: python steps.py LANE... [--then STEP...]

A LANE is the name of one step, or several separated by commas: those run one after another, the lanes at the same
time. With a single lane the output is live. With several, a step that succeeds prints one line, a step that fails
prints all of its output, and every half minute a line tells what is running. The output of every step is kept in
build/logs. integration:1/2 is the first half of its targets. With MEASURE set, units and such parts measure coverage.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coverage_gate
from checkout import CHECKOUT, environment, playbook_variables

TOOLS = Path(__file__).resolve().parent
LOGS = CHECKOUT / "build" / "logs"
# Seconds between two lines that tell what is running.
HEARTBEAT = 30.0
# How pytest sums up, whatever surrounds it.
_TESTS = re.compile(r"(?m)^=* ?(\d+ passed[^\n=]*?) in [\d.]+s")
PYTHON = str(environment() / "bin" / "python")


def words(name: str) -> list[str]:
    """Return what the person at the keyboard added, e.g. `make integration TARGET=drs_job_wait`."""
    return os.environ.get(name, "").split()


def command(step: str) -> tuple[list[str], dict[str, str]]:
    """Return a step's command and its environment."""
    tool = [PYTHON, str(TOOLS / "ansible_test.py")]
    measure = ["--coverage"] if os.environ.get("MEASURE") else []
    settings = dict(os.environ)
    if step == "demo":
        # The user's own interpreter settings must not reach the play; a path without a space must.
        run = [PYTHON, "-m", "ansible", "playbook", "-e", f"ansible_python_interpreter={PYTHON}", "playbooks/demo.yml"]
        return [*run, *words("ARGS")], playbook_variables()
    if step in ("units", "playbooks"):
        # A playbook mostly waits: for a gate, for the end of a process.
        at_once, tests = (os.cpu_count() or 1, []) if step == "units" else (4, ["tests/playbooks"])
        pytest = ["-m", "pytest", "-n", str(at_once), *words("ARGS"), *(words("TARGET") or tests)]
        if not measure:
            return [PYTHON, *pytest], settings
        return [PYTHON, "-m", "coverage", "run", *pytest], {**settings, "COVERAGE_FILE": str(coverage_gate.clear(step))}
    if step == "test-eda":
        return [PYTHON, str(TOOLS / "eda.py"), *words("ARGS")], settings
    if step == "examples":
        return [PYTHON, "-m", "pytest", "-n", str(os.cpu_count() or 1), *words("ARGS"), "tests/docs"], settings
    if step in ("sanity", "integration"):
        return [*tool, step, *words("TARGET")], settings
    if step.startswith("integration:"):
        return [*tool, "integration", "--part", step.partition(":")[2], *measure], settings
    if step in ("lint", "coverage_gate", "matrix", "docs"):
        return [PYTHON, str(TOOLS / f"{step}.py"), *words("ARGS")], settings
    raise SystemExit(f"no such step: {step}")


def say(text: str) -> None:
    """Print in one write, so that two lanes cannot mix their lines."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Running:
    """The steps under way, and since when."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._ended = threading.Event()

    def begin(self, step: str) -> None:
        self._since[step] = time.monotonic()

    def end(self, step: str) -> float:
        """Return how many seconds the step took."""
        return time.monotonic() - self._since.pop(step)

    def report(self) -> None:
        """Print what is running, now and then, until stop is called."""
        while not self._ended.wait(HEARTBEAT):
            now = time.monotonic()
            steps = [f"{step} ({now - began:.0f} s)" for step, began in sorted(self._since.items())]
            if steps:
                say(f"   running: {', '.join(steps)}")

    def stop(self) -> None:
        self._ended.set()


def run(step: str, live: bool, running: Running) -> tuple[str, int, float]:
    """Run one step; its name, exit code and seconds."""
    say(f"== {step}: begins")
    running.begin(step)
    program, settings = command(step)
    settings["PYTHONUNBUFFERED"] = "1"
    code = _live(program, settings) if live else _logged(step, program, settings)
    seconds = running.end(step)
    said, log = "", _log(step)
    if not live:
        output = log.read_text(encoding="utf-8", errors="replace")
        tests = ", ".join(_TESTS.findall(output))
        said = f"{output.rstrip()}\n" if code else ""
        shown = f" (in {os.path.relpath(log, CHECKOUT)})" if code else f" ({tests})" if tests else ""
        say(f"{said}== {step}: {verdict(code)}, {seconds:.0f} s{shown}")
    else:
        say(f"== {step}: {verdict(code)}, {seconds:.0f} s")
    return step, code, seconds


def _live(program: list[str], settings: dict[str, str]) -> int:
    return subprocess.run(program, cwd=CHECKOUT, env=settings, stdin=subprocess.DEVNULL, check=False).returncode


def _logged(step: str, program: list[str], settings: dict[str, str]) -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    with _log(step).open("wb") as log:
        done = subprocess.run(
            program,
            cwd=CHECKOUT,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return done.returncode


def _log(step: str) -> Path:
    return LOGS / f"{re.sub(r'[^a-z0-9_-]+', '-', step)}.log"


def verdict(code: int) -> str:
    return "ok" if code == 0 else f"FAILED with exit code {code}"


def main() -> int:
    arguments = sys.argv[1:]
    split = arguments.index("--then") if "--then" in arguments else len(arguments)
    lanes, after = [lane.split(",") for lane in arguments[:split]], arguments[split + 1 :]
    began = time.monotonic()
    live, running = len(lanes) == 1, Running()
    if not live:
        threading.Thread(target=running.report, daemon=True).start()
    # A failed step does not stop the others: one run shows everything there is to fix.
    with ThreadPoolExecutor(max_workers=max(1, len(lanes))) as pool:
        results = [
            result
            for lane in pool.map(lambda lane: [run(step, live, running) for step in lane], lanes)
            for result in lane
        ]
    results += [run(step, True, running) for step in after]
    running.stop()
    if len(results) > 1:
        print("== summary")
        for step, code, seconds in results:
            print(f"   {step:<16} {verdict(code):<24} {seconds:>5.0f} s")
        failed = [step for step, code, seconds in results if code]
        ended = f"FAILED: {', '.join(failed)}" if failed else "all ok"
        print(f"== {ended}, {time.monotonic() - began:.0f} s in all", flush=True)
    return 1 if any(code for step, code, seconds in results) else 0


if __name__ == "__main__":
    sys.exit(main())
