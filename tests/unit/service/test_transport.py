# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One exchange on the wire: its bounds in time and size, connections that break, proxies, TLS."""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.http import transport
from ansible_collections.cutover.drs.plugins.module_utils._service.http.proxies import Proxies, read_proxies
from ansible_collections.cutover.drs.plugins.module_utils._service.http.time_limit import Exchange, bounded
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_KEYS,
    BY_PASSWORD,
    BY_TOKEN,
    JOBS,
    NO_SECRETS,
    closed_port,
    raw_server,
    tunnel,
    without,
)
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"results": [], "count": 0}'


def failed(client: Client) -> DrsError:
    with pytest.raises(DrsError) as caught:
        client.statuses(JOBS[:1])
    return caught.value


@pytest.mark.parametrize("login", [{}, BY_PASSWORD, BY_KEYS], ids=["token", "password", "access keys"])
@pytest.mark.parametrize("fault", [{"kind": "hang"}, {"kind": "trickle", "seconds": 0.05}], ids=["hang", "trickle"])
def test_no_answer_takes_longer_than_a_request_may(
    simulator: Simulator, client_for: ClientFor, login: dict[str, Any], fault: dict[str, Any]
) -> None:
    simulator.add_fault(operation="batch-status", **fault)
    client = client_for(simulator, **login, request_timeout=0.3, request_retries=1)
    began = time.monotonic()
    error = failed(client)
    assert time.monotonic() - began < 2
    host = simulator.endpoint.removeprefix("http://")
    assert str(error) == (
        f"batch-status of job {JOBS[0]} at {host} failed (2 attempts): No complete response from {host} within 0.3 s. "
        "Check the network, or raise request_timeout."
    )
    assert (error.kind.value, error.final, error.http_status) == ("network", False, None)


@pytest.mark.parametrize(
    "script",
    [
        (None,),
        (OK, None),
        (OK + b"\r\n" + BODY[:-1], None),
        (OK + b"Content-Length: 27\r\n\r\n" + BODY[:-1], None),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1b\r\n" + BODY[:-1], None),
    ],
    ids=["silence", "headers", "no length", "length", "chunks"],
)
def test_an_answer_that_never_ends_is_not_taken_for_one_that_did(
    client_for: ClientFor, script: tuple[bytes | None, ...]
) -> None:
    with raw_server(*script) as host:
        error = failed(client_for(f"http://{host}", request_timeout=0.2, request_retries=0))
    assert f"No complete response from {host} within 0.2 s." in str(error)


@pytest.mark.parametrize("head", [OK + b"Content-Length: 900\r\n\r\n", OK + b"\r\n", b"HTTP/1.1 200 " + b"OK" * 90])
def test_a_trickle_is_bounded_in_headers_and_body(client_for: ClientFor, head: bytes) -> None:
    with raw_server(head + BODY + b" " * 900, trickle=0.01) as host:
        began = time.monotonic()
        error = failed(client_for(f"http://{host}", request_timeout=0.3, request_retries=0))
        assert time.monotonic() - began < 1.5
    assert "No complete response" in str(error)


def test_the_answer_of_a_proxy_to_connect_is_bounded_too(client_for: ClientFor) -> None:
    with raw_server(b"HTTP/1.1 200 " + b"x" * 900, trickle=0.01) as proxy:
        began = time.monotonic()
        client = client_for("https://drs.example.com", proxy=f"http://{proxy}", request_timeout=0.3, request_retries=0)
        error = failed(client)
        assert time.monotonic() - began < 1.5
    assert "No complete response from drs.example.com within 0.3 s." in str(error)


def test_nothing_is_sent_after_the_time_is_up() -> None:
    session = transport.new_session(verify=True, proxies=Proxies({}), parallel=1, redact=NO_SECRETS)
    with session, bounded(0), pytest.raises(DrsError, match=r"No complete response from .* within 0 s"):
        session.get(f"http://{closed_port()}")


