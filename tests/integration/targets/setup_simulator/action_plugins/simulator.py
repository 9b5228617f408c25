# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, ask and stop the simulator from the controller's process, where a task starts no module.

With ``start`` it begins one and returns ``sim``: ``endpoint auth_url control ca_path pid project_id login`` (``login``:
the options for the ready-made token). Otherwise it turns to the running one, that of the variable ``sim``.
``scenario`` plays another one, ``job`` with ``changes`` changes a job, ``faults`` (list) puts in faults,
``withdraw_tokens`` and ``credentials`` change the logins, ``forget`` empties the log, ``stop`` ends it. It returns
``log`` (the requests so far), ``counts`` of them by operation, ``connections`` (how many different ones) and ``ids``.

With ``note`` it appends this word to the file ``to``, and asks nothing: how a test knows that a task ran.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

import ansible_collections.cutover.drs

# Seconds after which nothing is left of a run that was killed.
STOP_AFTER = 900
STARTS_WITHIN = 30.0
STOPS_WITHIN = 10.0
PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"
SIMULATOR = Path(next(iter(ansible_collections.cutover.drs.__path__)), "simulator")


class ActionModule(ActionBase):
    """One command to the simulator."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = self._task.args
        if "start" in given:
            return {**result, "sim": start(**given["start"])}
        if self._task.check_mode and ("note" in given or "changes" in given):
            return {**result, "changed": True}
        if "note" in given:
            with Path(given["to"]).open("a", encoding="utf-8") as file:
                file.write(f"{given['note']}\n")
            return result
        sim = self._templar.template((task_vars or {})["sim"])
        if "stop" in given:
            stop(int(sim["pid"]))
            return result
        for method, path, body in changes(given):
            ask(method, f"{sim['control']}/{path}", body)
        log = ask("GET", f"{sim['control']}/log")
        counts = Counter(entry["operation"] for entry in log)
        connections = {entry["connection"] for entry in log}
        ids = list(ask("GET", f"{sim['control']}/jobs")["jobs"])
        return {**result, "log": log, "counts": dict(counts), "connections": len(connections), "ids": ids}


def changes(given: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Requests to the control API, in the order in which they make sense."""
    requests: list[tuple[str, str, Any]] = []
    if "scenario" in given:
        requests.append(("PUT", "scenario", given["scenario"]))
    if "job" in given:
        requests.append(("PATCH", f"jobs/{given['job']}", given["changes"]))
    requests += [("POST", "faults", fault) for fault in given.get("faults", ())]
    if "credentials" in given:
        requests.append(("PUT", "credentials", given["credentials"]))
    if given.get("withdraw_tokens"):
        requests.append(("POST", "withdraw-tokens", None))
    if given.get("forget"):
        requests.append(("DELETE", "log", None))
    return requests


def start(folder: str, python: str, tls: bool = False) -> dict[str, Any]:
    """Start one with nothing to play in an existing folder; what it says of itself, once it listens."""
    ready, scenario = Path(folder, "ready.json"), Path(folder, "nothing.json")
    ready.unlink(missing_ok=True)
    scenario.write_text("{}", encoding="utf-8")
    command = [python, "-m", "drs_simulator", "--scenario", str(scenario), "--ready-file", str(ready)]
    command += ["--stop-after", str(STOP_AFTER), *(["--tls"] if tls else [])]
    with Path(folder, "simulator.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(SIMULATOR)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + STARTS_WITHIN
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            said = Path(folder, "simulator.log").read_text(encoding="utf-8")
            raise AnsibleActionFail(f"The simulator did not start: {said}")
        time.sleep(0.02)
    sim: dict[str, Any] = json.loads(ready.read_text(encoding="utf-8"))
    login = {"endpoint": sim["endpoint"], "auth_token": "simulated-token", "project_id": PROJECT}
    return {**sim, "project_id": PROJECT, "login": login}


def stop(pid: int) -> None:
    """End the process by its number, and see it gone."""
    deadline = time.monotonic() + STOPS_WITHIN
    try:
        os.kill(pid, 15)
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.02)
    except ProcessLookupError:
        return
    raise AnsibleActionFail(f"The simulator, process {pid}, does not end.")


def ask(method: str, url: str, body: Any = None) -> Any:
    """One request to the control API; its response, if it has one."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    # No proxy of the environment: the simulator is on this machine.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    )
    try:
        with opener.open(request, timeout=10) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        raise AnsibleActionFail(f"{method} {url}: {error.read().decode()}") from None
    return json.loads(content) if content else None
