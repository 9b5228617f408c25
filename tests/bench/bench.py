# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks, side by side in one run: ``python bench.py [reading] [waiting] [verdict] [size]``.

Everything runs against the simulator on this machine. The figures go to docs/benchmarks.md with a chart beside it;
docs say what is compressed and how. Medians of three runs, unless a run takes longer than ten seconds.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path[:0] = [str(CHECKOUT / "tests/tools"), str(CHECKOUT / "tests/simulator"), str(HERE)]

from candidates import PROJECT, TOKEN, batches  # noqa: E402
from checkout import collections_path, variables  # noqa: E402

from drs_simulator import Simulator  # noqa: E402

# An hour at the default interval of 30 s.
POLLS = 120
# So many of them are run of what starts a process for each; the rest is the same again.
FEW = 15
SIZES = (1, 100, 1000, 10000)
LATENCIES = (0, 20, 100)


def environment() -> dict[str, str]:
    return variables(
        ANSIBLE_COLLECTIONS_PATH=str(collections_path()),
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
        PYTHONPATH=str(collections_path()),
    )


def candidate(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The figures of one candidate in a process of its own."""
    program = [sys.executable, str(HERE / "candidates.py"), name]
    done = subprocess.run(
        program, input=json.dumps(settings), env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def play(tasks: list[dict[str, Any]]) -> dict[str, float]:
    """Wall and CPU seconds of a playbook, all of its processes."""
    book = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        path.write_text(json.dumps(book), encoding="utf-8")
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", str(path)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if "unreachable=0    failed=0" not in done.stdout and "ignored=1" not in done.stdout:
        raise SystemExit(f"the playbook failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return {"seconds": seconds, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def median(measure: Any) -> dict[str, float]:
    """The run of median time of three; of one, where it is long."""
    runs = [measure()]
    if runs[0]["seconds"] < 10:
        runs += [measure(), measure()]
    middle = statistics.median_low(run["seconds"] for run in runs)
    return next(run for run in runs if run["seconds"] == middle)


def fleet(count: int, latency: float = 0) -> Simulator:
    """Jobs that never catch up."""
    generate = {"count": count, "prefix": "bench", "life": "incremental", "delay_from": 500, "drain_seconds": 10**7}
    return Simulator({"generate": generate, "latency": latency})


def login(simulator: Simulator, jobs: list[str]) -> dict[str, Any]:
    return {"endpoint": simulator.endpoint, "auth_token": TOKEN, "project_id": PROJECT, "jobs": jobs}


def uri(simulator: Simulator, jobs: list[str], operation: str) -> dict[str, Any]:
    return {
        "url": f"{simulator.endpoint}/v3/{PROJECT}/jobs/{operation}",
        "method": "POST",
        "headers": {"X-Auth-Token": TOKEN},
        "body": {"jobs": jobs},
        "body_format": "json",
        "status_code": [200, 202],
    }


def reading() -> list[str]:
    """Tables of reading jobs."""
    ping = median(lambda: play([{"ansible.builtin.ping": {}}]))
    lines = [
        "## Reading",
        "",
        (
            "Seconds to read the progress of so many jobs once interpreter and imports are up. The floor is a bare "
            "`http.client` program with the same batches of 100 and four requests at once, which checks nothing."
        ),
        "",
        "| latency | jobs | floor | client | client / floor | official SDK | SDK / floor |",
        "|---|---|---|---|---|---|---|",
    ]
    whole = [
        "",
        (
            "Seconds for a whole `ansible-playbook`, start to end, without latency. "
            f"With `ansible.builtin.ping` alone it takes {ping['seconds']:.2f} s."
        ),
        "",
        "| jobs | `drs_job_progress` | / ping | one `uri` task a batch | `uri` / module |",
        "|---|---|---|---|---|",
    ]
    for latency in LATENCIES:
        for size in SIZES:
            with fleet(size, latency) as simulator:
                ids = list(simulator.job_ids)
                settings = {"endpoint": simulator.endpoint, "ids": ids}
                found = {name: median(partial(candidate, name, settings)) for name in ("floor", "client", "sdk")}
                assert all(run["done"] == size for run in found.values()), found
                base = found["floor"]["seconds"]
                lines.append(
                    f"| {latency} ms | {size} | {base:.3f} | {found['client']['seconds']:.3f} | "
                    f"{found['client']['seconds'] / base:.2f} | {found['sdk']['seconds']:.3f} | "
                    f"{found['sdk']['seconds'] / base:.2f} |"
                )
                if latency == 0:
                    module = median(partial(play, [{"cutover.drs.drs_job_progress": login(simulator, ids)}]))
                    requests = [
                        {"ansible.builtin.uri": uri(simulator, batch, "batch-progress")} for batch in batches(ids)
                    ]
                    by_uri = median(partial(play, requests))
                    whole.append(
                        f"| {size} | {module['seconds']:.2f} | {module['seconds'] / ping['seconds']:.2f} | "
                        f"{by_uri['seconds']:.2f} | {by_uri['seconds'] / module['seconds']:.1f} |"
                    )
    return [*lines, *whole, ""]


def waiting() -> list[str]:
    """A table of an hour of waiting."""
    lines = [
        "## Waiting an hour",
        "",
        (
            f"CPU seconds of {POLLS} polls, an hour at 30 s, without the idle time. `drs_job_wait` and the loop "
            f"on the SDK run all of them. Of the `until` loops {FEW} polls are run; what they take beyond the start of "
            "`ansible-playbook` is multiplied. An `until` loop reads one operation, `drs_job_wait` both."
        ),
        "",
        "| jobs | way | CPU seconds | / `drs_job_wait` | requests | logins | memory of the process |",
        "|---|---|---|---|---|---|---|",
    ]
    start = median(lambda: play([{"ansible.builtin.debug": {"msg": "nothing"}}]))["cpu"]
    for size in (1, 100, 1000):
        with fleet(size) as simulator:
            ids = list(simulator.job_ids)
            rows = waits(simulator, ids, start)
        base = rows[0][1]
        for name, cpu, requests, logins, memory in rows:
            lines.append(f"| {size} | {name} | {cpu:.1f} | {cpu / base:.1f} | {requests} | {logins} | {memory} |")
    return [*lines, ""]


def waits(simulator: Simulator, ids: list[str], start: float) -> list[tuple[str, float, int, str, str]]:
    """Name, CPU seconds, requests, logins and memory of each way to wait."""
    rows = []
    by_password = {
        "auth_token": None,
        "project_id": None,
        "auth_url": simulator.auth_url,
        "username": "demo",
        "password": "simulated-password",
        "user_domain_name": "simulated-domain",
        "project_name": "eu-de",
    }
    interval = 0.1
    rules = {"interval": interval, "near_interval": interval, "timeout": POLLS * interval, **by_password}
    settings = {"endpoint": simulator.endpoint, "ids": ids, "options": rules}
    before = len(simulator.requests)
    alone = candidate("wait", settings)
    asked = simulator.requests[before:]
    logins = sum(entry["operation"] == "tokens" for entry in asked)
    play_of_wait = {name: value for name, value in {**login(simulator, ids), **rules}.items() if value is not None}
    whole = play([{"cutover.drs.drs_job_wait": {**play_of_wait, "progress": False}, "ignore_errors": True}])
    # As many polls as an hour has, though the polls themselves take some of the time.
    cpu = (whole["cpu"] - start) * POLLS / max(alone["done"], 1)
    sent = round((len(asked) - logins) * POLLS / max(alone["done"], 1))
    rows.append(("`drs_job_wait`", cpu, sent, str(logins), f"{alone['memory'] / 2**20:.0f} MiB"))
    until = {"until": "false", "retries": FEW - 1, "delay": 0, "ignore_errors": True, "register": "result"}
    for name, task in (
        ("`until`, `drs_job_status`", {"cutover.drs.drs_job_status": login(simulator, ids)}),
        ("`until`, `uri`", {"ansible.builtin.uri": uri(simulator, ids, "batch-progress")}),
    ):
        before = len(simulator.requests)
        run = play([{**task, **until}])
        each = (run["cpu"] - start) / FEW
        requests = round((len(simulator.requests) - before) / FEW * POLLS)
        rows.append((name, each * POLLS, requests, "a token", "a process a poll"))
    before = len(simulator.requests)
    loop = candidate("sdk_wait", {**settings, "polls": POLLS, "interval": 0})
    rows.append(
        ("loop on the SDK", loop["cpu"], len(simulator.requests) - before, "signs", f"{loop['memory'] / 2**20:.0f} MiB")
    )
    return rows


def complete(simulator: Simulator, changed: list[float]) -> None:
    """Let the job complete, and note when."""
    simulator.set_job("bench-0001", status="FULL_TRANSFER_COMPLETE", progress=100)
    changed.append(time.monotonic())


def verdict() -> list[str]:
    """From the service's change to the verdict."""
    times = []
    for _try in range(5):
        with Simulator(
            {"jobs": [{"id": "bench-0001", "mode": "FULL_TRANS", "status": "FULL_TRANSFER_STARTED", "progress": 99}]}
        ) as simulator:
            changed: list[float] = []
            rules = {"interval": 30, "near_interval": 5, "timeout": 60}
            threading.Timer(1.5, complete, (simulator, changed)).start()
            candidate("wait", {"endpoint": simulator.endpoint, "ids": ["bench-0001"], "options": rules})
            times.append(time.monotonic() - changed[0])
    return [
        "## From the service's change to the verdict",
        "",
        (
            "A full migration at 99 % completes 1.5 s after the wait began; the default intervals. Near "
            "the goal a sample comes every 5 s (10 % by chance), so the verdict comes within 5.5 s. `caught_up` adds "
            "the seconds of the streak that it asks for."
        ),
        "",
        f"Five tries: {', '.join(f'{seconds:.1f} s' for seconds in sorted(times))}.",
        "",
    ]


def size() -> list[str]:
    """Memory and time against the number of jobs."""
    lines = [
        "## Memory and time against the number of jobs",
        "",
        "A wait of ten polls in one process; memory is its peak beyond that of a wait for one job.",
        "",
        "| jobs | seconds a poll | peak memory | beyond one job, a job |",
        "|---|---|---|---|",
    ]
    least = 0.0
    for count in (1, 1000, 10000, 30000, 100000):
        with fleet(count) as simulator:
            rules = {"interval": 0.01, "near_interval": 0.01, "timeout": max(1.0, count / 1000), "batch_size": 100}
            found = candidate(
                "wait", {"endpoint": simulator.endpoint, "ids": list(simulator.job_ids), "options": rules}
            )
        least = least or found["memory"]
        each = (found["memory"] - least) / count
        shown = f"{each / 1024:.1f} KiB" if count > 1 else ""
        lines.append(
            f"| {count} | {found['seconds'] / found['done']:.2f} | {found['memory'] / 2**20:.0f} MiB | {shown} |"
        )
    return [*lines, ""]


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}, {when}"


def main() -> None:
    parts = {part.__name__: part for part in (reading, waiting, verdict, size)}
    chosen = [name for name in sys.argv[1:] if name in parts] or list(parts)
    lines = [
        "<!--",
        # REUSE-IgnoreStart
        "Copyright (c) 2026, the cutover.drs authors",
        "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
        "SPDX-License-Identifier: GPL-3.0-or-later",
        # REUSE-IgnoreEnd
        "-->",
        "",
        "# Benchmarks",
        "",
        (
            f"Made by `make bench` in one run, side by side, against the simulator on the same machine: {machine()}. "
            "Server and client share its cores, so compare the ratios. No live account was used."
        ),
        "",
    ]
    for name in chosen:
        sys.stdout.write(f"== {name}\n")
        found = parts[name]()
        sys.stdout.write("\n".join(found) + "\n")
        sys.stdout.flush()
        lines += found
    if len(chosen) == len(parts):
        (CHECKOUT / "docs/benchmarks.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