@pytest.mark.parametrize(("size", "said"), [(len(BODY), ""), (len(BODY) - 1, r"is larger than 0 MiB")])
def test_what_a_login_sends_by_itself_has_its_own_proxy_and_the_same_bounds(
    monkeypatch: pytest.MonkeyPatch, size: int, said: str
) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", size)
    asked: list[str] = []

    def retry(response: requests.Response, **kwargs: Any) -> requests.Response:
        # As logins by SAML and Kerberos do, the first of them at another host.
        asked.append(response.url)
        assert response.content == BODY
        other = requests.Request("GET", "http://identity.example.com/").prepare()
        return response.connection.send(other, **kwargs)  # type: ignore[attr-defined,no-any-return]

    with raw_server(OK + b"\r\n" + BODY) as keystone, raw_server(OK + b"\r\n" + BODY) as proxy:
        proxies = read_proxies(None, {"http_proxy": proxy, "no_proxy": keystone}, NO_SECRETS)
        with transport.new_session(verify=True, proxies=proxies, parallel=1, redact=NO_SECRETS) as session, bounded(5):
            if said:
                with pytest.raises(DrsError, match=said):
                    session.get(f"http://{keystone}/", hooks={"response": retry})
            else:
                answer = session.get(f"http://{keystone}/", hooks={"response": retry})
                assert (answer.url, answer.content) == ("http://identity.example.com/", BODY)
    assert asked == [f"http://{keystone}/"][: not said]


@pytest.mark.parametrize(("begun", "kind"), [(False, "configuration"), (True, "protocol")])
def test_a_url_that_cannot_be_used_is_no_fault_of_an_option_if_a_server_gave_it(begun: bool, kind: str) -> None:
    session = transport.new_session(verify=True, proxies=Proxies({}), parallel=1, redact=NO_SECRETS)
    for url in ("http://*.example.com", "gopher://drs.example.com"):
        with session, bounded(5) as exchange:
            exchange.begun = begun
            with pytest.raises(DrsError) as caught:
                session.get(url)
        assert (caught.value.kind.value, caught.value.final) == (kind, not begun)


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ReadTimeout("Read timed out."),
        urllib3.exceptions.ReadTimeoutError(None, "/", "Read timed out."),  # type: ignore[arg-type]
    ],
)
def test_every_time_out_of_a_response_is_told_in_the_same_words(error: Exception) -> None:
    told = transport._as_drs_error(error, "", "drs.example.com", Exchange(30), None)
    assert str(told) == (
        "No complete response from drs.example.com within 30 s. Check the network, or raise request_timeout."
    )
    assert (told.kind.value, told.repeatable, told.final) == ("network", True, False)


def test_an_answer_is_cut_short_also_where_urllib3_does_not_say_so() -> None:
    # Releases before 2.0 hand out what there was.
    response = requests.Response()
    response.raw = urllib3.HTTPResponse(BytesIO(b"{"), preload_content=False, enforce_content_length=False)
    with pytest.raises(DrsError) as caught:
        transport._read(response.raw, {"Content-Length": "27"}, "drs.example.com")
    assert str(caught.value) == "The response of drs.example.com was cut short after 1 of 27 bytes."
    assert caught.value.repeatable


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ((b"",), "No connection to HOST: Remote end closed connection without response."),
        ((OK + b"Content-Type: applic",), "The response of HOST was cut short before its body"),
        ((OK + b"Content-Length: 900\r\n\r\n" + BODY,), "The response of HOST was cut short"),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n1b\r\n" + BODY[:5],), "The response of HOST was cut short"),
        ((b"SSH-2.0-OpenSSH_9.6\r\n",), "No connection to HOST: SSH-2.0-OpenSSH_9.6"),
    ],
    ids=["nothing", "head", "length", "chunks", "another protocol"],
)
def test_a_connection_that_breaks_is_told_and_tried_again(
    client_for: ClientFor, script: tuple[bytes, ...], said: str
) -> None:
    with raw_server(*script) as host:
        error = failed(client_for(f"http://{host}", request_retries=1))
    assert f"failed (2 attempts): {said.replace('HOST', host)}" in str(error)
    assert error.attempts == 2


