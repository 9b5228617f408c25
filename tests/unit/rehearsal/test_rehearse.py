# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rehearsal reads of a project, what it replaces, and the table of what ran when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.playbooks.rehearsal import rehearse
from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS, ENVIRONMENT
from drs_simulator import Simulator

JOB = "9a470239-2308-4bb5-a6bc-1040402fjb21"
OPTIONS = {
    "drs_cutover_jobs": "{{ drs_jobs }}",
    **{f"drs_cutover_{stage}_tasks": f"tasks/{stage}.yml" for stage in ("freeze", "verify", "switch", "unfreeze")},
}


def play(**options: Any) -> list[dict[str, Any]]:
    include = {"name": "cutover.drs.drs_cutover"}
    return [{"hosts": "localhost", "tasks": [{"ansible.builtin.include_role": include, "vars": options}]}]


def write(folder: Path, **files: Any) -> Path:
    """Write a project: YAML by the path without suffix, with two underscores for a slash; and the task files."""
    for stage in ("freeze", "verify", "switch", "unfreeze"):
        files.setdefault(f"tasks__{stage}", [{"name": stage, "ansible.builtin.debug": {}}])
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return folder


def read(folder: Path, **given: Any) -> rehearse.Project:
    return rehearse.read_project(folder, "cutover.yml", given)


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    out = folder / "rehearsal"
    out.mkdir(exist_ok=True)
    base = {"out": str(out), "endpoint": "http://127.0.0.1:1", "tasks": "shown", "times": "short", "given": {}}
    return {**base, **changes}


def test_options_in_the_playbook_and_jobs_beside_it_are_found(tmp_path: Path) -> None:
    """As in the runbook."""
    project = read(write(tmp_path, cutover=play(**OPTIONS), jobs={"drs_jobs": [JOB]}))
    assert project.files["freeze"] == tmp_path / "tasks/freeze.yml"
    assert [job["id"] for job in project.jobs] == [JOB]


def test_options_among_the_variables_of_the_inventory_are_found(tmp_path: Path) -> None:
    """As in a project that cutover.drs.new makes."""
    options = {name: value.replace("tasks/", "{{ inventory_dir }}/tasks/") for name, value in OPTIONS.items()}
    database = {"job": JOB, "name": "orders", "engine": "postgresql", "type": "sync", "target_readonly": True}
    variables = {**options, "drs_jobs": [JOB], "drs_databases": [database]}
    project = read(write(tmp_path, cutover=play(), group_vars__all=variables))
    assert project.files["unfreeze"] == tmp_path / "tasks/unfreeze.yml"
    (job,) = project.jobs
    assert (job["id"], job["name"], job["engine"], job["type"]) == (JOB, "orders", "postgresql", "sync")
    assert job["target_readonly"] is True


def test_jobs_that_are_given_count_instead_of_those_of_the_files(tmp_path: Path) -> None:
    project = read(write(tmp_path, cutover=play(**OPTIONS), jobs={"drs_jobs": [JOB]}), drs_jobs=["another"])
    assert [job["id"] for job in project.jobs] == ["another"]
    assert rehearse.variables(project, "well", settings(tmp_path, given={"drs_jobs": ["another"]}))["drs_jobs"] == [
        "another"
    ]


