# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the steps of a run talk to its guard."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ...module_utils._cutover.journal import Next
from . import protocol
from .lease import since_boot
from .leftovers import PREFIX
from .protocol import Answer, EnterStage, Request, Start

# Seconds in which the guard of a living machine answers: it does nothing that takes long.
_PATIENCE = 12.0
# Seconds between two questions while it rehearses or unfreezes.
_PAUSE = 0.2
_ROOT = Path(__file__).resolve().parents[3]
# By these a CI runner finds and kills what a job left behind; the guard is meant to be left.
_MARKS_OF_CI = (
    "RUNNER_TRACKING_ID",
    "BUILD_ID",
    "JENKINS_NODE_COOKIE",
    "JENKINS_SERVER_COOKIE",
    "VSTS_PROCESS_LOOKUP_ID",
)
# The path of a socket has at most 107 bytes.
_LONGEST_FOLDER = 80
_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
# Only this collection is found by its place: a folder of collections may hold anything, such as a json.py.
_PROGRAM = """\
import sys
sys.path[:] = [folder for folder in sys.path if folder]
from types import ModuleType
name, root = "ansible_collections", {root!r}
for part, path in (("", None), (".cutover", None), (".cutover.drs", root)):
    module = ModuleType(name + part)
    module.__path__ = [path] if path else []
    sys.modules[name + part] = module
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.process import main
main()
"""


class GuardGoneError(Exception):
    """The guard does not answer."""


def start_guard(start: Start, environment: Mapping[str, str], about: str) -> Answer:
    """Start a guard and return what it says; ``about`` is for people who look at the list of processes. Raises :class:`OSError`."""
    folder = _private_folder(environment)
    kept = {name: value for name, value in environment.items() if name not in _MARKS_OF_CI}
    try:
        # Not by run(), which kills what it started if this step is ended.
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(root=str(_ROOT)), folder, "cutover.drs guard", about],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=kept,
        ) as process:
            # It ends with an answer, or with the guard: a journal whose owner may live is watched for a lease.
            answer, errors = process.communicate(protocol.encode(start))
        if not answer:
            said = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise OSError(None, said or "it ended without saying why")
    except OSError:
        # The guard has ended, or never was, and said in that folder at most whose it would have been.
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return protocol.decode_answer(answer)


def _private_folder(environment: Mapping[str, str]) -> str:
    """Make the guard's folder: never in the TMPDIR of the run, which its end may remove."""
    problem: OSError = OSError(None, "there is no folder for temporary files")
    for base in (*_FOLDERS, environment.get("TMPDIR") or "/", environment.get("HOME") or "/"):
        if len(os.fsencode(base)) > _LONGEST_FOLDER:
            continue
        folder = f"{base}/{PREFIX}{secrets.token_hex(4)}"
        try:
            Path(folder).mkdir(mode=0o700)
            return folder
        except OSError as error:
            problem = error
    raise problem


def ask(where: str, request: Request, patience: float = _PATIENCE) -> Answer:
    """Send a request to the guard and return its answer. Raises :class:`GuardGoneError`."""
    until = since_boot() + patience
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(patience)
            connection.connect(where)
            connection.sendall(protocol.encode(request, until=until))
            content = protocol.received(connection)
        if isinstance(request, EnterStage) and since_boot() >= until:
            # The machine was suspended: meanwhile another guard may have taken over.
            raise GuardGoneError("its answer came too late")
        return protocol.decode_answer(content)
    except OSError as error:
        raise GuardGoneError(error.strerror or str(error)) from None
    except ValueError as error:
        raise GuardGoneError(str(error)) from None


def ask_until_done(where: str, request: Request, show: Callable[[str], None]) -> Answer:
    """Ask, again and again, until the guard has done what it is at, and show what that prints."""
    answer = ask(where, request)
    log = Path(answer.log)
    at = _size(log)
    while answer.next is Next.WAIT:
        at = _show_from(log, at, show)
        time.sleep(_PAUSE)
        answer = ask(where, request)
    _show_from(log, at, show)
    return answer


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _show_from(log: Path, at: int, show: Callable[[str], None]) -> int:
    """Show each line of a log that is whole by now, from this place on; return the place after them."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(at)
        content = file.read(1 << 20)
        whole = content[: content.rfind(b"\n") + 1]
        at += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            if line.strip():
                show(line.rstrip())
    return at
