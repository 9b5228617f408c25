# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every limit holds: of time, with slow and endless lists and logins that hang; of size, whatever is decompressed."""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from keystoneauth1.plugin import BaseAuthPlugin

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._service.http import transport
from ansible_collections.cutover.drs.plugins.module_utils._service.http.redaction import Redactor
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs import client as client_module
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import (
    ListedJob,
    ListOperation,
    Page,
    Pages,
)
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.search import Listing
from ansible_collections.cutover.drs.plugins.module_utils._service.login.auth import TOKEN_HEADER, KeystoneAuth
from ansible_collections.cutover.drs.tests.unit.service.support import (
    BY_PASSWORD,
    JOBS,
    ByHand,
    raw_server,
    waited,
)
from drs_simulator import Simulator

ClientFor = Callable[..., Client]
Start = Callable[..., Simulator]


@pytest.fixture
def a_second_each(monkeypatch: pytest.MonkeyPatch, by_hand: ByHand) -> None:
    """Each request of the client takes a second."""
    real = client_module.send

    def slow(*arguments: Any) -> Any:
        by_hand.now += 1
        return real(*arguments)

    monkeypatch.setattr(client_module, "send", slow)


@pytest.mark.usefixtures("a_second_each")
@pytest.mark.parametrize("given", [{"job_names": ["orders"]}, {"jobs": ["00000000-0000-4000-8000-00000000jb99"]}])
def test_no_further_page_of_a_slow_list_is_asked_for_after_the_deadline(
    start: Start, by_hand: ByHand, given: dict[str, Any]
) -> None:
    simulator = start(generate={"count": 3000, "status": "INCRE_TRANSFER_STARTED"})
    began = by_hand.now
    result = waited(simulator, by_hand, **given, timeout=10.0)
    assert result["ready"] is False
    # Three lists are read at once, each with a request under way when time is up.
    assert by_hand.now - began <= 14


def test_a_list_without_an_end_is_read_until_the_deadline() -> None:
    clock = ByHand()

    def page(_operation: ListOperation, job_type: str, pages: Pages, _ids: Sequence[str], _until: float | None) -> Page:
        clock.now += 1
        first = len(pages.jobs)
        return Page(tuple(ListedJob(f"{job_type}-{number}") for number in range(first, first + 100)), 10**9)

    listing = Listing(
        page,
        lambda reads: [read() for read in reads],
        lambda until: until is not None and clock.now > until,
    )
    with pytest.raises(DrsError, match=r"Time was up before the list of jobs \(v3\) was read completely") as caught:
        listing.jobs(None, ["migration"], clock.now + 10)
    assert caught.value.final is False
    assert clock.now <= 1000 + 11


@pytest.mark.usefixtures("a_second_each")
def test_a_list_that_contradicts_itself_is_not_read_again_after_the_deadline(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand
) -> None:
    simulator.add_fault(operation="list-v3", kind="listed_twice")
    with pytest.raises(DrsError, match="twice") as caught:
        client_for(simulator, parallel=1).list_jobs(types=["migration"], until=by_hand.now)
    assert (caught.value.attempts, len(simulator.requests)) == (1, 1)


@pytest.mark.usefixtures("a_second_each")
def test_batches_that_wait_for_their_turn_are_not_sent_long_after_the_deadline(
    start: Start, client_for: ClientFor, by_hand: ByHand
) -> None:
    simulator = start(generate={"count": 40, "status": "CREATING"})
    client = client_for(simulator, batch_size=1, parallel=1)
    with pytest.raises(DrsError, match="Time was up before this request"):
        client.statuses(simulator.job_ids, by_hand.now + 2)
    assert len(simulator.requests) <= 8


class Login(BaseAuthPlugin):
    """A plugin of keystoneauth1 whose logins hang and fail, or give one token after the other."""

    auth_url = "http://127.0.0.1:1/v3"

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.hangs = threading.Event()
        self.fails = False

    def get_token(self, _session: object) -> str:
        self.calls += 1
        if self.fails:
            self.hangs.wait(10)
            raise OSError("gone")
        return f"token-{self.calls}"


