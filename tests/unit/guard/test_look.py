# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a journal from outside: a store with a clock tells at once, a file is watched for a lease at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Journal, Outcome, Process
from ansible_collections.cutover.drs.plugins.module_utils._cutover.status import Outside
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover import elsewhere as step
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.alive import this_process
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.look import look
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import Acknowledgement, BusyError, Held
from ansible_collections.cutover.drs.tests.unit.cutover.builders import LEASE, a_cutover, plan

TOKEN = "0123456789abcdef"


class OnlyRead:
    """A store that can be read; whatever else is asked of it fails the test. ``beats`` is when its owner renews."""

    name = "/j.json"

    def __init__(self, journal: Journal | None, *, age: float | None = None, beats: float | None = None) -> None:
        self.journal, self.age, self.beats = journal, age, beats
        self.watches: Callable[[float], tuple[Acknowledgement, ...]] = lambda _now: ()
        self.now = 0.0
        self.reads = 0

    def read(self) -> Held | None:
        self.reads += 1
        if self.journal is None:
            return None
        beat = 0 if self.beats is None else int(self.now / self.beats)
        return Held(journal_json.encode(self.journal, 1.0), 1, TOKEN, 1, beat, self.age)

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        return self.watches(self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def seen(self) -> Outside:
        found = look(self, now=lambda: self.now, sleep=self.sleep)  # type: ignore[arg-type]
        assert found is not None
        return found[1]


def said(by: str, beat: int, age: float | None, reason: Any = "", cutover: str = "c1") -> Acknowledgement:
    return Acknowledgement(f"{by}-token", {"cutover": cutover, "by": by, "reason": reason}, beat, age)


def test_without_a_journal_there_is_nothing_to_see() -> None:
    assert look(OnlyRead(None)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("age", "lives"), [(0.5, True), (LEASE - 0.1, True), (LEASE, False), (500.0, False)])
def test_a_store_with_a_clock_tells_at_once(age: float, lives: bool) -> None:
    store = OnlyRead(a_cutover("final").journal, age=age)
    assert (store.seen().lives, store.seen().age, store.now) == (lives, age, 0.0)


def test_of_a_file_the_next_renewal_tells_that_the_owner_lives() -> None:
    store = OnlyRead(a_cutover("final").journal, beats=2.0)
    seen = store.seen()
    assert (seen.lives, seen.age, store.now) == (True, 0.0, 2.0)


def test_of_a_file_only_a_whole_lease_tells_that_it_is_gone() -> None:
    store = OnlyRead(a_cutover("final").journal)
    seen = store.seen()
    assert (seen.lives, seen.age, store.now) == (False, LEASE, LEASE)


def test_a_process_of_this_machine_that_has_ended_saves_the_waiting() -> None:
    journal = a_cutover("final").journal
    assert journal.owner is not None
    guard = replace(this_process(), pid=2**22 + 1)
    store = OnlyRead(replace(journal, owner=replace(journal.owner, guard=guard)))
    seen = store.seen()
    assert (seen.lives, seen.age, store.now) == (False, None, 0.0)
    # A number of another machine says nothing.
    elsewhere = Process(2**22 + 1, "1", "boot 9")
    assert OnlyRead(replace(journal, owner=replace(journal.owner, guard=elsewhere)), beats=1.0).seen().lives


def test_a_cutover_that_has_ended_is_not_waited_for() -> None:
    store = OnlyRead(replace(a_cutover("final").journal, outcome=Outcome.FROZEN))
    store.watches = lambda _now: (said("ann", 1, None),)
    seen = store.seen()
    assert (seen.lives, seen.watches, store.reads, store.now) == (False, (), 1, 0.0)


def test_watches_of_this_cutover_that_live_are_told() -> None:
    store = OnlyRead(a_cutover("final").journal, age=1.0)
    store.watches = lambda _now: (
        said("ann", 1, 2.0),
        said("bob", 1, LEASE),
        said("eve", 1, 1.0, None),
        said("ida", 1, 1.0, "", "another"),
    )
    assert store.seen().watches == (("ann", ""), ("eve", None))


def test_of_a_file_only_a_watch_that_speaks_counts() -> None:
    store = OnlyRead(a_cutover("final").journal, beats=2.0)
    store.watches = lambda now: (said("ann", int(now / 3), None), said("bob", 7, None, "No route."))
    seen = store.seen()
    assert (seen.watches, store.now) == ((("ann", ""),), 6.0)


@pytest.mark.parametrize(
    ("last", "age", "asks"),
    [(None, 0.0, True), ("approach", LEASE, True), ("approach", 1.0, False), ("final", LEASE, False)],
    ids=["never begun", "lost before the freeze", "goes on", "frozen"],
)
def test_status_says_that_nothing_is_frozen_only_if_no_cutover_of_more_jobs_is(
    monkeypatch: pytest.MonkeyPatch, last: str | None, age: float, asks: bool
) -> None:
    """The other one took the jobs of a run that was lost before it froze anything, whose journal stays as it was."""
    more = replace(a_cutover("final").journal, plan=plan(jobs=("a", "b", "c")))

    class WithAnother(OnlyRead):
        def ensure_free(self) -> None:
            raise BusyError("taken", journal_json.encode(more, 1.0))

    store = WithAnother(None if last is None else a_cutover(last).journal, age=age)
    monkeypatch.setattr(step, "open_store", lambda _journal, _jobs: store)
    options = SimpleNamespace(journal="j", jobs=("a", "b"), values={"missing_journal": "ok"})
    monkeypatch.setattr(step.Elsewhere, "_options", lambda _self: options)
    status = step.Elsewhere.__new__(step.Elsewhere)
    status._folder = "/play"
    found = status.status()
    assert found.get("failed", False) == asks, found
    assert not asks or found["msg"].startswith("A cutover of a, b, c has one of these jobs, and is in the stage final")
