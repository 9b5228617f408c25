# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both ways to log in, and all that makes them fail."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from calls import JOB, PROJECT, HandClock, Start, call, login
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from drs_simulator import Simulator

PERMANENT = ("SIMULATEDACCESSKEY", "simulated-secret-key")
TEMPORARY = ("SIMULATEDTEMPORARY", "simulated-temporary-secret")


def signed(
    simulator: Simulator, key: tuple[str, str] = PERMANENT, project: str = PROJECT, **headers: str
) -> requests.Response:
    endpoint = urlsplit(simulator.endpoint)
    request = SdkRequest(
        method="POST",
        host=endpoint.netloc,
        resource_path=f"{endpoint.path}/v3/{project}/jobs/batch-status",
        query_params=[],
        header_params={"Content-Type": "application/json", **headers},
        body=f'{{"jobs": ["{JOB}"]}}',
    )
    Signer(SimpleNamespace(ak=key[0], sk=key[1])).sign(request)
    url = f"{endpoint.scheme}://{endpoint.netloc}{request.resource_path}"
    return requests.post(url, data=request.body, headers=request.header_params, timeout=10)


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"id": PROJECT}},
        {"project": {"name": "eu-de"}},
        {"project": {"name": "eu-de", "domain": {"name": "simulated-domain"}}},
    ],
)
def test_a_password_buys_a_token_for_a_project(start: Start, scope: Any) -> None:
    simulator = start()
    answered = login(simulator, scope)
    assert answered.status_code == 201
    token = answered.json()["token"]
    assert token["project"]["id"] == PROJECT
    assert token["catalog"] == []
    given = call(
        simulator, "batch-status", {"jobs": [JOB]}, headers={"X-Auth-Token": answered.headers["X-Subject-Token"]}
    )
    assert given.status_code == 200


@pytest.mark.parametrize(
    ("user", "scope"),
    [
        ({"password": "wrong"}, None),
        ({"name": "nobody"}, None),
        ({"domain": {"name": "elsewhere"}}, None),
        ({}, {"project": {"name": "nowhere"}}),
        ({}, {"project": {"name": "eu-de", "domain": {"name": "elsewhere"}}}),
    ],
)
def test_a_login_that_iam_refuses(start: Start, user: dict[str, Any], scope: Any) -> None:
    answered = login(start(), scope, **user)
    assert answered.status_code == 401
    assert answered.json()["error"]["title"] == "Unauthorized"


def test_a_malformed_login_is_a_bad_request(start: Start) -> None:
    for body in (
        None,
        [],
        {"auth": {}},
        {"auth": []},
        {"auth": {"identity": {"methods": ["totp"], "password": {"user": {}}}}},
    ):
        assert requests.post(f"{start().auth_url}/auth/tokens", json=body, timeout=10).status_code == 400


def test_a_token_without_a_project_reads_no_jobs(start: Start) -> None:
    simulator = start()
    token = login(simulator, {}).headers["X-Subject-Token"]
    answered = call(simulator, "batch-status", {"jobs": [JOB]}, headers={"X-Auth-Token": token})
    assert (answered.status_code, answered.json()["error_code"]) == (403, "DRS.M00261")


def test_tokens_run_out_and_can_be_withdrawn(start: Start, clock: HandClock) -> None:
    simulator = start({"account": {"token_lifetime": 60}, "jobs": [{"id": JOB, "status": "CREATING"}]})

    def with_token(token: str) -> requests.Response:
        return call(simulator, "batch-status", {"jobs": [JOB]}, headers={"X-Auth-Token": token})

    short, ready_made = login(simulator).headers["X-Subject-Token"], "simulated-token"
    clock.seconds += 59
    assert with_token(short).status_code == 200
    clock.seconds += 1
    refused = with_token(short)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "APIGW.0307")
    assert with_token(ready_made).status_code == 200
    simulator.withdraw_tokens()
    assert with_token(ready_made).status_code == 401
    assert with_token(login(simulator).headers["X-Subject-Token"]).status_code == 200


def test_a_changed_password(start: Start) -> None:
    simulator = start()
    simulator.change_credentials(password="new")
    assert login(simulator).status_code == 401
    assert login(simulator, password="new").status_code == 201


def test_signed_requests_are_accepted(start: Start) -> None:
    simulator = start()
    assert signed(simulator).status_code == 200
    assert signed(simulator, **{"X-Project-Id": PROJECT}).status_code == 200
    assert signed(simulator, TEMPORARY, **{"X-Security-Token": "simulated-security-token"}).status_code == 200


