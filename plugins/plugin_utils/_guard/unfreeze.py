# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the unfreeze tasks in an ``ansible-playbook`` of their own: the one way to unfreeze. Imports no Ansible.

The playbook lies beside the user's, so that roles, templates and variables are found there, and holds no value of a
variable: values reach it through a named pipe in a private folder, so that no secret is on disk or in an argument. That
the tasks ran to their end is said by its last task, not by an exit code: a play that matches no host has none.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._cutover.journal import Journal
from ...module_utils._job.text import printable
from .._files import create
from . import leftovers
from .alive import MARK, Leftovers
from .lease import TookTooLongError, limited, since_boot
from .protocol import Handover

# By which the last task says how the unfreeze tasks ended: the path of a file for it.
ENDED = "DRS_CUTOVER_ENDED"
# The stage in the mark of what this starts.
UNFREEZE = "unfreeze"
REHEARSAL = "rehearsal"
_OURS = "_drs_cutover_"
_UNPRINTABLE = re.compile("[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEMPLATE = ("{{", "{%", "{#")
_LARGEST = 64 * 1024
# Seconds in which what was started reads the variables.
_READS = 10.0
_NO_HOST = "Could not match supplied host pattern"
_AN_ERROR = re.compile(rf"^\[?ERROR|^fatal: |{_NO_HOST}")
# By the interpreter of the run: ansible-playbook may be on no path, and python -m ansible needs installed metadata. The
# writer of the pipe is a process of this program, so that the guard waits for nobody.
_LAUNCHER = """\
import os, sys
sys.path[:] = [folder for folder in sys.path if folder]
variables = sys.stdin.buffer.read()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
pipe = sys.argv.pop(1)
os.mkfifo(pipe, 0o600)
if os.fork() == 0:
    with open(pipe, "wb") as file:
        file.write(variables)
    os.unlink(pipe)
    os._exit(0)
sys.argv[0] = "ansible-playbook"
from ansible.cli.playbook import main
main()
"""


class Playbook:
    """The unfreeze tasks under way, or their rehearsal."""

    def __init__(
        self, process: subprocess.Popen[bytes], playbook: Path, ended: Path, leftovers: Leftovers, timeout: float
    ) -> None:
        self._process = process
        self._playbook = playbook
        self._ended = ended
        self._leftovers = leftovers
        self._timeout = timeout
        # Standard output is the log of the guard.
        self._log_from = _end_of(1)
        self._deadline = since_boot() + timeout

    def ended(self) -> str | None:
        """Return None while it runs, then why the tasks did not run to their end, empty if they did."""
        code = self._process.poll()
        late = code is None and since_boot() >= self._deadline
        if code is None and not late:
            return None
        self.stop()
        said = self._said()
        if late and said is None:
            return f"they did not end within {self._timeout:g} s (drs_cutover_unfreeze_timeout)"
        if said is None:
            return f"ansible-playbook ended with exit code {code} before the last task{self._last_error()}"
        return said

    def stop(self) -> None:
        """End it with everything that it started, and leave no file of it."""
        if self._process.poll() is None:
            with suppress(OSError):
                os.killpg(self._process.pid, 9)
        # Workers of ansible-core 2.19 and later have sessions of their own.
        self._leftovers.end(2.0)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        with suppress(OSError):
            self._playbook.unlink()

    def _last_error(self) -> str:
        """Return what it printed about that, as the end of a sentence."""
        try:
            printed = os.pread(1, _LARGEST, self._log_from)
        except OSError:
            return ""
        lines = [line for line in printed.decode("utf-8", "replace").splitlines() if _AN_ERROR.search(line)]
        last = printable(lines[-1].strip()) if lines else ""
        # Only a warning, which leaves nothing to run.
        advice = ". Give it the inventory that has this host, by -i" if _NO_HOST in last else ""
        return f": {last}{advice}" if lines else ""

    def _said(self) -> str | None:
        try:
            value = json.loads(self._ended.read_bytes()[:_LARGEST])
            return str(value["reason"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def start(
    handover: Handover,
    tasks: str,
    journal: Journal,
    *,
    folder: Path,
    timeout: float,
    check: bool,
) -> Playbook:
    """Start the unfreeze tasks of a cutover, in check mode if that is a rehearsal. Raises :class:`OSError`."""
    name = secrets.token_hex(4)
    content = _content(handover, tasks, journal.plan.host)
    playbook = _written(Path(handover.folder), folder, f".drs_cutover_unfreeze.{name}.yml", content)
    leftovers.note_playbook(folder, playbook)
    variables = {**handover.variables, **{key: yaml_text(value) for key, value in journal.keep.items()}}
    pipe = folder / f"variables.{name}"
    ended = folder / f"ended.{name}"
    cutover, stage = journal.plan.cutover, f"{REHEARSAL if check else UNFREEZE}.{name}"
    environment = {
        **os.environ,
        MARK: f"{cutover}:{stage}",
        ENDED: str(ended),
        "TMPDIR": str(folder),
        "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        # A runner's own callback would write among the events of the run.
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
    }
    if handover.config:
        environment["ANSIBLE_CONFIG"] = handover.config
    arguments = [sys.executable, "-c", _LAUNCHER, str(pipe), *handover.options, *(["--check"] if check else [])]
    arguments += ["-e", f"@{pipe}", str(playbook)]
    output = None if _can_be_written(1) else subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            arguments,
            cwd=handover.folder if Path(handover.folder).is_dir() else "/",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            bufsize=0,
        )
    except OSError:
        playbook.unlink()
        raise
    started = Playbook(process, playbook, ended, Leftovers(cutover, stage), timeout)
    if process.stdin:
        values = ", ".join(f"{_text(key)}: {value}" for key, value in variables.items())
        left = memoryview(f"{{{values}}}".encode())
        try:
            with limited(_READS), suppress(BrokenPipeError), process.stdin as file:
                while left:
                    left = left[os.write(file.fileno(), left) :]
        except TookTooLongError:
            # More than a pipe holds, and an interpreter that hangs: the guard must go on.
            started.stop()
            raise OSError(f"it did not read its variables within {_READS:g} s") from None
    return started


def _content(handover: Handover, tasks: str, host: str) -> str:
    file = Path(tasks)
    role = Path(handover.role) if handover.role else None
    if role is not None and (role / "tasks") in file.parents:
        # As the caller's role has them: its defaults, templates, files and handlers.
        within = str(file.relative_to(role / "tasks"))
        include = {"ansible.builtin.include_role": {"name": str(role), "tasks_from": within}}
    else:
        include = {"ansible.builtin.include_tasks": {"file": tasks}}
    said = {"name": "Say that the source accepts writes again", "cutover.drs.drs_cutover_unfrozen": {}}
    failed = {
        "name": "Say why it may still be frozen",
        "cutover.drs.drs_cutover_unfrozen": {"failed_in": file.name},
    }
    work = [
        {"name": "Run your unfreeze tasks", **include},
        {"name": "Run the handlers that they notified", "ansible.builtin.meta": "flush_handlers"},
        said,
    ]
    play = {
        "name": "Unfreeze the source",
        "hosts": [host],
        "gather_facts": False,
        **handover.play,
        "tasks": [{"name": "Unfreeze the source", "block": work, "rescue": [failed], **handover.block}],
    }
    return json.dumps([play])


def _can_be_written(descriptor: int) -> bool:
    """Tell whether what goes there is kept: ansible-playbook ends at the first line that a full disk refuses."""
    try:
        os.write(descriptor, b"\n")
    except OSError:
        return False
    return True


def _end_of(descriptor: int) -> int:
    try:
        return os.lseek(descriptor, 0, os.SEEK_END)
    except OSError:
        return 0


def _written(wanted: Path, folder: Path, name: str, content: str) -> Path:
    """Write the playbook beside the user's; where nobody may write, into a folder of links to what lies there."""
    try:
        create(wanted / name, content.encode(), 0o600)
        return wanted / name
    except OSError:
        beside = folder / "playbook"
        beside.mkdir(exist_ok=True)
        for entry in wanted.iterdir():
            with suppress(FileExistsError):
                (beside / entry.name).symlink_to(entry)
        create(beside / name, content.encode(), 0o600)
        return beside / name


def yaml_text(value: Any, trusted: Any = None) -> str:
    """Return YAML in the style of JSON, with ``!unsafe`` before each text that looks like a template and is none.

    ``trusted`` tells of a text whether it is a template; without it none is.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return "null" if isinstance(value, float) and not math.isfinite(value) else json.dumps(value)
    if isinstance(value, Mapping):
        entries = ", ".join(
            f"{yaml_text(name) if isinstance(name, (bool, int, float)) else _text(str(name))}: {yaml_text(entry, trusted)}"
            for name, entry in value.items()
        )
        return f"{{{entries}}}"
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and not hasattr(value, "_ciphertext"):
        return f"[{', '.join(yaml_text(entry, trusted) for entry in value)}]"
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    text = str(value)
    template = any(mark in text for mark in _TEMPLATE) and (trusted is None or not trusted(value))
    return f"!unsafe {_text(text)}" if template else _text(text)


def _text(text: str) -> str:
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xD800 <= code < 0xE000:
        # Half a character, as bytes of another encoding come out of a module: no YAML can hold it.
        code = 0xFFFD
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
