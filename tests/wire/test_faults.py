# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on the wire at the first, a middle and the last poll of a wait, and what becomes of its verdict.

Without a fault the gate opens in the third poll. A fault in one of these polls makes it a failed one: the streak
begins anew after it, so that three more are needed. Each poll is two requests; nothing is tried again here.
With subtasks it is three: a list that does not come is no failed poll, but keeps the gate shut all the same.
"""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._stop.loop import run as stop
from ansible_collections.cutover.drs.plugins.module_utils._stop.options import STOP_OPTIONS
from ansible_collections.cutover.drs.tests.peers import played
from ansible_collections.cutover.drs.tests.unit.service.foreign import FOREIGN
from ansible_collections.cutover.drs.tests.unit.service.support import BY_PASSWORD, BY_TOKEN
from ansible_collections.cutover.drs.tests.wire.wire import JOB, LOGIN, OPTIONS, Proxy, Waited, Wire, waited

# The fault: how the line names it, and what the sentence says.
FAULTS = {
    "http-dropped": ("network", "No connection to|was cut short"),
    "http-answer-dropped": ("network", "No connection to|was cut short"),
    "http-delayed": ("network", "No complete response from .* within 1 s"),
    "http-502": ("service 502", "HTTP 502"),
    "http-page": ("protocol 20", "a body that is not JSON: a proxy or firewall answered"),
    "http-empty": ("protocol 20", "with an empty body"),
    "http-length-too-small": ("protocol 20", "a body that is not JSON"),
    "http-not-compressed": ("protocol", "is not compressed as it says"),
    "http-redirect": ("protocol 302", "Redirects are never followed with credentials"),
    "tcp-reset": ("network", "Connection reset by peer"),
    "tcp-silence": ("network", "No complete response from .* within 1 s"),
    "tcp-cut-in-head": ("protocol", "was cut short"),
    "tcp-cut-in-body": ("protocol", "was cut short"),
    "tcp-garbage": ("network", "No connection to"),
    "tcp-trickle": ("network", "No complete response from .* within 1 s"),
    "tcp-throttled": ("network", "No complete response from .* within 1 s"),
}
# What only a time-out ends; the others get more time than a busy machine needs.
SLOW = ("http-delayed", "tcp-silence", "tcp-trickle", "tcp-throttled")
# What one more try hides.
RETRIED = ("http-dropped", "http-502", "http-delayed", "tcp-reset", "tcp-cut-in-body", "tcp-trickle")
HANDSHAKES = ("tls-reset", "tls-closed", "tls-garbage")
POLLS = {"first": 1, "middle": 2, "last": 3}


def through(wire: Wire, kind: str) -> dict[str, Any]:
    """Return the options with which a wait meets this fault."""
    return {
        "endpoint": wire.http if kind.startswith("http") else wire.tcp,
        "request_timeout": 1 if kind in SLOW else 20,
    }


def test_without_a_fault_the_third_poll_opens_the_gate(wire: Wire) -> None:
    for url in (wire.http, wire.tcp):
        wire.reset()
        wait = waited(endpoint=url)
        assert (wait.result["verdict"], wait.result["polls"], wait.result["requests"]) == ("ready", 3, 6)
        assert wire.seen() == ["-", "-", "-"]
        assert len(wire.plain.requests) == 6
        assert not wait.breaks


@pytest.mark.parametrize("poll", POLLS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_makes_a_failed_poll_and_the_streak_begins_anew(wire: Wire, kind: str, poll: str) -> None:
    number = POLLS[poll]
    wire.strike(kind, number)
    wait = waited(**through(wire, kind))
    assert wait.result["verdict"] == "ready", wait.lines
    assert (wait.result["errors"], wait.result["polls"]) == (1, number + 3)
    assert wait.result["requests"] == 2 * (number + 3)
    assert wire.seen() == ["-"] * (number - 1) + [kind] + ["-"] * 3
    named, _sentence = FAULTS[kind]
    assert wait.broke_once(number, named), wait.breaks
    assert "errors=1/5" in wait.breaks[0]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_in_the_poll_at_the_deadline_never_opens_the_gate(wire: Wire, kind: str) -> None:
    """With one sample asked for, any good answer would have opened it."""
    wire.strike(kind, 1)
    wait = waited(**through(wire, kind), timeout=0)
    assert (wait.result["verdict"], wait.result["ready"], wait.result["requests"]) == ("error", False, 2)
    assert_says(wait, FAULTS[kind][1])


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_lasts_ends_the_wait_with_its_reason(wire: Wire, kind: str) -> None:
    wire.strike(kind, *range(2, 50))
    wait = waited(**through(wire, kind), max_errors=1)
    assert (wait.result["verdict"], wait.result["polls"], wait.result["requests"]) == ("error", 3, 6)
    assert "2 consecutive failed polls, allowed 1. Last failure: " in wait.result["reason"]
    assert_says(wait, FAULTS[kind][1])


@pytest.mark.parametrize("kind", RETRIED)
@pytest.mark.parametrize("poll", POLLS)
def test_one_more_try_hides_a_fault_that_may_pass(wire: Wire, kind: str, poll: str) -> None:
    wire.strike(kind, POLLS[poll])
    wait = waited(**through(wire, kind), request_retries=1)
    assert (wait.result["verdict"], wait.result["errors"]) == ("ready", 0)
    assert wait.result["requests"] == 2 * wait.result["polls"] + 1
    assert len(wire.seen()) == wait.result["polls"] + 1
    # The pause before it may leave a gap between two samples, which the streak does not outlive either.
    assert all("gap of" in line for line in wait.breaks)


@pytest.mark.parametrize("poll", POLLS)
@pytest.mark.parametrize("kind", ["tcp-closed-after", "tcp-answered-twice"])
def test_what_happens_to_an_idle_connection_is_no_fault(wire: Wire, kind: str, poll: str) -> None:
    """Closed between two polls, or with an answer on it that nobody asked for: the next poll takes another one."""
    wire.strike(kind, POLLS[poll])
    wait = waited(endpoint=wire.tcp, near_interval=0.4)
    assert (wait.result["verdict"], wait.result["polls"], wait.result["errors"]) == ("ready", 3, 0), wait.lines
    assert wait.result["requests"] == len(wire.plain.requests) == 6


@pytest.mark.parametrize("kind", HANDSHAKES)
@pytest.mark.parametrize("poll", POLLS)
def test_a_fault_in_the_handshake(wire: Wire, kind: str, poll: str) -> None:
    """The service closes each connection after its answer, so that each request shakes hands."""
    wire.plain.add_fault(operation="any", kind="slow", seconds=0, headers={"Connection": "close"})
    number = POLLS[poll]
    wire.strike(kind, 2 * number)
    wait = waited(endpoint=wire.https, ca_path=wire.ca_path, parallel=1)
    assert wait.result["verdict"] == "ready", wait.lines
    assert (wait.result["errors"], wait.result["polls"]) == (1, number + 3)
    assert wait.result["requests"] == 2 * (number + 3)
    # The one that could not shake hands was never sent.
    assert len(wire.plain.requests) == 2 * (number + 3) - 1
    assert wait.broke_once(number, "network"), wait.breaks


def test_a_certificate_of_a_stranger_ends_the_wait_at_once(wire: Wire) -> None:
    """mitmproxy answers with a certificate of its own: nothing is sent, and it is not tried again."""
    wait = waited(endpoint=wire.https, ca_path=wire.secure.ca_path, request_retries=4)
    assert (wait.result["verdict"], wait.result["polls"]) == ("error", 1)
    assert_says(wait, "The TLS certificate of .* was refused: .*ca_path")
    assert wire.plain.requests == []
    trusted = waited(endpoint=wire.https, ca_path=wire.ca_path)
    assert trusted.result["verdict"] == "ready"


@pytest.mark.parametrize("poll", POLLS)
def test_a_name_that_is_not_resolved_for_a_while(wire: Wire, poll: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service closes its connections, so each request asks for its address."""
    wire.plain.add_fault(operation="any", kind="slow", seconds=0, headers={"Connection": "close"})
    real, asked = socket.getaddrinfo, []
    number = POLLS[poll]

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "drs.test":
            asked.append(host)
            if len(asked) == 2 * number:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            host = "127.0.0.1"
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    wait = waited(endpoint=wire.plain.endpoint.replace("127.0.0.1", "drs.test"), allow_http=True, parallel=1)
    assert (wait.result["verdict"], wait.result["errors"]) == ("ready", 1), wait.lines
    assert (wait.result["polls"], wait.result["requests"]) == (number + 3, 2 * (number + 3))
    assert wait.broke_once(number, "network"), wait.breaks


