# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole cutover by the role drs_cutover, as a test runs it.

The tasks that a user gives write their names into a file, so that each test knows which of them ran. Each cutover has
a job and a folder of its own, so that tests run side by side.
"""

from __future__ import annotations

import json
import sys
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import Child, ask, child

Tasks = list[dict[str, Any]]
# By the interpreter: the first line of an installed script cannot name a path with a space.
ANSIBLE_PLAYBOOK = (sys.executable, "-m", "ansible", "playbook")
FAIL: dict[str, Any] = {"ansible.builtin.fail": {"msg": "This was meant to fail."}}
LINGER: dict[str, Any] = {"ansible.builtin.command": "sleep 60"}


@dataclass(frozen=True)
class Place:
    """Where a test runs: a simulator, as a play knows it, and a folder of its own."""

    sim: dict[str, Any]
    folder: Path


class Cutover:
    """A job, the user's tasks and the role's options; it can be run more than once."""

    def __init__(self, place: Place, *, delay: int = 3, status: str = "INCRE_TRANSFER_STARTED", **options: Any) -> None:
        self.place = place
        # Of no other test on this machine, whose runs lock their jobs against each other.
        self.job = f"job-{uuid.uuid4().hex[:12]}"
        self.folder = place.folder / self.job
        (self.folder / "tasks").mkdir(parents=True)
        # Of the play, beside those that it needs.
        self.keywords: dict[str, Any] = {}
        self.options: dict[str, Any] = {
            "jobs": [self.job],
            "interval": 0.1,
            "near_interval": 0.1,
            "stable_samples": 2,
            "stable_for": 0.1,
            "approach_timeout": 60,
            "final_timeout": 60,
            "freeze_tasks": "tasks/freeze.yml",
            "switch_tasks": "tasks/switch.yml",
            "unfreeze_tasks": "tasks/unfreeze.yml",
            "journal": str(self.journal_file),
            "reports": [str(self.folder / "cutover.json")],
            **options,
        }
        self.change(status=status, delay=delay)
        # The writes end, so the delay does.
        self.tasks(freeze=[self.changing(delay=0)])

    @property
    def journal_file(self) -> Path:
        return self.folder / "state.json"

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.journal_file.read_text(encoding="utf-8")))

    @property
    def ran(self) -> list[str]:
        """The names of the user's tasks that ran, in the order in which they did."""
        path = self.folder / "ran"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "cutover.json").read_text(encoding="utf-8")))

    def tasks(
        self,
        freeze: Tasks = (),  # type: ignore[assignment]
        verify: Tasks = (),  # type: ignore[assignment]
        switch: Tasks = (),  # type: ignore[assignment]
        unfreeze: Tasks = (),  # type: ignore[assignment]
    ) -> None:
        """Write the user's files: each first notes that it ran."""
        for name, more in (("freeze", freeze), ("verify", verify), ("switch", switch), ("unfreeze", unfreeze)):
            note = {"ansible.legacy.simulator": {"note": name, "to": str(self.folder / "ran")}}
            content = json.dumps([note, *more])
            self.write(name, content)

    def write(self, name: str, content: str) -> None:
        """One of the user's files, named and placed as in the runbook."""
        (self.folder / "tasks" / f"{name}.yml").write_text(content, encoding="utf-8")

    def change(self, **changes: Any) -> None:
        ask(self.place.sim["control"], f"jobs/{self.job}", changes, "PATCH")

    def changing(self, **changes: Any) -> dict[str, Any]:
        """A task that does the same."""
        return {"ansible.legacy.simulator": {"job": self.job, "changes": changes}, "vars": {"sim": self.place.sim}}

    def play(self, **more: Any) -> dict[str, Any]:
        options = {f"drs_cutover_{name}": value for name, value in {**self.options, **more}.items()}
        return {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/cutover.drs.drs": self.place.sim["login"]},
            "tasks": [{"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover"}, "vars": options}],
            **self.keywords,
        }

    def start(self, *arguments: str, terminal: bool = False, **more: Any) -> AbstractContextManager[Child]:
        shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
        return self.playing(self.play(**more), *arguments, terminal=terminal, environment=shown)

    def playing(self, *plays_and_arguments: dict[str, Any] | str, **more: Any) -> AbstractContextManager[Child]:
        """A run of other plays, in the folder of this cutover."""
        plays = [each for each in plays_and_arguments if isinstance(each, dict)]
        arguments = [each for each in plays_and_arguments if isinstance(each, str)]
        more["environment"] = {"HOME": str(self.folder), **more.get("environment", {})}
        return child(plays, self.folder, *arguments, program=ANSIBLE_PLAYBOOK, **more)

    def run(self, *arguments: str, succeeds: bool, **more: Any) -> str:
        """Run it to its end; what it wrote, as one line so that sentences can be found."""
        with self.start(*arguments, **more) as run:
            code = run.end()
        assert (code == 0) == succeeds, f"exit code {code}\n{run.stdout}\n{run.stderr}"
        return written(run)

    def recover(self, *arguments: str, succeeds: bool, **variables: Any) -> str:
        """Run the role's recover by the journal alone, or by these variables; what it wrote."""
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": variables or {"drs_cutover_journal": self.options["journal"]},
            "tasks": [
                {"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover", "tasks_from": "recover"}},
            ],
        }
        with self.playing(play, *arguments) as run:
            code = run.end()
        assert (code == 0) == succeeds, f"exit code {code}\n{run.stdout}\n{run.stderr}"
        return written(run)

    def requests(self) -> list[str]:
        log = ask(self.place.sim["control"], "log")
        # The body of a login is a text, without its password.
        asked = [entry for entry in log if isinstance(entry["body"], dict)]
        return [entry["operation"] for entry in asked if entry["body"].get("jobs") == [self.job]]

    def stages(self) -> list[tuple[str, str]]:
        return [(stage["name"], stage["state"]) for stage in self.report["stages"]]


def written(run: Child) -> str:
    return " ".join(f"{run.stdout} {run.stderr}".split())
