# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that users already have in their environment, and the addresses that a region gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.login.regions import DOMAIN_OF
from ansible_collections.cutover.drs.plugins.module_utils._service.login.settings import Settings
from ansible_collections.cutover.drs.plugins.module_utils._service.options import ENVIRONMENT, from_environment
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_KEYS,
    BY_PASSWORD,
    BY_TOKEN,
    DEFAULTS,
    JOBS,
    PROJECT,
    without,
)
from drs_simulator import Simulator

ClientFor = Callable[..., Client]

NAMES = {
    "auth_url": "OS_AUTH_URL HW_AUTH_URL",
    "username": "OS_USERNAME HW_USER_NAME",
    "password": "OS_PASSWORD HW_USER_PASSWORD",
    "user_domain_name": "OS_USER_DOMAIN_NAME OS_DOMAIN_NAME HW_DOMAIN_NAME",
    "project_id": "OS_PROJECT_ID OS_TENANT_ID HUAWEICLOUD_SDK_PROJECT_ID HW_PROJECT_ID",
    "project_name": "OS_PROJECT_NAME OS_TENANT_NAME HW_PROJECT_NAME",
    "region": "OS_REGION_NAME HW_REGION_NAME",
    "auth_token": "OS_TOKEN OS_AUTH_TOKEN HW_AUTH_TOKEN",
    "cloud": "OS_CLOUD",
    "ca_path": "OS_CACERT",
    "access_key": "OS_ACCESS_KEY HUAWEICLOUD_SDK_AK HW_ACCESS_KEY",
    "secret_key": "OS_SECRET_KEY HUAWEICLOUD_SDK_SK HW_SECRET_KEY",
    "security_token": "OS_SECURITY_TOKEN HUAWEICLOUD_SDK_SECURITY_TOKEN HW_SECURITY_TOKEN",
}


@pytest.mark.parametrize(("option", "name"), [(option, name) for option in NAMES for name in NAMES[option].split()])
def test_each_name_stands_in_for_its_option(option: str, name: str) -> None:
    assert from_environment(option, {name: "value", "UNRELATED": "x"}) == "value"
    assert from_environment(option, {name: ""}) is None


def test_no_other_name_is_read() -> None:
    assert {option: " ".join(names) for option, names in ENVIRONMENT.items()} == NAMES


OS_USER = {"OS_USERNAME": "demo", "OS_PASSWORD": "simulated-password"}
HW_USER = {"HW_USER_NAME": "demo", "HW_USER_PASSWORD": "simulated-password", "HW_DOMAIN_NAME": "simulated-domain"}


@pytest.mark.parametrize(
    "environ",
    [
        {"OS_TOKEN": "simulated-token", "OS_PROJECT_ID": PROJECT},
        {"OS_AUTH_TOKEN": "simulated-token", "OS_TENANT_ID": PROJECT},
        {"HW_AUTH_TOKEN": "simulated-token", "HW_PROJECT_ID": PROJECT},
        {**OS_USER, "OS_USER_DOMAIN_NAME": "simulated-domain", "OS_PROJECT_NAME": "eu-de"},
        {**OS_USER, "OS_USER_DOMAIN_NAME": "simulated-domain", "OS_REGION_NAME": "eu-de"},
        {**HW_USER, "HW_PROJECT_NAME": "eu-de"},
        {
            **OS_USER,
            "OS_DOMAIN_NAME": "simulated-domain",
            "OS_TENANT_NAME": "eu-de",
            "HW_USER_NAME": "another",
            "HW_USER_PASSWORD": "another",
        },
        {"OS_ACCESS_KEY": "SIMULATEDACCESSKEY", "OS_SECRET_KEY": "simulated-secret-key", "OS_PROJECT_ID": PROJECT},
        {"HW_ACCESS_KEY": "SIMULATEDACCESSKEY", "HW_SECRET_KEY": "simulated-secret-key", "HW_REGION_NAME": "eu-de"},
        *(
            {
                f"{family}_{access_key}": "SIMULATEDTEMPORARY",
                f"{family}_{secret_key}": "simulated-temporary-secret",
                f"{family}_SECURITY_TOKEN": "simulated-security-token",
                "HUAWEICLOUD_SDK_PROJECT_ID": PROJECT,
            }
            for family, access_key, secret_key in (
                ("OS", "ACCESS_KEY", "SECRET_KEY"),
                ("HW", "ACCESS_KEY", "SECRET_KEY"),
                ("HUAWEICLOUD_SDK", "AK", "SK"),
            )
        ),
    ],
)
def test_the_environment_alone_logs_in(simulator: Simulator, client_for: ClientFor, environ: dict[str, str]) -> None:
    assert client_for(simulator, environ).statuses(JOBS)[0].found


