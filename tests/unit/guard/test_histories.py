# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of two guards and one journal: whatever is suspended, lost, unheard or dead, the promise holds.

A history is a sequence of choices: who acts next, how long nobody does, and what becomes of each operation of the
journal. While one guard is in an operation, the other one may go on for longer than a lease, as if the first had been
suspended there. All short histories are tried, but for those that reach a state seen before; long ones by hypothesis.
What is checked is what the user's tasks did, written down here without a look into any journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Move, Next, Outcome
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.protocol import (
    EnterStage,
    Judged,
    StepFailed,
    SwitchCompleted,
)
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import Held
from ansible_collections.cutover.drs.tests.unit.cutover.builders import LEASE, plan
from ansible_collections.cutover.drs.tests.unit.guard.support import Guarded, MemoryStore, Watched, World

STAGES = ("approach", "freeze", "final", "switch")
# Seconds: a third of the lease is enough for a renewal to be late, all of it for a takeover.
THIRD = LEASE / 3


class SeenError(Exception):
    """The rest of this history was tried already."""


class Choices:
    """The choices of one history: given ones first, then the first of each."""

    def __init__(self, given: Sequence[int] = ()) -> None:
        self.given = list(given)
        self.made: list[tuple[int, int]] = []

    def among(self, *ways: Any) -> Any:
        number = self.given[len(self.made)] if len(self.made) < len(self.given) else 0
        self.made.append((number, len(ways)))
        return ways[number]

    def following(self) -> Iterator[list[int]]:
        """Every history that is like this one up to a choice that was not given."""
        taken = [number for number, _ways in self.made]
        for at in range(len(self.given), len(self.made)):
            for number in range(1, self.made[at][1]):
                yield [*taken[:at], number]


class Drawn(Choices):
    """Choices of hypothesis."""

    def __init__(self, data: st.DataObject) -> None:
        super().__init__()
        self._data = data

    def among(self, *ways: Any) -> Any:
        return self._data.draw(st.sampled_from(ways))


class Run:
    """A run, its guard, and what its user's tasks do."""

    def __init__(self, history: History, pid: int) -> None:
        self.history = history
        self.pid = pid
        self.guarded: Guarded | None = None
        self.stage = 0
        self.lives = True
        self.guard_lives = True
        self.over = False
        # Whether a freeze task of this run may be at work.
        self.freezes = False
        self.sampled = True

    @property
    def name(self) -> str:
        return f"run {self.pid}"

    def begin(self) -> None:
        self.guarded = self.history.world.guard(plan=plan(STAGES, rehearses=False), pid=self.pid)
        begun = self.guarded.begun
        self.over = not (isinstance(begun, Move) and begun.next is Next.GO_ON)

    def step(self) -> None:
        """Take the next step, as the role does."""
        assert self.guarded is not None
        if self.stage == len(STAGES):
            answer = self.guarded.ask(SwitchCompleted())
            self.over = True
            if answer.next is not Next.ENDED:
                self.fails(answer.message)
            return
        stage = STAGES[self.stage]
        # The tasks of the stage before have ended.
        self.freezes = False
        wrote = len(self.history.owners)
        answer = self.guarded.ask(EnterStage(stage))
        if answer.next is Next.SAMPLE:
            self.guarded.ask(Judged("recheck", True, "", 60.0, {}))
            answer = self.guarded.ask(EnterStage(stage))
        if answer.next is not Next.GO_ON:
            self.fails(answer.message)
            return
        self.history.begins(self, stage, wrote)
        self.stage += 1
        if stage in ("approach", "final") and self.guarded.ask(Judged(stage, True, "", 1e6, {})).next is not Next.GO_ON:
            self.fails("The gate did not open.")

    def fails(self, why: str) -> None:
        assert self.guarded is not None
        self.freezes = False
        self.over = True
        self.guarded.ask(StepFailed(why or "A task failed."))

    def turn(self, seconds: float = 0.0) -> None:
        guard = None if self.guarded is None else self.guarded.guard
        if guard is not None and self.guard_lives and guard._owned is not None and not guard._over():
            self.guarded.turn(seconds)

    def dies(self) -> None:
        self.lives = False
        self.over = True
        self.freezes = False
        self.history.world.gone_runs.add(self.pid)

    def lost_with_its_machine(self) -> None:
        self.dies()
        self.guard_lives = False
        for playbook in self.history.world.playbooks:
            if self.history.starter.get(id(playbook)) == self.name:
                playbook.stopped = True


