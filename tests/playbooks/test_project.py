# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project for the jobs of a user: cutover.drs.new makes it, cutover.drs.rehearse rehearses it, and it cuts over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import ask
from ansible_collections.cutover.drs.tests.playbooks.support import Place

# Each of a cutover's situations takes as long as one; several machines are slow.
LONGEST = 900
# What a source answers that nobody writes to, and both sides when their rows are counted.
MYSQL = """case "$*" in *"SHOW MASTER STATUS"*) echo "mysql-bin.000012 500";; *innodb_trx*) echo 0;; *"COUNT("*) echo "shop.orders 12";; esac"""


def play(place: Place, name: str, folder: Path, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection, or one in the folder, with programs that note what they are asked to do."""
    programs = place.folder / "bin"
    programs.mkdir(exist_ok=True)
    for program, answers in {"mysql": MYSQL, "systemctl": ""}.items():
        (programs / program).write_text(f'#!/bin/sh\necho "{program} $*" >> "{place.folder}/done"\n{answers}\n')
        (programs / program).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PWD": str(folder)}
    # The project's own, as where a person runs it.
    environment.pop("ANSIBLE_CONFIG", None)
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-e", json.dumps(variables), *options, name],
        cwd=folder,
        env={**environment, "HOME": str(place.folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def done(place: Place) -> list[str]:
    path = place.folder / "done"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


class Jobs:
    """Jobs of the service, of no other test."""

    def __init__(self, place: Place, *kinds: dict[str, Any]) -> None:
        unique = uuid.uuid4().hex[:8]
        self.names = [f"{kind.get('engine', 'mysql')}-{unique}" for kind in kinds]
        self.ids = [f"job-{number}-{unique}" for number, _kind in enumerate(kinds)]
        for job, name, kind in zip(self.ids, self.names, kinds, strict=True):
            change = {"name": name, "status": "INCRE_TRANSFER_STARTED", "delay": 0, **kind}
            ask(place.sim["control"], f"jobs/{job}", change, "PATCH")


def made(place: Place, jobs: Jobs, **variables: Any) -> Path:
    """Make the project of these jobs, and return its folder."""
    given = {"drs_project": "project", "drs_job_names": jobs.names, "drs_login": place.sim["login"], **variables}
    run = play(place, "cutover.drs.new", place.folder, **given)
    assert run.returncode == 0, run.stdout + run.stderr
    return place.folder / "project"


def filled_in(folder: Path) -> Path:
    """Do what a person does after reading README.md."""
    for path in (folder / "group_vars/all/application.yml", *(folder / "connections").iterdir()):
        text = path.read_text(encoding="utf-8").replace("[CHANGE-ME]", "[shop.orders]").replace("CHANGE-ME", "shop")
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.thorough
def test_a_project_knows_its_jobs_and_can_be_read_by_ansible_for_every_engine(place: Place) -> None:
    jobs = Jobs(
        place,
        {"target_readonly": True},
        {"engine": "postgresql", "type": "sync"},
        {"engine": "oracle-to-mysql"},
        # Its name is that of the first one in other letters.
        {"engine": "MYSQL"},
    )
    folder = made(place, jobs, drs_job_names=[*jobs.names, jobs.names[0]])
    variables = yaml.safe_load((folder / "group_vars/all/jobs.yml").read_text(encoding="utf-8"))
    assert variables["drs_jobs"] == jobs.ids
    found = [(each["name"], each["engine"], each["target_readonly"]) for each in variables["drs_databases"]]
    engines = ("mysql", "postgresql", "oracle-to-mysql", "MYSQL")
    assert found == list(zip(jobs.names, engines, (True, False, False, False), strict=True))
    for path in folder.rglob("*.yml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path
    assert {path.name for path in (folder / "tasks").iterdir()} >= {"quiet_mysql.yml", "quiet_postgresql.yml"}
    assert {oct(path.stat().st_mode & 0o777) for path in (folder / "connections").iterdir()} == {"0o600"}
    checklist = (folder / "checklist.md").read_text(encoding="utf-8")
    assert f"{jobs.names[0]}: the target is read-only until its job has ended" in checklist
    assert f"{jobs.names[2]}: this project has no tasks for the engine oracle-to-mysql" in checklist
    for playbook in ("cutover.yml", "watch.yml", "monitor.yml"):
        checked = play(place, playbook, folder, "--syntax-check")
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_nothing_is_overwritten(place: Place) -> None:
    jobs = Jobs(place, {})
    kept = place.folder / "project" / "tasks" / "freeze.yml"
    kept.parent.mkdir(parents=True)
    kept.write_text("- mine\n", encoding="utf-8")
    given = {"drs_project": "project", "drs_job_names": jobs.names, "drs_login": place.sim["login"]}
    run = play(place, "cutover.drs.new", place.folder, **given)
    assert run.returncode != 0
    assert f"There is already {kept}, and nothing is overwritten" in " ".join(run.stdout.split())
    assert [path for path in (place.folder / "project").rglob("*") if path.is_file()] == [kept]
    assert kept.read_text(encoding="utf-8") == "- mine\n"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"drs_job_names": "no-such-job"}, "Not found: no-such-job. Nothing was written"),
        ({"drs_job_names": " , "}, "Set drs_project to the folder to make, and drs_jobs"),
        ({"drs_project": ""}, "Set drs_project to the folder to make"),
        ({"drs_jobs": "a", "drs_job_names": "b"}, "drs_jobs (ids) or drs_job_names"),
    ],
)
def test_a_project_that_cannot_be_made_leaves_nothing_behind(place: Place, given: dict[str, Any], said: str) -> None:
    run = play(
        place, "cutover.drs.new", place.folder, drs_login=place.sim["login"], **{"drs_project": "project", **given}
    )
    assert run.returncode != 0
    assert said in " ".join(run.stdout.split())
    assert not (place.folder / "project").exists()


@pytest.mark.thorough
def test_a_project_that_is_not_filled_in_freezes_nothing(place: Place) -> None:
    folder = made(place, Jobs(place, {}))
    run = play(
        place, "cutover.yml", folder, **{f"drs_cutover_{name}": value for name, value in QUICK.items()}, **login(place)
    )
    assert run.returncode != 0
    assert "The project is not filled in. Look for CHANGE-ME" in " ".join(run.stdout.split())
    assert not [line for line in done(place) if "systemctl" in line or "SET GLOBAL" in line]


QUICK = {"interval": 0.1, "near_interval": 0.1, "stable_samples": 2, "stable_for": 0.1, "approach_timeout": 60}


def login(place: Place) -> dict[str, Any]:
    return {f"drs_cutover_{name}": value for name, value in place.sim["login"].items()}


@pytest.mark.thorough
def test_a_project_that_is_filled_in_cuts_over(place: Place) -> None:
    jobs = Jobs(place, {"target_readonly": True})
    folder = filled_in(made(place, jobs))
    options = {f"drs_cutover_{name}": value for name, value in QUICK.items()}
    run = play(place, "cutover.yml", folder, quiet_seconds=0, **options, **login(place))
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads((folder / "evidence/cutover.json").read_text(encoding="utf-8"))
    assert report["outcome"] == "done"
    # By the id of the job, with which a report shows them beside its database.
    assert report["facts"] == {jobs.ids[0]: "shop.orders 12"}
    changes = [line for line in done(place) if "systemctl" in line or "SET GLOBAL" in line]
    connection = f"mysql --defaults-extra-file={folder}/connections"
    assert [line.replace(connection, "mysql") for line in changes] == [
        "systemctl stop shop",
        next(line.replace(connection, "mysql") for line in changes if "super_read_only = ON" in line),
        "systemctl start shop@target",
    ]


@pytest.mark.thorough
def test_a_rehearsal_goes_through_every_situation_with_the_names_of_the_jobs(place: Place) -> None:
    """None of the user's tasks runs, and the real service, which is another simulator here, hears nothing."""
    jobs = Jobs(place, {"target_readonly": True}, {"engine": "postgresql", "type": "sync"})
    folder = made(place, jobs)
    ask(place.sim["control"], "log", None, "DELETE")
    run = play(place, "cutover.drs.rehearse", folder)
    assert run.returncode == 0, run.stdout + run.stderr
    said = " ".join(run.stdout.split())
    assert f"All four situations of {', '.join(jobs.names)} ended as they must. Your tasks were shown, not run." in said
    table = (folder / "rehearsal/rehearsal.txt").read_text(encoding="utf-8")
    titles = [
        "All goes well",
        "The tasks to verify fail",
        "The final gate never opens",
        "The run is killed (SIGKILL) in the final gate",
    ]
    assert [line for line in table.splitlines() if line in titles] == titles
    outcomes = [line.split(",")[0] for line in table.splitlines() if line.startswith("Outcome: ")]
    assert outcomes == ["Outcome: done", *["Outcome: unfrozen"] * 3]
    assert table.count("unfreeze: ok by the guard") == 3
    assert table.count("Stop the application (not run)") == 4
    assert table.count("Start the application with the target (not run)") == 1
    assert f"Refuse writes to the source of {jobs.names[1]} (not run)" in table
    assert done(place) == []
    assert not [entry for entry in ask(place.sim["control"], "log") if jobs.ids[0] in json.dumps(entry)]


@pytest.mark.thorough
def test_a_rehearsal_runs_the_tasks_if_that_is_asked_for(place: Place) -> None:
    folder = filled_in(made(place, Jobs(place, {})))
    run = play(place, "cutover.drs.rehearse", folder, drs_rehearse_tasks="real", quiet_seconds=0)
    assert run.returncode == 0, run.stdout + run.stderr
    changes = [line.rpartition(".cnf ")[2] for line in done(place) if "systemctl" in line or "SET GLOBAL" in line]
    frozen = ["systemctl stop shop", "--execute SET GLOBAL super_read_only = ON"]
    unfrozen = ["--execute SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF", "systemctl start shop"]
    assert changes == [*frozen, "systemctl start shop@target", *[*frozen, *unfrozen] * 3]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"drs_rehearse_tasks": "all"}, "Set drs_rehearse_tasks to shown or real"),
        ({"drs_playbook": "night.yml"}, "There is no playbook"),
    ],
)
def test_a_rehearsal_that_cannot_begin_says_why(place: Place, given: dict[str, Any], said: str) -> None:
    run = play(place, "cutover.drs.rehearse", place.folder, **given)
    assert run.returncode != 0
    assert said in " ".join(run.stdout.split())


def test_a_rehearsal_removes_nothing_that_no_rehearsal_made(place: Place) -> None:
    mine = place.folder / "rehearsal" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine\n", encoding="utf-8")
    run = play(place, "cutover.drs.rehearse", place.folder)
    assert run.returncode != 0
    assert f"There is already {mine.parent}, and no rehearsal made it" in " ".join(run.stdout.split())
    assert mine.read_text(encoding="utf-8") == "mine\n"


def test_a_rehearsal_refuses_check_mode(place: Place) -> None:
    run = play(place, "cutover.drs.rehearse", place.folder, "--check")
    assert run.returncode != 0
    assert "A rehearsal has no check mode." in " ".join(run.stdout.split())
    assert not (place.folder / "rehearsal").exists()
