# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file and a database both promise: who wins, who is lost, and what is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import Acknowledgement, Held, LostError, Store

A, B, C = (letter * 16 for letter in "abc")
DOCUMENT = {"n": 1, "lease": 1000, "outcome": None, "frozen_since": None}


def shown(held: Held | None) -> Held | None:
    """Without the age, which only a database knows."""
    return held and replace(held, age=None)


def test_versions_epochs_and_beats_rise(any_store: Store) -> None:
    assert any_store.read() is None
    first = any_store.take(DOCUMENT, A, None)
    assert shown(first) == Held(DOCUMENT, 1, A, 1, 0, None)
    changed = {**DOCUMENT, "n": "zwei ü \U0001f512"}
    second = any_store.renew(any_store.replace(changed, first))
    assert shown(second) == shown(any_store.read()) == Held(changed, 2, A, 1, 1, None)
    third = any_store.take(DOCUMENT, B, second)
    assert (third.document, third.version, third.token, third.epoch) == (DOCUMENT, 3, B, 2)
    assert shown(third) == shown(any_store.read())


def test_an_owner_that_lost_the_journal_can_do_nothing(any_store: Store) -> None:
    old = any_store.take(DOCUMENT, A, None)
    new = any_store.take(DOCUMENT, B, old)
    for attempt in (lambda: any_store.replace({}, old), lambda: any_store.renew(old), lambda: any_store.remove(old)):
        with pytest.raises(LostError):
            attempt()
    any_store.release(old)
    assert shown(any_store.read()) == shown(new)


def test_a_version_has_one_successor(any_store: Store) -> None:
    held = any_store.take(DOCUMENT, A, None)
    any_store.replace({**DOCUMENT, "n": 2}, held)
    with pytest.raises(LostError):
        any_store.replace({**DOCUMENT, "n": 3}, held)


def test_the_same_write_twice_is_one(any_store: Store) -> None:
    """After an error that came although the write took place, the owner may write the same again."""
    held = any_store.take(DOCUMENT, A, None)
    changed = {**DOCUMENT, "n": 2}
    once, twice = any_store.replace(changed, held), any_store.replace(changed, held)
    assert once == twice
    assert shown(once) == shown(any_store.read())


def test_who_has_seen_an_old_beat_or_no_version_takes_nothing(any_store: Store) -> None:
    seen = any_store.take(DOCUMENT, A, None)
    any_store.renew(seen)
    for after in (None, seen):
        with pytest.raises(LostError):
            any_store.take(DOCUMENT, B, after)
    assert any_store.renew(seen)


def test_a_journal_that_is_removed_is_gone_and_its_numbers_go_on(any_store: Store) -> None:
    any_store.remove(any_store.renew(any_store.take(DOCUMENT, A, None)))
    assert any_store.read() is None
    again = any_store.take(DOCUMENT, B, None)
    assert (again.version, again.epoch) == (3, 2)


def test_watches_say_again_and_again_that_they_live(any_store: Store) -> None:
    for token, host in ((C, "h"), (C, "h"), (B, "g")):
        any_store.acknowledge(token, {"host": host})
    assert any_store.read() is None
    said = [replace(watch, age=None) for watch in any_store.acknowledgements()]
    assert said == [Acknowledgement(B, {"host": "g"}, 1, None), Acknowledgement(C, {"host": "h"}, 2, None)]
    any_store.release(any_store.take(DOCUMENT, A, None))
    assert any_store.acknowledgements() == ()