@pytest.mark.parametrize("proxied", [False, True])
def test_a_name_that_nobody_resolves(wire: Wire, proxied: bool) -> None:
    proxy = {"proxy": wire.proxy} if proxied else {}
    wait = waited(endpoint="http://drs.invalid", allow_http=True, max_errors=1, request_timeout=20, **proxy)
    assert (wait.result["verdict"], wait.result["polls"], wait.result["requests"]) == ("error", 2, 4)
    assert_says(wait, "HTTP 502" if proxied else "No connection to drs.invalid: .*(resol|[Nn]ame)")


class TestProxyLogin:
    @pytest.mark.parametrize("tls", [False, True])
    def test_with_its_login_it_is_passed(self, wire: Wire, asking_proxy: Proxy, tls: bool) -> None:
        simulator = wire.secure if tls else wire.plain
        url = f"http://{LOGIN}@127.0.0.1:{asking_proxy.ports[0]}"
        wait = waited(endpoint=simulator.endpoint, ca_path=asking_proxy.ca_path, proxy=url)
        assert (wait.result["verdict"], wait.result["requests"]) == ("ready", 6), wait.lines
        assert len(simulator.requests) == 6

    @pytest.mark.parametrize("login", ["", "somebody:another-password@"])
    @pytest.mark.parametrize("tls", [False, True])
    def test_without_it_the_wait_ends_after_few_requests(
        self, wire: Wire, asking_proxy: Proxy, tls: bool, login: str
    ) -> None:
        simulator = wire.secure if tls else wire.plain
        url = f"http://{login}127.0.0.1:{asking_proxy.ports[0]}"
        wait = waited(
            endpoint=simulator.endpoint, ca_path=asking_proxy.ca_path, proxy=url, request_retries=4, max_errors=1
        )
        # Once in a poll: too many wrong logins lock an account.
        assert (wait.result["verdict"], wait.result["polls"], wait.result["requests"]) == ("error", 2, 4), wait.lines
        assert_says(wait, "requires a login; put user and password into the URL")
        assert simulator.requests == []
        assert "another-password" not in json.dumps([wait.result, wait.lines])

    @pytest.mark.parametrize("poll", POLLS)
    def test_one_that_begins_to_ask_ends_the_wait_after_the_allowed_polls(self, wire: Wire, poll: str) -> None:
        number = POLLS[poll]
        wire.strike("http-proxy-login", *range(number, 50))
        wait = waited(endpoint=wire.plain.endpoint, proxy=wire.proxy, max_errors=1)
        assert (wait.result["verdict"], wait.result["polls"]) == ("error", number + 1), wait.lines
        assert wait.result["requests"] == 2 * (number + 1)
        assert_says(wait, "The proxy requires a login; put user and password into the URL of the proxy")

    @pytest.mark.parametrize("poll", POLLS)
    def test_one_that_asks_once_ends_nothing(self, wire: Wire, poll: str) -> None:
        number = POLLS[poll]
        wire.strike("http-proxy-login", number)
        wait = waited(endpoint=wire.plain.endpoint, proxy=wire.proxy)
        assert (wait.result["verdict"], wait.result["errors"]) == ("ready", 1), wait.lines
        assert wait.broke_once(number, "network 407"), wait.breaks


