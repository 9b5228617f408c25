# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret of ours comes out again, whatever a server makes of what it got."""

from __future__ import annotations

import base64
import json
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from keystoneauth1.plugin import BaseAuthPlugin

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._job.records import parse_progress
from ansible_collections.cutover.drs.plugins.module_utils._service.http.redaction import Redactor
from ansible_collections.cutover.drs.plugins.module_utils._service.http.responses import check
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.login.auth import KeystoneAuth
from ansible_collections.cutover.drs.plugins.module_utils._service.login.settings import Settings
from ansible_collections.cutover.drs.plugins.plugin_utils._report.write import SUFFIXES, render
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_KEYS,
    BY_PASSWORD,
    BY_TEMPORARY_KEYS,
    BY_TOKEN,
    DEFAULTS,
    JOBS,
    PROJECT,
    ByHand,
    answer,
    raw_server,
    stopped,
    waited,
)
from drs_simulator import Simulator

ClientFor = Callable[..., Client]

WAYS = {"token": BY_TOKEN, "password": BY_PASSWORD, "keys": BY_KEYS, "temporary": BY_TEMPORARY_KEYS}
SECRET_OPTIONS = ("auth_token", "password", "access_key", "secret_key", "security_token")
# With every character that JSON or a URL spells in another way.
AWKWARD = 'pä"ss\\wo/rd %+&=\t~é'


def forms(secret: str) -> list[str]:
    return [
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        re.sub("%..", lambda escape: escape[0].lower(), quote(secret, safe="")),
    ]


def shown(error: BaseException) -> Iterator[str]:
    """Every text that an exception may become."""
    yield str(error)
    yield repr(error)
    yield repr(error.__dict__)
    yield "".join(traceback.format_exception(error))
    if isinstance(error, DrsError):
        yield json.dumps(error.failure(), ensure_ascii=False)


def assert_hidden(text: str, *secrets: str) -> None:
    for secret in secrets:
        for form in forms(secret):
            assert form not in text


def secrets_of(login: dict[str, str], simulator: Simulator) -> list[str]:
    """Those of the options, and the tokens and signatures that were sent."""
    sent = [entry["headers"] for entry in simulator.requests]
    return [
        *(login[option] for option in SECRET_OPTIONS if option in login),
        *(headers["x-auth-token"] for headers in sent if "x-auth-token" in headers),
    ]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_echoes_the_request(simulator: Simulator, client_for: ClientFor, way: str, status: int) -> None:
    simulator.add_fault(kind="echo", operation="batch-status", http_status=status)
    with pytest.raises(DrsError) as caught:
        client_for(simulator, **WAYS[way], request_retries=0).statuses(JOBS)
    assert "********" in str(caught.value)
    for text in shown(caught.value):
        assert_hidden(text, *secrets_of(WAYS[way], simulator))


@pytest.mark.parametrize("way", ["token", "password", "temporary"])
def test_a_server_that_echoes_in_headers(simulator: Simulator, client_for: ClientFor, way: str) -> None:
    client = client_for(simulator, **WAYS[way], request_retries=0)
    client.statuses(JOBS)
    secret = secrets_of(WAYS[way], simulator)[-1]
    echo = {"X-Request-Id": f"id-{secret}", "Location": f"/login?next={quote(secret, safe='')}"}
    for fault in (
        {"kind": "redirect", "location": echo["Location"], "headers": echo},
        {"kind": "status", "http_status": 403, "headers": echo},
        {"kind": "status", "http_status": 200, "body": "", "headers": echo},
    ):
        simulator.load({})
        simulator.add_fault(operation="batch-progress", **fault)
        with pytest.raises(DrsError) as caught:
            client.progress(JOBS)
        for text in shown(caught.value):
            assert_hidden(text, secret)


def test_a_login_that_echoes_the_password(simulator: Simulator, client_for: ClientFor) -> None:
    message = f"The password {BY_PASSWORD['password']} is wrong."
    body = {"error": {"message": message, "code": 401, "title": "Unauthorized"}}
    simulator.add_fault(operation="tokens", kind="status", http_status=401, body=body)
    with pytest.raises(DrsError) as caught:
        client_for(simulator, **BY_PASSWORD).statuses(JOBS)
    assert "The password ******** is wrong (HTTP 401)." in str(caught.value)
    for text in shown(caught.value):
        assert_hidden(text, BY_PASSWORD["password"])


def test_echoes_in_jobs_do_not_reach_the_records(simulator: Simulator, client_for: ClientFor) -> None:
    client = client_for(simulator, **BY_PASSWORD)
    client.statuses(JOBS)
    secrets = secrets_of(BY_PASSWORD, simulator)
    echo = " ".join(form for secret in secrets for form in forms(secret))
    for job in JOBS:
        simulator.set_job(job, error_code="DRS.M00004", error_msg=echo, raw_progress={echo: [{"deep": echo}]})
    statuses, progress = client.both(JOBS)
    for record in (*statuses, *progress):
        assert record.error_message is not None
        assert "********" in record.error_message
        for text in (repr(record), json.dumps(record.as_dict()), json.dumps(record.as_dict(), ensure_ascii=False)):
            assert_hidden(text, *secrets)


