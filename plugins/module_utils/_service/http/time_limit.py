# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long one HTTP exchange may take, whatever arrives meanwhile.

The time-outs of ``requests`` count from one received byte to the next, so a server that trickles could hold a
request for days. Each piece of a response, of its headers too, is awaited only for as long as the whole may take.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Exchange:
    """One request under way, or one login. ``begun`` tells whether a connection was made and waits for a response."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds
        self.begun = False

    @property
    def left(self) -> float:
        """The seconds that are left; not more than 0 if the time is up."""
        return self._until - time.monotonic()

    @property
    def expired(self) -> bool:
        """Whether the time is up."""
        return self.left <= 0


class Pieces(io.RawIOBase):
    """What arrives at a socket, as long as the exchange may take. Raises :class:`TimeoutError` after that."""

    def __init__(self, raw: io.RawIOBase, sock: Any, exchange: Exchange) -> None:
        """``raw`` reads ``sock``."""
        self._raw, self._sock, self._exchange = raw, sock, exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left, usual = self._exchange.left, self._sock.gettimeout()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left if usual is None else min(left, usual))
        try:
            return self._raw.readinto(buffer)
        finally:
            # The socket may serve another request from now on.
            self._sock.settimeout(usual)

    def close(self) -> None:
        self._raw.close()
        super().close()


_this_thread = threading.local()


@contextmanager
def bounded(seconds: float) -> Iterator[Exchange]:
    """Give all that this thread sends and receives inside the block these seconds together."""
    exchange = _this_thread.exchange = Exchange(seconds)
    try:
        yield exchange
    finally:
        del _this_thread.exchange


def current() -> Exchange:
    """Return the exchange that this thread is in. Nothing is sent outside of one."""
    exchange: Exchange = _this_thread.exchange
    return exchange
