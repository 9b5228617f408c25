# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Situations from bug reports about other tools, each of which once went wrong here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.playbooks.support import FAIL, Cutover, Place, Tasks, ask

USER_FILES = ("freeze", "switch", "unfreeze")


def more_tasks(cutover: Cutover, name: str, note: str, *more: dict[str, Any]) -> None:
    """Write a file beside the user's, which notes that it ran."""
    tasks = [{"ansible.legacy.simulator": {"note": note, "to": str(cutover.folder / "ran")}}, *more]
    cutover.write(name, json.dumps(tasks))


@pytest.mark.thorough
def test_the_files_of_the_user_may_import_tasks(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    imported: dict[str, Tasks] = {
        name: [{"ansible.builtin.import_tasks": f"more_{name}.yml"}] for name in ("verify", "switch", "unfreeze")
    }
    for name in imported:
        more_tasks(cutover, f"more_{name}", f"more-{name}")
    cutover.tasks(freeze=[cutover.changing(delay=0)], **imported)
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "verify", "more-verify", "switch", "more-switch"]


@pytest.mark.thorough
def test_imported_tasks_unfreeze_too(place: Place) -> None:
    cutover = Cutover(place)
    more_tasks(cutover, "more", "more-unfreeze")
    cutover.tasks(freeze=[FAIL], unfreeze=[{"ansible.builtin.import_tasks": "more.yml"}])
    cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze", "more-unfreeze"]


@pytest.mark.thorough
def test_a_file_that_imports_what_is_not_there_is_found_before_anything_runs(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[cutover.changing(delay=0)], switch=[{"ansible.builtin.import_tasks": "nowhere.yml"}])
    # Ansible remembers the task that failed here.
    rescued = {"block": [FAIL], "rescue": [{"ansible.builtin.debug": {"msg": "It does not matter."}}]}
    cutover.keywords["tasks"] = [rescued, *cutover.play()["tasks"]]
    said = cutover.run(succeeds=False)
    assert cutover.ran == []
    # ansible-core 2.16 ends the run there, with an error of its own.
    told = "not_begun: An include failed: see the error that Ansible shows above. Nothing was frozen."
    assert told in said or "ERROR! Error when evaluating variable in dynamic parent include path" in said
    assert "This was meant to fail. Nothing was frozen." not in said


@pytest.mark.thorough
def test_a_file_of_the_user_may_be_named_like_one_of_the_role(place: Place) -> None:
    cutover = Cutover(place)
    for name in ("main", "recover"):
        more_tasks(cutover, name, f"own-{name}")
    includes = [{"ansible.builtin.include_tasks": "main.yml"}, {"ansible.builtin.include_tasks": "recover.yml"}]
    cutover.tasks(freeze=[cutover.changing(delay=0), *includes])
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "own-main", "own-recover", "switch"]


