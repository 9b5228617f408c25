# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two modules that read jobs, run as Ansible runs them: arguments in, one line of JSON out."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils import basic

from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.modules import (
    drs_job_compare_info,
    drs_job_info,
    drs_job_progress,
    drs_job_status,
)
from ansible_collections.cutover.drs.tests.unit.service.support import BY_PASSWORD, BY_TOKEN, JOBS, closed_port
from drs_simulator import Simulator

Run = Callable[..., dict[str, Any]]
STRANGER = "00000000-0000-4000-8000-00000000jb99"
MODULES = [drs_job_status, drs_job_progress]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a module with these options and return its result; `rc` is the code of its end."""

    def ran(module: ModuleType, **options: Any) -> dict[str, Any]:
        # What ansible.module_utils.testing does, which ansible-core 2.16 does not have.
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", arguments)
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit) as ended:
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        # By this ansible-core 2.22 learns from the module what it must mask; it is in no result.
        result.pop("_ansible_new_secrets", None)
        return {**result, "rc": ended.value.code}

    return ran


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("module", MODULES)
def test_jobs_come_back_in_the_order_asked(
    run: Run, simulator: Simulator, module: ModuleType, check_mode: bool
) -> None:
    asked = [STRANGER, *reversed(JOBS)]
    result = run(module, jobs=asked, endpoint=simulator.endpoint, _ansible_check_mode=check_mode, **BY_TOKEN)
    assert (result["rc"], result["changed"]) == (0, False)
    assert [job["id"] for job in result["jobs"]] == asked
    assert [job["state"] for job in result["jobs"]] == ["missing", "in_progress", "in_progress"]
    assert result["missing"] == [STRANGER]
    assert result["counts"] == {
        "total": 3,
        "found": 2,
        "missing": 1,
        "by_state": {"missing": 1, "in_progress": 2},
        "by_status": {"INCRE_TRANSFER_STARTED": 2},
    }
    assert result["summary"] == "3 jobs: 2 in_progress, 1 missing"
    assert [entry["operation"] for entry in simulator.requests] == [
        "batch-status" if module is drs_job_status else "batch-progress"
    ]


def test_progress_has_what_status_has_and_more(run: Run, simulator: Simulator) -> None:
    options = {"job_ids": list(JOBS), "endpoint": simulator.endpoint, **BY_TOKEN}
    (status, *_rest), (progress, *_others) = (run(module, **options)["jobs"] for module in MODULES)
    assert status.items() <= progress.items()
    assert (progress["progress"], progress["delay"], progress["raw"]["incre_trans_delay"]) == (100, 0, "0")


@pytest.mark.parametrize("module", MODULES)
def test_a_failure_says_what_happened_and_carries_the_details(
    run: Run, simulator: Simulator, module: ModuleType
) -> None:
    simulator.add_fault(kind="status", documented=9)
    result = run(module, jobs=list(JOBS), endpoint=simulator.endpoint, **BY_TOKEN)
    assert (result["rc"], result["failed"]) == (1, True)
    assert "of 2 jobs at 127.0.0.1:" in result["msg"]
    assert result["failure"] == {
        "kind": "invalid_request",
        "http_status": 404,
        "error_code": "APIGW.0101",
        "error_message": "The API does not exist or has not been published in the environment",
        "request_id": simulator.requests[-1]["request_id"],
        "attempts": 1,
    }


def test_ids_given_twice_are_asked_for_once_with_a_warning(
    run: Run, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where Ansible puts a warning depends on whether its controller was loaded by another test.
    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda module, warning: warned.append(warning))
    result = run(drs_job_status, jobs=[JOBS[0], JOBS[1], JOBS[0]], endpoint=simulator.endpoint, **BY_TOKEN)
    assert [job["id"] for job in result["jobs"]] == list(JOBS)
    assert warned == [f"jobs names {JOBS[0]} more than once; each job is asked for once."]
    assert simulator.requests[0]["body"]["jobs"] == list(JOBS)


@pytest.mark.parametrize("of_environment", [False, True])
def test_no_secret_is_in_the_output(
    run: Run, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, of_environment: bool
) -> None:
    options: dict[str, Any] = dict(BY_PASSWORD)
    if of_environment:
        monkeypatch.setenv("OS_PASSWORD", options.pop("password"))
    for job in JOBS:
        simulator.set_job(job, error_msg="said simulated-password", raw_progress={"x": "simulated-password"})
    result = run(drs_job_progress, jobs=list(JOBS), endpoint=simulator.endpoint, auth_url=simulator.auth_url, **options)
    text = json.dumps({**result, "invocation": None})
    assert result["jobs"][0]["error_message"] == "said ********"
    assert "simulated-password" not in text
    token = simulator.requests[-1]["headers"]["x-auth-token"]
    assert token not in json.dumps(result)
    # ansible-core 2.21 returns it only if asked to.
    assert "simulated-password" not in json.dumps(result.get("invocation"))


@pytest.mark.parametrize("module", [*MODULES, drs_job_info])
def test_an_id_that_is_a_secret_is_not_in_an_error_about_it(
    run: Run, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    # Of the environment, so that Ansible knows nothing of it.
    options = {**BY_PASSWORD, "request_retries": 0}
    monkeypatch.setenv("OS_PASSWORD", str(options.pop("password")))
    job = {"id": "simulated-password", "job_id": "simulated-password"}
    entries = [{**job, "status": status, "transfer_status": status} for status in ("PAUSING", "INCRE_TRANSFER_STARTED")]
    body = {"results": entries, "jobs": entries, "total_record": 2}
    simulator.add_fault(kind="status", http_status=200, operation="any", body=body, first=2)
    given = {} if module is drs_job_info else {"jobs": list(JOBS)}
    result = run(module, endpoint=simulator.endpoint, auth_url=simulator.auth_url, **given, **options)
    assert result["failure"]["kind"] == "protocol"
    assert "holds job ******** twice" in result["msg"]
    assert "simulated-password" not in json.dumps(result)


@pytest.mark.parametrize("option", ["endpoint", "auth_url"])
@pytest.mark.parametrize("password", ["hidden-word", "hidden-word/of#it"])
def test_a_login_in_a_url_is_hidden_though_ansible_shows_its_arguments(run: Run, option: str, password: str) -> None:
    urls = {"endpoint": f"http://{closed_port()}", option: f"https://someone:{password}@drs.example.com"}
    result = run(drs_job_status, jobs=list(JOBS), request_retries=0, **urls, **BY_PASSWORD)
    assert result["failure"]["kind"] == "configuration" if option == "endpoint" else "network"
    assert "hidden-word" not in json.dumps(result)


def test_only_the_documented_languages_are_taken(run: Run) -> None:
    result = run(drs_job_status, jobs=list(JOBS), language="de-de", **BY_TOKEN)
    assert result["msg"] == "value of language must be one of: en-us, zh-cn, got: de-de"


@pytest.mark.parametrize("module", MODULES)
def test_jobs_can_be_given_by_their_names(run: Run, start: Callable[..., Simulator], module: ModuleType) -> None:
    simulator = start(jobs=[{"id": job, "name": f"job of {job[:4]}", "status": "CREATING"} for job in JOBS])
    names = [f"job of {job[:4]}" for job in reversed(JOBS)]
    result = run(module, job_names=names, endpoint=simulator.endpoint, **BY_TOKEN)
    assert [(job["id"], job["name"]) for job in result["jobs"]] == list(zip(reversed(JOBS), names, strict=True))
    assert list(result["jobs"][0])[:3] == ["id", "name", "found"]
    result = run(module, jobs=list(JOBS), job_names=None, endpoint=simulator.endpoint, **BY_TOKEN)
    assert [job["name"] for job in result["jobs"]] == [None, None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"jobs": []}, "jobs is empty."),
        ({"jobs": ["a b"]}, "jobs: entry 1 ('a b') contains a space"),
        ({"jobs": ["a"], "batch_size": 0}, "batch_size must be from 1 to 100"),
        ({"job_names": ["a"], "jobs": ["b"]}, "jobs and job_names are both set. Set only one."),
        ({}, "No jobs specified. Set jobs (ids) or job_names (names as shown in the console)."),
        ({"job_names": ["nobody"]}, "job_names: No job is named 'nobody'."),
    ],
)
@pytest.mark.parametrize("module", MODULES)
def test_what_names_no_job_fails_before_a_job_is_read(
    run: Run, simulator: Simulator, module: ModuleType, options: dict[str, Any], said: str
) -> None:
    result = run(module, endpoint=simulator.endpoint, **options, **BY_TOKEN)
    assert (result["rc"], result["failure"]["kind"]) == (1, "configuration")
    assert result["msg"].startswith(said)
    assert not [entry for entry in simulator.requests if not entry["operation"].startswith("list")]


@pytest.mark.parametrize("check_mode", [False, True])
def test_info_lists_the_jobs_of_the_project(run: Run, simulator: Simulator, check_mode: bool) -> None:
    result = run(drs_job_info, endpoint=simulator.endpoint, _ansible_check_mode=check_mode, **BY_TOKEN)
    assert (result["rc"], result["changed"], result["summary"]) == (0, False, "2 jobs: 2 in_progress")
    assert [job["id"] for job in result["jobs"]] == list(JOBS)


def test_info_that_is_refused_says_of_which_request(run: Run, simulator: Simulator) -> None:
    simulator.add_fault(kind="status", documented=7)
    result = run(drs_job_info, endpoint=simulator.endpoint, **BY_TOKEN)
    assert (result["rc"], result["failure"]["kind"]) == (1, "permission")
    assert result["msg"].startswith("The list of jobs (v3) at 127.0.0.1:")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"ids": "", "names": "", "statuses": ""}, JOBS),
        ({"ids": ["", JOBS[1]]}, JOBS[1:]),
        # As --extra-vars and surveys of AWX give lists.
        ({"ids": json.dumps([JOBS[1], JOBS[0]])}, (JOBS[1], JOBS[0])),
        ({"statuses": '["INCRE_TRANSFER_STARTED"]'}, JOBS),
    ],
)
def test_info_takes_empty_variables_and_lists_as_text_as_the_others_do(
    run: Run, simulator: Simulator, options: dict[str, Any], found: Any
) -> None:
    result = run(drs_job_info, endpoint=simulator.endpoint, **options, **BY_TOKEN)
    assert [job["id"] for job in result["jobs"]] == list(found)
    assert result["missing"] == []


def test_info_refuses_a_text_that_only_begins_like_a_list(run: Run, simulator: Simulator) -> None:
    result = run(drs_job_info, endpoint=simulator.endpoint, ids="[a", **BY_TOKEN)
    assert "ids starts like a JSON list but is not valid JSON." in result["msg"]


EQUAL = [{"id": "rows"}, {"id": "values", "type": "contents"}, {"id": "objects", "type": "object_comparison"}]


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_the_comparisons_found_is_told_and_nothing_of_the_user_s_data(
    run: Run, simulator: Simulator, check_mode: bool
) -> None:
    simulator.set_job(JOBS[0], comparisons=EQUAL)
    different = [{"id": "values", "type": "contents", "results": {"shop": "INCONSISTENT"}}]
    simulator.set_job(JOBS[1], comparisons=[*EQUAL[:1], *different])
    options = {"jobs": JOBS, "kinds": ["objects", "rows", "values"], "_ansible_check_mode": check_mode}
    result = run(drs_job_compare_info, endpoint=simulator.endpoint, **options, **BY_TOKEN)
    assert (result["rc"], result["changed"], result["consistent"]) == (0, False, False)
    assert [job["consistent"] for job in result["jobs"]] == [True, False]
    assert {kind: found["verdict"] for kind, found in result["jobs"][1]["comparisons"].items()} == {
        "objects": "missing",
        "rows": "consistent",
        "values": "inconsistent",
    }
    # Tables, keys and SQL text that the simulator puts into every answer, and the names of databases.
    assert not [word for word in ("SIMULATED-", "select", "shop") if word in json.dumps(result)]


@pytest.mark.parametrize("module", [*MODULES, drs_job_info, drs_job_compare_info])
def test_each_module_hands_on_what_the_client_warns_of(
    run: Run, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda module, warning: warned.append(warning))
    monkeypatch.setattr(Client, "warnings", property(lambda client: ["An entry could not be read."]))
    asked = {"ids": JOBS} if module is drs_job_info else {"jobs": JOBS}
    assert run(module, endpoint=simulator.endpoint, **asked, **BY_TOKEN)["rc"] == 0
    assert warned == ["An entry could not be read."]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("started_after", "2026-11-24T12:00:00", "time zone"),
        ("kinds", [], "kinds is empty"),
    ],
)
def test_options_of_a_comparison_that_make_no_sense_are_refused_before_anything_is_sent(
    run: Run, simulator: Simulator, option: str, value: Any, said: str
) -> None:
    options = {"jobs": JOBS, option: value, "endpoint": simulator.endpoint, **BY_TOKEN}
    result = run(drs_job_compare_info, **options)
    assert (result["rc"], result["failure"]["kind"]) == (1, "configuration")
    assert said in result["msg"]
    assert not simulator.requests


def test_a_body_of_rows_that_is_no_answer_is_not_quoted(run: Run, simulator: Simulator) -> None:
    body = {"error_code": "DRS.M05066", "error_msg": "canary-4711", "content_compare_diffs": ["canary-4711"]}
    for spoilt in (body, {**body, "error_code": 7}, ["canary-4711"]):
        simulator.add_fault(operation="query-compare-result", kind="status", http_status=200, body=spoilt, times=1)
        result = run(drs_job_compare_info, jobs=JOBS[:1], endpoint=simulator.endpoint, **BY_TOKEN)
        assert "canary-4711" not in json.dumps(result)
