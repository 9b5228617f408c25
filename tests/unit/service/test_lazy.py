# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client that a wait and the event source open with their first poll."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._service import lazy
from ansible_collections.cutover.drs.plugins.module_utils._service.http.clock import REAL_CLOCK
from ansible_collections.cutover.drs.plugins.module_utils._service.lazy import LazyClient


class Opened:
    """What a client shows of itself."""

    requests_sent = 2
    logins = 1
    about = MappingProxyType({"region": "eu-de"})
    warnings = ("The service no longer has batch-status.",)

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Logins:
    """Stands in for the logins: an error for each that fails; ``while_it_lasts`` is called during one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[DrsError | Opened] = []
        self.until: list[float | None] = []
        self.while_it_lasts = lambda: None
        monkeypatch.setattr(lazy, "connect", self.connect)

    def connect(self, *_arguments: Any, until: float | None, **_more: Any) -> Opened:
        self.until.append(until)
        self.while_it_lasts()
        answer = self.answers.pop(0)
        if isinstance(answer, DrsError):
            raise answer
        return answer


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> Logins:
    return Logins(monkeypatch)


def test_nothing_is_sent_before_the_first_poll(logins: Logins) -> None:
    client = LazyClient({}, {}, REAL_CLOCK)
    client.close()
    assert logins.until == []
    assert (client.requests_sent, client.logins, client.about, list(client.warnings)) == (0, 0, None, [])


def test_a_login_that_fails_is_tried_again_by_the_next_poll_and_one_that_succeeds_serves_all(logins: Logins) -> None:
    opened = Opened()
    logins.answers = [DrsError(Kind.NETWORK, "No connection."), opened]
    with LazyClient({}, {}, REAL_CLOCK) as client:
        with pytest.raises(DrsError, match="No connection"):
            client.opened(10.0)
        assert client.opened(20.0) is client.opened(30.0) is opened
        assert logins.until == [10.0, 20.0]
        shown = (client.requests_sent, client.logins, client.about, client.warnings)
        assert shown == (2, 1, Opened.about, Opened.warnings)
        assert opened.closed == 0
    assert opened.closed == 1


def test_a_client_that_is_closed_during_its_login_closes_what_it_gets(logins: Logins) -> None:
    opened = Opened()
    logins.answers = [opened]
    client = LazyClient({}, {}, REAL_CLOCK)
    logins.while_it_lasts = client.close
    assert client.opened() is opened
    assert opened.closed == 1