def test_what_a_task_hides_stays_hidden(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(
        freeze=[{"name": "Log in", "ansible.builtin.fail": {"msg": "{{ 'pass' ~ ' phrase' }}"}, "no_log": True}]
    )
    said = cutover.run(succeeds=False)
    assert "The task 'Log in' of freeze.yml failed; its result is hidden by no_log" in said
    everything = "".join(path.read_text("utf-8") for path in cutover.folder.glob("*.json") if path.stem != "tasks")
    # From 2.19 on ansible-core itself shows the text of this one, before the role hears of it.
    assert "pass phrase" not in said.replace("[ERROR]: Task failed: Action failed: pass phrase", "")
    assert "pass phrase" not in everything


@pytest.mark.thorough
def test_variables_of_the_unfreeze_hide_nothing_and_are_shown_nowhere(place: Place) -> None:
    secret, journal = "s3cret-of-the-unfreeze", "postgresql+psycopg://cutover:s3cret-of-the-journal@127.0.0.1:1/cutover"
    cutover = Cutover(place, unfreeze_vars={"secret": secret, "mode": "unfreeze", "digit": "1"})
    cutover.tasks(freeze=[FAIL], unfreeze=[{"ansible.builtin.assert": {"that": f"secret | length == {len(secret)}"}}])
    said = cutover.run("-vvvvv", succeeds=False)
    assert "Outcome: unfrozen" in said
    # They are not secrets one by one. ansible-core 2.22 would hide this word, and each 1, in every line.
    assert "The guard unfroze the source: it accepts writes again." in said
    said += Cutover(place, unfreeze_vars={"secret": secret}, journal=journal).run("-vvvvv", succeeds=False)
    assert "postgresql+psycopg://cutover@127.0.0.1:1/cutover" in said
    assert "s3cret" not in said


@pytest.mark.thorough
def test_an_inventory_of_many_hosts_may_be_on_the_command_line(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[cutover.changing(delay=0)])
    cutover.run("-i", ",".join(["localhost", *(f"host-{number}" for number in range(60))]), succeeds=True)
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.thorough
@pytest.mark.parametrize("option", ["switch_tasks", "unfreeze_tasks"])
def test_a_file_whose_name_is_longer_than_any_is_not_there(place: Place, option: str) -> None:
    cutover = Cutover(place, **{option: f"{'x' * 300}.yml"})
    said = cutover.run(succeeds=False)
    assert f"drs_cutover_{option}: there is no file {cutover.folder}/{'x' * 300}.yml" in said.replace("\\", "")


@pytest.mark.thorough
def test_the_item_of_a_loop_is_named(place: Place) -> None:
    cutover = Cutover(place)
    failing = {"name": "Stop a service", "ansible.builtin.fail": {"msg": "no such service"}}
    cutover.tasks(freeze=[{**failing, "when": "item == 'billing'", "loop": ["shop", "billing"]}])
    said = cutover.run(succeeds=False)
    assert "The task 'Stop a service' of freeze.yml failed for the item billing: no such service" in said


@pytest.mark.thorough
def test_the_rules_of_another_gate_are_not_those_of_the_final_gate(place: Place) -> None:
    cutover = Cutover(place, final_timeout=1)
    cutover.keywords = {"vars": {"drs_wait_max_delay": 30, "drs_wait_stable_samples": 1}}
    cutover.tasks(freeze=[cutover.changing(delay=25)])
    cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"unfreeze_task": "tasks/unfreeze.yml"},
            "is not an option of the role drs_cutover. Did you mean drs_cutover_unfreeze_tasks?",
        ),
        pytest.param(
            {"unfreeze_tasks": ""},
            "would leave the source frozen. Set it, or set drs_cutover_without_unfreeze to true",
            marks=pytest.mark.thorough,
        ),
        pytest.param({"max_outage": "soon"}, "max_outage", marks=pytest.mark.thorough),
        pytest.param(
            {"jobs": '["a"'},
            "jobs starts like a JSON list but is not valid JSON. Pass a list, or ids separated by commas.",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(place: Place, wrong: dict[str, Any], said: str) -> None:
    cutover = Cutover(place)
    assert said in cutover.run(succeeds=False, **wrong).replace("[ERROR]: ", "")
    assert (cutover.ran, cutover.requests()) == ([], [])


@pytest.mark.thorough
def test_omitted_and_empty_options_count_as_not_given(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="{{ nothing | default(omit) }}", title="{{ nothing | default(omit) }}")
    omitted = dict.fromkeys(
        (
            "final_timeout",
            "timeout",
            "max_outage",
            "confirm",
            "stats",
            "journal",
            "record",
            "endpoint",
            "max_errors",
        ),
        "{{ nothing | default(omit) }}",
    )
    cutover.run(succeeds=True, **omitted, hold_file="", ca_path="")
    assert cutover.ran == ["freeze", "switch"]
    assert cutover.report["gates"]["final"]["rules"]["timeout"] == 600


@pytest.mark.thorough
@pytest.mark.parametrize(
    "jobs",
    [
        '["{job}"]',
        ' [ "{job}" ] ',
        "{job}",
    ],
)
def test_jobs_may_be_json_or_text_with_commas(place: Place, jobs: str) -> None:
    cutover = Cutover(place)
    cutover.run(succeeds=True, jobs=jobs.replace("{job}", cutover.job))
    assert cutover.report["jobs"] == [cutover.job]


@pytest.mark.thorough
def test_jobs_may_be_given_by_name_in_each_cutover_of_a_play(place: Place) -> None:
    first, second = Cutover(place), Cutover(place)
    for cutover in (first, second):
        cutover.change(name=f"name of {cutover.job}")
        del cutover.options["jobs"]
    second.keywords = {"tasks": [by_name(first), by_name(second)]}
    second.run(succeeds=True)
    assert (first.ran, second.ran) == (["freeze", "switch"], ["freeze", "switch"])
    assert (first.report["jobs"], second.report["jobs"]) == ([first.job], [second.job])
    assert first.state["jobs"] == [first.job]


def by_name(cutover: Cutover) -> dict[str, Any]:
    task = cutover.play(job_names=[f"name of {cutover.job}"])["tasks"][0]
    files = {f"drs_cutover_{name}_tasks": str(cutover.folder / "tasks" / f"{name}.yml") for name in USER_FILES}
    return {**task, "vars": {**task["vars"], **files}}


@pytest.mark.thorough
def test_a_name_that_no_job_has_is_refused_before_anything_runs(place: Place) -> None:
    cutover = Cutover(place)
    # Like no name that another test has given.
    cutover.change(name=f"{cutover.job} orders")
    del cutover.options["jobs"]
    said = cutover.run(succeeds=False, job_names=[f"{cutover.job} order"])
    assert f"job_names: No job is named '{cutover.job} order'. Similar: {cutover.job} orders" in said
    assert cutover.ran == []


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["roles", "import_role"])
def test_the_role_may_be_loaded_statically(place: Place, way: str) -> None:
    cutover = Cutover(place)
    options = cutover.play()["tasks"][0]["vars"]
    role = "cutover.drs.drs_cutover"
    imported = {"ansible.builtin.import_role": {"name": role}, "vars": options}
    listed = {"roles": [{"role": role, **options}], "tasks": []}
    cutover.keywords = listed if way == "roles" else {"tasks": [imported]}
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.thorough
def test_the_keyword_timeout_of_a_play_ends_a_gate_with_the_right_reason(place: Place) -> None:
    cutover = Cutover(place, final_timeout=600)
    cutover.keywords = {"timeout": 5}
    cutover.tasks()
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert "The keyword timeout ends this task after 5 s, so it has 3 s to end." in said
    assert cutover.report["outcome"] == "unfrozen"
    assert cutover.report["gates"]["final"]["verdict"] == "timeout"


