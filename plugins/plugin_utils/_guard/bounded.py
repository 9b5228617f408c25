# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store that answers in time or fails: a database or a folder that hangs must stop neither a guard nor a step."""

from __future__ import annotations

from typing import Any, Protocol, cast

from .lease import TookTooLongError, limited
from .store import Store, StoreError

# Seconds for an operation, until somebody asks for less: the first one may have to make tables.
_PATIENCE = 15.0


class BoundedStore(Store, Protocol):
    """A store with ``seconds`` for each operation; whatever the system has against one is a :class:`StoreError`."""

    seconds: float


def bounded(store: Store) -> BoundedStore:
    """Bound every operation of a store."""
    return cast(BoundedStore, _InTime(store))


class _InTime:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.name = store.name
        self.seconds = _PATIENCE

    def __getattr__(self, operation: str) -> Any:
        def in_time(*given: Any) -> Any:
            try:
                with limited(self.seconds):
                    return getattr(self._store, operation)(*given)
            except (TookTooLongError, OSError) as error:
                raise StoreError(str(error)) from None

        return in_time