@pytest.mark.parametrize(
    ("head", "kind", "said"),
    [
        (b"401 Unauthorized", "protocol", "HTTP 401 without a code of the service: a proxy"),
        (b"403 Forbidden", "protocol", "HTTP 403 without a code of the service: a proxy"),
        (
            b"429 Slow\r\nRetry-After: 7",
            "throttled",
            "HTTP 429 without a code of the service: a proxy or firewall answered. Too many requests",
        ),
        (b"503 Busy", "service", "HTTP 503 without a code of the service: a proxy or firewall answered. Try again"),
        (b"302 Found\r\nLocation: http://elsewhere.example.com/", "protocol", "HTTP 302 points to http://elsewhere."),
    ],
)
def test_an_error_that_is_nothing_but_a_head_is_known_by_its_status(
    client_for: ClientFor, head: bytes, kind: str, said: str
) -> None:
    with raw_server(b"HTTP/1.0 " + head + b"\r\n\r\n") as host:
        error = failed(client_for(f"http://{host}", request_retries=0))
    assert (error.kind.value, error.http_status) == (kind, int(head[:3]))
    assert said in str(error)
    assert error.retry_after == (7 if b"Retry-After" in head else None)


def test_what_is_compressed_otherwise_than_it_says_is_a_protocol_error(client_for: ClientFor) -> None:
    with raw_server(OK + b"Content-Encoding: gzip\r\nContent-Length: 27\r\n\r\n" + BODY) as host:
        error = failed(client_for(f"http://{host}", request_retries=0))
    assert f"The response of {host} is not compressed as it says: " in str(error)
    assert (error.kind.value, error.attempts) == ("protocol", 1)


def test_a_port_where_nothing_listens(client_for: ClientFor) -> None:
    host = closed_port()
    error = failed(client_for(f"http://{host}", request_retries=1))
    assert str(error) == (
        f"batch-status of job {JOBS[0]} at {host} failed (2 attempts): No connection to {host}: Connection refused. "
        "Check the URL, the network and the proxy."
    )


def test_a_name_that_cannot_be_resolved_is_named(client_for: ClientFor) -> None:
    error = failed(client_for("http://drs.invalid", request_retries=0, allow_http=True))
    assert "No connection to drs.invalid: " in str(error)
    assert "0x" not in str(error)


@pytest.fixture
def silent() -> Iterator[Callable[[int], str]]:
    """An address of this machine where a port takes no connection and refuses none, as behind a firewall."""
    with ExitStack() as sockets:

        def address(port: int) -> str:
            sockets.enter_context(socket.create_server(("127.0.0.2", port), backlog=0))
            for _place in range(3):
                waiting = sockets.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.2", port))
            return "127.0.0.2"

        yield address


@pytest.mark.parametrize("living", [False, True])
def test_an_address_that_is_silent_leaves_time_for_the_next_one(
    simulator: Simulator,
    client_for: ClientFor,
    silent: Callable[[int], str],
    monkeypatch: pytest.MonkeyPatch,
    living: bool,
) -> None:
    port = int(simulator.endpoint.rpartition(":")[2])
    addresses = [silent(port), *(["127.0.0.1"] if living else [])]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more: found if host == "localhost" else look_up(host, *more)
    )
    client = client_for(f"http://localhost:{port}", request_timeout=1, request_retries=0)
    if living:
        assert client.statuses(JOBS[:1])[0].found
    else:
        assert f"No connection to localhost:{port} within 0.5 s. Check the network" in str(failed(client))


@pytest.mark.parametrize("login", [{}, BY_PASSWORD, BY_KEYS], ids=["token", "password", "access keys"])
def test_no_request_may_be_answered_by_a_cache(
    simulator: Simulator, client_for: ClientFor, login: dict[str, Any]
) -> None:
    simulator.load({"jobs": [{"id": JOBS[0], "status": "INCRE_TRANSFER_STARTED"}], "withdrawn": ["list-v3"]})
    client = client_for(simulator, **login)
    client.both(JOBS[:1])
    client.list_jobs(ids=JOBS[:1])
    client.details(JOBS[:1])
    client.stop(JOBS[:1])
    assert {"list-v5", "batch-status", "batch-detail"} < {entry["operation"] for entry in simulator.requests}
    assert {entry["headers"].get("cache-control") for entry in simulator.requests} == {"no-cache, no-store"}


def test_cookies_are_not_kept(simulator: Simulator, client_for: ClientFor) -> None:
    simulator.add_fault(kind="status", http_status=503, headers={"Set-Cookie": "a=b"}, times=1)
    client_for(simulator).statuses(JOBS)
    assert all("cookie" not in entry["headers"] for entry in simulator.requests)


