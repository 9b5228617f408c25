# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the pieces of a response are awaited: together as long as the exchange may take."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._service.http import time_limit
from ansible_collections.cutover.drs.plugins.module_utils._service.http.time_limit import (
    Exchange,
    Pieces,
    bounded,
    current,
)


class Sock:
    """Notes each time-out that it gets."""

    def __init__(self, usual: float | None) -> None:
        self.limits = [usual]

    def gettimeout(self) -> float | None:
        return self.limits[-1]

    def settimeout(self, seconds: float | None) -> None:
        self.limits.append(seconds)


class Trickle(io.RawIOBase):
    """Gives one byte after the other, each after these seconds."""

    def __init__(self, clock: SimpleNamespace, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds

    def readinto(self, buffer: memoryview) -> int:
        self._clock.now += self._seconds
        buffer[:1] = b"x"
        return 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.mark.parametrize("usual", [None, 30.0])
def test_each_piece_is_awaited_for_what_is_left_of_the_whole(clock: SimpleNamespace, usual: float | None) -> None:
    sock = Sock(usual)
    with bounded(10) as exchange:
        pieces = io.BufferedReader(Pieces(Trickle(clock, 4), sock, exchange), 1)
        with pytest.raises(TimeoutError):
            pieces.readline()
        assert exchange.expired
    # And the socket is as it was for the request that uses it next.
    assert sock.limits == [usual, 10, usual, 6, usual, 2, usual]


def test_a_shorter_time_of_the_socket_counts_too(clock: SimpleNamespace) -> None:
    sock = Sock(3)
    with bounded(10) as exchange:
        assert Pieces(Trickle(clock, 1), sock, exchange).read(1) == b"x"
    assert sock.limits == [3, 3, 3]


def test_each_thread_has_an_exchange_of_its_own() -> None:
    seen: list[Exchange] = []

    def other() -> None:
        with bounded(20):
            seen.append(current())

    with bounded(10) as exchange:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert current() is exchange
    assert [each.seconds for each in seen] == [20]
    with pytest.raises(AttributeError):
        current()