def test_the_environment_may_give_the_url_of_iam(simulator: Simulator, client_for: ClientFor) -> None:
    environ = {"OS_AUTH_URL": simulator.auth_url, "OS_REGION_NAME": "eu-de", "OS_USER_DOMAIN_NAME": "simulated-domain"}
    client = client_for(simulator.endpoint, environ, username="demo", password="simulated-password")
    assert client.statuses(JOBS)[0].found


def test_options_beat_the_environment(simulator: Simulator, client_for: ClientFor) -> None:
    environ = {"OS_TOKEN": "another", "OS_PROJECT_ID": "another", "OS_CLOUD": "another", "OS_USERNAME": "another"}
    assert client_for(simulator, environ, **BY_KEYS).statuses(JOBS)[0].found
    assert client_for(simulator, environ, **BY_TOKEN).statuses(JOBS)[0].found


def test_a_complete_login_of_the_environment_comes_before_a_stray_name(
    simulator: Simulator, client_for: ClientFor
) -> None:
    environ = {
        "OS_USERNAME": "somebody",
        "HW_ACCESS_KEY": "SIMULATEDACCESSKEY",
        "HW_SECRET_KEY": "simulated-secret-key",
        "OS_PROJECT_ID": PROJECT,
    }
    assert client_for(simulator, environ).statuses(JOBS)[0].found


def test_a_stray_name_alone_asks_for_the_rest(client_for: ClientFor) -> None:
    with pytest.raises(DrsError, match="A login by password also needs password"):
        client_for("https://drs.example.com", {"OS_USERNAME": "somebody"})


def test_one_key_may_be_an_option_and_the_other_in_the_environment(simulator: Simulator, client_for: ClientFor) -> None:
    environ = {"OS_SECRET_KEY": "simulated-secret-key", "OS_PROJECT_ID": PROJECT}
    assert client_for(simulator, environ, access_key="SIMULATEDACCESSKEY").statuses(JOBS)[0].found


def test_a_security_token_of_the_environment_does_not_go_with_another_access_key(
    simulator: Simulator, client_for: ClientFor
) -> None:
    environ = {"HUAWEICLOUD_SDK_AK": "SIMULATEDTEMPORARY", "HUAWEICLOUD_SDK_SECURITY_TOKEN": "simulated-security-token"}
    client_for(simulator, environ, **BY_KEYS).statuses(JOBS)
    assert "x-security-token" not in simulator.requests[0]["headers"]


def settings(environ: dict[str, str] | None = None, **options: Any) -> Settings:
    return Settings({**DEFAULTS, **BY_TOKEN, **options}, environ or {})


@pytest.mark.parametrize(
    ("region", "drs", "iam"),
    [
        ("eu-de", "https://drs.eu-de.otc.t-systems.com", "https://iam.eu-de.otc.t-systems.com/v3"),
        ("eu-nl", "https://drs.eu-nl.otc.t-systems.com", "https://iam.eu-nl.otc.t-systems.com/v3"),
        ("cn-north-4", "https://drs.cn-north-4.myhuaweicloud.com", "https://iam.cn-north-4.myhuaweicloud.com/v3"),
        ("la-north-2", "https://drs.la-north-2.myhuaweicloud.com", "https://iam.la-north-2.myhuaweicloud.com/v3"),
        ("eu-west-101", "https://drs.eu-west-101.myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu/v3"),
    ],
)
def test_a_region_gives_both_addresses(region: str, drs: str, iam: str) -> None:
    for given in (settings(region=region), settings({"OS_REGION_NAME": region}), settings({"HW_REGION_NAME": region})):
        assert (given.endpoint(), given.auth_url("A test")) == (drs, iam)


