# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins at the simulator: each way, renewal, and what IAM may answer instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1.plugin import BaseAuthPlugin

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._service.http.redaction import Redactor
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.login.auth import KeystoneAuth, TokenAuth
from ansible_collections.cutover.drs.plugins.module_utils._service.login.remembered import Remembered, using
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_KEYS,
    BY_PASSWORD,
    BY_TEMPORARY_KEYS,
    BY_TOKEN,
    DEFAULTS,
    JOBS,
    PROJECT,
    ByHand,
    closed_port,
    raw_server,
    without,
)
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]
PASSWORD_OF_REGION = {**without(BY_PASSWORD, "project_id"), "region": "eu-de"}
KEYS_OF_REGION = {**without(BY_KEYS, "project_id"), "region": "eu-de"}


def failed(call: Callable[[], Any]) -> DrsError:
    with pytest.raises(DrsError) as caught:
        call()
    return caught.value


def operations(simulator: Simulator) -> list[str]:
    return [entry["operation"] for entry in simulator.requests]


@pytest.fixture
def clouds_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write a clouds.yaml that openstacksdk finds."""
    path = tmp_path / "clouds.yaml"

    def written(text: str) -> None:
        path.write_text(text)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))

    return written


def cloud_of(simulator: Simulator, **auth: str) -> str:
    auth = {
        "auth_url": simulator.auth_url,
        "username": "demo",
        "password": "simulated-password",
        "user_domain_name": "simulated-domain",
        "project_id": PROJECT,
        **auth,
    }
    lines = "".join(f"      {name}: {value}\n" for name, value in auth.items() if value)
    return f"clouds:\n  otc:\n    region_name: eu-de\n    auth:\n{lines}"


@pytest.mark.parametrize(
    ("login", "requests", "logins"),
    [
        (BY_TOKEN, [], 0),
        (BY_PASSWORD, ["tokens"], 1),
        (PASSWORD_OF_REGION, ["tokens"], 1),
        ({**without(BY_PASSWORD, "project_id"), "project_name": "eu-de"}, ["tokens"], 1),
        (BY_KEYS, [], 0),
        (BY_TEMPORARY_KEYS, [], 0),
        (KEYS_OF_REGION, ["projects"], 0),
        ({**without(BY_TEMPORARY_KEYS, "project_id"), "project_name": "eu-de"}, ["projects"], 0),
    ],
)
def test_each_way_reads_jobs(
    simulator: Simulator, client_for: ClientFor, login: dict[str, Any], requests: list[str], logins: int
) -> None:
    client = client_for(simulator, **login)
    assert client.statuses(JOBS)[0].found
    assert operations(simulator) == [*requests, "batch-status"]
    assert simulator.requests[-1]["path"] == f"/v3/{PROJECT}/jobs/batch-status"
    assert client.logins == logins


def test_a_client_says_where_it_reads_and_for_whom(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    """For reports: neither a token nor a key is the name of a user."""
    clouds_yaml(cloud_of(simulator))
    for login, user, region in (
        ({**BY_PASSWORD, "region": "eu-de"}, "demo", "eu-de"),
        (BY_TOKEN, None, None),
        (BY_KEYS, None, None),
        ({"cloud": "otc"}, "demo", "eu-de"),
    ):
        about = client_for(simulator, **login).about
        assert about == {"endpoint": simulator.endpoint, "region": region, "project_id": PROJECT, "user": user}


@pytest.mark.parametrize("tls", ["cacert: {ca_path}", "verify: false"])
def test_an_entry_of_clouds_yaml_says_which_certificates_to_trust(
    start: Start, client_for: ClientFor, clouds_yaml: Callable[[str], None], tls: str
) -> None:
    simulator = start(tls=True)
    clouds_yaml(f"{cloud_of(simulator)}    {tls.format(ca_path=simulator.ca_path)}\n")
    assert client_for(simulator, cloud="otc", ca_path=None).statuses(JOBS)[0].found


@pytest.mark.parametrize(
    ("tls", "ca_path", "source"),
    [("verify: false", "/nowhere", "ca_path"), ("cacert: /nowhere", None, "cacert of clouds.yaml")],
)
def test_certificates_that_are_not_there_are_told_and_the_option_comes_before_clouds_yaml(
    simulator: Simulator,
    client_for: ClientFor,
    clouds_yaml: Callable[[str], None],
    tls: str,
    ca_path: str | None,
    source: str,
) -> None:
    clouds_yaml(f"{cloud_of(simulator)}    {tls}\n")
    assert (
        str(failed(lambda: client_for(simulator, cloud="otc", ca_path=ca_path))) == f"{source}: cannot read /nowhere."
    )


@pytest.mark.parametrize("password", ["hidden-word", "hidden/word", "hidden@word"])
def test_a_login_in_the_auth_url_of_clouds_yaml_is_refused_and_goes_nowhere(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None], password: str
) -> None:
    # What a server that got it says of it nobody would mask: it is not known as a secret.
    error = {"error": {"code": 401, "message": f"Who is {password}?", "title": "Unauthorized"}}
    simulator.add_fault(operation="tokens", kind="status", http_status=401, body=error)
    clouds_yaml(cloud_of(simulator).replace("http://", f"http://someone:{password}@"))
    with pytest.raises(DrsError, match=r"^auth_url of clouds\.yaml must be ") as refused:
        client_for(simulator, cloud="otc")
    assert "hidden" not in str(refused.value)
    assert simulator.requests == []


def test_a_login_is_not_tried_again_after_the_time_given(simulator: Simulator, by_hand: ByHand) -> None:
    simulator.add_fault(operation="tokens", kind="status", http_status=503, first=1, last=9)
    options = {**DEFAULTS, **PASSWORD_OF_REGION, "endpoint": simulator.endpoint, "auth_url": simulator.auth_url}
    with pytest.raises(DrsError, match="returned no token: HTTP 503"):
        connect(options, {}, clock=by_hand.clock, until=by_hand.now + 1.5)
    assert by_hand.slept == [1.0]


def test_an_entry_of_clouds_yaml_gives_the_region(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(cloud_of(simulator))
    client = client_for("", cloud="otc")
    assert client._url("v3", "/") == f"https://drs.eu-de.otc.t-systems.com/v3/{PROJECT}/jobs/"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("clouds: {}", "Cloud otc was not found."),
        # What openstacksdk makes of it depends on its version.
        ("clouds: [", "Cloud otc was not found.|is the file well-formed?"),
        ("clouds: {otc: {auth: 7}}", "is the file well-formed?"),
        ("clouds: {otc: {auth_type: odd}}", "The plugin odd could not be found."),
    ],
)
def test_an_entry_of_clouds_yaml_that_cannot_be_used(
    client_for: ClientFor, clouds_yaml: Callable[[str], None], text: str, sentence: str
) -> None:
    clouds_yaml(text)
    error = failed(lambda: client_for("http://drs.example.com", cloud="otc").statuses(JOBS))
    said = str(error).removeprefix("The entry otc of clouds.yaml cannot be used: ")
    assert said in sentence.split("|")
    assert error.kind.value == "configuration"


def test_a_cloud_without_a_password_is_told(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(cloud_of(simulator, password=""))
    error = failed(lambda: client_for(simulator, cloud="otc"))
    where = simulator.endpoint.removeprefix("http://")
    assert (str(error), error.final) == (f"The login at {where} failed: password is a required attribute.", True)


def test_a_cloud_without_a_project_is_told(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(cloud_of(simulator, project_id=""))
    assert str(failed(lambda: client_for(simulator, cloud="otc"))) == (
        "The login is not for a project. Give project_id (OS_PROJECT_ID or OS_TENANT_ID or "
        "HUAWEICLOUD_SDK_PROJECT_ID or HW_PROJECT_ID) "
        "or project_name (OS_PROJECT_NAME or OS_TENANT_NAME or HW_PROJECT_NAME)."
    )


def test_all_threads_share_one_login(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 40, "status": "CREATING"}, latency=20)
    client = client_for(simulator, **BY_PASSWORD, batch_size=2, parallel=16)
    client.both(simulator.job_ids)
    assert operations(simulator).count("tokens") == client.logins == 1
    tokens = {entry["headers"]["x-auth-token"] for entry in simulator.requests if entry["operation"] != "tokens"}
    assert len(tokens) == 1


def test_a_withdrawn_token_is_renewed_once_for_all_threads(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 40, "status": "CREATING"}, latency=20)
    client = client_for(simulator, **BY_PASSWORD, batch_size=5, parallel=16)
    client.both(simulator.job_ids)
    simulator.withdraw_tokens()
    statuses, progress = client.both(simulator.job_ids)
    assert all(record.found for record in (*statuses, *progress))
    assert operations(simulator).count("tokens") == client.logins == 2


def test_a_second_401_is_final(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(operation="batch-status", kind="unauthorized")
    error = failed(lambda: client_for(simulator, **BY_PASSWORD).statuses(JOBS))
    assert (error.kind.value, error.final, error.attempts) == ("authentication", True, 2)
    assert operations(simulator) == ["tokens", "batch-status", "tokens", "batch-status"]
    assert "failed (2 attempts): HTTP 401 APIGW.0307 The token must be updated. Check the login" in str(error)


def test_a_login_is_renewed_once_also_where_another_fault_comes_between(
    simulator: Simulator, client_for: ClientFor
) -> None:
    for number, kind in enumerate(("unauthorized", "throttled", "unauthorized"), start=1):
        simulator.add_fault(operation="batch-status", kind=kind, on=number)
    error = failed(lambda: client_for(simulator, **BY_PASSWORD).statuses(JOBS))
    assert (error.kind.value, error.attempts, operations(simulator).count("tokens")) == ("authentication", 3, 2)


def test_a_login_that_fails_leaves_no_session_open(
    simulator: Simulator, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[requests.Session] = []

    def close(session: requests.Session) -> None:
        closed.append(session)

    monkeypatch.setattr(requests.Session, "close", close)
    simulator.add_fault(operation="tokens", kind="status", http_status=403)
    failed(lambda: client_for(simulator, **PASSWORD_OF_REGION))
    assert len(closed) == 1


@pytest.mark.parametrize("login", [BY_TOKEN, BY_KEYS])
def test_what_nothing_can_renew_is_not_sent_again(
    simulator: Simulator, client_for: ClientFor, login: dict[str, Any]
) -> None:
    simulator.add_fault(kind="unauthorized")
    error = failed(lambda: client_for(simulator, **login).statuses(JOBS))
    assert (error.kind.value, error.attempts, len(simulator.requests)) == ("authentication", 1, 1)


def test_a_token_is_renewed_before_it_runs_out(start: Start, client_for: ClientFor) -> None:
    # keystoneauth1 takes a token for stale 30 s before its end.
    simulator = start(account={"token_lifetime": 20})
    client = client_for(simulator, **BY_PASSWORD)
    for _poll in range(3):
        client.statuses(JOBS)
    assert operations(simulator) == ["tokens", "batch-status"] * 3
    assert client.logins == 3


def test_a_password_that_changed_meanwhile_ends_the_reading(simulator: Simulator, client_for: ClientFor) -> None:
    client = client_for(simulator, **BY_PASSWORD)
    client.statuses(JOBS)
    simulator.change_credentials(password="another-password")
    simulator.withdraw_tokens()
    error = failed(lambda: client.statuses(JOBS))
    assert (error.kind.value, error.final, error.http_status) == ("authentication", True, 401)
    where = simulator.endpoint.removeprefix("http://")
    assert f"failed: The login at {where} was refused: The username or password is wrong (HTTP 401)." in str(error)
    assert str(error).endswith("Check the user, the password, the domain and the project.")


REFUSALS: list[tuple[dict[str, Any], str, bool, int]] = [
    ({"kind": "throttled"}, "throttled", False, 3),
    ({"kind": "status", "http_status": 500}, "service", False, 3),
    ({"kind": "status", "http_status": 503}, "service", False, 3),
    ({"kind": "hang"}, "network", False, 3),
    ({"kind": "trickle", "seconds": 0.05}, "network", False, 3),
    ({"kind": "reset"}, "network", False, 3),
    ({"kind": "status", "documented": 6}, "authentication", True, 1),
    (
        {"kind": "status", "http_status": 403, "body": {"error_code": "IAM.0003", "error_msg": "No."}},
        "authentication",
        True,
        1,
    ),
    ({"kind": "status", "http_status": 403}, "protocol", False, 3),
    ({"kind": "status", "http_status": 404}, "protocol", False, 3),
    ({"kind": "redirect"}, "protocol", False, 3),
    ({"kind": "html"}, "protocol", False, 3),
    ({"kind": "empty"}, "protocol", False, 3),
    ({"kind": "not_object"}, "protocol", False, 3),
    ({"kind": "status", "http_status": 201, "body": {"token": None}}, "protocol", False, 3),
    ({"kind": "status", "http_status": 201, "body": {"token": {}}}, "protocol", False, 3),
    ({"kind": "status", "http_status": 201, "body": 7}, "protocol", False, 3),
]


@pytest.mark.parametrize("login", [BY_PASSWORD, PASSWORD_OF_REGION], ids=["in a request", "before the first"])
@pytest.mark.parametrize(("fault", "kind", "final", "tries"), REFUSALS)
def test_what_iam_may_answer(
    simulator: Simulator,
    client_for: ClientFor,
    login: dict[str, Any],
    fault: dict[str, Any],
    kind: str,
    final: bool,
    tries: int,
) -> None:
    simulator.add_fault(operation="tokens", **fault)
    error = failed(lambda: client_for(simulator, **login, request_timeout=0.2, request_retries=2).statuses(JOBS))
    assert (error.kind.value, error.final, error.attempts) == (kind, final, tries)
    assert len(simulator.requests) == tries
    assert "batch-status" not in operations(simulator)
    assert "0x" not in str(error)


@pytest.mark.parametrize(("operation", "login"), [("tokens", PASSWORD_OF_REGION), ("projects", KEYS_OF_REGION)])
def test_iam_that_is_throttled_for_a_while_is_survived(
    simulator: Simulator, client_for: ClientFor, operation: str, login: dict[str, Any]
) -> None:
    simulator.add_fault(operation=operation, kind="throttled", to=2)
    assert client_for(simulator, **login).statuses(JOBS)[0].found


def test_iam_that_is_down_is_named(simulator: Simulator, client_for: ClientFor) -> None:
    iam = closed_port()
    error = failed(lambda: client_for(simulator, **PASSWORD_OF_REGION, auth_url=f"http://{iam}/v3"))
    assert str(error) == f"No connection to {iam}: Connection refused. Check the URL, the network and the proxy."
    assert (error.kind.value, error.attempts) == ("network", 5)


@pytest.mark.parametrize("path", ["", "/v3"])
@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (TimeoutError("timed out"), "No connection to HOST within 15 s. Check the network, or raise request_timeout."),
        (ConnectionRefusedError(111, "Connection refused"), "No connection to HOST: Connection refused. Check the URL"),
    ],
)
def test_iam_of_clouds_yaml_that_cannot_be_reached_is_no_strange_answer(
    simulator: Simulator,
    client_for: ClientFor,
    clouds_yaml: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    problem: OSError,
    said: str,
) -> None:
    def unreachable(*_address: object, **_options: object) -> None:
        raise problem

    iam = closed_port()
    clouds_yaml(cloud_of(simulator, auth_url=f"http://{iam}{path}"))
    monkeypatch.setattr("urllib3.util.connection.create_connection", unreachable)
    error = failed(lambda: client_for(simulator, cloud="otc", request_retries=0))
    assert str(error).startswith(said.replace("HOST", iam))
    assert error.kind.value == "network"


def test_iam_that_redirects_gets_no_password_sent_elsewhere(start: Start, client_for: ClientFor) -> None:
    simulator, other = start(), start()
    simulator.add_fault(operation="tokens", kind="redirect", http_status=307, location=f"{other.auth_url}/auth/tokens")
    error = failed(lambda: client_for(simulator, **PASSWORD_OF_REGION))
    assert error.kind.value == "protocol"
    assert other.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_iam_that_says_it_is_elsewhere_gets_no_password_sent_there(
    start: Start, client_for: ClientFor, clouds_yaml: Callable[[str], None], scheme: str
) -> None:
    simulator, other = start(), start()
    elsewhere = other.endpoint if scheme == "http" else simulator.endpoint
    elsewhere = elsewhere.replace("http", scheme)
    version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{elsewhere}/v3/"}]}
    body = json.dumps({"version": version})
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    with raw_server(f"{head}Connection: close\r\n\r\n{body}".encode()) as iam:
        clouds_yaml(cloud_of(simulator, auth_url=f"http://{iam}/v3"))
        error = failed(lambda: client_for(simulator, cloud="otc").statuses(JOBS))
    # keystoneauth1 takes the version from such a link, and never the host.
    assert str(error) == f"The login server {iam} returned no usable response: Invalid response from server. {FOREIGN}"
    assert other.requests == simulator.requests == []


def test_an_answer_of_iam_without_an_end_is_bounded(client_for: ClientFor) -> None:
    with raw_server(b"HTTP/1.1 201 Created\r\nX-Subject-Token: abcdef\r\n\r\n{", None) as iam:
        error = failed(
            lambda: client_for(
                "http://drs.example.com",
                **PASSWORD_OF_REGION,
                auth_url=f"http://{iam}/v3",
                request_timeout=0.2,
                request_retries=0,
            )
        )
    assert str(error) == (f"No complete response from {iam} within 0.2 s. Check the network, or raise request_timeout.")


TOKEN = {"token": {"expires_at": "2999-01-01T00:00:00.000000Z", "methods": ["password"]}}


@pytest.mark.parametrize("token", ["", "folded\r\n token", "t\xf6ken"])
def test_a_login_that_gives_no_usable_token_is_a_protocol_error(client_for: ClientFor, token: str) -> None:
    body = json.dumps(TOKEN)
    head = f"HTTP/1.1 201 Created\r\nX-Subject-Token: {token}\r\nContent-Length: {len(body)}\r\n"
    with raw_server(f"{head}Connection: close\r\n\r\n{body}".encode("latin-1")) as iam:
        error = failed(
            lambda: client_for("http://drs.example.com", **BY_PASSWORD, auth_url=f"http://{iam}/v3").statuses(JOBS)
        )
    assert str(error) == f"The login at {iam} returned no token that is allowed in an HTTP header. Check auth_url."
    assert error.kind.value == "protocol"


def test_an_answer_to_a_login_that_is_not_of_iam_names_auth_url(client_for: ClientFor) -> None:
    page = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot JSON."
    with raw_server(page) as iam:
        client = client_for(
            "http://drs.example.com", **BY_PASSWORD, auth_url=f"http://{iam}/nowhere", request_retries=0
        )
        error = failed(lambda: client.statuses(JOBS))
    assert str(error) == (
        f"The login at {iam} returned no token: HTTP 404 without a code of the service: a proxy or firewall answered. "
        "Check what is between here and the service, and auth_url."
    )
    # A proxy may answer so once; the next login may succeed.
    assert (error.kind.value, error.repeatable) == ("protocol", True)


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (
            {"kind": "status", "body": {"reason": "blocked"}},
            "Check what is between here and the service, and auth_url.",
        ),
        (
            {"kind": "status", "http_status": 302, "headers": {"Location": "http://elsewhere.example.com/"}},
            "Redirects are never followed with credentials: set auth_url to the right address.",
        ),
    ],
)
def test_an_answer_to_a_look_up_of_a_project_that_is_not_of_iam_names_auth_url(
    simulator: Simulator, client_for: ClientFor, fault: dict[str, Any], advice: str
) -> None:
    simulator.add_fault(operation="projects", **{"http_status": 403, **fault})
    error = failed(lambda: client_for(simulator, **KEYS_OF_REGION, request_retries=0))
    assert str(error).startswith(f"Looking up the project eu-de at {simulator.endpoint.removeprefix('http://')} failed")
    assert str(error).endswith(advice)


def test_the_region_of_a_result_is_that_of_the_endpoint(
    client_for: ClientFor, clouds_yaml: Callable[[str], None], simulator: Simulator
) -> None:
    clouds_yaml(cloud_of(simulator))
    client = client_for("", cloud="otc", region="eu-nl")
    assert client._url("v3", "/").startswith("https://drs.eu-nl.")
    assert client.about["region"] == "eu-nl"


def test_a_login_at_a_server_without_tls_says_what_to_check(simulator: Simulator, client_for: ClientFor) -> None:
    host = simulator.endpoint.removeprefix("http://")
    client = client_for("http://drs.example.com", **BY_PASSWORD, auth_url=f"https://{host}/v3", request_retries=0)
    error = failed(lambda: client.statuses(JOBS))
    assert f"No TLS connection to {host}: " in str(error)
    assert str(error).endswith("Check this address, its port and the proxy.")


FOREIGN = "Probably a proxy or firewall answered. Check auth_url."
PROJECTS: list[tuple[dict[str, Any], str]] = [
    ({"projects": []}, "There is no project named eu-de at HOST. Give project_id."),
    (
        {"projects": [{"id": "a", "name": "eu-de"}, {"id": "b", "name": "eu-de"}]},
        "There are 2 projects named eu-de at HOST. Give project_id.",
    ),
    ({"projects": [{"id": "a", "name": "eu-de_other"}]}, "There is no project named eu-de at HOST. Give project_id."),
    ({"projects": [{"id": 7, "name": "eu-de"}, "odd"]}, "There is no project named eu-de at HOST. Give project_id."),
    ({"projects": [{"id": "a/../b", "name": "eu-de"}]}, "project_id: 'a/../b' is not a valid project id."),
    ({"projects": {}}, "Looking up the project eu-de at HOST failed: The response has no list 'projects'."),
    ({}, "Looking up the project eu-de at HOST failed: The response has no list 'projects'."),
]


@pytest.mark.parametrize(("body", "sentence"), PROJECTS)
def test_a_project_is_looked_up_by_its_name(
    simulator: Simulator, client_for: ClientFor, body: dict[str, Any], sentence: str
) -> None:
    simulator.add_fault(operation="projects", kind="status", http_status=200, body=body)
    error = failed(lambda: client_for(simulator, **KEYS_OF_REGION))
    assert str(error) == sentence.replace("HOST", simulator.endpoint.removeprefix("http://"))


@pytest.mark.parametrize(
    ("fault", "kind", "tries"),
    [
        ({"kind": "throttled"}, "throttled", 2),
        ({"kind": "unauthorized"}, "authentication", 1),
        ({"kind": "html"}, "protocol", 2),
    ],
)
def test_a_look_up_that_fails(
    simulator: Simulator, client_for: ClientFor, fault: dict[str, Any], kind: str, tries: int
) -> None:
    simulator.add_fault(operation="projects", **fault)
    error = failed(lambda: client_for(simulator, **KEYS_OF_REGION, request_retries=1))
    assert (error.kind.value, error.attempts, len(simulator.requests)) == (kind, tries, tries)
    assert str(error).startswith(f"Looking up the project eu-de at {simulator.endpoint.removeprefix('http://')} failed")


@pytest.mark.parametrize(
    ("options", "project"),
    [
        ({}, {"id": PROJECT}),
        ({"project_id": PROJECT}, {"id": PROJECT}),
        ({"project_name": "eu-de"}, {"name": "eu-de", "domain": {"name": "simulated-domain"}}),
    ],
)
def test_the_project_of_a_cloud_is_its_own_or_that_of_an_option_never_that_of_the_environment(
    simulator: Simulator,
    client_for: ClientFor,
    clouds_yaml: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    project: dict[str, Any],
) -> None:
    monkeypatch.setenv("OS_PROJECT_ID", "of-the-environment")
    own = "" if "project_name" in options else PROJECT if not options else "another-project"
    clouds_yaml(cloud_of(simulator, project_id=own, project_domain_name="simulated-domain"))
    client = client_for(simulator, {"OS_PROJECT_ID": "of-the-environment"}, cloud="otc", **options)
    assert client.statuses(JOBS)[0].found
    (asked,) = [entry for entry in simulator.requests if entry["operation"] == "tokens"]
    assert asked["body"]["auth"]["scope"] == {"project": project}


def test_a_login_that_fails_is_one_login_however_many_requests_wait_for_it(start: Start, client_for: ClientFor) -> None:
    simulator = start(generate={"count": 40, "status": "CREATING"})
    simulator.add_fault(operation="tokens", kind="status", http_status=503)
    client = client_for(simulator, **BY_PASSWORD, batch_size=1, request_retries=0)
    error = failed(lambda: client.both(simulator.job_ids))
    assert (error.kind.value, error.attempts) == ("service", 1)
    assert operations(simulator) == ["tokens"]


def test_a_login_takes_no_longer_than_is_left(
    client_for: ClientFor, by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    monkeypatch.setattr(TokenAuth, "log_in", lambda _login, timeout: seen.append(timeout))
    client = client_for(f"http://{closed_port()}", **BY_TOKEN, request_retries=0)
    for until in (None, by_hand.now + 12, by_hand.now, by_hand.now - 1, by_hand.now - 5):
        failed(lambda until=until: client.both(JOBS, until))  # type: ignore[misc]
    assert seen == [30, 12, 5, 4]


def test_a_plugin_without_a_url_that_gives_no_token_is_told() -> None:
    class Plugin(BaseAuthPlugin):
        def get_token(self, _session: object) -> None:
            return None

    error = failed(lambda: KeystoneAuth(Plugin(), None, Redactor()).log_in(1))
    assert (
        str(error)
        == "The login at the login server returned no token that is allowed in an HTTP header. Check auth_url."
    )


KEYS_IN_YAML = {"access_key": "SIMULATEDACCESSKEY", "secret_key": "simulated-secret-key"}
SHORT_KEYS = {"ak": "SIMULATEDACCESSKEY", "sk": "simulated-secret-key"}
TEMPORARY = {
    "access_key": "SIMULATEDTEMPORARY",
    "secret_key": "simulated-temporary-secret",
    "security_token": "simulated-security-token",
}


def entry(auth: dict[str, str] | None = None, **beside: str) -> str:
    """An entry of clouds.yaml with these settings inside of ``auth`` and beside it."""
    return json.dumps({"clouds": {"otc": {**({"auth": auth} if auth else {}), **beside}}})


@pytest.mark.parametrize("inside", [False, True], ids=["beside auth", "inside auth"])
@pytest.mark.parametrize("keys", [KEYS_IN_YAML, SHORT_KEYS, TEMPORARY], ids=["long", "short", "temporary"])
@pytest.mark.parametrize("project", ["project_id", "project_name", "region"])
def test_an_entry_of_clouds_yaml_may_hold_access_keys(
    simulator: Simulator,
    client_for: ClientFor,
    clouds_yaml: Callable[[str], None],
    inside: bool,
    keys: dict[str, str],
    project: str,
) -> None:
    auth = {"auth_url": simulator.auth_url}
    if project != "region":
        auth[project] = {"project_id": PROJECT, "project_name": "eu-de"}[project]
    beside = {"drs_endpoint_override": simulator.endpoint, "region_name": "eu-de"}
    clouds_yaml(entry({**auth, **keys}, **beside) if inside else entry(auth, **keys, **beside))
    client = client_for("", cloud="otc", auth_url=None)
    assert client.statuses(JOBS)[0].found
    assert operations(simulator) == [*([] if project == "project_id" else ["projects"]), "batch-status"]
    assert client.about["user"] is None


def test_a_login_that_no_other_step_can_use_again_is_told_in_a_cutover_as_elsewhere(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(entry({"endpoint": simulator.endpoint, "token": "simulated-token"}, auth_type="admin_token"))
    with using(Remembered({})), pytest.raises(DrsError, match="The login is not for a project"):
        client_for(simulator, cloud="otc")


def test_access_keys_need_nothing_but_themselves(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(entry(**KEYS_IN_YAML))
    client = client_for(simulator, cloud="otc", project_id=PROJECT)
    assert client.statuses(JOBS)[0].found


@pytest.mark.parametrize(
    ("settings", "lacking"),
    [({"ak": "A"}, "secret_key (or sk)"), ({"secret_key": "hidden-word"}, "access_key (or ak)")],
)
def test_half_of_the_access_keys_of_an_entry_is_told(
    simulator: Simulator,
    client_for: ClientFor,
    clouds_yaml: Callable[[str], None],
    settings: dict[str, str],
    lacking: str,
) -> None:
    clouds_yaml(entry(**settings))
    error = failed(lambda: client_for(simulator, cloud="otc", project_id=PROJECT))
    assert str(error) == f"The entry otc of clouds.yaml also needs {lacking}."


def test_a_password_comes_before_keys_that_are_for_other_services(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(f"{cloud_of(simulator)}    ak: of-obs\n    sk: of-obs\n")
    client = client_for(simulator, cloud="otc")
    assert client.statuses(JOBS)[0].found
    assert client.logins == 1


def test_the_endpoint_of_an_entry_comes_after_the_option(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(f"{cloud_of(simulator)}    drs_endpoint_override: http://127.0.0.1:9/x\n")
    assert client_for("", cloud="otc").about["endpoint"] == "http://127.0.0.1:9/x"
    assert client_for(simulator, cloud="otc").statuses(JOBS)[0].found


@pytest.mark.parametrize("auth_type", ["v3applicationcredential", None])
def test_an_application_credential_is_sent_without_a_scope(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None], auth_type: str | None
) -> None:
    auth = {
        "auth_url": simulator.auth_url,
        "application_credential_id": "an-id",
        "application_credential_secret": "hidden-word",
        # What people have beside it, and Keystone refuses.
        "project_id": PROJECT,
        "project_name": "eu-de",
        "user_domain_name": "simulated-domain",
    }
    clouds_yaml(entry(auth, **({"auth_type": auth_type} if auth_type else {})))
    # The simulator knows no such credentials; what counts is what is sent.
    error = failed(lambda: client_for(simulator, cloud="otc"))
    assert error.kind.value == "authentication"
    assert "hidden-word" not in str(error)
    sent = simulator.requests[-1]["body"]["auth"]
    assert sent["identity"]["methods"] == ["application_credential"]
    assert sent["identity"]["application_credential"] == {"id": "an-id", "secret": "hidden-word"}
    assert "scope" not in sent


def test_the_secrets_of_an_entry_are_never_shown(
    simulator: Simulator, client_for: ClientFor, clouds_yaml: Callable[[str], None]
) -> None:
    clouds_yaml(entry(**TEMPORARY))
    client = client_for(simulator, cloud="otc", project_id=PROJECT)
    simulator.add_fault(kind="echo", operation="batch-status")
    said = str(failed(lambda: client.statuses(JOBS)))
    clouds_yaml(cloud_of(simulator))
    body = {"error": {"message": "No: simulated-password", "code": 401, "title": "Unauthorized"}}
    simulator.add_fault(operation="tokens", kind="status", http_status=401, body=body)
    refused = failed(lambda: client_for(simulator, cloud="otc"))
    assert "No: ********" in str(refused)
    said += f"{refused} {refused.failure()}"
    for secret in ("simulated-temporary-secret", "simulated-security-token", "simulated-password"):
        assert secret not in said
