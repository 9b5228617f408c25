# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wait of a month in minutes: the real wait, client and transport, and a clock that passes when somebody sleeps."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
from ansible_collections.cutover.drs.plugins.module_utils._wait import loop
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS
from ansible_collections.cutover.drs.tests.soak.service import FAULTS, JOBS

MONTH = 30 * 24 * 3600
SHARE = 0.05
# Polls of which one is measured.
MEASURES = 100
# What a wait may hold more at its end than in its first fifth: one block of Python's is a value or a small object.
MORE_BLOCKS = 3000
MORE_KIB = 4096
# The number of polls that fill what a wait remembers.
FULL = 20_000
OPEN = Path("/proc/self/fd")


@dataclass(frozen=True)
class Measure:
    """What the process holds at one time; ``kib`` is its resident memory."""

    poll: int
    blocks: int
    kib: int
    threads: int
    files: int


@dataclass
class Soak:
    """What a wait of this number of polls came to."""

    polls: int
    result: dict[str, Any]
    lines: list[str]
    measures: list[Measure]
    before: Measure
    after: Measure
    counts: Mapping[str, Any]
    seconds: float
    processor: float

    def more(self, what: str) -> float:
        """How much more there was in the last fifth than in the second one."""
        fifth = len(self.measures) // 5
        values = [getattr(measure, what) for measure in self.measures]
        return float(median(values[-fifth:]) - median(values[fifth : 2 * fifth]))


@contextmanager
def service(polls: int, share: float, seed: int) -> Iterator[int]:
    """The port of a service in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("service.py")), str(polls), str(share), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.communicate()


def counts_of(port: int) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/counts")
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def measured(poll: int) -> Measure:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Measure(
        poll,
        sys.getallocatedblocks(),
        pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        threading.active_count(),
        len(list(OPEN.iterdir())),
    )


def soak(polls: int, *, share: float = SHARE, seed: int = 20261124) -> Soak:
    """Return a wait that is to be ready after this number of polls, which take 30 days on its clock."""
    interval = MONTH / polls
    passed = 0.0
    lines: list[str] = []
    measures: list[Measure] = []
    number = 0
    every = max(polls // MEASURES, 10)

    def sleep(seconds: float) -> None:
        # The client's pauses between two tries come from its threads.
        nonlocal passed, number
        passed += seconds
        if threading.current_thread() is threading.main_thread():
            number += 1
            if number % every == 0:
                measures.append(measured(number))

    clock = loop.Clock(lambda: 1000.0 + passed, lambda: 1.8e9 + passed, sleep, lambda _low, _high: 1.0)
    defaults = {name: spec.get("default") for name, spec in {**CONNECTION_OPTIONS, **WAIT_OPTIONS}.items()}
    with service(polls, share, seed) as port:
        options = {
            **defaults,
            "endpoint": f"http://127.0.0.1:{port}",
            "auth_url": f"http://127.0.0.1:{port}/v3",
            "username": "soak",
            "password": "soak-password",
            "user_domain_name": "soak",
            "project_name": "soak",
            "jobs": list(JOBS),
            "goal": "caught_up",
            "timeout": 3.0 * MONTH,
            "interval": interval,
            "near_interval": interval,
            "stable_for": 2.0 * interval,
            # A hang costs so much of real time; healthy answers take a thousandth of it.
            "request_timeout": 1.0,
            "request_retries": 1,
            # If a third are faults, six consecutive ones happen once in some twenty waits.
            "max_errors": 30,
            # As many samples as max_missing tolerates, however far apart they are.
            "unknown_for": 4.0 * interval,
            # The service has no list of jobs.
            "check_subtasks": False,
        }
        before = measured(0)
        began, used = time.monotonic(), time.process_time()
        result = loop.run(options, {}, one_sample=False, say=lines.append, clock=clock)
        seconds, processor = time.monotonic() - began, time.process_time() - used
        patience = time.monotonic() + 10
        while threading.active_count() > before.threads and time.monotonic() < patience:
            time.sleep(0.01)
        after = measured(number)
        counts = counts_of(port)
    return Soak(polls, result, lines, measures, before, after, counts, seconds, processor)


def failures(done: Soak) -> list[str]:
    """Return what is not as it should be."""
    result = done.result
    size, longest = len(json.dumps(result)), max(map(len, done.lines))
    # Until then the history of the wait, which is bounded, fills.
    full = done.polls >= FULL
    looked_at = {
        f"the verdict is {result['verdict']}: {result['reason']}": result["verdict"] == "ready",
        f"ready after {done.counts['asked']} answers, of which the first {done.polls} were never stable": done.counts[
            "asked"
        ]
        >= done.polls,
        f"{len(done.lines)} lines": len(done.lines) <= 500,
        f"a line of {longest} characters": longest <= 160,
        f"a result of {size} bytes": size < 1024 * 1024,
        f"{done.after.threads - done.before.threads} threads left": done.after.threads <= done.before.threads,
        f"{done.after.files - done.before.files} files or sockets left": done.after.files <= done.before.files,
        f"{done.counts['connections']} connections left open": done.counts["connections"] == 0,
        f"{max(each.files for each in done.measures)} files open at once": max(each.files for each in done.measures)
        <= done.before.files + 8,
        f"{max(each.threads for each in done.measures)} threads at once": max(each.threads for each in done.measures)
        <= done.before.threads + 12,
        f"{done.more('blocks'):.0f} more blocks of memory": not full or done.more("blocks") <= MORE_BLOCKS,
        f"{done.more('kib'):.0f} KiB more of memory": not full or done.more("kib") <= MORE_KIB,
        f"no fault of kind {', '.join(set(FAULTS) - set(done.counts['faults']))}": set(FAULTS)
        <= set(done.counts["faults"]),
    }
    return [text for text, holds in looked_at.items() if not holds]


def report(done: Soak) -> str:
    result, faults = done.result, done.counts["faults"]
    rows = [
        f"polls        {result['polls']} in {result['elapsed'] / 86400:.1f} days of the wait's clock",
        f"time         {done.seconds:.0f} s, {done.processor:.0f} s of processor time",
        f"verdict      {result['verdict']}: {result['reason']}",
        f"requests     {result['requests']}, {result['logins']} logins",
        f"faults       {sum(faults.values())} of {len(faults)} kinds, {result['errors']} failed polls",
        f"result       {len(json.dumps(result)) // 1024} KiB, {len(result['transitions'])} transitions",
        f"             {len(done.lines)} lines",
        "    poll    blocks   memory  threads  files",
    ]
    shown = [done.before, *done.measures[:: max(1, len(done.measures) // 10)], done.after]
    rows += [
        f"{each.poll:>8}  {each.blocks:>8}  {each.kib // 1024:>3} MiB  {each.threads:>7}  {each.files:>5}"
        for each in shown
    ]
    rows.append(
        f"from the second fifth to the last: {done.more('blocks'):+.0f} blocks, {done.more('kib'):+.0f} KiB "
        f"({done.more('blocks') / (0.6 * done.polls):+.4f} blocks a poll)"
    )
    return "\n".join(rows)
