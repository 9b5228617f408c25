# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long one HTTP exchange may take, whatever arrives meanwhile.

The time-outs of ``requests`` count from one received byte to the next, so a server that trickles could hold a
request for days. With its socket known, another thread can end it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Exchange:
    """One request under way: the socket it uses, and whether its time is up."""

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self.expired = False

    def use(self, sock: socket.socket | None) -> None:
        """Go on through this socket. Raises :class:`TimeoutError` if the time is up."""
        self.sock = sock
        if self.expired:
            # The time ran out before there was a socket to break, e.g. while it connected.
            raise TimeoutError

    def expire(self) -> None:
        """End the exchange, and with it what its thread reads or sends."""
        self.expired = True
        sock: Any = self.sock
        # TLS to a host inside of TLS to a proxy is no socket, but has one.
        while sock is not None and not isinstance(sock, socket.socket):
            sock = getattr(sock, "socket", None)
        if sock is not None:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which takes the TLS state from under the reading thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Watch:
    """Expires exchanges. One thread does so for all that are under way, and ends with the last of them.

    A timer for each would cost as much as to parse a response.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Watch nothing: so after a fork, where the thread is gone and nobody gives back the lock."""
        self._changed = threading.Condition()
        self._due: dict[Exchange, float] = {}
        self._next = 0.0
        self._watching = False

    def add(self, exchange: Exchange, seconds: float) -> None:
        """Expire it after these seconds."""
        due = time.monotonic() + seconds
        with self._changed:
            self._due[exchange] = due
            if not self._watching:
                threading.Thread(target=self._expire_all, name="drs-time-limit", daemon=True).start()
                self._watching = True
            elif due < self._next:
                self._changed.notify()

    def remove(self, exchange: Exchange) -> None:
        """Let it be: its socket may serve another request from now on."""
        with self._changed:
            self._due.pop(exchange, None)
            if not self._due:
                self._changed.notify()

    def _expire_all(self) -> None:
        with self._changed:
            try:
                while self._due:
                    exchange, self._next = min(self._due.items(), key=lambda entry: entry[1])
                    seconds = self._next - time.monotonic()
                    if seconds > 0:
                        self._changed.wait(seconds)
                    else:
                        del self._due[exchange]
                        exchange.expire()
            finally:
                self._watching = False


_watch = _Watch()
os.register_at_fork(after_in_child=_watch.begin)
_this_thread = threading.local()


@contextmanager
def bounded(seconds: float) -> Iterator[Exchange]:
    """Break the connection that this thread uses inside the block once the seconds are over.

    What was read may look complete then, as the end of the connection can be the end of an
    answer: look at ``expired`` before it is believed.
    """
    exchange = _this_thread.exchange = Exchange()
    try:
        _watch.add(exchange, seconds)
        yield exchange
    finally:
        _watch.remove(exchange)
        _this_thread.exchange = None


def use(sock: socket.socket | None) -> None:
    """Tell which socket the exchange of this thread goes through. Raises :class:`TimeoutError` if its time is up."""
    exchange = getattr(_this_thread, "exchange", None)
    if exchange is not None:
        exchange.use(sock)