def test_the_hosts_of_36_regions_are_known() -> None:
    assert len(DOMAIN_OF) == 36
    assert sorted(set(DOMAIN_OF.values())) == [
        "myhuaweicloud.com",
        "myhuaweicloud.eu",
        "otc.t-systems.com",
    ]


# A name with a typing error, other clouds, and what is no name at all.
@pytest.mark.parametrize(
    "region", ["eu-dee", "EU-DE", "eu-ch2", "eu-west-102", "a.b/c", "evil.example.com#", "eu-de\n"]
)
@pytest.mark.parametrize(
    "login", [BY_TOKEN, BY_PASSWORD, without(BY_KEYS, "project_id")], ids=["token", "password", "keys"]
)
def test_an_unknown_region_is_an_error_before_any_login(
    simulator: Simulator, client_for: ClientFor, region: str, login: dict[str, Any]
) -> None:
    for endpoint, auth_url in ((None, simulator.auth_url), (simulator.endpoint, None)):
        if endpoint and (login is BY_TOKEN):
            continue
        with pytest.raises(DrsError) as caught:
            client_for(endpoint or "", region=region, auth_url=auth_url, **login)
        assert str(caught.value) == (
            f"region: {region!r} is not a known region. Set endpoint (and auth_url) for regions of other clouds."
        )
        assert caught.value.kind.value == "configuration"
    assert simulator.requests == []


def test_a_region_of_another_cloud_is_a_name_if_both_addresses_are_given(
    start: Callable[..., Simulator], client_for: ClientFor
) -> None:
    simulator = start(account={"projects": [{"id": PROJECT, "name": "eu-ch2"}]})
    client = client_for(simulator, region="eu-ch2", **without(BY_PASSWORD, "project_id"))
    assert client.statuses(JOBS)[0].found
    assert client.about["region"] == "eu-ch2"


def test_addresses_that_are_given_beat_those_of_the_region() -> None:
    given = settings(region="eu-de", endpoint="http://127.0.0.1:1/x", auth_url="http://127.0.0.1:2/v3/")
    assert (given.endpoint(), given.auth_url("A test")) == ("http://127.0.0.1:1/x", "http://127.0.0.1:2/v3")


@pytest.mark.parametrize(
    ("options", "environ", "known", "others"),
    [
        (BY_TOKEN, {"OS_PASSWORD": "orders"}, ["simulated-token"], ["orders"]),
        ({"project_id": PROJECT}, {"OS_TOKEN": "a-token", "HW_SECRET_KEY": "a-key"}, ["a-token"], ["a-key"]),
        (
            {"project_id": PROJECT},
            {"OS_ACCESS_KEY": "an-access-key", "OS_SECRET_KEY": "a-key", "OS_SECURITY_TOKEN": "a-token"},
            ["an-access-key", "a-key", "a-token"],
            [],
        ),
        (
            {"username": "demo", "user_domain_name": "domain"},
            {"OS_USERNAME": "demo", "OS_PASSWORD": "first", "HW_USER_NAME": "other", "HW_USER_PASSWORD": "second"},
            ["first"],
            ["second", "demo", "domain"],
        ),
    ],
)
def test_only_the_secrets_of_the_login_in_use_count(
    options: dict[str, Any], environ: dict[str, str], known: list[str], others: list[str]
) -> None:
    redact = Settings({**without(DEFAULTS, *options), **options}, environ).redact
    assert [redact.text(f"job-{text}-1") for text in known] == ["job-********-1"] * len(known)
    assert [redact.text(f"job-{text}-1") for text in others] == [f"job-{text}-1" for text in others]


