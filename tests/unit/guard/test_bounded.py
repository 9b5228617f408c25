# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that hangs, or whose system fails: it answers in time, or with a sentence."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard.bounded import BoundedStore, bounded
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import Held, LostError, StoreError

HELD = Held({}, 1, "ab" * 8, 1, 0, None)


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


def raising(error: Exception) -> BoundedStore:
    def fail() -> Any:
        raise error

    return bounded(AnyStore(fail))  # type: ignore[arg-type]


def test_an_operation_is_handed_on_and_ends_in_time() -> None:
    inner = AnyStore(lambda: HELD)
    store = bounded(inner)  # type: ignore[arg-type]
    assert (store.name, store.replace({"n": 1}, HELD), store.read()) == ("any", HELD, HELD)
    assert inner.asked == [("replace", ({"n": 1}, HELD)), ("read", ())]
    hanging = bounded(AnyStore(signal.pause))  # type: ignore[arg-type]
    hanging.seconds = 0.01
    with pytest.raises(StoreError, match=r"no answer within 0\.01 s"):
        hanging.renew(HELD)


def test_what_the_system_has_against_it_is_a_sentence_and_the_rest_passes() -> None:
    with pytest.raises(StoreError, match="No space left on device"):
        raising(OSError(28, "No space left on device")).renew(HELD)
    for error in (LostError(), ValueError("a document that is none"), StoreError("away")):
        with pytest.raises(type(error)):
            raising(error).renew(HELD)
