# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action plugin can learn of the ansible-playbook that started it, and how it shows lines and sleeps there."""

from __future__ import annotations

import errno
import getpass
import os
import select
import socket
import stat
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing import parent_process
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.utils.display import Display

from ..module_utils._job.errors import configuration_error
from ..module_utils._job.text import printable
from ..module_utils._service.http.clock import REAL_CLOCK
from ..module_utils._wait.screen import WIDEST, Screen

display = Display()
# Seconds that a wait may need after its own timeout, for its verdict and its result.
_TO_END = 2.0
# Seconds in which a slow reader of the lines has to take the next one. One that did not is waited for no more until it reads
# again: each sample that comes too late for a streak is worth a line, and so the next one would come too late as well.
_READER_RETURNS = 5.0


def options_of(action: Any, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an action's task. Raises :class:`DrsError` of kind ``configuration`` for wrong ones.

    As Ansible raises it, ansible-core 2.19 and later would show the arguments with it, secrets too.
    """
    try:
        _validation, options = action.validate_argument_spec(dict(spec))
    except AnsibleActionFail as error:
        raise configuration_error(f"{error.message.rstrip('.')}.") from None
    return dict(options)


def environment(task: Any, templar: Any) -> dict[str, str]:
    """Return what the keyword environment of task, block, role and play gives, as modules get it."""
    given: dict[str, str] = {}
    for environment in task.environment or ():
        templated = templar.template(environment)
        if isinstance(templated, dict):
            given.update({str(name): str(value) for name, value in templated.items()})
    return given


def use_environment(task: Any, templar: Any) -> None:
    """Put the environment of the task into that of this process, which is the worker of this task alone.

    Libraries look for proxies and clouds.yaml there.
    """
    os.environ.update(environment(task, templar))


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def ran_by(task_vars: Mapping[str, Any]) -> dict[str, str]:
    """Return who runs a task, on which machine, and for which host of the inventory."""
    host = str(task_vars.get("inventory_hostname", "localhost"))
    return {"user": user(), "machine": socket.gethostname(), "host": host}


def can_ask() -> bool | None:
    """Tell whether the run has a terminal to read from; None where nobody can look."""
    try:
        with Path(f"/proc/{os.getppid()}/fd/0").open("rb") as stdin:
            return stdin.isatty()
    except OSError:
        return False if Path("/proc/self/fd").exists() else None


def terminal(run: int) -> str | None:
    """Return the device on which the run shows its output, if that is a terminal."""
    for number in (2, 1):
        with suppress(OSError):
            target = str(Path(f"/proc/{run}/fd/{number}").readlink())
            if target.startswith(("/dev/pts/", "/dev/tty")):
                return target
    return None


def _sleep(seconds: float) -> None:
    time.sleep(seconds)
    # A worker outlives an ansible-playbook that was killed, and would go on until the timeout.
    run = parent_process()
    if run is not None and run.pid != os.getppid():
        raise AnsibleError("ansible-playbook is gone: nobody would learn of a verdict.")


def lines(task: Any, wanted: bool) -> Callable[[str], None]:
    """Return what shows a line at once, or nothing: ``no_log`` hides results, not what is displayed before there is one."""
    return _live if wanted and not task.no_log else lambda _line: None


def screen(task_vars: Mapping[str, Any], title: str = "", part: str = "") -> Screen:
    """Return what lines are shown on, and what they are about: the host, or the title of a play on localhost alone, and a ``part`` of it."""
    host = str(task_vars.get("inventory_hostname", "localhost"))
    alone = len(task_vars.get("ansible_play_hosts_all") or ()) <= 1
    about = title if alone and host == "localhost" else host
    return Screen(printable(about), part, _width)


def _width() -> int:
    """Return how many columns the run's standard error has: of a terminal as many as that has now."""
    try:
        descriptor = os.open(f"/proc/{os.getppid()}/fd/2", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        # A socket, or no such folder on this system.
        return WIDEST
    try:
        return os.get_terminal_size(descriptor).columns or WIDEST
    except OSError:
        return WIDEST
    finally:
        os.close(descriptor)


def limit_of(task: Any, timeout: float | None) -> tuple[float | None, str]:
    """Return after how many seconds a wait must end so that the keyword ``timeout`` of task or play does not end it without a verdict.

    None if it keeps its own ``timeout`` (seconds), which is shorter, or 0 for one sample; else there is a sentence about it.
    """
    limit = float(task.timeout or 0)
    seconds = max(limit / 2, limit - _TO_END)
    if not limit or timeout is None or timeout <= seconds:
        return None, ""
    return seconds, f"The keyword timeout ends this task after {limit:g} s, so it has {seconds:g} s to end."


def within_the_task(options: Mapping[str, Any], task: Any) -> tuple[dict[str, Any], str]:
    """Return the options of a stop with the timeout of :func:`limit_of`, and its sentence."""
    seconds, text = limit_of(task, options["timeout"])
    return (dict(options) if seconds is None else {**options, "timeout": seconds}), text


def _live(line: str) -> None:
    # Warnings and standard output of a worker wait for the end of the task; this does not.
    words = line.split()
    color = None
    if "VERDICT" in words[:4] and sys.stderr.isatty():
        # Ansible leaves colours out where NO_COLOR is set.
        color = "green" if words[words.index("VERDICT") + 1 :][:1] == ["ready"] else "red"
    if _written_past_ansible(line):
        display.display(line, log_only=True)
    else:
        display.display(line, color=color, stderr=True)


# Of the run's standard error: whether it took the latest line of this task.
_reader = SimpleNamespace(returns=True)


def _written_past_ansible(line: str) -> bool:
    """Write a line to the run's standard error, where that is a pipe; drop it if nobody reads that any more.

    In Ansible's own hands it would end the thread that takes results, and with it the run could neither go on nor end.
    """
    path = f"/proc/{os.getppid()}/fd/2"
    try:
        kind = Path(path).stat()
        if stat.S_ISREG(kind.st_mode):
            # A new descriptor would have a place of its own in the file.
            full = os.statvfs(path)
            return full.f_bavail == 0 and full.f_blocks > 0
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        # No reader is left; of a socket nobody can tell.
        return error.errno == errno.ENXIO and stat.S_ISFIFO(kind.st_mode)
    try:
        if os.isatty(descriptor):
            return False
        _reader.returns = bool(select.select([], [descriptor], [], _READER_RETURNS if _reader.returns else 0)[1])
        if _reader.returns:
            with suppress(OSError):
                os.write(descriptor, f"{line}\n".encode("utf-8", "replace"))
    finally:
        os.close(descriptor)
    return True


CLOCK = replace(REAL_CLOCK, sleep=_sleep)
