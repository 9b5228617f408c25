# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to end a run, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import Child
from ansible_collections.cutover.drs.tests.playbooks.support import LINGER, Cutover, Place


def eventually(what: Callable[[], Any], within: float = 60) -> None:
    """Wait until it is true: for long, because tests run side by side on machines of any speed."""
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.05)


def until_ran(cutover: Cutover, run: Child, stage: str) -> None:
    deadline = time.monotonic() + 60
    while cutover.ran[-1:] != [stage]:
        late = run.process.poll() is not None or time.monotonic() >= deadline
        assert not late, f"{run.stdout}\n{run.stderr}"
        time.sleep(0.02)


def unfrozen(cutover: Cutover, by: str = "guard") -> None:
    """Wait for the unfreeze, however many attempts it takes, and see that nothing is switched or left behind."""
    eventually(lambda: cutover.ran[-1:] == ["unfreeze"])
    eventually(lambda: cutover.state["outcome"] == "unfrozen")
    assert cutover.state["unfrozen_by"] == by
    eventually(lambda: nothing_left(cutover))
    assert "switch" not in cutover.ran


def unfrozen_once(cutover: Cutover, by: str = "guard") -> None:
    """Wait for the unfreeze, and see that the first attempt was the only one."""
    unfrozen(cutover, by)
    assert cutover.ran.count("unfreeze") == 1


def nothing_left(cutover: Cutover) -> bool:
    return not guards(cutover) and not list(cutover.folder.glob(".drs_cutover_unfreeze*"))


def guards(cutover: Cutover) -> list[int]:
    """The processes that have anything to do with this cutover: its guard has the journal open as its log."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(cutover.folder) in str((entry / "fd" / "1").readlink()):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def lose(cutover: Cutover, run: Child) -> None:
    """Kill the run together with its guard, as a container that is lost does."""
    for guard in guards(cutover):
        os.kill(guard, signal.SIGKILL)
    run.kill()


def left_frozen(place: Place, **options: Any) -> Cutover:
    """A cutover that was lost in the freeze; tried again, its freeze ends."""
    cutover = Cutover(place, **options)
    cutover.tasks(freeze=[LINGER])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        lose(cutover, run)
    cutover.tasks(freeze=[cutover.changing(delay=0)])
    return cutover


def kill_playbook(run: Child) -> None:
    run.process.kill()


def kill_group(run: Child) -> None:
    os.killpg(run.process.pid, signal.SIGKILL)


def kill_tree(run: Child) -> None:
    run.kill()


def send(number: int) -> Callable[[Child], None]:
    return lambda run: run.process.send_signal(number)


WAYS: dict[str, Callable[[Child], None]] = {
    "ctrl_c": send(signal.SIGINT),
    "sigterm": send(signal.SIGTERM),
    "sighup": send(signal.SIGHUP),
    "sigkill": kill_playbook,
    "sigkill_group": kill_group,
    "sigkill_tree": kill_tree,
}


def end(run: Child, way: Callable[[Child], None]) -> None:
    """End it as people do: ansible-core sometimes takes no notice of a first Ctrl-C."""
    for _attempt in range(10):
        way(run)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.wait(5)
            return
    raise AssertionError(f"It does not end.\n{run.stdout}\n{run.stderr}")
