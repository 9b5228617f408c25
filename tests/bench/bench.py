# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks, side by side in one run: ``python bench.py [reading] [waiting] [verdict] [size] [outage]``.

Everything runs against the simulator on this machine. When all five parts ran, tables and charts go into the
documentation. Medians of five runs, unless a run takes longer than ten seconds; what is compared runs in turns.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path[:0] = [str(CHECKOUT / "tests/tools"), str(CHECKOUT / "simulator"), str(HERE)]

from candidates import PROJECT, TOKEN, batches  # noqa: E402
from outage import outage  # noqa: E402
from page import PAGE, Part, Table, write_page  # noqa: E402

from checkout import collections_path, playbook_variables  # noqa: E402
from drs_simulator import Simulator  # noqa: E402

# An hour at the default interval of 30 s.
POLLS = 120
RUNS = 5
# Polls that are run of a way that starts a process for each; the rest is extrapolated.
FEW = 15
SIZES = (1, 100, 1000, 10000)
LATENCIES = (0, 20, 100)
Figures = dict[str, float]

# Why a target is missed where it is, each by a profile of 2026-11-28 or the day after.
OF_PARSING = (
    "The floor checks nothing. For a batch of 100 jobs, a response is parsed and checked in 0.95 ms of CPU (0.06 of it "
    "in the json module, 0.17 to make records that nobody can change, 0.18 to bound the entries as they came), and requests "
    "takes about 0.5 ms more than http.client; without latency nothing hides them."
)
OF_ANSIBLE = (
    "The module takes about a second of it. The rest is ansible-core, which visits each of the 280,000 values of the "
    "result twice, copies it and removes internal keys. Without the field raw it takes a sixth less CPU; the field is "
    "part of the interface."
)
OF_A_POLL = (
    "The first poll takes 0.2 s, nearly all of it to import requests and keystoneauth1 and to log in. Of the 4.9 ms "
    "of another poll of 100 jobs, 3.2 are used by the threads that send two requests, parse the responses and check "
    "them, 1.7 to judge the jobs, compare them with the sample before and keep their curves."
)
OF_MEMORY = (
    "By tracemalloc, a wait keeps 1.3 KiB a job, and 2.1 while one sample replaces another. The result that Ansible "
    "gets in the end adds 1.2, most of it the dictionary of a job with its thirty keys. The rest is not returned by "
    "the allocator."
)