class TestLists:
    """The list of jobs is the third request of each poll. Without it nobody knows whether there are subtasks."""

    def test_without_a_fault_the_third_poll_opens_the_gate(self, wire: Wire) -> None:
        for url in (wire.http, wire.tcp):
            wire.reset()
            wire.strike("none", operation="list-v3")
            wait = waited(endpoint=url, check_subtasks=True)
            assert (wait.result["verdict"], wait.result["polls"], wait.result["requests"]) == ("ready", 3, 9)
            assert wire.seen() == ["-", "-", "-"]
            assert len(wire.plain.requests) == 9

    @pytest.mark.parametrize(("version", "poll"), [*(("list-v3", poll) for poll in POLLS), ("list-v5", "last")])
    @pytest.mark.parametrize("kind", FAULTS)
    def test_a_fault_holds_the_job_and_the_streak_begins_anew(
        self, wire: Wire, kind: str, version: str, poll: str
    ) -> None:
        number = POLLS[poll]
        v5 = version == "list-v5"
        wire.reset(withdrawn=["list-v3"] if v5 else [])
        wire.strike(kind, number, operation=version)
        wait = waited(**through(wire, kind), check_subtasks=True)
        assert wait.result["verdict"] == "ready", wait.lines
        assert (wait.result["errors"], wait.result["polls"]) == (0, number + 3)
        # Once to learn that there is no v3.
        assert wait.result["requests"] == 3 * (number + 3) + v5
        assert wire.seen() == ["-"] * (number - 1) + [kind] + ["-"] * 3
        reset = [f"RESET streak {number - 1}->0 DRS-9a470239 subtasks"] if number > 1 else []
        assert wait.breaks == reset
        assert sum(line.endswith("hold=subtasks") for line in wait.lines) == 1

    @pytest.mark.parametrize("kind", FAULTS)
    def test_a_fault_in_the_only_sample_never_opens_the_gate(self, wire: Wire, kind: str) -> None:
        wire.strike(kind, 1, operation="list-v3")
        wait = waited(**through(wire, kind), timeout=0, check_subtasks=True)
        assert (wait.result["verdict"], wait.result["ready"], wait.result["requests"]) == ("timeout", False, 3)
        assert [hold["rule"] for hold in wait.result["jobs"][0]["holds"]] == ["subtasks"]
        assert_says(wait, FAULTS[kind][1])
        assert "check_subtasks: false" in wait.result["reason"]

    @pytest.mark.parametrize("kind", [*FAULTS, "http-proxy-login"])
    def test_a_fault_that_lasts_keeps_the_gate_shut_to_the_end(self, wire: Wire, kind: str) -> None:
        wire.strike(kind, *range(2, 500), operation="list-v3")
        wait = waited(**through(wire, kind), timeout=2, near_interval=0.5, check_subtasks=True)
        assert (wait.result["verdict"], wait.result["errors"]) == ("timeout", 0), wait.lines
        assert wait.result["polls"] >= 2
        assert wait.breaks == ["RESET streak 1->0 DRS-9a470239 subtasks"]
        said = "The proxy requires a login" if kind == "http-proxy-login" else FAULTS[kind][1]
        assert_says(wait, said)

    @pytest.mark.parametrize("kind", RETRIED)
    def test_one_more_try_hides_a_fault_that_may_pass(self, wire: Wire, kind: str) -> None:
        wire.strike(kind, 3, operation="list-v3")
        wait = waited(**through(wire, kind), request_retries=1, check_subtasks=True)
        assert (wait.result["verdict"], wait.result["errors"]) == ("ready", 0)
        assert wait.result["requests"] == 3 * wait.result["polls"] + 1
        assert all("gap of" in line for line in wait.breaks)

    @pytest.mark.parametrize("kind", HANDSHAKES)
    def test_a_fault_in_the_handshake(self, wire: Wire, kind: str) -> None:
        wire.plain.add_fault(operation="any", kind="slow", seconds=0, headers={"Connection": "close"})
        wire.strike(kind, 9)
        wait = waited(endpoint=wire.https, ca_path=wire.ca_path, parallel=1, check_subtasks=True)
        assert (wait.result["verdict"], wait.result["polls"], wait.result["requests"]) == ("ready", 6, 18), wait.lines
        assert len(wire.plain.requests) == 17
        assert wait.breaks == ["RESET streak 2->0 DRS-9a470239 subtasks"]


