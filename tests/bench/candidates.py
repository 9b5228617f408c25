# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reader or waiter in a process of its own: ``python candidates.py NAME < SETTINGS``.

SETTINGS is JSON on the standard input: endpoint, ids, and what a candidate takes beside. Each prints JSON with its
seconds, counted from where the interpreter and the imports are up, and what it read.
"""

from __future__ import annotations

import http.client
import json
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"
TOKEN = "simulated-token"
BATCH, PARALLEL = 100, 4


def batches(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


def floor(settings: dict[str, Any]) -> Callable[[], int]:
    """Return a bare http.client program with the same batches and as many requests at once; it checks nothing."""
    host = urlsplit(settings["endpoint"]).netloc
    threads = threading.local()

    def read(batch: list[str]) -> int:
        if not hasattr(threads, "connection"):
            threads.connection = http.client.HTTPConnection(host)
        headers = {"Content-Type": "application/json", "X-Auth-Token": TOKEN}
        path = f"/v3/{PROJECT}/jobs/batch-progress"
        threads.connection.request("POST", path, json.dumps({"jobs": batch}), headers)
        return len(json.loads(threads.connection.getresponse().read())["results"])

    def run() -> int:
        with ThreadPoolExecutor(PARALLEL) as pool:
            return sum(pool.map(read, batches(settings["ids"])))

    return run


def client(settings: dict[str, Any]) -> Callable[[], int]:
    """Return the collection's client, as the module uses it."""
    from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect

    def run() -> int:
        with connect(options(settings), {}) as connected:
            return sum(record.found for record in connected.progress(settings["ids"]))

    return run


def sdk(settings: dict[str, Any]) -> Callable[[], int]:
    """Return a script on the official SDK, one batch after the other, as its examples do it."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkdrs.v3 import BatchListProgressesRequest, BatchQueryProgressReq, DrsClient

    credentials = BasicCredentials("SIMULATEDACCESSKEY", "simulated-secret-key", PROJECT)
    connected = DrsClient.new_builder().with_credentials(credentials).with_endpoint(settings["endpoint"]).build()

    def run() -> int:
        answers = (
            connected.batch_list_progresses(BatchListProgressesRequest(body=BatchQueryProgressReq(jobs=batch)))
            for batch in batches(settings["ids"])
        )
        return sum(len(answer.results) for answer in answers)

    return run


def options(settings: dict[str, Any]) -> dict[str, Any]:
    """Return all options of a wait, with their defaults where the settings give none."""
    from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
    from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS

    given = {"endpoint": settings["endpoint"], "auth_token": TOKEN, "project_id": PROJECT, "jobs": settings["ids"]}
    defaults = {name: spec.get("default") for name, spec in {**CONNECTION_OPTIONS, **WAIT_OPTIONS}.items()}
    return {**defaults, **given, **settings.get("options", {})}


def wait(settings: dict[str, Any]) -> Callable[[], int]:
    """Return a wait as the action plugin runs it; its lines go nowhere."""
    from ansible_collections.cutover.drs.plugins.module_utils._wait.loop import run as waited

    def run() -> int:
        result = waited(options(settings), {}, one_sample=False, say=lambda line: None)
        return int(result["polls"])

    return run


def sdk_loop(settings: dict[str, Any]) -> Callable[[], int]:
    """Return a loop on the SDK that reads again and again."""
    read = sdk(settings)
    return lambda: sum(bool(read()) for _poll in range(settings["polls"]))


def program(settings: dict[str, Any]) -> dict[str, float]:
    """Another program with all its processes; memory is that of the largest."""
    began = time.perf_counter()
    done = subprocess.run(settings["program"], capture_output=True, text=True, check=False)
    seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if "unreachable=0    failed=0" not in done.stdout and "ignored=1" not in done.stdout:
        raise SystemExit(f"the playbook failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss * 1024}


def peak_memory() -> int:
    """Bytes. Not by getrusage, which begins with the memory of the process that started this one."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024


def main() -> None:
    settings = json.load(sys.stdin)
    if sys.argv[1] == "program":
        json.dump(program(settings), sys.stdout)
        return
    run = {each.__name__: each for each in (floor, client, sdk, wait, sdk_loop)}[sys.argv[1]](settings)
    began, cpu = time.perf_counter(), time.process_time()
    done = run()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    json.dump({"seconds": seconds, "cpu": cpu, "memory": peak_memory(), "done": done}, sys.stdout)


if __name__ == "__main__":
    main()
