# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store that answers in time or fails: a database or a folder that hangs must stop neither a guard nor a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .lease import TookTooLongError, limited
from .store import Acknowledgement, Held, Store, StoreError

T = TypeVar("T")
# Seconds for an operation, until somebody asks for less: the first one may have to make tables.
_PATIENCE = 15.0


class BoundedStore:
    """Any store, with ``seconds`` for each operation; whatever the system has against one is a :class:`StoreError`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.seconds = _PATIENCE

    @property
    def name(self) -> str:
        return self._store.name

    def read(self) -> Held | None:
        return self._in_time(self._store.read)

    def ensure_free(self) -> None:
        self._in_time(self._store.ensure_free)

    def take(self, document: Mapping[str, Any], token: str, after: Held | None) -> Held:
        return self._in_time(lambda: self._store.take(document, token, after))

    def replace(self, document: Mapping[str, Any], after: Held) -> Held:
        return self._in_time(lambda: self._store.replace(document, after))

    def renew(self, held: Held) -> Held:
        return self._in_time(lambda: self._store.renew(held))

    def acknowledge(self, token: str, document: Mapping[str, Any]) -> None:
        self._in_time(lambda: self._store.acknowledge(token, document))

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        return self._in_time(self._store.acknowledgements)

    def remove(self, held: Held) -> None:
        self._in_time(lambda: self._store.remove(held))

    def release(self, held: Held) -> None:
        self._in_time(lambda: self._store.release(held))

    def _in_time(self, operation: Callable[[], T]) -> T:
        try:
            with limited(self.seconds):
                return operation()
        except (TookTooLongError, OSError) as error:
            raise StoreError(str(error)) from None
