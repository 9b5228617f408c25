# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a process still lives, what is left of a user's tasks, and whether this is a container."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ...module_utils._cutover.journal import Process

# In the environment of the user's tasks, and so of every process that they start on this machine.
MARK = "DRS_CUTOVER_STAGE"
_PROC = Path("/proc")
# The states of a process that has ended.
_ENDED = ("Z", "X")
# The first processes that outlive what they started: with any other, a container ends with its first process.
_INITS = ("systemd", "init", "launchd")
_CONTAINER_FILES = ("/run/.containerenv", "/.dockerenv")
# Programs by which a task acts on another machine, whose end there nobody here can see.
_TRANSPORTS = (b"ssh", b"sshpass", b"scp", b"sftp", b"kubectl", b"podman", b"docker", b"oc")


def in_container(environment: Mapping[str, str]) -> bool:
    """Tell whether this runs in a container, where a guard dies with its run."""
    if not (environment.get("KUBERNETES_SERVICE_HOST") or any(Path(path).exists() for path in _CONTAINER_FILES)):
        return False
    try:
        return (_PROC / "1" / "comm").read_text(encoding="utf-8", errors="replace").strip() not in _INITS
    except OSError:
        return True


def this_process() -> Process:
    """Return this process."""
    return Process(os.getpid(), started(os.getpid()), _place())


def gone(process: Process) -> bool:
    """Tell whether a process is known to be gone: only where its number means the same process as here."""
    return bool(process.place) and process.place == _place() and run_is_gone(process.pid, process.started)


def _place() -> str:
    """Return where a process number means something; empty if nobody can tell."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def run_is_gone(pid: int, known: str) -> bool:
    """Tell whether a process of this machine is gone, or its number is another one's; ``known`` is when it started.

    That nobody can look is no answer.
    """
    try:
        now = started(pid)
    except OSError:
        return False
    return not now or now != known


def started(pid: int) -> str:
    """Return when a process started; empty if it is gone. Raises OSError if nobody can tell: only ENOENT and ESRCH mean gone."""
    try:
        fields = _stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return "" if (_PROC / "self").exists() else _started_without_proc(pid)
    # A zombie has ended, though nobody has collected it yet.
    return "" if fields[0] in _ENDED else fields[19]


def _stat(pid: int) -> list[str]:
    """Return what the kernel says of a process, from its state on: its name before that may be anything."""
    stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()


def _started_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"


def forks_of(pid: int) -> bytes:
    """Return by what a process and its forked workers are known; empty if nobody can tell.

    Many runs have the same command line, each in a folder of its own. But where a program lies in memory is drawn when
    it is started, and inherited by its forks.
    """
    memory = _memory(pid)
    return b"\0".join([_read(_PROC / str(pid) / "cmdline"), *map(str.encode, memory)]) if memory else b""


def _memory(pid: int) -> list[str]:
    """Return where the stack, the arguments and the environment of a process begin; nothing if nobody can tell."""
    if _read(_PROC / "sys/kernel/randomize_va_space").strip() == b"0":
        return []
    try:
        fields = _stat(pid)
        places = [fields[index] for index in (25, 45, 47)]
    except (OSError, IndexError):
        return []
    # Of a process of somebody else the kernel says 0 or 1.
    return [] if {"0", "1"} & {*places} else places


class Leftovers:
    """What is left of the user's tasks of one stage on this machine, and of a run that is gone."""

    def __init__(self, cutover: str, stage: str, forks: bytes = b"") -> None:
        """``forks`` is by what the workers of a run that is gone are known (:func:`forks_of`): they are ended too."""
        self._mark = f"{MARK}={cutover}:{stage}".encode()
        self._forks = forks
        # Whether one of them acted on another machine.
        self.elsewhere = False

    def end(self, within: float, clock: Callable[[], float] = time.monotonic) -> bool:
        """Kill them until none is left; False if some are, after ``within`` seconds."""
        deadline = clock() + within
        quiet = 0
        while quiet < 2:
            found = self.any()
            quiet = 0 if found else quiet + 1
            if clock() >= deadline:
                return not found
            time.sleep(0.05)
        return True

    def any(self) -> bool:
        """Tell whether there are some, and kill them."""
        found = list(self._find())
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return bool(found)

    def _find(self) -> Iterator[int]:
        for entry in _PROC.iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            # In this order: of a process that is just starting a program, the mark is there only with its command line.
            pid, environment, command = int(entry.name), _read(entry / "environ"), _read(entry / "cmdline")
            if self._marked(pid, environment, command):
                program = command.split(b"\0", 1)[0].rpartition(b"/")[2]
                self.elsewhere = self.elsewhere or program in _TRANSPORTS
                yield pid
            elif self._forks and forks_of(pid) == self._forks and self._orphaned(pid):
                yield pid

    def _marked(self, pid: int, environment: bytes, command: bytes) -> bool:
        marked = b"\0" + self._mark in b"\0" + environment
        if not marked and self._mark not in command:
            return False
        try:
            return bool(started(pid))
        except OSError:
            return True

    def _orphaned(self, pid: int) -> bool:
        """Tell whether a worker has lost its run: its parent is not a fork of the same program."""
        with suppress(OSError, IndexError, ValueError):
            fields = _stat(pid)
            return fields[0] not in _ENDED and forks_of(int(fields[1])) != self._forks
        return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