def candidate(name: str, settings: dict[str, Any]) -> Figures:
    """Return the figures of one candidate in a process of its own."""
    program = [sys.executable, str(HERE / "candidates.py"), name]
    done = subprocess.run(
        program,
        input=json.dumps(settings),
        env=playbook_variables(PYTHONPATH=str(collections_path())),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def play(*tasks: dict[str, Any]) -> Figures:
    """Return a playbook, all of its processes: seconds, CPU seconds, and the memory of the largest process."""
    book = [{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        path.write_text(json.dumps(book), encoding="utf-8")
        return candidate("program", {"program": [sys.executable, "-m", "ansible", "playbook", str(path)]})


def medians(measures: dict[str, Callable[[], Figures]]) -> dict[str, Figures]:
    """Return of each the run of median time. They run in turns, so that a slow minute is one for all of them."""
    runs = {name: [measure()] for name, measure in measures.items()}
    for _run in range(RUNS - 1):
        for name, measure in measures.items():
            if runs[name][0]["seconds"] < 10:
                runs[name].append(measure())
    return {name: sorted(found, key=lambda run: run["seconds"])[(len(found) - 1) // 2] for name, found in runs.items()}


def fleet(count: int, latency: float = 0) -> Simulator:
    """Jobs that never catch up."""
    generate = {"count": count, "prefix": "bench", "life": "incremental", "delay_from": 500, "drain_seconds": 10**7}
    return Simulator({"generate": generate, "latency": latency})


def by_token(simulator: Simulator, jobs: list[str]) -> dict[str, Any]:
    return {"endpoint": simulator.endpoint, "auth_token": TOKEN, "project_id": PROJECT, "jobs": jobs}


def by_password(simulator: Simulator, jobs: list[str]) -> dict[str, Any]:
    return {
        "endpoint": simulator.endpoint,
        "auth_url": simulator.auth_url,
        "username": "demo",
        "password": "simulated-password",
        "user_domain_name": "simulated-domain",
        "project_name": "eu-de",
        "jobs": jobs,
    }


def uri(simulator: Simulator, jobs: list[str] | str) -> dict[str, Any]:
    request = {
        "url": f"{simulator.endpoint}/v3/{PROJECT}/jobs/batch-progress",
        "method": "POST",
        "headers": {"X-Auth-Token": TOKEN},
        "body": {"jobs": jobs},
        "body_format": "json",
        "status_code": [200, 202],
    }
    return {"ansible.builtin.uri": request}


def reading() -> Part:
    """Jobs read once."""
    client = Table(("latency", "jobs", "floor", "client", "client/floor", "official SDK", "SDK/floor"))
    beside_floor: dict[int, str] = {}
    module = Table(("jobs", "ping", "drs_job_progress", "/ping", "uri for each batch", "uri/module"))
    # The first run of Ansible compiles what it imports.
    play({"ansible.builtin.ping": {}}, {"cutover.drs.drs_job_progress": {}, "ignore_errors": True})
    for latency in LATENCIES:
        for size in SIZES:
            with fleet(size, latency) as simulator:
                ids = list(simulator.job_ids)
                settings = {"endpoint": simulator.endpoint, "ids": ids}
                found = medians({name: partial(candidate, name, settings) for name in ("floor", "client", "sdk")})
                assert all(run["done"] == size for run in found.values()), found
                floor, ours, sdk = (found[name]["seconds"] for name in ("floor", "client", "sdk"))
                if size == SIZES[-1]:
                    beside_floor[latency] = f"{ours / floor:.2f}"
                shown = [f"{seconds:.3f} s" for seconds in (floor, ours, sdk)]
                client.add(f"{latency} ms", size, shown[0], shown[1], ours / floor, shown[2], sdk / floor)
                if latency == 0:
                    ways = {
                        "uri for each batch": [uri(simulator, batch) for batch in batches(ids)],
                        "drs_job_progress": [{"cutover.drs.drs_job_progress": by_token(simulator, ids)}],
                        "ansible.builtin.ping": [{"ansible.builtin.ping": {}}],
                    }
                    runs = medians({name: partial(play, *tasks) for name, tasks in ways.items()})
                    module.chart = {name: run["seconds"] for name, run in runs.items()}
                    uris, read, ping = module.chart.values()
                    times = [f"{seconds:.2f} s" for seconds in (ping, read, uris)]
                    module.add(size, times[0], times[1], read / ping, times[2], uris / read)
    return Part(
        "Reading",
        """\
        Seconds to read the progress of this many jobs, without the start of the interpreter and the imports.
        The floor is a bare ``http.client`` program with the same batches of 100 and four requests at once, which
        checks nothing. The SDK is called as in its examples, one batch after the other. Without latency, a read
        is limited by the processors, which the server shares.""",
        client,
        """\
        A whole ``ansible-playbook``, start to end, against a server without latency, and one whose only task is
        ``ansible.builtin.ping``. With many jobs, most of the time is spent in Ansible itself, which copies the
        result several times.""",
        module,
        chart="Reading 10,000 jobs with ansible-playbook: seconds",
        targets=[
            ("time to read 10,000 jobs at 0 ms, compared with the floor", "at most 1.25", beside_floor[0], OF_PARSING),
            ("time to read 10,000 jobs at 20 ms, compared with the floor", "at most 1.1", beside_floor[20], OF_PARSING),
            ("time of a playbook that reads one job, compared with ping", "at most 1.3", module.rows[0][3], ""),
            ("time of a playbook that reads 10,000 jobs", "at most 1.9 s", module.rows[-1][2], OF_ANSIBLE),
        ],
    )


def waiting() -> Part:
    """Return an hour of waiting."""
    beside_uri: dict[int, str] = {}
    table = Table(("jobs", "way", "CPU", "/drs_job_wait", "requests", "logins", "memory"))
    start = medians({"start": lambda: play({"ansible.builtin.debug": {"msg": "nothing"}})})["start"]["cpu"]
    short, long = (play({"ansible.builtin.wait_for": {"timeout": seconds}}) for seconds in (1, 31))
    idle = (long["cpu"] - short["cpu"]) / (long["seconds"] - short["seconds"])
    for size in (1, 100, 1000):
        with fleet(size) as simulator:
            ids = list(simulator.job_ids)
            rows = [wait(simulator, ids, start, idle), *untils(simulator, ids, start, idle), loop(simulator, ids)]
        ours = rows[0][1]
        beside_uri[size] = f"{rows[2][1] / ours:.0f}"
        for name, cpu, requests, logins, memory in rows:
            table.add(size, name, f"{cpu:.2f} s", cpu / ours, requests, logins, f"{memory / 2**20:.0f} MiB")
        if size == 100:
            table.chart = {row[0]: row[1] for row in rows}
    return Part(
        "Waiting an hour",
        f"""\
        CPU seconds of {POLLS} polls, which is an hour at the default interval of 30 s, without what
        ``ansible-playbook`` needs to start and while it is idle. The hour is compressed: ``drs_job_wait``
        polls every 0.1 s for 12 s, and the time of a poll after the first is multiplied; {FEW} polls of the
        ``until`` loops are run without a pause and multiplied; the loop on the SDK makes all {POLLS} polls
        without a pause, and its start is not counted.

        ``drs_job_wait`` reads both operations, judges them and keeps curves; the others read one operation
        and judge nothing. For more than 100 jobs, ``uri`` needs one request for each 100, and so a loop.
        Memory is that of the largest process. Figures differ by up to 20 % from run to run.""",
        table,
        f"""\
        In addition, an idle ``ansible-playbook`` uses {idle * 3600:.0f} CPU seconds in an hour, whatever its task
        waits for, because it checks for results a thousand times a second.""",
        chart="Waiting an hour for 100 jobs: CPU seconds",
        targets=[
            (
                "CPU of an hour of until with uri, compared with drs_job_wait, for 100 jobs",
                "at least 60",
                beside_uri[100],
                OF_A_POLL,
            ),
            ("logins in an hour", "at most 1", ", ".join({r[5] for r in table.rows if r[1] == "drs_job_wait"}), ""),
        ],
    )


def wait(simulator: Simulator, ids: list[str], start: float, idle: float) -> tuple[str, float, int, str, float]:
    """Name, CPU seconds, requests, logins and memory of an hour of ``drs_job_wait``."""
    options = {**by_password(simulator, ids), "interval": 0.1, "near_interval": 0.1}
    runs = []
    for timeout in (0, 12):
        before = len(simulator.requests)
        run = play(
            {"cutover.drs.drs_job_wait": {**options, "timeout": timeout, "stable_for": timeout}, "ignore_errors": True}
        )
        asked = simulator.requests[before:]
        logins = sum(entry["operation"] == "tokens" for entry in asked)
        # Names are read once, by the list.
        reads = sum(entry["operation"] in ("batch-status", "batch-progress") for entry in asked)
        runs.append((run, reads / (2 * len(batches(ids))), logins, len(asked) - logins - reads))
    (once, one, _logins, _lists), (many, polls, logins, lists) = runs
    assert one == 1, runs
    assert polls > 10, runs
    each = (many["cpu"] - once["cpu"] - idle * (many["seconds"] - once["seconds"])) / (polls - 1)
    cpu = once["cpu"] - start + each * (POLLS - 1)
    return "drs_job_wait", cpu, 2 * len(batches(ids)) * POLLS + lists, str(logins), many["memory"]


def untils(simulator: Simulator, ids: list[str], start: float, idle: float) -> list[tuple[str, float, int, str, float]]:
    """Return the same for ``until`` loops."""
    until = {"until": "false", "retries": FEW - 1, "delay": 0, "ignore_errors": True, "register": "result"}
    tasks = {
        "until, drs_job_status": {"cutover.drs.drs_job_status": by_token(simulator, ids)},
        "until, uri": {**uri(simulator, "{{ item }}"), "loop": batches(ids)},
    }
    rows = []
    for name, task in tasks.items():
        before = len(simulator.requests)
        run = play({**task, **until})
        cpu = (run["cpu"] - start - idle * run["seconds"]) / FEW * POLLS
        requests = (len(simulator.requests) - before) * POLLS // FEW
        rows.append((name, cpu, requests, "none: a token", run["memory"]))
    return rows


def loop(simulator: Simulator, ids: list[str]) -> tuple[str, float, int, str, float]:
    """Return the same for a script on the SDK."""
    before = len(simulator.requests)
    run = candidate("sdk_loop", {"endpoint": simulator.endpoint, "ids": ids, "polls": POLLS})
    return "loop on the SDK", run["cpu"], len(simulator.requests) - before, "none: signs", run["memory"]


def complete(simulator: Simulator, changed: list[float]) -> None:
    """Let the job complete, and note when."""
    simulator.set_job("bench-0001", status="FULL_TRANSFER_COMPLETE", progress=100)
    changed.append(time.monotonic())


def verdict() -> Part:
    """From the service's change to the verdict."""
    job = {"id": "bench-0001", "mode": "FULL_TRANS", "status": "FULL_TRANSFER_STARTED", "progress": 99}
    times = []
    for after in (1.5, 2.5, 3.5, 4.5, 5.5, 6.5):
        with Simulator({"jobs": [job]}) as simulator:
            changed: list[float] = []
            threading.Timer(after, complete, (simulator, changed)).start()
            settings = {"endpoint": simulator.endpoint, "ids": ["bench-0001"], "options": {"timeout": 60}}
            candidate("wait", settings)
            times.append(time.monotonic() - changed[0])
    table = Table(("tries", "fastest", "median", "slowest"))
    table.add(len(times), *(f"{seconds:.1f} s" for seconds in (min(times), statistics.median(times), max(times))))
    return Part(
        "From the service's change to the verdict",
        """\
        A full migration at 99 % completes while ``drs_job_wait`` runs with the default intervals. Near the goal a
        sample is taken every 5 s (±10 %), so the verdict comes within 5.5 s. The goal ``caught_up`` adds the
        seconds of its streak.""",
        table,
        targets=[("time from a change to the verdict, near the goal", "at most 5.5 s", f"{max(times):.1f} s", "")],
    )


def size() -> Part:
    """Memory and time against the number of jobs."""
    table = Table(("jobs", "a poll", "peak memory", "per additional job"))
    least = 0.0
    for count in (1, 1000, 10000, 30000, 100000):
        with fleet(count) as simulator:
            longest = max(1.0, count / 1000)
            options = {"interval": 0.01, "near_interval": 0.01, "timeout": longest, "stable_for": longest}
            settings = {"endpoint": simulator.endpoint, "ids": list(simulator.job_ids), "options": options}
            found = candidate("wait", settings)
        least = least or found["memory"]
        each = f"{(found['memory'] - least) / count / 1024:.1f} KiB" if count > 1 else "–"
        table.add(count, f"{found['seconds'] / found['done']:.2f} s", f"{found['memory'] / 2**20:.0f} MiB", each)
    return Part(
        "Memory and time against the number of jobs",
        """\
        A wait in one process, polls without a pause, four requests at once; the peak includes the final result.
        The first sample reads the list of jobs too, and for each page of it the simulator looks through all jobs.""",
        table,
        targets=[("memory for each of 10,000 jobs", "at most 1.5 KiB", table.rows[2][3], OF_MEMORY)],
    )


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].split(":")[1].strip() if models else platform.machine()
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}, {when}"


def main() -> None:
    parts = {part.__name__: part for part in (reading, waiting, verdict, size, outage)}
    chosen = [name for name in sys.argv[1:] if name in parts] or list(parts)
    found = []
    for name in chosen:
        found.append(parts[name]())
        sys.stdout.write(f"{found[-1].rst()}\n")
        sys.stdout.flush()
    if len(chosen) == len(parts):
        write_page(machine(), found)
        sys.stdout.write(f"written to {PAGE.relative_to(CHECKOUT)}\n")


if __name__ == "__main__":
    main()
