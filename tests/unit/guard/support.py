# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard in this process: its journal is in memory, its ansible-playbook a stand-in, its clock one that is set."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Journal, Move, Next, Plan
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import (
    acting,
    alive,
    owned,
    process,
    protocol,
    unfreeze,
)
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import watch as watching
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.acting import Acting
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.protocol import (
    Answer,
    EnterStage,
    Judged,
    Request,
    Start,
)
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import (
    Acknowledgement,
    Held,
    LostError,
    StoreError,
)
from ansible_collections.cutover.drs.tests.unit.cutover.builders import plan

WENT = "the network is away"
# Where the journal of a test's world is.
on_a_file = pytest.mark.parametrize("world", [False], ids=["file"], indirect=True)
everywhere = pytest.mark.parametrize("world", [True, False], ids=["database", "file"], indirect=True)


class Clock:
    """Seconds since boot of a machine that does not sleep."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class MemoryStore:
    """A journal that compares and sets, in memory. ``fault`` says of each operation what becomes of it.

    ``refused``: nothing took place. ``unheard``: it took place, and nobody hears of it. Empty: it went well.
    """

    name = "memory"
    # Of a bounded store: this one never hangs.
    seconds = 0.0

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """``clock`` is that of a database; without it nobody but a patient observer knows who lives."""
        self.newest: Held | None = None
        self.told: dict[str, Acknowledgement] = {}
        self.fault: Callable[[str], str] = lambda operation: ""
        self._clock = clock
        self._touched: dict[str, float] = {}

    def read(self) -> Held | None:
        return self._done("read", self._read)

    def ensure_free(self) -> None:
        self._done("ensure_free", lambda: None)

    def take(self, document: Mapping[str, Any], token: str, after: Held | None) -> Held:

        def take() -> Held:
            newest = self.newest
            # Nothing has happened since, not even a renewal.
            seen, found = ((held and (held.version, held.token, held.beat)) for held in (after, newest))
            if seen != found:
                raise LostError
            epoch = 1 if newest is None else newest.epoch + 1
            return self._set(Held(plain(document), 1 if newest is None else newest.version + 1, token, epoch, 0, None))

        return self._done("take", take)

    def replace(self, document: Mapping[str, Any], after: Held) -> Held:

        def write() -> Held:
            if self.newest is None or not self.same_version(self.newest, after):
                raise LostError
            return self._set(replace(self.newest, document=plain(document), version=self.newest.version + 1))

        return self._done("replace", write)

    def renew(self, held: Held) -> Held:
        def beat() -> Held:
            if self.newest is None or self.newest.token != held.token:
                raise LostError
            self._set(replace(self.newest, beat=self.newest.beat + 1))
            # As a database: the version is still the one that its owner knows.
            return replace(held, beat=self.newest.beat + 1)

        return self._done("renew", beat)

    def same_version(self, newest: Held, after: Held) -> bool:
        """Whether ``after`` is the newest version, and its owner still owns it."""
        return (newest.version, newest.token) == (after.version, after.token)

    def acknowledge(self, token: str, document: Mapping[str, Any]) -> None:
        def tell() -> None:
            beat = self.told[token].beat + 1 if token in self.told else 1
            self._touch(token)
            self.told[token] = Acknowledgement(token, plain(document), beat, None)

        self._done("acknowledge", tell)

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        return self._done(
            "acknowledgements", lambda: tuple(replace(each, age=self._age(each.token)) for each in self.told.values())
        )

    def remove(self, held: Held) -> None:
        def remove() -> None:
            if self.newest is None or not self.same_version(self.newest, held):
                raise LostError
            self.newest = None

        self._done("remove", remove)

    def release(self, held: Held) -> None:
        self._done("release", lambda: None)

    @property
    def journal(self) -> Journal:
        """The newest version as a journal."""
        assert self.newest is not None
        return journal_json.decode(self.newest.document)

    def _read(self) -> Held | None:
        return None if self.newest is None else replace(self.newest, age=self._age("journal"))

    def _set(self, held: Held) -> Held:
        self._touch("journal")
        self.newest = held
        return replace(held, age=self._age("journal"))

    def _touch(self, what: str) -> None:
        if self._clock is not None:
            self._touched[what] = self._clock()

    def _age(self, what: str) -> float | None:
        return None if self._clock is None else self._clock() - self._touched[what]

    def _done(self, operation: str, what: Callable[[], Any]) -> Any:
        fault = self.fault(operation)
        if fault == "refused":
            raise StoreError(WENT)
        result = what()
        if fault == "unheard":
            raise StoreError(WENT)
        return result


def plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they come out of any store."""
    return dict(json.loads(json.dumps(document)))


