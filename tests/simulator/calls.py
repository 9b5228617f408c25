# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the simulator's own tests send, and the clock they move by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from drs_simulator import Simulator

PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"
JOB, OTHER_JOB = "9a470239-2308-4bb5-a6bc-1040402fjb21", "dc67695a-ee3e-49b8-a022-a099bd81jb21"

Start = Callable[..., Simulator]


class HandClock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def call(simulator: Simulator, operation: str, body: Any, **options: Any) -> requests.Response:
    """POST one operation with the scenario's ready-made token."""
    headers = {"X-Auth-Token": "simulated-token", **options.pop("headers", {})}
    url = f"{simulator.endpoint}/v3/{PROJECT}/jobs/{operation}"
    sender = options.pop("session", requests)
    return sender.post(url, json=body, headers=headers, timeout=10, allow_redirects=False, **options)


def status_of(simulator: Simulator, *job_ids: str) -> requests.Response:
    return call(simulator, "batch-status", {"jobs": list(job_ids or (JOB,)), "page_req": {"per_page": 0}})


def progress_of(simulator: Simulator, *job_ids: str) -> requests.Response:
    return call(simulator, "batch-progress", {"jobs": list(job_ids or (JOB,))})


def login(simulator: Simulator, scope: Any = None, **user: Any) -> requests.Response:
    given = {
        "name": "demo",
        "password": "simulated-password",
        "domain": {"name": "simulated-domain"},
        **user,
    }
    identity = {"methods": ["password"], "password": {"user": given}}
    scope = {"project": {"id": PROJECT}} if scope is None else scope
    url = f"{simulator.auth_url}/auth/tokens"
    return requests.post(url, json={"auth": {"identity": identity, "scope": scope}}, timeout=10)