def test_netrc_is_not_read(
    simulator: Simulator, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password netrc-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client_for(simulator, **without(BY_PASSWORD, "project_id"), region="eu-de").statuses(JOBS)
    assert [entry["operation"] for entry in simulator.requests] == ["tokens", "batch-status"]
    assert all("authorization" not in entry["headers"] for entry in simulator.requests)


class TestProxies:
    @pytest.mark.parametrize("source", ["option", "environment"])
    def test_the_proxy_takes_every_request_those_to_iam_included(
        self, start: Start, client_for: ClientFor, source: str
    ) -> None:
        proxy = start()
        given = {"proxy": proxy.endpoint.removeprefix("http://")} if source == "option" else {}
        environ = {} if given else {"HTTP_PROXY": proxy.endpoint}
        urls = {"auth_url": "http://iam.example.com/v3", "region": "eu-de"}
        client = client_for("http://drs.example.com", environ, **without(BY_PASSWORD, "project_id"), **urls, **given)
        assert client.statuses(JOBS)[0].found
        assert [entry["headers"]["host"] for entry in proxy.requests] == ["iam.example.com", "drs.example.com"]

    @pytest.mark.parametrize(
        ("scheme", "source"), [("http", "the option proxy"), ("https", "the option proxy"), ("http", "HTTP_PROXY")]
    )
    def test_a_proxy_that_refuses_is_named(self, client_for: ClientFor, scheme: str, source: str) -> None:
        proxy = closed_port()
        url = f"http://u:pw-secret@{proxy}"
        given, environ = ({}, {source: url}) if source == "HTTP_PROXY" else ({"proxy": url}, {})
        client = client_for(f"{scheme}://drs.example.com", environ, **BY_TOKEN, **given, request_retries=1)
        error = failed(client)
        assert str(error) == (
            f"batch-status of job {JOBS[0]} at drs.example.com failed (2 attempts): Cannot reach "
            f"drs.example.com through the proxy at {proxy}: Connection refused. Check {source}."
        )
        assert error.final is False

    @pytest.mark.parametrize(
        ("scheme", "sentence"),
        [
            (
                "http",
                (
                    "HTTP 407 without a code of the service: a proxy or firewall answered. "
                    "The proxy requires a login; put user and password into the URL of the proxy."
                ),
            ),
            (
                "https",
                (
                    "Cannot reach drs.example.com through the proxy at PROXY: Tunnel connection failed: 407 Login "
                    "Required. The proxy requires a login; put user and password into the URL of the option proxy."
                ),
            ),
        ],
    )
    def test_a_proxy_that_asks_for_a_login(self, client_for: ClientFor, scheme: str, sentence: str) -> None:
        with raw_server(b"HTTP/1.1 407 Login Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as proxy:
            error = failed(client_for(f"{scheme}://drs.example.com", proxy=f"http://{proxy}"))
        assert str(error).endswith(f"failed: {sentence.replace('PROXY', proxy)}")
        # Once in a poll, so that no account is locked; but one such answer ends nothing.
        assert (error.kind.value, error.attempts, error.final) == ("network", 1, False)

    @pytest.mark.parametrize("source", ["option", "environment"])
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_what_a_proxy_echoes_of_its_login_is_masked(self, client_for: ClientFor, scheme: str, source: str) -> None:
        login = b64encode(b"deploy:Pa55w0rd-of-proxy/1").decode()
        said = f"407 Not Basic {login} of Pa55w0rd-of-proxy/1"
        head = f"HTTP/1.1 {said}\r\nX-Request-Id: {login}\r\nServer: {login}\r\nContent-Length: 0\r\n\r\n"
        with raw_server(head.encode()) as proxy:
            url = f"http://deploy:Pa55w0rd-of-proxy%2F1@{proxy}"
            given = {"proxy": url} if source == "option" else {}
            environ = {} if given else {f"{scheme.upper()}_PROXY": url}
            error = failed(client_for(f"{scheme}://drs.example.com", environ, **BY_TOKEN, **given))
        shown = f"{error} {error.failure()}"
        assert "********" in shown
        for secret in (login, "Pa55w0rd-of-proxy", login[:16]):
            assert secret not in shown

    def test_a_failing_tunnel_whose_numbers_hold_407_is_no_question_for_a_login(self, client_for: ClientFor) -> None:
        with raw_server(b"HTTP/1.1 503 Busy for 4070 s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as proxy:
            error = failed(client_for("https://drs.example.com", proxy=f"http://{proxy}", request_retries=1))
        assert (error.attempts, error.final) == (2, False)

    @pytest.mark.parametrize("scheme", ["https", "socks5"])
    def test_an_answer_that_comes_through_a_proxy_is_bounded_too(
        self, start: Start, client_for: ClientFor, scheme: str
    ) -> None:
        simulator = start(tls=True)
        with tunnel(scheme) as proxy:
            client = client_for(simulator, proxy=proxy, validate_certs=False, request_timeout=1, request_retries=0)
            assert client.statuses(JOBS)[0].found
            simulator.add_fault(kind="trickle", seconds=0.05)
            began = time.monotonic()
            error = failed(client)
            assert time.monotonic() - began < 4
        assert f"No complete response from {simulator.endpoint.removeprefix('https://')} within 1 s." in str(error)

    def test_socks_without_its_package_is_a_sentence(
        self, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing(*_args: object, **_options: object) -> None:
            # What requests has in place of the manager of urllib3, which needs PySocks.
            raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

        monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)
        client = client_for("http://drs.example.com", proxy=f"socks5://{closed_port()}", request_retries=0)
        assert "drs.example.com" in str(failed(client))


class TestTls:
    @pytest.mark.parametrize("login", [{}, BY_PASSWORD, BY_KEYS], ids=["token", "password", "access keys"])
    def test_a_private_authority_is_trusted_by_its_file(
        self, start: Start, client_for: ClientFor, login: dict[str, Any]
    ) -> None:
        simulator = start(tls=True)
        client = client_for(simulator, ca_path=simulator.ca_path, **login)
        assert [record.found for record in client.statuses(JOBS)] == [True, True]

    @pytest.mark.parametrize("login", [{}, BY_PASSWORD], ids=["token", "password"])
    def test_an_authority_that_is_not_known_is_refused_at_once(
        self, start: Start, client_for: ClientFor, login: dict[str, Any]
    ) -> None:
        simulator = start(tls=True)
        host = simulator.endpoint.removeprefix("https://")
        error = failed(client_for(simulator, **login))
        assert f"The TLS certificate of {host} was refused: [SSL: CERTIFICATE_VERIFY_FAILED]" in str(error)
        assert str(error).endswith("Give the file of the certificate authority as ca_path if it is a private one.")
        assert (error.kind.value, error.attempts, error.final) == ("network", 1, True)
        assert simulator.requests == []

    @pytest.mark.parametrize("login", [{}, BY_PASSWORD], ids=["token", "password"])
    def test_checking_can_be_turned_off(self, start: Start, client_for: ClientFor, login: dict[str, Any]) -> None:
        simulator = start(tls=True)
        client = client_for(simulator, validate_certs=False, **login)
        assert [record.found for record in client.statuses(JOBS)] == [True, True]

    def test_a_server_without_tls_is_told_as_such(self, simulator: Simulator, client_for: ClientFor) -> None:
        host = simulator.endpoint.removeprefix("http://")
        error = failed(client_for(f"https://{host}", request_retries=0))
        assert f"No TLS connection to {host}: " in str(error)
        assert str(error).endswith("Check this address, its port and the proxy.")

    def test_an_answer_over_tls_is_bounded_in_time(self, start: Start, client_for: ClientFor) -> None:
        simulator = start(tls=True)
        simulator.add_fault(kind="trickle", seconds=0.05)
        began = time.monotonic()
        error = failed(client_for(simulator, ca_path=simulator.ca_path, request_timeout=0.3, request_retries=0))
        assert time.monotonic() - began < 2
        assert "No complete response" in str(error)

    def test_a_file_that_holds_no_certificate_is_a_sentence(
        self, start: Start, client_for: ClientFor, tmp_path: Path
    ) -> None:
        simulator = start(tls=True)
        nonsense = tmp_path / "ca.pem"
        nonsense.write_text("no certificate")
        error = failed(client_for(simulator, ca_path=str(nonsense), request_retries=0))
        assert "127.0.0.1" in str(error)
        assert error.kind.value == "network"
