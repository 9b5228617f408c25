# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signed requests: compared with the reference implementation, the vendor's own SDK."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.login.auth import AccessKeyAuth
from ansible_collections.cutover.drs.tests.unit.service.support import BY_KEYS, BY_TEMPORARY_KEYS, JOBS, PROJECT
from drs_simulator import Simulator

NOW = datetime(2026, 11, 24, 6, 5, 4, tzinfo=timezone.utc)

URLS = [
    f"https://drs.eu-de.otc.t-systems.com/v3/{PROJECT}/jobs/batch-status",
    f"https://drs.eu-de.otc.t-systems.com/v3/{PROJECT}/jobs/batch-status/",
    "https://drs.eu-de.otc.t-systems.com",
    "https://drs.eu-de.otc.t-systems.com:8443/v3/projects",
    "http://127.0.0.1:9999/prefix/v3/projects?name=eu-de",
    "https://iam.example.com/v3/projects?name=eu-de_my project&b=2&a=1&empty=",
    "https://iam.example.com/v3/projects?name=%C3%A9t%C3%A9%2Fa%2Bb~c*d",
    "https://iam.example.com/a~b/c*d/e%20f/g+h/i@j:k/%C3%A9",
    "https://iam.example.com/slash%2Fencoded/twice//at/the/end//",
]


def reference(url: str, headers: dict[str, str], names: list[str], body: bytes, method: str) -> str:
    parts = urlsplit(url)
    request = SdkRequest(
        method=method,
        host=parts.netloc,
        resource_path=unquote(parts.path),
        query_params=parse_qsl(parts.query, keep_blank_values=True),
        header_params={name: headers[name] for name in names},
        body=body.decode(),
    )
    Signer(SimpleNamespace(ak="ACCESSKEY", sk="secret-key")).sign(request)
    return str(request.header_params["Authorization"])


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    ("method", "body"), [("GET", b""), ("POST", b'{"jobs": ["a"]}'), ("POST", '{"jobs": ["é"]}'.encode())]
)
@pytest.mark.parametrize("security_token", [None, "temporary/token+with=signs"])
@pytest.mark.parametrize("project_id", [None, PROJECT])
def test_a_signature_is_that_of_the_vendors_sdk(
    url: str, method: str, body: bytes, security_token: str | None, project_id: str | None
) -> None:
    auth = AccessKeyAuth("ACCESSKEY", "secret-key", security_token, project_id=project_id, now=lambda: NOW)
    signed = requests.Request(method, url, data=body, auth=auth).prepare()
    headers = {str(name).lower(): str(value) for name, value in signed.headers.items()}
    names = [name for name in ("host", "x-sdk-date", "x-project-id", "x-security-token") if name in headers]
    assert headers["x-sdk-date"] == "20261124T060504Z"
    assert headers["authorization"] == reference(str(signed.url), headers, names, body, method)
    assert f"SignedHeaders={';'.join(sorted(names))}," in headers["authorization"]


@pytest.mark.parametrize("login", [BY_KEYS, BY_TEMPORARY_KEYS])
def test_the_simulator_accepts_the_signature(
    simulator: Simulator, client_for: Callable[..., Client], login: dict[str, str]
) -> None:
    client_for(simulator, **login).both(JOBS)
    for entry in simulator.requests:
        assert entry["status"] in (200, 202)
        assert entry["headers"]["x-project-id"] == PROJECT
        assert "x-auth-token" not in entry["headers"]
        assert login["secret_key"] not in str(entry["headers"])


@pytest.mark.parametrize(
    "wrong",
    [{"secret_key": "another-secret"}, {"access_key": "ANOTHER"}, {"security_token": "superfluous"}],
)
def test_keys_that_are_refused_are_an_authentication_error(
    simulator: Simulator, client_for: Callable[..., Client], wrong: dict[str, str]
) -> None:
    with pytest.raises(DrsError) as caught:
        client_for(simulator, **{**BY_KEYS, **wrong}).statuses(JOBS)
    assert (caught.value.kind.value, caught.value.error_code) == ("authentication", "APIGW.0301")
    assert "or the keys or the clock are wrong" in str(caught.value)


def test_each_try_is_signed_anew() -> None:
    moments = iter([NOW, NOW + timedelta(seconds=20)])
    auth = AccessKeyAuth("ACCESSKEY", "secret-key", now=lambda: next(moments))
    first, second = (requests.Request("POST", URLS[0], data=b"{}", auth=auth).prepare() for _try in range(2))
    assert first.headers["X-Sdk-Date"] != second.headers["X-Sdk-Date"]
    assert first.headers["Authorization"] != second.headers["Authorization"]


def test_a_clock_that_is_off_is_an_authentication_error(
    start: Callable[..., Simulator], client_for: Callable[..., Client]
) -> None:
    simulator = start(clock_skew=1200)
    with pytest.raises(DrsError, match="more than 15 minutes off") as caught:
        client_for(simulator, **BY_KEYS).statuses(JOBS)
    assert caught.value.kind.value == "authentication"