def gate(cutover: Cutover, **options: Any) -> dict[str, Any]:
    return {f"drs_wait_{name}": value for name, value in {"jobs": [cutover.job], "timeout": 0, **options}.items()}


def test_a_gate_that_could_never_open_is_refused_by_the_variable_that_was_set(place: Place) -> None:
    cutover = Cutover(place)
    include = {
        "ansible.builtin.include_role": {"name": "cutover.drs.drs_wait"},
        "vars": gate(cutover, timeout=59, stable_for=60),
    }
    cutover.keywords = {"tasks": [include]}
    said = cutover.run(succeeds=False)
    assert (
        "Not ready (error): drs_wait_stable_for (60 s) is longer than drs_wait_timeout (59 s), so the gate could never open."
    ) in said
    assert cutover.requests() == []


@pytest.mark.thorough
def test_a_gate_that_is_listed_twice_waits_twice(place: Place) -> None:
    cutover = Cutover(place, delay=0)
    role = {"role": "cutover.drs.drs_wait", **gate(cutover)}
    cutover.keywords = {"roles": [role, role], "tasks": []}
    cutover.run(succeeds=True)
    assert len(cutover.requests()) == 4


@pytest.mark.parametrize("value", ["{{ nothing | default(omit) }}", pytest.param("", marks=pytest.mark.thorough)])
def test_no_option_of_a_gate_that_is_not_given_opens_it(place: Place, value: str) -> None:
    cutover = Cutover(place, delay=900)
    options = dict.fromkeys(("fail", "stats", "reports", "title", "max_delay", "goal"), value)
    options = {name: value for name in options if value or name in ("reports", "title")}
    include = {"ansible.builtin.include_role": {"name": "cutover.drs.drs_wait"}, "vars": gate(cutover, **options)}
    cutover.keywords = {"tasks": [include, {"ansible.builtin.command": "touch opened", "changed_when": False}]}
    said = cutover.run(succeeds=False)
    assert "Not ready (timeout)" in said
    assert not (cutover.folder / "opened").exists()


@pytest.mark.thorough
def test_the_keyword_timeout_leaves_a_gate_its_reason_and_reports(place: Place) -> None:
    cutover = Cutover(place, delay=900)
    options = gate(cutover, timeout=600, interval=0.2, reports=["gate.json"])
    include = {"ansible.builtin.include_role": {"name": "cutover.drs.drs_wait"}, "vars": options}
    cutover.keywords = {"timeout": 4, "tasks": [include]}
    said = cutover.run(succeeds=False)
    assert "Not ready (timeout)" in said
    assert "The keyword timeout ends this task after 4 s" in said
    report = json.loads((cutover.folder / "gate.json").read_text("utf-8"))
    assert (report["verdict"], report["polls"] > 1) == ("timeout", True)


@pytest.mark.thorough
@pytest.mark.parametrize("by", ["id", "name"])
def test_a_whole_cutover_logs_in_once(place: Place, by: str) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml", stop_jobs="before_switch")
    cutover.keywords = {"module_defaults": {"group/cutover.drs.drs": place.sim["by_password"]}}
    if by == "name":
        cutover.change(name=f"name of {cutover.job}")
        del cutover.options["jobs"]
        cutover.options["job_names"] = [f"name of {cutover.job}"]
    before = logins(place)
    cutover.run(succeeds=True)
    assert logins(place) == before + 1
    # The token is in no file.
    assert "simulated" not in cutover.journal_file.read_text(encoding="utf-8")


@pytest.mark.thorough
def test_a_login_by_module_defaults_may_come_from_a_variable_of_the_play(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[{"ansible.builtin.fail": {"msg": "They differ."}}])
    login = {"group/cutover.drs.drs": "{{ my_login }}"}
    cutover.keywords = {"vars": {"my_login": place.sim["login"]}, "module_defaults": login}
    assert "They differ." in cutover.run(succeeds=False)
    assert (cutover.ran, cutover.report["outcome"]) == (["freeze", "verify", "unfreeze"], "unfrozen")


def logins(place: Place) -> int:
    """The number of logins so far: this simulator serves one test at a time."""
    return len([entry for entry in ask(place.sim["control"], "log") if entry["path"].endswith("/auth/tokens")])
