# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator for all the playbooks that one process of pytest runs, and a folder for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.playbooks.support import Place
from drs_simulator import Simulator

PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"
# What would reach the playbooks from who runs the tests: settings, logins and proxies.
UNWANTED = ("ANSIBLE_", "OS_", "HW_", "HUAWEICLOUD_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, the rehearsals of whole projects, so that nothing waits for one of them in the end."""
    items.sort(key=lambda item: item.path.name != "test_project.py")


@pytest.fixture(scope="session")
def sim() -> Iterator[dict[str, Any]]:
    """Start a simulator with nothing to play; what a play must know of it."""
    with Simulator({}, stop_after=3600) as simulator:
        login = {"endpoint": simulator.endpoint, "auth_token": "simulated-token", "project_id": PROJECT}
        by_password = {
            "endpoint": simulator.endpoint,
            "auth_url": simulator.auth_url,
            "username": "demo",
            "password": "simulated-password",
            "user_domain_name": "simulated-domain",
            "project_id": PROJECT,
        }
        yield {"control": f"{simulator.endpoint}/_simulator", "login": login, "by_password": by_password}


@pytest.fixture
def place(sim: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give the test its folder, and its playbooks no settings but these."""
    for name in os.environ:
        if (name.startswith(UNWANTED) and name != "ANSIBLE_COLLECTIONS_PATH") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # These machines are containers, which end with the tests.
    monkeypatch.setenv("DRS_CUTOVER_UNWATCHED", "true")
    (tmp_path / "ansible.cfg").touch()
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "ansible.cfg"))
    return Place(sim, tmp_path)
