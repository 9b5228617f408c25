# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes that act in a cutover: who this one is, and whether another one still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ...module_utils._cutover.stages import Owner, Role


def this_process(role: Role, pid: int, host: str = "", user: str = "") -> Owner:
    """Return the process ``pid`` of this machine as an owner."""
    return Owner(role, socket.gethostname(), _boot(), pid, _started(pid), host, user)


def lives(owner: Owner | None) -> bool | None:
    """Tell whether the owner's process still runs; None if it is on another machine, where nobody can look."""
    if owner is None:
        return False
    if owner.machine != socket.gethostname():
        return None
    return owner.boot == _boot() and _started(owner.pid) == owner.started != ""


def _boot() -> str:
    """Return what tells one start of this machine, or of this container, from another."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{_started(1)}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process started, so that another one of the same number is not taken for it; empty if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        return _started_without_proc(pid)
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended, though nobody has collected it yet.
    return "" if fields[0] in ("Z", "X") else fields[19]


def _started_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"
