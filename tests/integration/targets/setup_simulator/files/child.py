# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook as a child of a test, read while it runs, and ended with all its workers."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# With simulator.py, whose tasks start no module: of a play of a second, most would be the start of modules.
PLUGINS = Path(__file__).resolve().parents[1] / "action_plugins"
# No machine is so slow.
LONGEST = 90.0
# The terminal on standard input becomes that of the session, as a shell does it.
ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's `... &` passes this on, and ansible-core 2.16 would not hear the Ctrl-C of a test.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # And so does nohup, under which no run would hear that its terminal is gone.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Child:
    """A run of plays, with what it wrote so far, and when each line of standard error came."""

    def __init__(
        self,
        plays: Sequence[dict[str, Any]],
        folder: Path,
        *options: str,
        program: Sequence[str] = ("ansible-playbook",),
        terminal: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        handle, playbook = tempfile.mkstemp(suffix=".json", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(plays, file)
        command = [*program, *options, playbook]
        self._terminal, stdin = pty.openpty() if terminal else (None, subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *command] if terminal else command,
            # As people start it: beside the playbook, where Ansible then looks for files of tasks, too.
            cwd=folder,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "ANSIBLE_ACTION_PLUGINS": str(PLUGINS),
                "ANSIBLE_PIPELINING": "1",
                # A question, which has no end of line, would wait in a pipe.
                "PYTHONUNBUFFERED": "1",
                **(environment or {}),
            },
            start_new_session=True,
        )
        if terminal:
            os.close(stdin)
        self.stdout = ""
        self.stderr = ""
        self.lines: list[tuple[float, str]] = []
        streams = (self.process.stdout, self._take_stdout), (self.process.stderr, self._take_stderr)
        self._readers = [threading.Thread(target=read, args=stream, daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()

    def _take_stdout(self, text: str) -> None:
        self.stdout += text

    def _take_stderr(self, text: str) -> None:
        self.stderr += text
        whole = self.stderr.split("\n")[:-1]
        self.lines += [(time.monotonic(), line) for line in whole[len(self.lines) :]]

    def type(self, text: str) -> None:
        """Type at its terminal."""
        assert self._terminal is not None
        os.write(self._terminal, text.encode())

    def until(self, text: str, times: int = 1) -> None:
        """Wait until it wrote this text, this number of times."""
        deadline = time.monotonic() + LONGEST
        while max(self.stdout.count(text), self.stderr.count(text)) < times:
            running = self.process.poll() is None and time.monotonic() < deadline
            assert running, f"no {text!r} in\n{self.stdout}\n{self.stderr}"
            time.sleep(0.02)

    def end(self) -> int:
        """The exit code, once it ended by itself and all it wrote is read."""
        code = self.process.wait(LONGEST)
        for reader in self._readers:
            reader.join(LONGEST)
        return code

    def tree(self) -> list[int]:
        """Its process and all below it. A worker of ansible-core 2.19 has a process group of its own."""
        listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        found = [self.process.pid]
        for parent in found:
            found += [pid for pid, of in pairs if of == parent]
        return found

    def kill(self) -> None:
        """End it and all its workers without a chance to do anything, and see them gone."""
        # Stopped first, so that it starts no worker that would be missed.
        kill([self.process.pid], signal.SIGSTOP)
        pids = self.tree()
        kill(pids)
        self.process.wait(LONGEST)
        assert gone(pids)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        if self._terminal is not None:
            os.close(self._terminal)


def read(stream: Any, take: Callable[[str], None]) -> None:
    """Hand on what comes as it comes, not as whole lines: a question has no end of line."""
    while chunk := os.read(stream.fileno(), 65536):
        take(chunk.decode("utf-8", "replace"))
    stream.close()


@contextlib.contextmanager
def child(plays: Sequence[dict[str, Any]], folder: Path, *options: str, **more: Any) -> Iterator[Child]:
    """A child of which nothing is left behind, however the test ends."""
    started = Child(plays, folder, *options, **more)
    try:
        yield started
    finally:
        started.close()


def kill(pids: list[int], number: int = signal.SIGKILL) -> None:
    """Send the signal to those that still run: the process of a module may have ended meanwhile."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def gone(pids: list[int]) -> bool:
    """Whether all these processes end within a moment."""
    deadline = time.monotonic() + 10
    while any(map(alive, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ask(control: str, path: str, body: Any = None, method: str = "GET") -> Any:
    """One request to the simulator's control API."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{control}/{path}", data, {"Content-Type": "application/json"}, method=method)
    with opener.open(request, timeout=10) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def run_all(tests: dict[str, Callable[[], None]], at_once: int) -> int:
    """Run tests side by side, say which failed and why, and how many passed; the exit code of all."""

    def run(name: str) -> bool:
        try:
            tests[name]()
        except Exception:
            sys.stderr.write(f"FAILED {name}\n{traceback.format_exc()}\n")
            return False
        return True

    with ThreadPoolExecutor(at_once) as pool:
        passed = sum(pool.map(run, tests))
    print(f"{passed} of {len(tests)} passed")
    return 0 if passed == len(tests) > 0 else 1
