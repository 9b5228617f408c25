# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action plugin can learn of the ansible-playbook that started it, and how it shows lines and sleeps there."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ..module_utils._service.http.clock import REAL_CLOCK

display = Display()
# Seconds that a wait may need after its own timeout, for its verdict and its result.
_TO_END = 2.0


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
    return _live if wanted and not task.no_log else _silent


def within_the_task(options: Mapping[str, Any], task: Any) -> tuple[dict[str, Any], str]:
    """Return the options of a wait, or of a stop, that ends before the keyword ``timeout`` of task or play ends it without a verdict.

    The text is a sentence about that, empty if it keeps its own timeout (seconds).
    """
    limit = float(task.timeout or 0)
    if not limit or options["timeout"] is None or options["timeout"] + _TO_END < limit:
        return dict(options), ""
    seconds = max(limit / 2, limit - _TO_END)
    return (
        {**options, "timeout": seconds},
        f"The keyword timeout ends this task after {limit:g} s, so it has {seconds:g} s to end.",
    )


def _live(line: str) -> None:
    # Warnings and standard output of a worker wait for the end of the task; this does not.
    words = line.split()
    color = None
    if "VERDICT" in words[:4] and sys.stderr.isatty():
        # Ansible leaves colours out where NO_COLOR is set.
        color = "green" if words[4:5] == ["ready"] else "red"
    display.display(line, color=color, stderr=True)


def _silent(line: str) -> None:
    pass


CLOCK = replace(REAL_CLOCK, sleep=_sleep)