@pytest.mark.parametrize("secret", [AWKWARD, "plain-secret", "with/slash", 'q"uote', "ünïcode", "back\\slash"])
@pytest.mark.parametrize("status", [200, 400])
def test_a_secret_is_found_in_every_spelling(secret: str, status: int) -> None:
    redact = Redactor(secret)
    echo = " | ".join(forms(secret))
    for ascii_only in (True, False):
        body = {"results": [{"job_id": "a", "error_msg": echo, echo: echo}], "error_msg": echo}
        sent = json.dumps(body, ensure_ascii=ascii_only).encode()
        try:
            text = json.dumps(check(answer(status, sent), redact, parse_progress)["a"].as_dict(), ensure_ascii=False)
        except DrsError as error:
            text = " ".join(shown(error))
            jobs = getattr(error, "jobs", {})
            text += repr(jobs)
        assert_hidden(text, secret)


@pytest.mark.parametrize("way", WAYS)
def test_objects_do_not_show_what_they_hold(simulator: Simulator, client_for: ClientFor, way: str) -> None:
    login = WAYS[way]
    client = client_for(simulator, **login)
    client.statuses(JOBS)
    settings = Settings({**DEFAULTS, **login}, {})
    held = (client, client._login, client._session, client._limits, client._redact, settings, settings.method)
    for thing in (*held, answer(200, b"simulated-token")):
        assert_hidden(repr(thing), *secrets_of(login, simulator))


class TestRedactor:
    def test_the_longest_secret_is_replaced_first(self) -> None:
        assert Redactor("word", "pass-word-long").text("pass-word-long word") == "******** ********"

    def test_short_values_protect_nothing_and_are_left_alone(self) -> None:
        assert Redactor("100", "", None, "abcd").text("100 abcd") == "100 ********"

    def test_secrets_can_be_added_and_forgotten(self) -> None:
        redact = Redactor()
        redact.add("first/token", "second")
        redact.forget("first/token")
        redact.forget(None)
        redact.forget("never known")
        assert redact.text("first/token first%2Ftoken second") == "first/token first%2Ftoken ********"

    def test_a_secret_that_is_no_utf_8_is_one_all_the_same(self) -> None:
        # As a variable of the environment may be.
        assert Redactor("p\udce4ssword").text("p\udce4ssword") == "********"

    def test_what_is_no_text_stays_as_it_is(self) -> None:
        value = {"a": [1, 1.5, True, None, {"b": []}]}
        assert Redactor("secret").json(value) == value

    def test_a_body_is_walked_only_where_a_secret_may_be(self) -> None:
        redact = Redactor("secret")
        assert [redact.needed(text) for text in ("plain", "a secret", "\\u0073ecret")] == [False, True, True]
        assert [redact.needed(text) for text in ("数据", "\x9b2J", "数据\x9b2J", "\x7f")] == [False, True, True, True]

    @pytest.mark.parametrize(
        "control", [*map(chr, (0, 7, 8, 13, 27, 127, 128, 155, 159)), "\u202e", "\u2066", "\u200f"]
    )
    def test_what_moves_a_cursor_or_turns_a_line_is_replaced(self, control: str) -> None:
        assert Redactor().text(f"数据 {control}[31m") == "数据 ?[31m"

    def test_a_line_end_and_a_tab_stay(self) -> None:
        assert Redactor().text("first\n\tsecond") == "first\n\tsecond"


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x9b31mred"])
def test_no_control_character_of_a_server_is_in_a_record_or_an_error(
    simulator: Simulator, client_for: ClientFor, text: str
) -> None:
    simulator.set_job(JOBS[0], error_code="DRS.M00004", error_msg=text, raw_progress={"more": text})
    client = client_for(simulator, **BY_TOKEN)
    record = client.progress(JOBS)[0]
    assert (record.error_message, record.raw and record.raw["more"]) == (f"?{text[1:]}",) * 2
    simulator.add_fault(kind="status", http_status=403, body={"error_code": "APIGW.0302", "error_msg": text})
    with pytest.raises(DrsError) as caught:
        client.progress(JOBS)
    assert f"HTTP 403 APIGW.0302 ?{text[1:]}." in str(caught.value)


def test_a_token_that_comes_again_is_still_a_secret() -> None:
    class Plugin(BaseAuthPlugin):
        auth_url = "http://iam.example.com/v3"
        tokens = iter(["token-one", "token-two", "token-one"])

        def get_token(self, _session: object) -> str:
            return next(self.tokens)

    redact = Redactor()
    login = KeystoneAuth(Plugin(), None, redact)
    for _poll in range(3):
        login.log_in(1)
    assert redact.text("token-one token-two") == "******** ********"


