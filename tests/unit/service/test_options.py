# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that cannot work: nothing is sent, and one sentence says what to change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service import connection
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.options import distinct_jobs
from ansible_collections.cutover.drs.tests.unit.service.support import BY_KEYS, BY_PASSWORD, BY_TOKEN, DEFAULTS, without

ClientFor = Callable[..., Client]

USERNAME = "username (OS_USERNAME or HW_USER_NAME)"
PASSWORD = "password (OS_PASSWORD or HW_USER_PASSWORD)"
USERS_DOMAIN = "user_domain_name (OS_USER_DOMAIN_NAME or OS_DOMAIN_NAME or HW_DOMAIN_NAME)"
ACCESS_KEY = "access_key (OS_ACCESS_KEY or HUAWEICLOUD_SDK_AK or HW_ACCESS_KEY)"
SECRET_KEY = "secret_key (OS_SECRET_KEY or HUAWEICLOUD_SDK_SK or HW_SECRET_KEY)"
PROJECT_ID = "project_id (OS_PROJECT_ID or OS_TENANT_ID or HUAWEICLOUD_SDK_PROJECT_ID or HW_PROJECT_ID)"
REGION = "region (OS_REGION_NAME or HW_REGION_NAME)"
PROJECT_NAME = "project_name (OS_PROJECT_NAME or OS_TENANT_NAME or HW_PROJECT_NAME)"
NO_PROJECT = f"There is no project. Give {PROJECT_ID}, {PROJECT_NAME} or {REGION}."
NO_ENDPOINT = f"No endpoint specified. Set endpoint (the base URL of DRS), or {REGION} for the published one."
TOKEN_CHARACTERS = "auth_token contains a space, a line break or a character that is not ASCII."
ENDPOINT = "endpoint must be a URL that begins with https:// or http://, not "
PLAIN = "endpoint must be a plain base URL, without a login, a query or a fragment."


@pytest.mark.parametrize(
    ("jobs", "sentence"),
    [
        ([], "jobs is empty. Give the id of at least one DRS job."),
        ([""], "jobs: entry 1 is empty. Give the id of a DRS job."),
        (["a", ""], "jobs: entry 2 is empty. Give the id of a DRS job."),
        (["a b"], "jobs: entry 1 ('a b') contains a space or a control character. Job ids have neither."),
        ([" "], "jobs: entry 1 (' ') contains a space or a control character. Job ids have neither."),
        (["a", "b\n"], "jobs: entry 2 ('b\\n') contains a space or a control character. Job ids have neither."),
        (["\x7f"], "jobs: entry 1 ('\\x7f') contains a space or a control character. Job ids have neither."),
        (["a\u00a0b"], "jobs: entry 1 ('a\\xa0b') contains a space or a control character. Job ids have neither."),
    ],
)
def test_what_cannot_be_a_job_id(jobs: list[str], sentence: str) -> None:
    with pytest.raises(DrsError) as caught:
        distinct_jobs(jobs, "jobs", "id")
    assert str(caught.value) == sentence
    assert (caught.value.kind.value, caught.value.final, caught.value.attempts) == ("configuration", True, 0)


def test_ids_need_not_be_uuids() -> None:
    ids = ["9a470239-2308-4bb5-a6bc-1040402fjb21", "f95c5d83-d0c9-42bd-b295-38c31cdjb2h4", "x", "日本"]
    assert distinct_jobs(ids, "jobs", "id") == (ids, [])


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"batch_size": 0}, "batch_size must be from 1 to 100, not 0."),
    ({"batch_size": 101}, "batch_size must be from 1 to 100, not 101."),
    ({"parallel": 0}, "parallel must be from 1 to 64, not 0."),
    ({"request_retries": -1}, "request_retries must be from 0 to 20, not -1."),
    ({"request_timeout": 0.0}, "request_timeout must be from 0.1 to 600, not 0.0."),
    ({"request_timeout": float("nan")}, "request_timeout must be from 0.1 to 600, not nan."),
    (
        {"endpoint": None},
        NO_ENDPOINT,
    ),
    ({"endpoint": "drs.example.com"}, f"{ENDPOINT}drs.example.com."),
    ({"endpoint": "ftp://drs.example.com"}, f"{ENDPOINT}ftp://drs.example.com."),
    ({"endpoint": "https://"}, f"{ENDPOINT}https://."),
    ({"endpoint": "https://host:port"}, f"{ENDPOINT}https://host:port."),
    ({"endpoint": "https://[::1"}, f"{ENDPOINT}https://[::1."),
    ({"endpoint": "someone:hidden-word@drs.example.com"}, f"{ENDPOINT}drs.example.com."),
    ({"endpoint": "https://someone:hidden-word@drs.example.com"}, PLAIN),
    ({"endpoint": "https://someone@drs.example.com"}, PLAIN),
    ({"endpoint": "https://drs.example.com?a=b"}, PLAIN),
    ({"endpoint": "https://drs.example.com#top"}, PLAIN),
    ({"ca_path": "/nowhere/ca.pem"}, "ca_path: cannot read /nowhere/ca.pem."),
    ({"proxy": "http://"}, "proxy is not a URL such as http://proxy.example.com:3128."),
    ({"proxy": "ftp://proxy"}, "proxy is not a URL such as http://proxy.example.com:3128."),
    ({"auth_token": "a\nb"}, TOKEN_CHARACTERS),
    ({"auth_token": "token\n"}, TOKEN_CHARACTERS),
    ({"auth_token": "tökén"}, TOKEN_CHARACTERS),
    ({"project_id": "a/b"}, "project_id: 'a/b' is not a valid project id."),
    ({"project_id": None}, f"A login by token (auth_token) needs {PROJECT_ID}."),
]