class CountingLock:
    """Tells how many threads want it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.wanted = 0
        self.on_wanted: Callable[[], None] = lambda: None

    def __enter__(self) -> None:
        self.wanted += 1
        self.on_wanted()
        self._lock.acquire()

    def __exit__(self, *_exception: object) -> None:
        self._lock.release()


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_a_login_that_failed_for_a_token_is_the_answer_for_all_that_wait_with_it(threads: int) -> None:
    plugin, lock = Login(), CountingLock()
    login = KeystoneAuth(plugin, None, Redactor())
    login.log_in(1)
    login._lock = lock  # type: ignore[assignment]
    plugin.fails = True
    # It hangs until all threads want it.
    lock.on_wanted = lambda: plugin.hangs.set() if lock.wanted == threads else None
    rejected = SimpleNamespace(headers={TOKEN_HEADER: "token-1"})
    errors: list[DrsError] = []

    def renew() -> None:
        try:
            login.renew(rejected, 10)
        except DrsError as error:
            errors.append(error)

    running = [threading.Thread(target=renew) for _number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(10)
    assert plugin.calls == 2
    assert [(str(error), error.repeatable) for error in errors] == [(str(errors[0]), True)] * threads
    # Each may say in other words to which request it happened.
    assert len({id(error) for error in errors}) == threads
    # Whoever comes later tries again.
    plugin.fails = False
    assert login.renew(rejected, 10)
    assert login.logins == 2


def test_a_login_is_renewed_in_the_time_that_is_left(
    simulator: Simulator, client_for: ClientFor, by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def renew(_login: KeystoneAuth, _rejected: object, timeout: float) -> bool:
        seen.append(timeout)
        raise DrsError(Kind.NETWORK, "No complete response.")

    monkeypatch.setattr(KeystoneAuth, "renew", renew)
    simulator.add_fault(operation="batch-status", kind="unauthorized")
    client = client_for(simulator, **BY_PASSWORD)
    for until in (None, by_hand.now + 12, by_hand.now, by_hand.now - 2):
        with pytest.raises(DrsError):
            client.statuses(JOBS, until)
    assert seen == [30, 12, 5, 3]


# Some 50 KB that become 50 MB.
BOMB = gzip.compress(bytes(50 * 1024 * 1024))


def sent(status: str, encoding: str = "gzip", body: bytes = BOMB) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return f"{head}Location: /elsewhere\r\nX-Subject-Token: abcdef\r\n\r\n".encode() + body


@pytest.fixture
def two_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 2 * 1024 * 1024)


@pytest.mark.usefixtures("two_megabytes")
@pytest.mark.parametrize(
    ("status", "encoding"),
    [
        *((status, "gzip") for status in ("200 OK", "302 Found", "307 Temporary", "403 Forbidden", "500 Broken")),
        ("200 OK", "identity"),
    ],
)
def test_an_answer_has_a_bounded_size_whatever_the_status(client_for: ClientFor, status: str, encoding: str) -> None:
    body = BOMB if encoding == "gzip" else bytes(3 * 1024 * 1024)
    with raw_server(sent(status, encoding, body)) as host, pytest.raises(DrsError) as caught:
        client_for(f"http://{host}", request_retries=0).statuses(JOBS)
    assert str(caught.value).endswith(f"The response of {host} is larger than 2 MiB.")
    assert caught.value.kind is Kind.PROTOCOL


@pytest.mark.usefixtures("two_megabytes")
@pytest.mark.parametrize(
    "status", ["201 Created", "300 Many", "302 Found", "401 Unauthorized", "404 Not Found", "503 Busy"]
)
def test_what_a_login_decompresses_is_bounded_too(client_for: ClientFor, status: str) -> None:
    with raw_server(sent(status)) as host, pytest.raises(DrsError) as caught:
        client_for(f"http://{host}", **BY_PASSWORD, auth_url=f"http://{host}/v3", request_retries=0).statuses(JOBS)
    assert str(caught.value) == f"The response of {host} is larger than 2 MiB."
    assert (caught.value.kind, caught.value.final) == (Kind.PROTOCOL, False)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd"])
def test_what_nobody_asked_for_is_not_decompressed(client_for: ClientFor, encoding: str) -> None:
    with raw_server(sent("200 OK", encoding, gzip.compress(BOMB))) as host, pytest.raises(DrsError) as caught:
        client_for(f"http://{host}", request_retries=0).statuses(JOBS)
    assert "HTTP 200 with a body that is not JSON" in str(caught.value)


BODY = json.dumps({"count": 1, "results": [{"id": JOBS[0], "status": "CREATING"}], "x": "x" * 200_000}).encode()
COMPRESSED = {
    "gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "x-gzip": gzip.compress(BODY[:100]) + bytes(30) + gzip.compress(BODY[100:]) + bytes(3),
    "identity": BODY,
}


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_what_was_asked_for_is_decompressed(client_for: ClientFor, encoding: str) -> None:
    with raw_server(sent("200 OK", encoding, COMPRESSED[encoding])) as host:
        assert client_for(f"http://{host}", request_retries=0).statuses(JOBS)[0].status == "CREATING"
