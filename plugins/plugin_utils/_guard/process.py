# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard: a process that outlives the run, keeps its journal, and unfreezes the source if the run no longer can.

It is started by the first step of a cutover and told everything by its standard input. The steps of the run send it
events through a socket in a private folder. It imports no Ansible; the unfreeze tasks run in an ``ansible-playbook``.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._cutover import journal_json as encoding
from ...module_utils._cutover.decide import (
    Completed,
    Enter,
    Event,
    Failed,
    GateEnded,
    RunDied,
    Stopped,
    TimeUp,
    UnfreezeFailed,
    Unfrozen,
    advance,
    begin,
    recover,
)
from ...module_utils._cutover.result import result
from ...module_utils._cutover.stages import Move, Next, Outcome, Owner, Role
from ...module_utils._cutover.wording import told_by_guard
from ...module_utils._job.errors import DrsError
from ...module_utils._job.text import iso, printable
from . import alive as processes
from . import journal_file
from . import lock as jobs_lock
from .unfreeze import Unfreezing, start_unfreeze

# Seconds between two looks at a run where the kernel does not tell at once that it died, and at the clock.
_TICK = 0.5
# Seconds of rest before the unfreeze tasks are tried again, times the attempts so far.
_REST = 3.0
_LARGEST_REQUEST = 256 * 1024 * 1024