@pytest.mark.parametrize(("options", "sentence"), SENTENCES)
def test_one_sentence_says_which_option_and_why(client_for: ClientFor, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DrsError) as caught:
        client_for(**{"endpoint": "https://drs.example.com", **BY_TOKEN, **options})
    assert str(caught.value) == sentence
    assert (caught.value.kind.value, caught.value.final) == ("configuration", True)


LOGINS: list[tuple[dict[str, Any], str]] = [
    (
        {},
        (
            "No credentials found. Set the options of one login method (token (auth_token); password (username, password, user_domain_name); "
            "access keys (access_key, secret_key); clouds.yaml (cloud)) or their environment variables."
        ),
    ),
    (
        {**BY_TOKEN, **BY_PASSWORD},
        "Options for two login methods are set, token and password (auth_token, username, password). Set only one.",
    ),
    (
        {**BY_KEYS, "security_token": "t", "cloud": "otc", "auth_token": "x"},
        (
            "Options for three login methods are set, token and access keys and clouds.yaml "
            "(auth_token, access_key, secret_key, security_token, cloud). Set only one."
        ),
    ),
    (
        {"username": "demo"},
        f"A login by password also needs password (OS_PASSWORD or HW_USER_PASSWORD) and {USERS_DOMAIN}.",
    ),
    ({"username": "demo", "password": "pass-word"}, f"A login by password also needs {USERS_DOMAIN}."),
    (
        {"password": "pass-word", "user_domain_name": "d"},
        "A login by password also needs username (OS_USERNAME or HW_USER_NAME).",
    ),
    ({"access_key": "AK"}, f"A login by access keys also needs {SECRET_KEY}."),
    ({"secret_key": "SK"}, f"A login by access keys also needs {ACCESS_KEY}."),
    ({"security_token": "t"}, f"A login by access keys also needs {ACCESS_KEY} and {SECRET_KEY}."),
    (
        without(BY_PASSWORD, "project_id"),
        NO_PROJECT,
    ),
    (BY_PASSWORD, "A login by password needs auth_url (OS_AUTH_URL or HW_AUTH_URL), or region for the published one."),
    ({**BY_PASSWORD, "auth_url": "iam"}, "auth_url must be a URL that begins with https:// or http://, not iam."),
    (
        without(BY_KEYS, "project_id"),
        NO_PROJECT,
    ),
    (
        {**without(BY_KEYS, "project_id"), "project_name": "eu-de"},
        "Looking up the project by name needs auth_url (OS_AUTH_URL or HW_AUTH_URL), or region for the published one.",
    ),
    ({**BY_KEYS, "secret_key": "a b"}, "secret_key contains a space, a line break or a character that is not ASCII."),
    (
        {**BY_KEYS, "security_token": "a\r\nb"},
        "security_token contains a space, a line break or a character that is not ASCII.",
    ),
]


@pytest.mark.parametrize(("options", "sentence"), LOGINS)
def test_there_is_exactly_one_login_and_it_is_whole(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DrsError) as caught:
        connection.connect({**DEFAULTS, "endpoint": "https://drs.example.com", **options}, {})
    assert str(caught.value) == sentence
    assert caught.value.kind.value == "configuration"


@pytest.mark.parametrize(
    ("missing", "login", "sentence"),
    [
        (
            "keystoneauth1.identity",
            {**BY_PASSWORD, "region": "eu-de"},
            (
                "The Python package keystoneauth1 is missing, which a login by password needs. Install it on the "
                "machine that talks to the API: python -m pip install keystoneauth1."
            ),
        ),
        (
            "openstack",
            {"cloud": "otc"},
            (
                "The Python package openstacksdk is missing, which a login by clouds.yaml (cloud) needs. Install it on "
                "the machine that talks to the API: python -m pip install openstacksdk."
            ),
        ),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_purpose(
    client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, missing: str, login: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(DrsError) as caught:
        client_for("https://drs.example.com", **login)
    assert str(caught.value) == sentence
    assert caught.value.kind.value == "configuration"


@pytest.mark.parametrize("login", [BY_TOKEN, BY_KEYS])
def test_other_logins_do_without_the_packages_of_openstack(
    client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, login: dict[str, Any]
) -> None:
    for package in ("keystoneauth1", "keystoneauth1.identity", "openstack"):
        monkeypatch.setitem(sys.modules, package, None)
    client_for("https://drs.example.com", **login)


@pytest.mark.parametrize("missing", ["requests", "urllib3"])
def test_everything_loads_without_requests_and_says_that_it_is_missing(missing: str) -> None:
    collections = Path(connection.__file__).parents[6]
    code = f"""
import sys
sys.path.insert(0, {str(collections)!r})
sys.modules[{missing!r}] = None
from ansible_collections.cutover.drs.plugins.module_utils._wait import loop
from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
try:
    connect({{}}, {{}})
except DrsError as error:
    print(error.kind.value, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "configuration The Python package requests is missing on the machine that talks to the API. "
        "Install it there: python -m pip install requests.\n"
    )
