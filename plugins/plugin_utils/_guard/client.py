# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the steps of a run talk to its guard, and what they do if it is gone."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._cutover import journal_json as encoding
from ...module_utils._cutover.decide import Failed, UnfreezeFailed, Unfrozen, advance
from ...module_utils._cutover.stages import Journal, Move, Next
from ...module_utils._job.errors import DrsError
from . import journal_file

# Seconds in which a guard has to say that it is watching.
_HANDSHAKE = 30.0
# Seconds in which the guard has to unfreeze before a step stops waiting for it.
_LONGEST_WAIT = 1800.0
_LONGEST_FOLDER = 80
_COLLECTIONS = Path(__file__).parents[5]


class GuardGoneError(Exception):
    """The guard does not answer."""


def start_guard(told: Mapping[str, Any]) -> dict[str, Any]:
    """Start a guard and return what it says: whether this run may begin, and the journal.

    ``told`` has ``owner``, ``journal``, ``log``, ``jobs``, ``plan`` or ``recover``, ``handover``, ``terminal``, ``reports``,
    ``title`` and ``plan_lines``. Raises :class:`OSError`.
    """
    folder = _private_folder()
    program = (
        f"import sys; sys.path.insert(0, {str(_COLLECTIONS.parent)!r}); "
        "from ansible_collections.cutover.drs.plugins.plugin_utils._guard.process import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        if not (process.stdin and process.stdout and process.stderr):
            raise OSError(None, "it has no pipes")
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps({**told, "folder": folder}).encode())
            process.stdin.close()
        ready, _writable, _failed = select.select([process.stdout], [], [], _HANDSHAKE)
        line = process.stdout.readline() if ready else b""
        if not line:
            process.kill()
            said = process.stderr.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise OSError(None, said or "it gave no sign of life")
    answer: dict[str, Any] = json.loads(line)
    return {**answer, "socket": f"{folder}/guard"}


def _private_folder() -> str:
    # The path of a socket has at most 107 bytes, and TMPDIR may be longer than that.
    folder = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="drs-", dir=folder if len(os.fsencode(folder)) < _LONGEST_FOLDER else "/tmp")


def ask(guard: Mapping[str, Any], event: str, **more: Any) -> dict[str, Any]:
    """Send an event to the guard and return its answer. Raises :class:`GuardGoneError`."""
    request = {"event": event, "owner": guard["owner"], **more}
    content = bytearray()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(guard["socket"])
            connection.sendall(json.dumps(request, default=str).encode() + b"\n")
            while not content.endswith(b"\n"):
                chunk = connection.recv(1 << 16)
                if not chunk:
                    raise GuardGoneError("it hung up")
                content += chunk
    except OSError as error:
        raise GuardGoneError(error.strerror or str(error)) from None
    answer: dict[str, Any] = json.loads(content)
    return answer


def report_failure(guard: Mapping[str, Any], event: str, reason: str) -> dict[str, Any]:
    """Tell that the run or its unfreeze tasks failed; without a guard, decide here. Waits while the guard unfreezes."""
    try:
        return settled(guard, ask(guard, event, reason=reason))
    except GuardGoneError as gone:
        kind = Failed if event == "failed" else UnfreezeFailed
        return _without_guard(guard, kind(encoding.decode_owner(guard["owner"]), time.time(), reason), str(gone))


def report_unfrozen(guard: Mapping[str, Any]) -> dict[str, Any]:
    """Tell that the unfreeze tasks ran to their end."""
    try:
        return ask(guard, "unfrozen")
    except GuardGoneError as gone:
        return _without_guard(guard, Unfrozen(encoding.decode_owner(guard["owner"]), time.time()), str(gone))


def stage(guard: Mapping[str, Any]) -> str:
    """Return the stage that the cutover is in."""
    try:
        return str(ask(guard, "state")["journal"]["stage"])
    except GuardGoneError:
        return _on_disk(guard).stage


def finish(guard: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last state of the cutover and let the guard go."""
    try:
        deadline = time.monotonic() + _LONGEST_WAIT
        while True:
            answer = ask(guard, "finish")
            if answer["next"] != Next.WAIT.value or time.monotonic() > deadline:
                return answer
            time.sleep(0.5)
    except GuardGoneError:
        return _state(Move(_on_disk(guard), Next.STOP), [])


def settled(guard: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer, or the state once a guard that is unfreezing has ended that."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while answer["next"] == Next.WAIT.value and time.monotonic() < deadline:
        time.sleep(0.5)
        answer = ask(guard, "state")
    return answer


def _without_guard(guard: Mapping[str, Any], event: Any, why: str) -> dict[str, Any]:
    """Apply an event to the journal on disk; that it cannot be written keeps nobody from unfreezing."""
    journal = _on_disk(guard)
    warnings = [f"The guard is gone ({why}); the run decides without it."]
    if isinstance(event, (Unfrozen, UnfreezeFailed)) and not journal.unfreezing:
        journal = advance(journal, Failed(event.by, event.at, "The guard is gone.")).journal
    move = advance(journal, event)
    try:
        journal_file.write(Path(guard["journal"]), move.journal, time.time())
    except OSError as error:
        warnings.append(f"The journal {guard['journal']} cannot be written: {error.strerror}.")
    return _state(move, warnings)


def _on_disk(guard: Mapping[str, Any]) -> Journal:
    try:
        journal = journal_file.read(Path(guard["journal"]))
    except DrsError:
        journal = None
    if journal is not None:
        return journal
    # Nobody knows how far it came: it counts as frozen.
    plan = encoding.decode_plan(guard["plan"])
    return Journal(plan, encoding.decode_owner(guard["owner"]), frozen_since=time.time())


def _state(move: Move, warnings: list[str]) -> dict[str, Any]:
    journal = encoding.encode(move.journal, time.time())
    return {"next": move.next.value, "message": move.message, "journal": journal, "gates": {}, "warnings": warnings}