def _since_boot() -> float:
    # Unlike time.monotonic, this goes on while the machine sleeps: an outage does, too.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Guard:
    """Keep the journal of one cutover and act when its run cannot."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        """``told`` is what the first step sends, see :func:`_steps.start_guard`."""
        self._told = told
        self._run = encoding.decode_owner(told["owner"])
        self._me = processes.this_process(Role.GUARD, os.getpid(), self._run.host, self._run.user)
        self._path = Path(told["journal"])
        self._lock = jobs_lock.JobsLock(told["jobs"])
        self._handover: Mapping[str, Any] = told["handover"]
        self._gates: dict[str, Any] = {}
        self._warnings: list[str] = []
        self._due: float | None = None
        self._child: Unfreezing | None = None
        self._again_at: float | None = None
        self._retry: Any = None
        self._finished = False
        self._acted = False
        self._journal: Any = None

    def begin(self) -> Move | str:
        """Take the lock and the journal; a sentence if this run may not begin."""
        about = {"journal": str(self._path), "owner": self._told["owner"], "since": iso(time.time())}
        holder = self._lock.take(about)
        if holder is not None:
            return _held_by(holder, self._run)
        earlier = journal_file.read(self._path)
        owner_lives = earlier is not None and _outlives(earlier.owner, self._path)
        now = time.time()
        if self._told["recover"]:
            move = recover(earlier, self._run, now, owner_lives=owner_lives)
            if move is None:
                return f"The journal {self._path} has just been removed"
        else:
            move = begin(earlier, encoding.decode_plan(self._told["plan"]), self._run, now, owner_lives=owner_lives)
        if move.next in (Next.PROCEED, Next.UNFREEZE):
            journal_file.write(self._path, move.journal, now)
        self._journal = move.journal
        return move

    def serve(self, listener: socket.socket) -> None:
        """Answer the steps of the run until it has finished, or is dead and everything is done."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            pidfd = _pidfd(self._run.pid)
            if pidfd is not None:
                selector.register(pidfd, selectors.EVENT_READ)
            dead = False
            while not self._finished:
                for key, _events in selector.select(_TICK):
                    if key.fileobj is listener:
                        self._answer(listener)
                    else:
                        # It stays readable: look once.
                        selector.unregister(key.fileobj)
                self._touch()
                if not dead and not processes.lives(self._run):
                    dead = True
                    self._log(f"The run (process {self._run.pid}) is gone.")
                    self._act(advance(self._journal, RunDied(self._me, time.time(), self._run)))
                if self._due is not None and _since_boot() >= self._due:
                    at = max(time.time(), self._journal.deadline or 0.0)
                    self._act(advance(self._journal, TimeUp(self._me, at, self._run)))
                    self._due = None
                self._look_after_child()
                if dead and self._journal.outcome and self._child is None and self._again_at is None:
                    break
        if self._acted:
            self._report()

    def close(self) -> None:
        """Release the lock, and leave no journal of a run that never froze anything."""
        journal = self._journal
        if journal is not None and journal.outcome is Outcome.NOT_BEGUN and journal.owner in (self._run, self._me):
            with suppress(OSError):
                self._path.resolve().unlink()
        self._lock.release()

    def _touch(self) -> None:
        """Show that this cutover has an owner, also to a recover on another machine with the same folder."""
        with suppress(OSError):
            os.utime(self._path)

    def _answer(self, listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection:
            connection.settimeout(10)
            try:
                request = _received(connection)
                answer = self._answered(request)
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except (OSError, ValueError, KeyError, TypeError) as error:
                self._log(f"A request could not be answered: {error!r}")

    def _answered(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if "handover" in request:
            self._handover = request["handover"]
        if "plan_lines" in request:
            self._told = {**self._told, "plan_lines": request["plan_lines"]}
        kind = request["event"]
        if kind == "state":
            return self._state(Move(self._journal, Next.WAIT if self._busy() else Next.STOP))
        if kind == "finish":
            of_the_run = encoding.decode_owner(request["owner"]) == self._run
            if of_the_run and not self._busy():
                # A step that was to say how it ended may have failed: for the source that is a run that died.
                self._act(advance(self._journal, RunDied(self._me, time.time(), self._run)))
            self._finished = of_the_run and not self._busy()
            return self._state(Move(self._journal, Next.STOP if self._finished else Next.WAIT))
        event = _event(request, time.time())
        if isinstance(event, GateEnded):
            self._gates[event.gate] = request["result"]
        move = advance(self._journal, event)
        try:
            self._keep(move)
        except OSError as error:
            message = f"The journal {self._path} cannot be written: {error.strerror}."
            if isinstance(event, (Enter, GateEnded)):
                # Nothing begins that a later run could not know about.
                return self._state(Move(self._journal, Next.REFUSE, message))
            self._warnings.append(message)
            self._journal = move.journal
        return self._state(move)

    def _busy(self) -> bool:
        return self._child is not None or self._again_at is not None

    def _state(self, move: Move) -> dict[str, Any]:
        return {
            "next": move.next.value,
            "message": move.message,
            "journal": encoding.encode(move.journal, time.time()),
            "plan": list(self._told["plan_lines"]),
            "gates": self._gates if move.next is Next.STOP else {},
            "warnings": self._warnings,
        }

    def _keep(self, move: Move) -> None:
        """Write the journal, and only then believe it."""
        if move.journal != self._journal:
            journal_file.write(self._path, move.journal, time.time())
            self._journal = move.journal
        if move.journal.deadline is not None and self._due is None and not move.journal.unfreezing:
            self._due = _since_boot() + max(0.0, move.journal.deadline - time.time())

    def _act(self, move: Move) -> None:
        """Do what the journal asks of the guard itself."""
        if move.journal == self._journal:
            return
        self._acted = True
        try:
            self._keep(move)
        except OSError as error:
            self._warnings.append(f"The journal {self._path} cannot be written: {error.strerror}.")
            self._journal = move.journal
        if move.next is Next.UNFREEZE:
            attempt = self._journal.attempts
            self._say(f"{self._journal.failure} The guard unfreezes the source now (attempt {attempt}).")
            self._again_at = None
            try:
                self._child = start_unfreeze(self._handover, self._told, self._me)
            except (OSError, ValueError, KeyError) as error:
                self._unfreeze_failed(f"ansible-playbook could not be started: {error}")
        elif ended := told_by_guard(self._journal):
            self._say(ended)

    def _look_after_child(self) -> None:
        if self._again_at is not None and _since_boot() >= self._again_at:
            self._again_at = None
            self._act(self._retry)
        code = self._child.ended() if self._child is not None else None
        if code is None:
            return
        self._child = None
        if self._journal.outcome is Outcome.UNFROZEN:
            self._say(told_by_guard(self._journal))
        elif self._journal.outcome is None:
            self._unfreeze_failed(f"ansible-playbook ended with exit code {code}; see {self._told['log']}")

    def _unfreeze_failed(self, reason: str) -> None:
        move = advance(self._journal, UnfreezeFailed(self._me, time.time(), reason))
        if move.next is Next.UNFREEZE:
            self._log(f"The unfreeze tasks failed: {reason}.")
            self._retry, self._again_at = move, _since_boot() + _REST * self._journal.attempts
        else:
            self._act(move)

    def _report(self) -> None:
        """Write the reports that the run can no longer write."""
        from .._report.write import write_reports

        outcome = result(self._journal, self._gates, list(self._told["plan_lines"]), self._warnings)
        _written, problems = write_reports(self._told["reports"], outcome, self._told["title"])
        for problem in problems:
            self._log(problem)

    def _say(self, text: str) -> None:
        """Tell people: in the log and, if it still exists, on the terminal of the run."""
        self._log(text)
        terminal = self._told.get("terminal")
        if terminal:
            with suppress(OSError), open(terminal, "w", opener=_without_control, encoding="utf-8") as screen:
                screen.write(f"\r\ndrs_cutover guard: {printable(text)}\r\n")

    def _log(self, text: str) -> None:
        # Standard output is the log. A full disk, or a text that cannot be encoded, must not end the guard.
        with suppress(OSError):
            os.write(1, f"{iso(time.time())} {printable(text)}\n".encode())


def _without_control(path: str, flags: int) -> int:
    return os.open(path, flags & ~(os.O_CREAT | os.O_TRUNC) | os.O_NOCTTY | os.O_NONBLOCK)


def _held_by(holder: Mapping[str, Any], run: Owner) -> str:
    try:
        owner = encoding.decode_owner(holder["owner"])
        if (owner.machine, owner.pid, owner.started) == (run.machine, run.pid, run.started) and owner.host != run.host:
            return (
                f"{owner.host} would cut over the same jobs at the same time. Run the role on one host, such as localhost, "
                "or give each host jobs of its own."
            )
        stage = "which cannot be read"
        with suppress(DrsError):
            journal = journal_file.read(Path(holder["journal"]))
            stage = journal.stage if journal else "begin"
        return f"{owner} owns a cutover of the same jobs since {holder['since']}, in the stage {stage}"
    except (KeyError, TypeError, ValueError):
        return "another run on this machine owns a cutover of the same jobs"


def _outlives(owner: Owner | None, journal: Path) -> bool:
    """Tell whether the owner still lives; on another machine, whether it goes on touching the journal."""
    known = processes.lives(owner)
    if known is not None:
        return known
    before = journal.stat().st_mtime_ns
    for _look in range(12):
        time.sleep(_TICK)
        if journal.stat().st_mtime_ns != before:
            return True
    return False


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _received(connection: socket.socket) -> Any:
    content = bytearray()
    while not content.endswith(b"\n"):
        chunk = connection.recv(1 << 16)
        if not chunk or len(content) > _LARGEST_REQUEST:
            raise ValueError("a request that is not whole")
        content += chunk
    return json.loads(content)


def _event(request: Mapping[str, Any], at: float) -> Event:
    by = encoding.decode_owner(request["owner"])
    kind = request["event"]
    if kind == "enter":
        return Enter(by, at, request["stage"])
    if kind == "judged":
        return GateEnded(by, at, request["gate"], request["ready"] is True, request["reason"], request["valid_until"])
    if kind == "stopped":
        return Stopped(by, at, tuple(map(str, request["jobs"])), str(request["reason"]))
    if kind == "failed":
        return Failed(by, at, request["reason"])
    if kind == "unfreeze_failed":
        return UnfreezeFailed(by, at, request["reason"])
    if kind == "unfrozen":
        return Unfrozen(by, at)
    if kind == "completed":
        return Completed(by, at)
    raise ValueError(f"an event {kind!r} that is not known")


def main() -> None:
    """Read what the first step tells, answer it by one line, and guard."""
    told = json.loads(sys.stdin.buffer.read())
    # A session and a parent of its own: nothing that ends the run ends this.
    if os.fork():
        os._exit(0)
    os.setsid()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answer_to = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(told["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    guard = Guard(told)
    folder = Path(told["folder"])
    try:
        _guarded(guard, folder, answer_to)
    finally:
        guard.close()
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            if not Path(told["log"]).stat().st_size:
                Path(told["log"]).unlink()


def _guarded(guard: Guard, folder: Path, answer_to: int) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(folder / "guard"))
            listener.listen(8)
            move = guard.begin()
        except (DrsError, OSError) as error:
            move = str(error)
        if isinstance(move, str):
            answer: dict[str, Any] = {"next": Next.REFUSE.value, "message": move, "journal": None}
        else:
            journal = encoding.encode(move.journal, time.time())
            answer = {"next": move.next.value, "message": move.message, "journal": journal, "guard": os.getpid()}
        os.write(answer_to, json.dumps(answer).encode() + b"\n")
        os.close(answer_to)
        if answer["next"] in (Next.PROCEED.value, Next.UNFREEZE.value):
            guard.serve(listener)


if __name__ == "__main__":
    main()