def test_a_signature_covers_prefix_and_query(start: Start) -> None:
    simulator = start({"prefix": "/drs", "jobs": [{"id": JOB, "status": "CREATING"}]})
    assert signed(simulator).status_code == 200
    request = SdkRequest(
        method="GET",
        host=urlsplit(simulator.auth_url).netloc,
        resource_path="/v3/projects",
        query_params=[("name", "eu-de")],
        header_params={},
    )
    Signer(SimpleNamespace(ak=PERMANENT[0], sk=PERMANENT[1])).sign(request)
    url = f"{simulator.auth_url}/projects"
    found = requests.get(f"{url}?name=eu-de", headers=request.header_params, timeout=10)
    assert [project["id"] for project in found.json()["projects"]] == [PROJECT]
    assert requests.get(f"{url}?name=eu-nl", headers=request.header_params, timeout=10).status_code == 401


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        (("SIMULATEDACCESSKEY", "wrong"), {}),
        (("NOBODY", "wrong"), {}),
        (TEMPORARY, {}),
        (TEMPORARY, {"X-Security-Token": "another"}),
        (PERMANENT, {"X-Security-Token": "simulated-security-token"}),
    ],
)
def test_a_signature_that_is_refused(start: Start, key: tuple[str, str], headers: dict[str, str]) -> None:
    answered = signed(start(), key, **headers)
    assert (answered.status_code, answered.json()["error_code"]) == (401, "APIGW.0301")


@pytest.mark.parametrize(("skew", "status"), [(0, 200), (840, 200), (-840, 200), (960, 401), (-960, 401)])
def test_a_clock_may_be_fifteen_minutes_off(start: Start, skew: int, status: int) -> None:
    simulator = start({"clock_skew": skew, "jobs": [{"id": JOB, "status": "CREATING"}]})
    assert signed(simulator).status_code == status


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"jobs": ["x"]}', {}),
        (None, {"X-Sdk-Date": "yesterday"}),
        (None, {"Authorization": "SDK-HMAC-SHA256 nonsense"}),
        (None, {"Host": "elsewhere.example"}),
        (None, {"Content-Type": "application/json; charset=utf-8"}),
    ],
)
def test_what_is_changed_after_signing_is_refused(start: Start, body: bytes | None, headers: dict[str, str]) -> None:
    good = signed(start()).request
    sent = {**good.headers, **headers}
    del sent["Content-Length"]
    changed = requests.post(good.url, data=body or good.body, headers=sent, timeout=10)
    assert (changed.status_code, changed.json()["error_code"]) == (401, "APIGW.0301")


def test_nobody_logged_in_and_a_foreign_project(start: Start) -> None:
    simulator = start()
    url = f"{simulator.endpoint}/v3/{PROJECT}/jobs/batch-status"
    assert requests.post(url, json={"jobs": [JOB]}, timeout=10).status_code == 401
    assert signed(simulator, project="foreign").json()["error_code"] == "DRS.M00261"
    assert signed(simulator, **{"X-Project-Id": "foreign"}).json()["error_code"] == "DRS.M00261"


def test_projects_are_looked_up_by_name(start: Start) -> None:
    simulator = start()
    headers = {"X-Auth-Token": "simulated-token"}
    found = requests.get(f"{simulator.auth_url}/projects?name=eu-de", headers=headers, timeout=10).json()
    assert [project["id"] for project in found["projects"]] == [PROJECT]
    none = requests.get(f"{simulator.auth_url}/projects?name=nowhere", headers=headers, timeout=10).json()
    assert none["projects"] == []
    assert requests.get(f"{simulator.auth_url}/projects", timeout=10).status_code == 401


def test_keystoneauth_logs_in_and_again_after_a_withdrawal(start: Start) -> None:
    v3 = pytest.importorskip("keystoneauth1.identity.v3")
    session_of = pytest.importorskip("keystoneauth1.session")
    simulator = start()
    auth = v3.Password(
        auth_url=simulator.auth_url,
        username="demo",
        password="simulated-password",
        user_domain_name="simulated-domain",
        project_name="eu-de",
    )
    session = session_of.Session(auth=auth)
    assert session.get_project_id() == PROJECT
    url = f"{simulator.endpoint}/v3/{PROJECT}/jobs/batch-status"
    simulator.withdraw_tokens()
    assert session.post(url, json={"jobs": [JOB]}).status_code == 200
    expected = ["tokens", "batch-status", "tokens", "batch-status"]
    assert [entry["operation"] for entry in simulator.requests] == expected


def test_the_official_client_reads_both_operations(start: Start) -> None:
    sdk = pytest.importorskip("huaweicloudsdkdrs.v3")
    credentials = pytest.importorskip("huaweicloudsdkcore.auth.credentials")
    simulator = start({"huawei": True, "jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED"}]})
    client = (
        sdk.DrsClient.new_builder()
        .with_credentials(credentials.BasicCredentials(*PERMANENT, PROJECT))
        .with_endpoint(simulator.endpoint)
        .build()
    )
    page = sdk.PageReq(cur_page=1, per_page=10)
    statuses = client.batch_list_job_status(
        sdk.BatchListJobStatusRequest(body=sdk.BatchQueryJobReqPage(jobs=[JOB], page_req=page))
    )
    assert statuses.results[0].status == "INCRE_TRANSFER_STARTED"
    progress = client.batch_list_progresses(sdk.BatchListProgressesRequest(body=sdk.BatchQueryJobReq(jobs=[JOB])))
    assert progress.results[0].incre_trans_delay_millis == "0"


def test_the_expiry_that_is_told_is_the_one_that_holds(start: Start) -> None:
    token = login(start({"account": {"token_lifetime": 60}})).json()["token"]
    issued, expires = (datetime.fromisoformat(token[key].rstrip("Z")) for key in ("issued_at", "expires_at"))
    assert expires - issued == timedelta(seconds=60)