@pytest.mark.parametrize(
    ("operation", "requests", "errors", "line"),
    [
        ("batch-progress", 12, 1, " RESET streak 2->0 network errors=1/5"),
        ("list-v3", 18, 0, " RESET streak 2->0 DRS-9a470239 subtasks"),
    ],
)
def test_a_playbook_through_a_wire_that_breaks_in_the_last_poll(
    wire: Wire, tmp_path: Path, operation: str, requests: int, errors: int, line: str
) -> None:
    wire.strike("tcp-reset", 3, operation=operation)
    rules = {"stable_for": 0.05, "interval": 1, "near_interval": 0.25, "timeout": 60, "request_retries": 0}
    rules["check_subtasks"] = operation == "list-v3"
    gate = {"endpoint": wire.tcp, **BY_TOKEN, "jobs": [JOB], **rules}
    [result], said = played(tmp_path, {"gate": {"cutover.drs.drs_job_wait": gate}})
    polled = (result["verdict"], result["polls"], result["requests"], result["errors"])
    assert polled == ("ready", 6, requests, errors)
    assert line in said
    assert " VERDICT ready jobs=1 streak=3x/" in said


class TestForeignAnswers:
    """One answer of a firewall or a proxy, byte for byte, in each place where it could end something."""

    @pytest.mark.parametrize("poll", POLLS)
    @pytest.mark.parametrize("name", FOREIGN)
    def test_in_a_wait(self, wire: Wire, name: str, poll: str) -> None:
        wire.strike("tcp-answer", POLLS[poll], answer=FOREIGN[name])
        wait = waited(endpoint=wire.tcp)
        assert (wait.result["verdict"], wait.result["errors"]) == ("ready", 1), wait.lines

    @pytest.mark.parametrize("name", FOREIGN)
    def test_in_a_final_gate(self, wire: Wire, name: str) -> None:
        wire.strike("tcp-answer", 1, answer=FOREIGN[name])
        wait = waited(endpoint=wire.tcp, timeout=0, request_retries=1)
        assert wait.result["verdict"] == ("error" if name == "407" else "ready"), wait.lines

    @pytest.mark.parametrize("name", FOREIGN)
    def test_in_the_renewal_of_a_login(self, wire: Wire, name: str) -> None:
        wire.plain.add_fault(operation="batch-progress", kind="unauthorized", on=2)
        wire.strike("tcp-answer", 2, operation="tokens", answer=FOREIGN[name])
        wait = waited(endpoint=wire.tcp, auth_url=f"{wire.tcp}/v3", **{"auth_token": None, **BY_PASSWORD})
        assert (wait.result["verdict"], wait.result["errors"]) == ("ready", 1), wait.lines

    @pytest.mark.parametrize("name", FOREIGN)
    def test_in_a_list(self, wire: Wire, name: str) -> None:
        wire.strike("tcp-answer", 3, operation="list-v3", answer=FOREIGN[name])
        wait = waited(endpoint=wire.tcp, check_subtasks=True)
        assert (wait.result["verdict"], wait.result["errors"]) == ("ready", 0), wait.lines
        assert wait.breaks == ["RESET streak 2->0 DRS-9a470239 subtasks"]

    @pytest.mark.parametrize("name", FOREIGN)
    def test_in_a_stop_that_was_carried_out(self, wire: Wire, name: str) -> None:
        wire.strike("tcp-answer", 1, operation="batch-jobs", answer=FOREIGN[name])
        defaults = {option: spec.get("default") for option, spec in STOP_OPTIONS.items()}
        options = {**OPTIONS, **defaults, "endpoint": wire.tcp, "jobs": [JOB], "interval": 0.15}
        result = stop(options, {}, check_mode=False, say=lambda _line: None)
        assert (result["stopped"], result["failed"]) == ([JOB], False), result["msg"]
        assert [entry["operation"] for entry in wire.plain.requests].count("batch-jobs") == 1


def assert_says(wait: Waited, sentence: str) -> None:
    assert re.search(sentence, wait.result["reason"]), wait.result["reason"]