class Playbook:
    """Stands for an ansible-playbook that unfreezes, or rehearses it."""

    def __init__(self, tasks: str, keep: Mapping[str, Any], *, check: bool) -> None:
        self.tasks = tasks
        self.keep = dict(keep)
        self.check = check
        self.says: str | None = None
        self.stopped = False

    def ended(self) -> str | None:
        """As of :class:`unfreeze.Playbook`."""
        return self.says

    def stop(self) -> None:
        self.stopped = True

    @property
    def runs(self) -> bool:
        """Whether it could still act."""
        return self.says is None and not self.stopped


class Leftovers:
    """Stands for what is left of a stage's tasks. ``alive`` says for how many looks they stay."""

    alive = 0
    elsewhere = False
    asked: tuple[tuple[str, str, bytes], ...] = ()

    def __init__(self, cutover: str, stage: str, forks: bytes = b"") -> None:
        type(self).asked = (*self.asked, (cutover, stage, forks))

    def end(self, within: float) -> bool:
        return not self.any()

    def any(self) -> bool:
        found = type(self).alive > 0
        type(self).alive -= found
        return found


class World:
    """Everything around guards: a clock, a store, the run, and what they start and say."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, *, database: bool = True) -> None:
        self.clock = Clock()
        self.database = database
        self.store = MemoryStore(self.clock if database else None)
        self.folder = folder
        self.playbooks: list[Playbook] = []
        self.said: list[str] = []
        self.gone_runs: set[int] = set()
        self.gone_guards: set[int] = set()
        self.cannot_start = False
        self._turns = 0
        self.left = type("OfThisTest", (Leftovers,), {})
        for module in (process, acting, owned, watching, unfreeze):
            patch.setattr(module, "since_boot", self.clock)
        patch.setattr(process.time, "sleep", self.clock.sleep)
        patch.setattr(process.lock, "JobsLock", NoLock)
        patch.setattr(acting, "Turn", FreeTurn)
        patch.setattr(unfreeze, "start", self._start)
        patch.setattr(acting, "Leftovers", self.left)
        patch.setattr(acting.Acting, "log", lambda _guard, text: self.said.append(text))
        patch.setattr(alive, "started", lambda pid: f"{pid} started")
        patch.setattr(alive, "forks_of", lambda pid: f"ansible-playbook {pid}".encode())
        patch.setattr(alive, "run_is_gone", lambda pid, _started: pid in self.gone_runs)
        patch.setattr(alive, "gone", lambda guard: guard.pid in self.gone_guards)

    def passes(self, seconds: float) -> None:
        """Let time pass; not for ever."""
        self.clock.now += seconds
        self._turns += 1
        assert self._turns < 10_000, "it does not end"

    def _start(self, _handover: Any, tasks: str, journal: Journal, *, check: bool, **_more: Any) -> Playbook:
        if self.cannot_start:
            raise OSError(2, "No such file or directory")
        self.playbooks.append(Playbook(tasks, journal.keep, check=check))
        return self.playbooks[-1]

    @property
    def unfreezes(self) -> list[Playbook]:
        return [playbook for playbook in self.playbooks if not playbook.check]

    @property
    def rehearsals(self) -> list[Playbook]:
        return [playbook for playbook in self.playbooks if playbook.check]

    def start(self, role: str = "run", pid: int = 10, **told: Any) -> Start:
        intended: Plan = told.pop("plan", None) or plan()
        handover = {"options": [], "folder": "/play", "config": "", "play": {}, "block": {}, "variables": {}}
        return Start(
            role=role,
            journal=told.pop("journal", "sqlite:///journal"),
            jobs=list(intended.jobs),
            host="db1",
            user="ann",
            machine="here",
            pid=pid,
            terminal=None,
            log=str(self.folder / "guard.log"),
            handover=handover,
            plan=journal_json.encode_value(intended) if role == "run" else None,
            unfreeze_tasks=told.pop("unfreeze_tasks", "unfreeze.yml"),
            **told,
        )

    def guard(self, **told: Any) -> Guarded:
        return Guarded(self, self.start(**told))

    def watch(self, role: str = "watch", **told: Any) -> Watched:
        return Watched(self, self.start(role, pid=30, wait=told.pop("wait", 86400.0), **told))


class NoLock:
    """A lock that is free: of another machine, or another pid namespace."""

    def __init__(self, jobs: object) -> None:
        self.jobs = jobs

    def take(self, about: object) -> None:
        return None

    def release(self) -> None:
        return None


class FreeTurn:
    """A machine on which nobody else rehearses."""

    def take(self) -> bool:
        return True

    def give(self) -> None:
        return None


class Silence:
    """A listener to whom nobody speaks: time passes, and a test of a loop that does not end is ended."""

    def __init__(self, clock: Clock, turns: int = 2000) -> None:
        self._clock = clock
        self._turns = turns

    def settimeout(self, seconds: float) -> None:
        self._seconds = seconds

    def accept(self) -> Any:
        self._turns -= 1
        if not self._turns:
            raise KeyboardInterrupt("it does not end")
        self._clock.now += self._seconds
        raise TimeoutError


class Served:
    """What is served turn by turn."""

    def __init__(self, world: World, served: Acting) -> None:
        self.world = world
        self._served = served

    def turn(self, seconds: float = 0.25) -> Any:
        self.world.passes(seconds)
        self._served.turn()
        return self

    def turns(self, seconds: float) -> Any:
        """Let it work for so long."""
        end = self.world.clock.now + seconds
        while self.world.clock.now < end:
            self.turn()
        return self


class Guarded(Served):
    """A guard of a run, and how a step talks to it."""

    def __init__(self, world: World, start: Start) -> None:
        self.guard = process.RunGuard(start, world.store, world.folder)
        super().__init__(world, self.guard)
        self.begun = self.guard.begin()
        if isinstance(self.begun, Move) and self.begun.next is Next.GO_ON and self.guard.journal.plan.rehearses:
            # As serve() does first.
            self.guard.rehearse(self.guard.journal)
            self.guard.note_rehearsal()
            self.rehearsal = world.playbooks[-1]

    def ask(self, request: Request, late: float = 0.0) -> Answer:
        """Ask by the protocol, as a step on the same machine does; ``late`` seconds after it gave up."""
        line = protocol.encode(request, until=self.world.clock.now + 20.0)
        here, there = socket.socketpair()
        with here:
            here.settimeout(10)
            here.sendall(line)
            if late:
                self.world.clock.now += 20.0 + late
            self.guard.hear(Listener(there))  # type: ignore[arg-type]
            said = here.recv(1 << 22)
        return protocol.decode_answer(said) if said else Answer(Next.REFUSED, "no answer")

    def enter(self, stage: str, **more: Any) -> Answer:
        return self.ask(EnterStage(stage, **more))

    def judged(self, gate: str, ready: bool = True) -> Answer:
        return self.ask(Judged(gate, ready, "" if ready else "Delay 9 s.", 60.0, {"verdict": "ready"}))

    def until(self, last: str) -> Guarded:
        """Go on to this stage, with a rehearsal that succeeds, and each gate ready."""
        if self.guard.journal.rehearsal is None:
            self.rehearsal.says = ""
            self.turn()
        stages = self.guard.journal.plan.stages
        for stage in stages[: stages.index(last) + 1]:
            answer = self.enter(stage)
            if answer.next is Next.SAMPLE:
                self.judged("recheck")
                answer = self.enter(stage)
            assert answer.next is Next.GO_ON, answer.message
            if stage in ("approach", "final") and stage != last:
                self.judged(stage)
        return self

    @property
    def journal(self) -> Journal:
        """What the guard believes."""
        return self.guard.journal


class Listener:
    """Gives one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def accept(self) -> tuple[socket.socket, None]:
        return self._connection, None


class Watched(Served):
    """A watch, or recover."""

    def __init__(self, world: World, start: Start) -> None:
        self.watch = watching.Watch(start, world.store, world.folder)
        super().__init__(world, self.watch)

    @property
    def ended(self) -> tuple[Next, str] | None:
        return self.watch._ended

    @property
    def lines(self) -> list[str]:
        """What it said: the kind of each line and its text."""
        return [line.split(" ", 3)[3] for line in self.watch._lines]
