# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine under a guard may do to it: no new process, a clock that is set back, a folder seen through a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.tests.playbooks.ending import eventually, guards, unfrozen_once, until_ran
from ansible_collections.cutover.drs.tests.playbooks.support import FAIL, LINGER, Cutover, Place

pytestmark = pytest.mark.thorough
# Seconds.
TWO_HOURS = 7200


@pytest.fixture
def limit() -> Iterator[Path]:
    """Provide a control group without processes, whose limit of processes a test may set."""
    for root in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        group = Path(root) / f"drs-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / "pids.max").exists():
            break
        group.rmdir()
    else:
        pytest.skip("this machine lets nobody make a control group with a limit of processes")
    yield group
    eventually(lambda: not (group / "cgroup.procs").read_text(encoding="utf-8"))
    group.rmdir()


def test_a_guard_that_may_start_no_process_tries_until_it_may(place: Place, limit: Path) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[LINGER])
    log = cutover.folder / "state.guard.log"
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        (guard,) = guards(cutover)
        (limit / "cgroup.procs").write_text(str(guard), encoding="utf-8")
        (limit / "pids.max").write_text("1", encoding="utf-8")
        run.kill()
        eventually(lambda: "ansible-playbook could not be started" in log.read_text(encoding="utf-8"))
        assert "THE SOURCE MAY STILL BE FROZEN" in log.read_text(encoding="utf-8")
        assert cutover.ran == ["freeze"]
        (limit / "pids.max").write_text("max", encoding="utf-8")
        unfrozen_once(cutover)


# Imported by each Python that starts: its clock is that of the machine and what a file adds to it.
ANOTHER_CLOCK = """\
import time
clock = time.time
def other():
    with open({path!r}) as file:
        return clock() + float(file.read())
time.time = other
"""


@pytest.mark.parametrize("ends", ["by a switch", "by an unfreeze"])
def test_a_clock_that_is_set_back_in_the_outage_makes_it_neither_negative_nor_longer(place: Place, ends: str) -> None:
    cutover = Cutover(place, max_outage=60)
    clock, later, customized = cutover.folder / "clock", cutover.folder / "later", cutover.folder / "customized"
    clock.write_text("0", encoding="utf-8")
    later.write_text(str(-TWO_HOURS), encoding="utf-8")
    customized.mkdir()
    (customized / "sitecustomize.py").write_text(ANOTHER_CLOCK.format(path=str(clock)), encoding="utf-8")
    set_back = {"ansible.builtin.command": f"mv {later} {clock}"}
    cutover.tasks(freeze=[cutover.changing(delay=0), set_back, *([FAIL] if ends == "by an unfreeze" else [])])
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, [str(customized), os.environ.get("PYTHONPATH", "")]))}
    with cutover.playing(cutover.play(), environment=environment) as run:
        code = run.end()
    assert (code == 0) == (ends == "by a switch"), f"{run.stdout}\n{run.stderr}"
    assert cutover.ran == ["freeze", "switch" if code == 0 else "unfreeze"]
    assert 0 < cutover.report["outage_seconds"] < 60
    assert not later.exists()


@pytest.fixture
def cached(place: Place) -> Iterator[Path]:
    """Provide the folder ``beneath`` under another name, by which its attributes are remembered for 30 s."""
    if not shutil.which("bindfs"):
        pytest.skip("bindfs is not installed")
    beneath, seen = place.folder / "beneath", place.folder / "seen"
    beneath.mkdir()
    seen.mkdir()
    remembering = "attr_timeout=30,entry_timeout=30,negative_timeout=30"
    mounted = subprocess.run(
        ["bindfs", "-o", remembering, str(beneath), str(seen)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"bindfs cannot mount: {mounted.stderr.strip()}")
    yield seen
    subprocess.run(["umount", "--lazy", str(seen)], check=True)


def test_recover_through_a_folder_that_remembers_attributes_lets_a_living_run_switch(
    place: Place, cached: Path
) -> None:
    cutover = Cutover(place, lease=6, valid_for=600, verify_tasks="tasks/verify.yml")
    cutover.options["journal"] = str(place.folder / "beneath" / "state.json")
    released = cutover.folder / "released"
    cutover.tasks(
        freeze=[cutover.changing(delay=0)],
        verify=[{"ansible.builtin.wait_for": {"path": str(released), "timeout": 120}}],
    )
    with cutover.start() as run:
        until_ran(cutover, run, "verify")
        said = cutover.recover(
            succeeds=False,
            drs_cutover_journal=str(cached / "state.json"),
            drs_cutover_jobs=[cutover.job],
            drs_cutover_unfreeze_tasks="tasks/unfreeze.yml",
            drs_cutover_recover_wait=10,
        )
        released.touch()
        assert run.end() == 0, f"{run.stdout}\n{run.stderr}"
    assert "Another run owns this cutover" in said
    assert "in the stage verify" in said
    assert cutover.ran == ["freeze", "verify", "switch"]
