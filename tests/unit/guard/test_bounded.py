# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that hangs, or whose system fails: it answers in time, or with a sentence."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard.bounded import BoundedStore
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import Held, LostError, StoreError

HELD = Held({}, 1, "ab" * 8, 1, 0, None)
OPERATIONS: dict[str, Callable[[BoundedStore], Any]] = {
    "read": lambda store: store.read(),
    "take": lambda store: store.take({"n": 1}, HELD.token, HELD),
    "replace": lambda store: store.replace({"n": 1}, HELD),
    "renew": lambda store: store.renew(HELD),
    "acknowledge": lambda store: store.acknowledge(HELD.token, {"n": 1}),
    "acknowledgements": lambda store: store.acknowledgements(),
    "remove": lambda store: store.remove(HELD),
    "release": lambda store: store.release(HELD),
}


class AnyStore:
    """Does the same whatever is asked."""

    name = "any"

    def __init__(self, does: Callable[[], Any]) -> None:
        self._does = does
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def do(*given: Any) -> Any:
            self.asked.append((operation, given))
            return self._does()

        return do


def bounded(does: Callable[[], Any]) -> tuple[BoundedStore, AnyStore]:
    store = AnyStore(does)
    return BoundedStore(store), store


def raises(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_handed_on_and_ends_in_time(operation: str) -> None:
    store, inner = bounded(lambda: HELD)
    OPERATIONS[operation](store)
    assert [name for name, _given in inner.asked] == [operation]
    hanging, _inner = bounded(signal.pause)
    hanging.seconds = 0.01
    with pytest.raises(StoreError, match=r"no answer within 0\.01 s"):
        OPERATIONS[operation](hanging)


def test_what_the_system_has_against_it_is_a_sentence_and_the_rest_passes() -> None:
    store, _inner = bounded(raises(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match="No space left on device"):
        store.renew(HELD)
    for error in (LostError(), ValueError("a document that is none"), StoreError("away")):
        store, _inner = bounded(raises(error))
        with pytest.raises(type(error)):
            store.renew(HELD)
