# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run steps, say how long each took, sum up, and be honest about how it ended.

usage: python steps.py LANE... [--then STEP...]

A LANE is the name of one step or several with commas between: those run one after another, the lanes at the same
time. With a single lane the output is live; with several, a step's output comes whole when the step ends.
integration:1/2 is the first half of its targets. With MEASURE set, units and such parts measure coverage.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coverage_gate
from checkout import CHECKOUT, environment, playbook_variables

TOOLS = Path(__file__).resolve().parent
PYTHON = str(environment() / "bin" / "python")


def words(name: str) -> list[str]:
    """What the person at the keyboard added, e.g. `make integration TARGET=drs_job_wait`."""
    return os.environ.get(name, "").split()


def command(step: str) -> tuple[list[str], dict[str, str]]:
    """A step's command and its environment."""
    tool = [PYTHON, str(TOOLS / "ansible_test.py")]
    measure = ["--coverage"] if os.environ.get("MEASURE") else []
    settings = dict(os.environ)
    if step == "demo":
        # The user's own interpreter settings must not reach the play; a path without a space must.
        run = [PYTHON, "-m", "ansible", "playbook", "-e", f"ansible_python_interpreter={PYTHON}", "playbooks/demo.yml"]
        return [*run, *words("ARGS")], playbook_variables()
    if step == "units":
        pytest = ["-m", "pytest", "-n", str(os.cpu_count() or 1), *words("ARGS"), *words("TARGET")]
        if not measure:
            return [PYTHON, *pytest], settings
        return [PYTHON, "-m", "coverage", "run", *pytest], {**settings, "COVERAGE_FILE": str(coverage_gate.clear())}
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


def run(step: str, live: bool) -> tuple[str, int, float]:
    """Run one step; its name, exit code and seconds."""
    say(f"== {step}: begins")
    began = time.monotonic()
    program, settings = command(step)
    settings["PYTHONUNBUFFERED"] = "1"
    done = subprocess.run(
        program,
        cwd=CHECKOUT,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=None if live else subprocess.PIPE,
        stderr=None if live else subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    said = "" if live else f"{done.stdout.rstrip()}\n"
    say(f"{said}== {step}: {verdict(done.returncode)}, {seconds:.0f} s")
    return step, done.returncode, seconds


def verdict(code: int) -> str:
    return "ok" if code == 0 else f"FAILED with exit code {code}"


def main() -> int:
    arguments = sys.argv[1:]
    split = arguments.index("--then") if "--then" in arguments else len(arguments)
    lanes, after = [lane.split(",") for lane in arguments[:split]], arguments[split + 1 :]
    began = time.monotonic()
    # A failed step does not stop the others: one run shows all there is to mend.
    with ThreadPoolExecutor(max_workers=max(1, len(lanes))) as pool:
        results = [
            result for lane in pool.map(lambda lane: [run(s, len(lanes) == 1) for s in lane], lanes) for result in lane
        ]
    results += [run(step, True) for step in after]
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
