# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of something that polls: opened by the first poll, so that a login that fails is a failed poll."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .connection import connect
from .http.clock import Clock
from .jobs.client import Client

Value = TypeVar("Value")


class LazyClient:
    """One client for all polls. It may be closed in another thread than the one that polls."""

    def __init__(self, options: Mapping[str, Any], environ: Mapping[str, str], clock: Clock) -> None:
        self._options = options
        self._environ = environ
        self._clock = clock
        self._closing = threading.Lock()
        self._closed = False
        self._client: Client | None = None

    def __enter__(self) -> LazyClient:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def opened(self, until: float | None = None) -> Client:
        """The client, logged in by the first call that can; see :func:`connect` for ``until`` and errors."""
        if self._client is None:
            client = connect(self._options, self._environ, clock=self._clock, until=until)
            with self._closing:
                self._client = client
                closed = self._closed
            if closed:
                # While it logged in.
                client.close()
        return self._client

    def close(self) -> None:
        """Close the connections, those of a login under way too."""
        with self._closing:
            self._closed = True
            client = self._client
        if client:
            client.close()

    def shown(self, value: Value, known: Iterable[str] = ()) -> Value:
        """A value for people, as :meth:`.Client.shown`. Before a login succeeded nothing of a service is in it."""
        return self._client.shown(value, known) if self._client else value

    @property
    def requests_sent(self) -> int:
        """The number of requests so far, repeated ones too."""
        return self._client.requests_sent if self._client else 0

    @property
    def logins(self) -> int:
        """The number of logins so far."""
        return self._client.logins if self._client else 0

    @property
    def about(self) -> Mapping[str, str | None] | None:
        """Where the jobs are read and by whom; None before a login succeeded."""
        return self._client.about if self._client else None

    @property
    def warnings(self) -> list[str]:
        """What the user should know about the service, each sentence once."""
        return self._client.warnings if self._client else []