def test_names_of_jobs_are_enough(tmp_path: Path) -> None:
    project = read(write(tmp_path, cutover=play(**OPTIONS)), drs_job_names="orders, stock")
    assert [(job["id"], job["name"]) for job in project.jobs] == [
        ("rehearsed-job-1", "orders"),
        ("rehearsed-job-2", "stock"),
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "There is no playbook"),
        ({"cutover": "- hosts: [\n"}, "cannot be read"),
        ({"cutover": play(**{**OPTIONS, "drs_cutover_freeze_tasks": None})}, "do not set drs_cutover_freeze_tasks"),
        ({"cutover": play(**{**OPTIONS, "drs_cutover_switch_tasks": "tasks/none.yml"})}, "there is no file"),
        (
            {"cutover": play(**{**OPTIONS, "drs_cutover_verify_tasks": "{{ role_path }}/verify.yml"})},
            "a rehearsal cannot evaluate. Give it: -e drs_cutover_verify_tasks",
        ),
        ({"cutover": play(**OPTIONS)}, "name no jobs. Give them: -e drs_jobs=ID,ID"),
        (
            {"cutover": [{**play(**OPTIONS)[0], "module_defaults": {"group/cutover.drs.drs": {"region": "eu-de"}}}]},
            "sets a login in module_defaults, which would reach the real service",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_project_that_cannot_be_rehearsed_is_refused_with_a_sentence(
    tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    with pytest.raises(rehearse.ProjectError, match=said):
        read(write(tmp_path, **files))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path, cutover=play(**OPTIONS))
    (folder / "vars.yml").write_bytes(b"\xff")
    with pytest.raises(rehearse.ProjectError, match=r"vars\.yml cannot be read: 'utf-8' codec"):
        read(folder)


def test_an_encrypted_file_and_a_vaulted_value_are_no_obstacle(tmp_path: Path) -> None:
    vaulted = "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    files = {"group_vars__all": "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "vars": vaulted, "jobs": {"drs_jobs": [JOB]}}
    assert read(write(tmp_path, cutover=play(**OPTIONS), **files)).jobs


def test_the_simulator_plays_the_jobs_by_their_names(tmp_path: Path) -> None:
    databases = [
        {"job": JOB, "name": "orders", "engine": "mysql", "task_mode": "FULL_TRANS", "target_readonly": None},
        {"job": "another", "name": "stock", "engine": "postgresql", "type": "sync"},
    ]
    variables = {"drs_jobs": [JOB, "another"], "drs_databases": databases}
    project = read(write(tmp_path, cutover=play(**OPTIONS, drs_cutover_approach_max_delay=0), vars=variables))
    played = rehearse.scenario(project)
    with Simulator(played) as simulator:
        assert list(simulator.job_ids) == [JOB, "another"]
    assert [job["name"] for job in played["jobs"]] == ["orders", "stock"]
    assert [job.get("delay") for job in played["jobs"]] == [None, 0]


def test_every_login_is_replaced(tmp_path: Path) -> None:
    """Whatever the project, the inventory or the environment says: the real service is never asked."""
    project = read(write(tmp_path, cutover=play(**OPTIONS), jobs={"drs_jobs": [JOB]}))
    values = rehearse.variables(project, "well", settings(tmp_path))
    harmless = {"language", "request_timeout", "request_retries", "batch_size", "parallel", "allow_http"}
    for name in {*CONNECTION_OPTIONS, *ENVIRONMENT} - harmless:
        assert f"drs_wait_{name}" in values
        replaced = (None, "simulated-token", values["drs_cutover_project_id"], "http://127.0.0.1:1")
        assert values[f"drs_cutover_{name}"] in replaced
    names = dict.fromkeys((name for family in ENVIRONMENT.values() for name in family), "x")
    kept = rehearse.environment({**names, "PATH": "/bin", "no_proxy": "example.com"}, tmp_path / "record")
    assert not set(names) & set(kept)
    assert kept["PATH"] == "/bin"
    assert kept["no_proxy"] == "example.com,127.0.0.1,localhost"


def test_journal_reports_and_questions_of_the_night_are_left_alone(tmp_path: Path) -> None:
    options = {**OPTIONS, "drs_cutover_journal": "orders.json", "drs_cutover_confirm": "always"}
    project = read(write(tmp_path, cutover=play(**options), jobs={"drs_jobs": [JOB]}))
    values = rehearse.variables(project, "shut", settings(tmp_path))
    assert values["drs_cutover_journal"] == str(tmp_path / "rehearsal/shut.journal.json")
    assert values["drs_cutover_title"] == "REHEARSAL: The final gate never opens"
    assert values["drs_cutover_confirm"] == "never"
    assert values["drs_cutover_final_timeout"] == 10
    assert values["drs_cutover_record"] is None
    # It would list the reports of a folder in which a rehearsal writes none.
    assert values["drs_cutover_index"] is None
    # Of a streak that fits into the times of the night, not into these.
    assert (values["drs_cutover_stable_samples"], values["drs_cutover_final_interval"]) == (3, 1)
    own = rehearse.variables(project, "shut", settings(tmp_path, times="own"))
    assert "drs_cutover_final_timeout" not in own


