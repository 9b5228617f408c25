# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run sessions of nox, two at a time: one line for each that succeeds, all of its output for one that fails.

usage: python side_by_side.py SESSION... [-- ARGUMENT...]

They start in this order. The output of each is kept in build/logs. A session that nox skips is no success; if it skips
all, that is a failure.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LOGS = CHECKOUT / "build" / "logs"
# On two processors a third makes all of them slower: each has several processes of its own.
AT_A_TIME = 2
# Seconds between two lines that tell what is running.
HEARTBEAT = 30.0
# What failed in all that ran, once more: of a long log often nothing but the end is kept. .ci/run ends with it.
NAMED = CHECKOUT / "build" / "failed.txt"
# How what failed is named: by pytest, by ansible-test, by the linters' session.
_FAILED = re.compile(r"(?m)^(?:FAILED |ERROR: |ERROR (?=tests)|nox > (?=.*: FAILED))(.*?)( - .*)?$")
_MOST_NAMED = 20
_RUN_AGAIN = re.compile(r"(?m)^RERUN (\S+)")
# How pytest sums up, whatever surrounds it.
_TESTS = re.compile(r"(?m)^=* ?(\d+ passed[^\n=]*?) in [\d.]+s")


def command(session: str, report: Path, arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "nox", "--session", session, "--report", str(report), "--", *arguments]


def log_of(session: str) -> Path:
    return LOGS / f"{re.sub(r'[^a-z0-9_.]+', '-', session).strip('-')}.log"


def run(session: str, arguments: list[str], since: dict[str, float]) -> str:
    """Run one session and say how it went; success, failed or skipped."""
    log = log_of(session)
    report = log.with_suffix(".json")
    report.unlink(missing_ok=True)
    since[session] = began = time.monotonic()
    with log.open("wb") as output:
        program = command(session, report, arguments)
        code = subprocess.call(program, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    del since[session]
    result, reason = "failed" if code else "success", ""
    if report.exists() and not code:
        (ended,) = json.loads(report.read_text(encoding="utf-8"))["sessions"]
        result, reason = ended["result"], ended["reason"] or ""
    shown = log.read_text(encoding="utf-8", errors="replace")
    tests = ", ".join(_TESTS.findall(shown))
    verdict = {"success": "ok", "skipped": f"SKIPPED, {reason}"}.get(result, f"FAILED, exit code {code}")
    # A test that passed only when it was run again is worth a look, in a log that is green too.
    tests += "".join(f"; RUN AGAIN: {name}" for name in _RUN_AGAIN.findall(shown))
    said = f"== {session}: {verdict}, {time.monotonic() - began:.0f} s{f' ({tests})' if tests else ''}"
    # In one write, so that two sessions cannot mix their lines.
    print(f"{shown.rstrip()}\n{said} (in {os.path.relpath(log, CHECKOUT)})" if result == "failed" else said, flush=True)
    return result


def named_in(session: str) -> list[str]:
    """Return a line for each test that failed, with the first words of why."""
    shown = log_of(session).read_text(encoding="utf-8", errors="replace")
    lines = []
    for name, rest in _FAILED.findall(shown)[:_MOST_NAMED]:
        # pytest cuts its summary to the width of a terminal; the whole reason stands below the name of the function.
        test = re.escape(name.rpartition("::")[2])
        why = re.search(rf"(?ms)^_+ (?:\w+\.)?{test} _+$.*?^E +([^\n]+)", shown)
        lines.append(f"   {session}: {name} {(why[1] if why else rest)[:150]}".rstrip() + "\n")
    return lines


def main() -> int:
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    sessions, arguments = sys.argv[1:split], sys.argv[split + 1 :]
    LOGS.mkdir(parents=True, exist_ok=True)
    since: dict[str, float] = {}
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(HEARTBEAT):
            now = time.monotonic()
            running = [f"{name} ({now - at:.0f} s)" for name, at in sorted(since.copy().items())]
            print(f"   running: {', '.join(running)}", flush=True)

    threading.Thread(target=tell, daemon=True).start()
    began = time.monotonic()
    # A session that fails does not stop the others: one run shows everything there is to fix.
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = dict(pool.map(lambda name: (name, run(name, arguments, since)), sessions))
    ended.set()
    failed = [name for name, result in results.items() if result == "failed"]
    named = [line for name in failed for line in named_in(name)]
    print("".join(named), end="")
    with NAMED.open("a", encoding="utf-8") as file:
        file.writelines(named)
    if set(results.values()) == {"skipped"}:
        failed = ["nothing was tested"]
    summary = f"FAILED: {', '.join(failed)}" if failed else "all ok"
    print(f"== {summary}, {time.monotonic() - began:.0f} s in all", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