@pytest.mark.parametrize(
    ("options", "environ", "verify"),
    [
        ({}, {}, True),
        ({"ca_path": "/tmp"}, {}, "/tmp"),
        ({}, {"REQUESTS_CA_BUNDLE": "/usr"}, "/usr"),
        ({"ca_path": "/tmp"}, {"REQUESTS_CA_BUNDLE": "/etc/ca.pem"}, "/tmp"),
        ({}, {"OS_CACERT": "/usr", "REQUESTS_CA_BUNDLE": "/etc"}, "/usr"),
        ({"ca_path": "/tmp"}, {"OS_CACERT": "/usr"}, "/tmp"),
        ({"validate_certs": False, "ca_path": "/nowhere"}, {"REQUESTS_CA_BUNDLE": "/etc/ca.pem"}, False),
    ],
)
def test_what_certificates_are_checked_against(
    options: dict[str, Any], environ: dict[str, str], verify: bool | str
) -> None:
    assert settings(environ, **options).verify == verify


@pytest.mark.parametrize(
    ("proxy", "url"),
    [
        (None, None),
        ("", None),
        ("proxy.example.com:3128", "http://proxy.example.com:3128"),
        ("https://u:p@proxy.example.com", "https://u:p@proxy.example.com"),
        ("socks5h://127.0.0.1:1080", "socks5h://127.0.0.1:1080"),
    ],
)
def test_a_proxy_may_be_given_without_its_scheme(proxy: str | None, url: str | None) -> None:
    found = settings(proxy=proxy).proxies.of("https://drs.example.com")
    assert (found and found.url) == url


PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("environ", "url", "source"),
    [
        ({"HTTPS_PROXY": PROXY}, "https://drs.example.com", "HTTPS_PROXY"),
        ({"https_proxy": f"{PROXY}/", "HTTPS_PROXY": "http://other"}, "https://drs.example.com", "https_proxy"),
        ({"ALL_PROXY": PROXY}, "http://drs.example.com", "ALL_PROXY"),
        ({"HTTPS_PROXY": PROXY}, "http://drs.example.com", None),
        ({"HTTP_PROXY": PROXY}, "http://drs.example.com", "HTTP_PROXY"),
        ({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, "http://drs.example.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "other.com, .example.com"}, "https://drs.example.com", None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "example.com:443"}, "https://drs.example.com:443", None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "*"}, "https://drs.example.com", None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "10.0.0.0/8,::1"}, "https://10.1.2.3:8443", None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "10.0.0.0/8,::1"}, "https://[::1]", None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "10.0.0.0/8,ample.com"}, "https://drs.example.com", "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://other", "NO_PROXY": "*"}, "https://drs.example.com", None),
    ],
)
def test_a_proxy_of_the_environment_is_that_of_the_scheme_but_for_some_hosts(
    environ: dict[str, str], url: str, source: str | None
) -> None:
    found = settings(environ).proxies.of(url)
    assert (found and (found.source, found.url)) == (source and (source, PROXY))


def test_a_proxy_of_the_option_is_for_every_host() -> None:
    found = settings({"NO_PROXY": "*", "HTTPS_PROXY": "http://other"}, proxy=PROXY).proxies.of(
        "https://drs.example.com"
    )
    assert found is not None
    assert (found.source, found.url) == ("proxy", PROXY)


WRONG_PROXIES = [
    ("http://deploy:Pa55w0rd-of-proxy/1@127.0.0.1:9", "must have no path, no query and no fragment."),
    ("http://user:Pa55w0rd-of-proxy#tail@127.0.0.1:9", "must have no path, no query and no fragment."),
    ("user:Pa55w0rd-of-proxy?@127.0.0.1", "must have no path, no query and no fragment."),
    ("http://user:Pa55w0rd-of-proxy@127.0.0.1/path", "must have no path, no query and no fragment."),
    ("http://user:Pa55w0rd-of-proxy@127.0.0.1:port", "is not a URL such as http://proxy.example.com:3128."),
    (
        "http://user:Pa55w0rd-of-proxy%CE%A9@127.0.0.1:9",
        "has a login with a character that is not allowed in an HTTP header.",
    ),
]


@pytest.mark.parametrize("source", ["proxy", "HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize(("url", "sentence"), WRONG_PROXIES)
def test_a_proxy_that_cannot_be_used_is_refused_without_a_word_of_its_password(
    client_for: ClientFor, source: str, url: str, sentence: str
) -> None:
    environ = {} if source == "proxy" else {source: url}
    options = {"proxy": url} if source == "proxy" else {}
    with pytest.raises(DrsError) as caught:
        client_for("https://drs.example.com", environ, **BY_TOKEN, **options)
    advice = " If these characters are in its login, percent-encode the password." if "path" in sentence else ""
    assert str(caught.value) == f"{source} {sentence}{advice}"
    assert caught.value.kind.value == "configuration"


@pytest.mark.parametrize(
    ("endpoint", "allow_http", "refused"),
    [
        ("http://10.0.0.1:8080", False, True),
        ("http://drs.example.org", False, True),
        ("HTTP://drs.example.org", False, True),
        ("http://localhost.example.org", False, True),
        ("http://drs.example.org", True, False),
        ("https://drs.example.org", False, False),
        ("http://localhost:8080", False, False),
        ("http://127.0.0.2", False, False),
        ("http://[::1]:8080", False, False),
    ],
)
def test_a_login_is_sent_in_clear_to_this_machine_only(endpoint: str, allow_http: bool, refused: bool) -> None:
    chosen = settings(endpoint=endpoint, auth_url=f"{endpoint}/v3", allow_http=allow_http)
    for option, read in (("endpoint", chosen.endpoint), ("auth_url", lambda: chosen.auth_url("A test"))):
        if not refused:
            assert read()
            continue
        with pytest.raises(DrsError) as caught:
            read()
        assert str(caught.value) == (
            f"{option} begins with http:// and is on another machine, so the login would be sent in clear. "
            "Use https://, or set allow_http to true."
        )


FIRST = {"OS_ACCESS_KEY": "A1", "OS_SECRET_KEY": "S1"}
SECOND = {"HUAWEICLOUD_SDK_AK": "A2", "HUAWEICLOUD_SDK_SK": "S2"}
TOKEN = {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "T2"}


@pytest.mark.parametrize(
    ("environ", "keys"),
    [
        ({**FIRST, **SECOND, **TOKEN}, ("A1", "S1", None)),
        ({"OS_ACCESS_KEY": "A1", **SECOND, **TOKEN}, ("A2", "S2", "T2")),
        # Nothing says of whose keys the token is, so it is of those that are there.
        ({**FIRST, **TOKEN}, ("A1", "S1", "T2")),
        ({"HW_ACCESS_KEY": "A3", "OS_SECRET_KEY": "S1"}, ("A3", "S1", None)),
        ({**FIRST, "OS_SECURITY_TOKEN": "T1", **SECOND, **TOKEN}, ("A1", "S1", "T1")),
        ({**FIRST, **SECOND, "HUAWEICLOUD_SDK_AK": "A1", **TOKEN}, ("A1", "S1", "T2")),
        ({**SECOND, **TOKEN, "HW_ACCESS_KEY": "A3", "HW_SECURITY_TOKEN": "T3"}, ("A2", "S2", "T2")),
        ({**SECOND, "HW_ACCESS_KEY": "A3", "HW_SECURITY_TOKEN": "T3"}, ("A2", "S2", None)),
        ({"HW_ACCESS_KEY": "A3", "HW_SECRET_KEY": "S3", "HW_SECURITY_TOKEN": "T3"}, ("A3", "S3", "T3")),
    ],
)
def test_keys_of_the_environment_are_a_pair(environ: dict[str, str], keys: tuple[str | None, ...]) -> None:
    settings = Settings(DEFAULTS, environ)
    assert (settings.get("access_key"), settings.get("secret_key"), settings.security_token()) == keys


@pytest.mark.parametrize(
    ("options", "project_id"),
    [
        ({}, "of-the-environment"),
        ({"project_name": "eu-de"}, None),
        ({"project_id": "given"}, "given"),
        ({"project_id": "given", "project_name": "eu-de"}, "given"),
    ],
)
def test_an_option_that_names_the_project_beats_the_environment(
    options: dict[str, str], project_id: str | None
) -> None:
    settings = Settings({**DEFAULTS, **BY_KEYS, "project_id": None, **options}, {"OS_PROJECT_ID": "of-the-environment"})
    assert settings.project_id() == project_id
