# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard is started in a folder of its own, and one that cannot be started leaves none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard import client
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.protocol import Start

HANDOVER = {"options": [], "folder": "/", "config": "", "play": {}, "block": {}, "variables": {}}


@pytest.mark.parametrize("fault", ["no interpreter", "no standard library"])
def test_a_guard_that_cannot_be_started_leaves_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    monkeypatch.setattr(client, "_FOLDERS", (str(tmp_path),))
    environment = dict(os.environ)
    if fault == "no interpreter":
        monkeypatch.setattr(client.sys, "executable", "/nonexistent/python")
    else:
        environment["PYTHONHOME"] = "/nonexistent"
    start = Start("run", "/nonexistent/j.json", ["a"], "db1", "ann", "here", os.getpid(), None, "", dict(HANDOVER))
    monkeypatch.setattr(client, "_LONGEST_FOLDER", 4096)
    with pytest.raises(OSError, match=r"No such file|Errno None"):
        client.start_guard(start, environment, "db1: j.json")
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_home_can_start_a_guard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container that runs as any number, which is in no list of users."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(client.Path, "home", no_home)
    monkeypatch.setattr(client, "_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(client, "_LONGEST_FOLDER", 4096)
    folder = Path(client._private_folder({}))
    assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path, 0o700)