@pytest.mark.parametrize(("tasks", "shown"), [("shown", True), ("real", False)])
def test_tasks_are_run_only_if_that_is_asked_for(tmp_path: Path, tasks: str, shown: bool) -> None:
    project = read(write(tmp_path, cutover=play(**OPTIONS), jobs={"drs_jobs": [JOB]}))
    values = rehearse.variables(project, "differs", settings(tmp_path, tasks=tasks))
    for stage in ("freeze", "verify", "switch", "unfreeze"):
        (first, *more) = yaml.safe_load(Path(values[f"drs_cutover_{stage}_tasks"]).read_text(encoding="utf-8"))
        assert first["ansible.builtin.import_tasks"] == str(tmp_path / f"tasks/{stage}.yml")
        assert (first.get("when") is False) == shown
        assert [task["name"] for task in more] == (["Fail, as this rehearsal wants it"] if stage == "verify" else [])


@pytest.mark.parametrize(
    ("job", "situation", "options", "changes"),
    [
        ({"delay": 2}, "well", {}, {"delay": 0}),
        ({"delay": 2}, "shut", {"max_delay": 5}, {"delay": 65}),
        ({"delay": 2}, "killed", {}, {"delay": 60}),
        ({}, "killed", {}, {"status": "FULL_TRANSFER_STARTED"}),
        ({}, "well", {"compare": "rows"}, {"comparisons": [{"id": "rehearsed-rows", "type": "lines"}]}),
    ],
)
def test_at_the_final_gate_a_job_catches_up_or_falls_behind(
    job: dict[str, Any], situation: str, options: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert rehearse.at_the_final_gate(job, situation, options) == changes


def test_the_table_has_the_stages_and_the_tasks_of_the_user_alone(tmp_path: Path) -> None:
    project = read(write(tmp_path, cutover=play(**OPTIONS), jobs={"drs_jobs": [JOB]}))
    freeze = tmp_path / "tasks/freeze.yml"
    recorded = [
        (1000.0, "began", "1 a", "Cut over", tmp_path / "cutover.yml"),
        (1000.5, "began", "1 b", "Begin", rehearse.COLLECTION / "roles/x.yml"),
        (1002.0, "began", "1 c", "Stop it", freeze),
        (1003.5, "ok", "1 c", "Stop it", freeze),
        (1004.0, "began", "1 d", "Hang", freeze),
    ]
    lines = [dict(zip(("at", "what", "task", "name", "path"), line, strict=True)) for line in recorded]
    tasks = rehearse.own_tasks(lines, project, tmp_path / "rehearsal")
    stages = [
        {"name": "freeze", "state": "failed", "started_at": "1970-01-01T00:16:42Z", "seconds": 4.0, "by": "run"},
        {"name": "unfreeze", "state": "ok", "started_at": "1970-01-01T00:16:46.500Z", "seconds": 1.25, "by": "guard"},
    ]
    report = {
        "outcome": "unfrozen",
        "outage_seconds": 5.75,
        "frozen_since": "1970-01-01T00:16:42Z",
        "reason": "It hung.",
    }
    assert rehearse.table({**report, "stages": stages}, tasks) == [
        "Outcome: unfrozen, outage 5.8 s. It hung.",
        "time (UTC) from freeze     took  what",
        "00:16:42        +0.0 s    4.0 s  freeze: failed",
        "00:16:42        +0.0 s    1.5 s    Stop it",
        "00:16:44        +2.0 s             Hang (did not end)",
        "00:16:46        +4.5 s    1.2 s  unfreeze: ok by the guard",
    ]