class JournalModel(MemoryStore):
    """The store of a history."""

    def __init__(self, history: History) -> None:
        super().__init__(history.world.clock)
        self._history = history

    def _done(self, operation: str, what: Callable[[], Any]) -> Any:
        self._history.before(operation)
        try:
            result = super()._done(operation, what)
        finally:
            self._history.note_owner(self.newest)
        self._history.after(operation)
        return result


class History:
    """One run and a watch, or two runs, and everything that may become of them."""

    rival: Run | None = None
    watched: Watched | None = None

    def __init__(self, patch: pytest.MonkeyPatch, choices: Choices, rival: str, faults: int) -> None:
        self.world = World(patch, Path("/play"))
        self.choices = choices
        self.faults = faults
        self.starter: dict[int, str] = {}
        self.owners: list[str] = []
        self.acts = ""
        self.suspended: set[str] = set()
        # What happened to the databases.
        self.frozen = self.switched = self.unfroze = False
        self.froze_after_unfreeze = False
        self.world.store = JournalModel(self)
        patch.setattr(self.world.left, "end", lambda _left, within: self.ends_freeze_tasks())
        start = self.world._start

        def started(*arguments: Any, **options: Any) -> Any:
            playbook = start(*arguments, **options)
            self.starter[id(playbook)] = self.acts
            assert options["check"] or not self.switched, "nothing is undone after the first switch task"
            return playbook

        patch.setattr(self.world, "_start", started)
        patch.setattr("ansible_collections.cutover.drs.plugins.plugin_utils._guard.unfreeze.start", started)
        self.run = Run(self, 10)
        self.doing(self.run.name, self.run.begin)
        if rival == "run":
            self.rival = Run(self, 20)
        else:
            self.watched = self.world.watch()

    # What a store and a machine do to them

    def before(self, operation: str) -> None:
        if operation in ("release", "acknowledge", "acknowledgements"):
            return
        self._meanwhile()
        if self.faults and operation != "read":
            fault = self.choices.among("", "refused", "unheard")
            self.faults -= bool(fault)
            self.world.store.fault = lambda _operation: fault
        else:
            self.world.store.fault = lambda _operation: ""

    def after(self, operation: str) -> None:
        if operation in ("replace", "take"):
            self._meanwhile()

    def _meanwhile(self) -> None:
        """Suspend who is in an operation of the store, and let the other one go on for longer than a lease."""
        if self.suspended or not self.faults or not self.choices.among(False, True):
            return
        self.faults -= 1
        acts, fault = self.acts, self.world.store.fault
        self.suspended.add(acts)
        for _third in range(5):
            self.world.clock.now += THIRD
            self._others_go_on(acts)
        self.suspended.discard(acts)
        self.acts, self.world.store.fault = acts, fault

    def _others_go_on(self, acts: str) -> None:
        faults, self.faults = self.faults, 0
        if acts != self.run.name:
            self.doing(self.run.name, self.run.turn)
        if self.watched is not None and acts != "watch":
            self.doing("watch", self.watch_turn)
        if self.rival is not None and acts != self.rival.name:
            if self.rival.guarded is None:
                self.doing(self.rival.name, self.rival.begin)
            elif not self.rival.over:
                self.doing(self.rival.name, self.rival.step)
            self.doing(self.rival.name, self.rival.turn)
        self.ends_unfreezes()
        self.faults = faults

    def watch_turn(self) -> None:
        assert self.watched is not None
        if self.watched.ended is None:
            self.watched.turn(0)

    def doing(self, who: str, what: Callable[[], None]) -> None:
        before, self.acts = self.acts, who
        try:
            what()
        finally:
            self.acts = before

    def note_owner(self, newest: Held | None) -> None:
        if newest is not None and (not self.owners or self.owners[-1] != newest.token):
            self.owners.append(newest.token)

    def ends_freeze_tasks(self) -> bool:
        """End the tasks of the run whose guard looks for them."""
        for run in filter(None, (self.run, self.rival)):
            run.freezes = run.freezes and run.name != self.acts
        return True

    # What the databases see

    def begins(self, run: Run, stage: str, wrote: int) -> None:
        """The tasks of a stage begin: their owner has not lost the journal before the stage began."""
        assert run.guarded is not None
        if stage in ("freeze", "switch"):
            newest = self.world.store.newest
            assert newest is not None
            assert newest.token == run.guarded.guard._token, f"{stage} begins for an owner that lost the journal"
            assert any(entry.name == stage for entry in self.world.store.journal.entries), f"{stage} is in no journal"
        if stage == "freeze":
            run.freezes = True
            self.frozen = True
        if stage == "switch":
            assert not self.unfreezes_now, "the switch begins while somebody unfreezes"
            assert not (self.unfroze and not self.frozen), "the switch begins of a source that was unfrozen"
            self.switched = True

    @property
    def unfreezes_now(self) -> list[Any]:
        return [playbook for playbook in self.world.unfreezes if playbook.runs]

    def ends_unfreezes(self) -> None:
        for playbook in self.unfreezes_now:
            playbook.says = ""
            self.unfroze = True
            # A freeze task that is still at work freezes it again.
            self.frozen = self.run.freezes or (self.rival is not None and self.rival.freezes)

    # What may happen

    def ways(self) -> dict[str, Callable[[], None]]:
        """Everything that may happen next, by name."""
        found: dict[str, Callable[[], None]] = {}
        for run in filter(None, (self.run, self.rival)):
            if run.guarded is None:
                found[f"{run.name} begins"] = lambda run=run: self.doing(run.name, run.begin)
                continue
            if run.lives and run.guard_lives and not run.over:
                found[f"{run.name} takes a step"] = lambda run=run: self.doing(run.name, run.step)
            if run.guard_lives and run.lives and self.faults and not run.over:
                found[f"{run.name} fails"] = lambda run=run: self.spend(run, lambda: run.fails("A task failed."))
                found[f"{run.name} dies"] = lambda run=run: self.spend(run, run.dies)
                lost = run.lost_with_its_machine
                found[f"{run.name} is lost with its machine"] = lambda run=run, lost=lost: self.spend(run, lost)
        found["time passes"] = self.time_passes
        return found

    def spend(self, run: Run, what: Callable[[], None]) -> None:
        self.faults -= 1
        self.doing(run.name, what)

    def time_passes(self) -> None:
        self.world.clock.now += THIRD
        for run in filter(None, (self.run, self.rival)):
            self.doing(run.name, run.turn)
        if self.watched is not None:
            self.doing("watch", self.watch_turn)
        self.ends_unfreezes()

    def goes_on_to_its_end(self) -> None:
        """Nothing more goes wrong: everybody goes on, and a person runs recover if nobody is left."""
        self.faults = 0
        for _third in range(14):
            for run in filter(None, (self.run, self.rival)):
                if run.guarded is not None and run.lives and run.guard_lives and not run.over:
                    self.doing(run.name, run.step)
            for _turn in range(4):
                self.time_passes()
        if self.watched is None and not self.switched:
            self.watched = self.world.watch("recover", wait=10 * LEASE)
            for _third in range(12):
                self.time_passes()

    def checked(self) -> None:
        """Check how it ended."""
        newest = self.world.store.newest
        if newest is None:
            assert not self.frozen
            assert not self.switched
            return
        journal = self.world.store.journal
        if self.switched:
            assert journal.switching, "the switch began, and the journal does not say so"
            return
        switch_decided = journal.switching and not journal.unfreezing
        if self.frozen and not switch_decided:
            # A guard that alone was suspended while its freeze tasks went on finds out that it was late, and says so.
            late = any("CHECK NOW THAT THE SOURCE ACCEPTS WRITES" in said for said in self.world.said)
            assert late or journal.outcome is Outcome.FROZEN, f"frozen, and nobody says so: {journal.outcome}"
        if journal.outcome is Outcome.UNFROZEN:
            assert self.unfroze
        if self.run.guarded is not None and self.frozen and switch_decided:
            # It was decided and nobody heard of it, then its guard was lost: a person has to look, as of any switch.
            assert not self.run.guard_lives or (self.rival is not None and not self.rival.guard_lives)

    def key(self) -> object:
        """What decides how this history can go on."""
        world, now = self.world, self.world.clock.now
        newest = world.store.newest
        runs = []
        for run in filter(None, (self.run, self.rival)):
            guard = run.guarded.guard if run.guarded is not None else None
            owned = guard._owned if guard is not None else None
            runs.append(
                (
                    *(run.stage, run.lives, run.guard_lives, run.over, run.freezes),
                    owned
                    and (
                        owned.lost,
                        owned._unwritten,
                        round(owned.lease.unrenewed_for(now)),
                        shown(owned.journal),
                        newest is not None and owned._held.version - newest.version,
                    ),
                    owned and (guard.busy, guard._again_at and round(guard._again_at - now), guard._finished),
                )
            )
        watch = self.watched.watch if self.watched is not None else None
        return (
            *runs,
            newest and (newest.token[:0], shown(world.store.journal), round(world.store._age("journal") or 0)),
            watch
            and (
                watch._ended,
                watch._owned is not None and shown(watch.journal),
                watch._again_at and round(watch._again_at - now),
            ),
            *(self.frozen, self.switched, self.unfroze, self.faults, len(self.unfreezes_now)),
        )


