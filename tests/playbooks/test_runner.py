# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutovers that a real ansible-runner starts and ends, as AWX and ansible-rulebook do."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import ansible_runner
import pytest

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import PLUGINS
from ansible_collections.cutover.drs.tests.playbooks.ending import unfrozen, unfrozen_once
from ansible_collections.cutover.drs.tests.playbooks.support import LINGER, Cutover, Place


def started(cutover: Cutover, private: Path, **settings: object) -> ansible_runner.Runner:
    """Copy the project and an inventory into a folder for temporary files, as the action run_playbook does, and run it."""
    project, inventory = private / "project", private / "inventory"
    inventory.mkdir(parents=True)
    (inventory / "hosts").write_text("localhost ansible_connection=local of_inventory=known\n", encoding="utf-8")
    shutil.copytree(cutover.folder / "tasks", project / "tasks")
    (project / "play.json").write_text(json.dumps([cutover.play()]), encoding="utf-8")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "HOME": str(cutover.folder), "PATH": programs, "ANSIBLE_ACTION_PLUGINS": str(PLUGINS)}
    run: ansible_runner.Runner = ansible_runner.run(
        private_data_dir=str(private), playbook="play.json", envvars=environment, quiet=True, **settings
    )
    return run


def frozen(cutover: Cutover) -> bool:
    return "freeze" in cutover.ran


@pytest.mark.parametrize("removed", [pytest.param(False, marks=pytest.mark.thorough), True])
def test_a_run_that_a_runner_cancels_is_unfrozen_though_its_project_is_removed(place: Place, removed: bool) -> None:
    cutover = Cutover(place)
    cutover.tasks(
        freeze=[LINGER],
        unfreeze=[{"ansible.builtin.assert": {"that": "of_inventory == 'known'"}}],
    )
    private = place.folder / f"eda{cutover.job}"
    run = started(cutover, private, cancel_callback=lambda: frozen(cutover), settings={"suppress_env_files": True})
    if removed:
        shutil.rmtree(private)
    assert run.status == "canceled"
    # If its folder goes away under an attempt, that fails; the guard puts the project back and tries again.
    (unfrozen if removed else unfrozen_once)(cutover)
    assert private.exists() != removed


@pytest.mark.thorough
def test_a_runner_sees_the_lines_and_the_end_of_a_cutover(place: Place) -> None:
    cutover = Cutover(place)
    run = started(cutover, place.folder / f"eda{cutover.job}")
    assert (run.status, cutover.ran) == ("successful", ["freeze", "switch"])
    with run.stdout as written:
        assert "VERDICT ready" in written.read()