def test_a_long_wait_remembers_two_tokens_and_no_more(start: Callable[..., Simulator], client_for: ClientFor) -> None:
    simulator = start(account={"token_lifetime": 10})
    client = client_for(simulator, **BY_PASSWORD)
    for _poll in range(5):
        client.statuses(JOBS)
    tokens = [entry["headers"]["x-auth-token"] for entry in simulator.requests if entry["operation"] != "tokens"]
    assert len(set(tokens)) == 5
    assert [client._redact.text(token) == "********" for token in tokens] == [False, False, False, True, True]
    assert PROJECT in client._url("v3", "")


# Passwords that stand in the names and ids of jobs.
ORDERS = {"id": JOBS[0], "name": "orders-to-cloud", "status": "INCRE_TRANSFER_STARTED"}
OTHERS = {"id": JOBS[1], "name": "orders-to-archive", "status": "INCRE_TRANSFER_STARTED"}


def with_password(simulator: Simulator, password: str) -> dict[str, str]:
    simulator.change_credentials(password=password)
    return {**BY_PASSWORD, "password": password}


def test_a_password_that_nobody_uses_hides_no_job(start: Callable[..., Simulator], by_hand: ByHand) -> None:
    simulator = start(jobs=[ORDERS, OTHERS])
    result = waited(simulator, by_hand, {"OS_PASSWORD": "orders"}, job_names=["orders-to-cloud"], stable_for=10.0)
    assert (result["verdict"], result["jobs"][0]["name"]) == ("ready", "orders-to-cloud")


@pytest.mark.parametrize("password", ["orders", "9a470239", "ready", "INCRE", "jobs"])
@pytest.mark.parametrize("given", [{"job_names": ["orders-to-cloud"]}, {"jobs": [JOBS[0]]}])
def test_jobs_are_compared_as_they_came_and_masked_when_they_are_shown(
    start: Callable[..., Simulator], by_hand: ByHand, tmp_path: Path, password: str, given: dict[str, Any]
) -> None:
    simulator = start(jobs=[ORDERS, OTHERS])
    lines: list[str] = []
    record = tmp_path / "wait.jsonl"
    login = with_password(simulator, password)
    result = waited(simulator, by_hand, {}, lines, **login, **given, record=str(record), stable_for=10.0)
    assert (result["verdict"], result["ready"]) == ("ready", True)
    # An id that is known from the options is no secret, and whoever reads a result looks for it.
    assert result["jobs"][0]["id"] == JOBS[0]
    if password == "orders":
        assert result["jobs"][0]["name"] == "********-to-cloud"
        assert "orders" not in json.dumps(result) + record.read_text() + " ".join(lines)
    replayed = waited(simulator, by_hand, **login, replay=str(record), jobs=[JOBS[0]], stable_for=10.0)
    assert replayed["verdict"] == "ready"


@pytest.mark.parametrize("call", ["wait", "stop"])
def test_the_names_that_an_error_lists_are_masked(start: Callable[..., Simulator], by_hand: ByHand, call: str) -> None:
    simulator = start(jobs=[ORDERS, OTHERS])
    login = with_password(simulator, "orders")
    lines: list[str] = []
    read = {"wait": waited, "stop": stopped}[call]
    result = read(simulator, by_hand, lines=lines, **login, jobs=None, job_names=["archive"])
    assert "No job is named 'archive'. Similar: ********-to-archive" in result.get("reason", result.get("msg"))
    assert "orders" not in json.dumps(result) + " ".join(lines)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_password_of_a_proxy_of_the_environment_is_nowhere(by_hand: ByHand, tmp_path: Path, scheme: str) -> None:
    login = base64.b64encode(b"deploy:Pa55w0rd-of-proxy/1").decode()
    # As it is given, as it is and as it is sent.
    forms = f"Pa55w0rd-of-proxy%2F1 Pa55w0rd-of-proxy/1 {login}"
    refusal = f"HTTP/1.1 407 Basic {login} {forms}\r\nServer: {forms}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    lines: list[str] = []
    record = tmp_path / "wait.jsonl"
    with raw_server(refusal.encode()) as proxy:
        environ = {f"{scheme.upper()}_PROXY": f"http://deploy:Pa55w0rd-of-proxy%2F1@{proxy}"}
        given = {"jobs": list(JOBS), "record": str(record), "max_errors": 1}
        given |= {"endpoint": f"{scheme}://drs.example.com", "allow_http": True}
        result = waited(SimpleNamespace(endpoint=""), by_hand, environ, lines, **BY_TOKEN, **given)
    assert result["verdict"] == "error"
    assert "requires a login" in result["reason"]
    reports = [render(result, suffix, "A gate") for suffix in SUFFIXES]
    assert len(reports) == 5
    shown = json.dumps(result) + record.read_text() + " ".join([*lines, *reports])
    for secret in ("Pa55w0rd-of-proxy", "roxy/1", "roxy%2F1", "***/1", login, login[:16]):
        assert secret not in shown