def shown(journal: Any) -> object:
    document = journal_json.encode(journal, 0.0)
    return (
        *(document["stage"], document["outcome"], document["again"], document["failed_in"], document["attempts"]),
        (document["owner"] or {}).get("role"),
        (document["owner"] or {}).get("pid"),
        tuple((stage["name"], stage["state"]) for stage in document["stages"]),
        document["evidence"] and document["evidence"]["used"],
    )


def play(history: History, steps: int, seen: set[object] | None = None) -> None:
    """Play one history to its end."""
    told: list[str] = []
    try:
        for step in range(steps):
            ways = history.ways()
            how = history.choices.among(*ways)
            told.append(how)
            ways[how]()
            fresh = len(history.choices.made) >= len(history.choices.given)
            if seen is not None and fresh:
                key = (steps - step, history.key())
                if key in seen:
                    raise SeenError
                seen.add(key)
        history.goes_on_to_its_end()
        history.checked()
    except AssertionError as error:
        said = "\n".join(history.world.said)
        pytest.fail(f"{error}\nafter\n{told}\n{history.choices.made}\n{said}\n{history.world.store.newest}")


def every_history(rival: str, steps: int, faults: int) -> tuple[int, set[str]]:
    """Try all histories of this length; return their number, and how they ended."""
    waiting: list[list[int]] = [[]]
    seen: set[object] = set()
    tried, ends = 0, set()
    while waiting:
        choices = Choices(waiting.pop())
        with pytest.MonkeyPatch.context() as patch:
            history = History(patch, choices, rival, faults)
            try:
                play(history, steps, seen)
                ends.add(end_of(history))
            except SeenError:
                pass
        tried += 1
        waiting.extend(choices.following())
    return tried, ends


def end_of(history: History) -> str:
    if history.switched:
        return "switched"
    newest = history.world.store.newest
    if newest is None:
        return "nothing"
    outcome = history.world.store.journal.outcome
    return outcome.value if outcome else "open"


@pytest.mark.parametrize(
    ("rival", "steps", "faults"),
    [
        ("watch", 5, 1),
        ("run", 5, 1),
        pytest.param("watch", 7, 3, marks=pytest.mark.thorough),
        pytest.param("run", 6, 2, marks=pytest.mark.thorough),
    ],
)
def test_every_short_history_of_two_guards_keeps_the_promise(rival: str, steps: int, faults: int) -> None:
    tried, ends = every_history(rival, steps, faults)
    # The search really went somewhere.
    assert tried > 100
    assert {"switched", "unfrozen"} <= ends


@pytest.mark.parametrize("rival", ["watch", "run"])
@given(data=st.data())
def test_a_long_history_of_two_guards_keeps_the_promise(rival: str, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        history = History(patch, Drawn(data), rival, data.draw(st.integers(0, 5)))
        play(history, data.draw(st.integers(1, 15)))
