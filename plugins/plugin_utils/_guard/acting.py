# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every guard does, wherever it runs: keep the journal that it owns, rehearse the unfreeze, and unfreeze."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from ...module_utils._cutover import journal_json, wording
from ...module_utils._cutover.decide import (
    AGAIN_AFTER,
    Rehearsed,
    UnfreezeFailed,
    Unfrozen,
    advance,
    rest,
    unfreeze_again,
)
from ...module_utils._cutover.journal import Journal, Move, Next, Owner, Role
from ...module_utils._job.text import iso, printable
from . import alive, protocol, unfreeze
from .alive import Leftovers, this_process
from .bounded import BoundedStore
from .kept import Kept
from .lease import Lease, since_boot
from .lock import Turn
from .owned import OwnedJournal
from .protocol import Answer, Handover, Request, Start
from .store import Held

# Seconds between two looks at what the kernel does not tell at once, and at the clock.
TICK = 0.25
# Seconds in which what is left of a stage must have ended, before the unfreeze begins all the same.
_LEFTOVERS_END = 5.0
# Seconds for which a run that lives is looked at for freeze tasks that it still starts.
_SETTLES = 30.0
# Its failures are reported at the first and at every tenth.
_EACH = 10


class Acting:
    """A guard's hands: the journal that it owns, and the ``ansible-playbook`` that it runs."""

    def __init__(self, start: Start, store: BoundedStore, folder: Path) -> None:
        self.start = start
        self.folder = folder
        self.handover = Handover(**start.handover)
        self.warnings: list[str] = []
        self.acted = False
        # When the sender of the request that is answered gives up.
        self.until = float("inf")
        self._epoch = time.time() - since_boot()
        self._began = since_boot()
        self._run_started = alive.started(start.pid)
        self._store = store
        self._token = token_hex(16)
        # None until it takes one.
        self._owned: OwnedJournal | None = None
        self._rehearsal: unfreeze.Playbook | None = None
        self._to_rehearse: tuple[str, Journal] | None = None
        self._turn_to_rehearse = Turn()
        self._kept = Kept([], folder)
        self._child: unfreeze.Playbook | None = None
        self._again_at: float | None = None
        self._leftovers: Leftovers | None = None
        self._settled_at = 0.0
        self._acted_again = False

    def serve(self, listener: socket.socket) -> None:
        """Answer steps and do what is due, until that was all."""
        self._keep_temporary()
        listener.settimeout(TICK)
        while True:
            try:
                self.hear(listener)
                if self.turn():
                    break
            except Exception as error:
                # Whatever it is: a source may be frozen, and nobody else would unfreeze it.
                self.log(f"The guard goes on after an error of its own: {error!r}")
                time.sleep(TICK)

    def hear(self, listener: socket.socket) -> None:
        """Answer one request if there is one, unless its sender has given up."""
        try:
            connection, _address = listener.accept()
        except TimeoutError:
            return
        except OSError as error:
            # The request stays, and must not keep this guard from what is due.
            self.log(f"A request could not be accepted: {error!r}")
            time.sleep(TICK)
            return
        with connection:
            connection.settimeout(5)
            try:
                request, self.until = protocol.decode_request(protocol.received(connection))
                if since_boot() < self.until:
                    connection.sendall(protocol.encode(self.answered(request)))
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.log(f"A request could not be answered: {error!r}")

    def turn(self) -> bool:
        """Do what is due; whether that was all."""
        raise NotImplementedError

    def answered(self, request: Request) -> Answer:
        """Obey a request and return what its step does next."""
        raise NotImplementedError

    def now(self) -> float:
        """Return epoch seconds, on a clock that goes on: one that is set back changes no outage."""
        return self._epoch + since_boot()

    @property
    def owner(self) -> Owner:
        """Who owns what this guard takes."""
        start = self.start
        return Owner(Role(start.role), self._token, start.host, start.user, start.machine, start.pid, this_process())

    def take(self, journal: Journal, earlier: Held | None) -> None:
        """Make this journal the next one after that which was found, and own it. Raises what a store raises."""
        began = since_boot()
        held = self._store.take(journal_json.encode(journal, self.now()), self._token, earlier)
        self._owned = OwnedJournal(self._store, held, journal, Lease(journal.plan.lease, began), now=self.now)

    @property
    def owned(self) -> OwnedJournal:
        """The journal that this guard has taken, and all that it knows of it."""
        if self._owned is None:
            raise LookupError("no journal is owned")
        return self._owned

    @property
    def journal(self) -> Journal:
        """What the journal says that this guard owns."""
        return self.owned.journal

    def renew(self) -> None:
        """Renew the lease of the journal, if it is time."""
        if problem := self.owned.renew():
            self.log(f"The lease could not be renewed: {problem}.")

    @property
    def caller_is_gone(self) -> bool:
        """Whether the process is gone that started this guard."""
        return alive.run_is_gone(self.start.pid, self._run_started)

    @property
    def busy(self) -> bool:
        """Whether this guard is unfreezing, attempts that failed and rests between them included."""
        return not self.owned.lost and self.journal.unfreezing and self.journal.outcome is None

    @property
    def waits_after_failure(self) -> bool:
        """Whether the last attempt to unfreeze failed, and the next one has not begun."""
        return self._child is None and self._again_at is not None and bool(self.journal.unfreeze_failure)

    def tasks(self, journal: Journal) -> str:
        """Return the path of the unfreeze tasks: relative to the playbook's folder, for another machine has another one."""
        return str(Path(self.handover.folder) / journal.plan.unfreeze_tasks)

    def rehearse(self, journal: Journal) -> None:
        """Run the unfreeze tasks in check mode, as they would run, as soon as the machine has a turn for it."""
        self._to_rehearse = (self.tasks(journal), journal)

    def rehearsed(self) -> str | None:
        """Go on with the rehearsal; None while it runs, or if there is none, then why it failed, empty if it did not."""
        said = None
        if self._to_rehearse is not None and self._turn_to_rehearse.take():
            self.log("Rehearse the unfreeze in check mode.")
            tasks, journal = self._to_rehearse
            self._to_rehearse = None
            try:
                self._rehearsal = self._started(tasks, journal, check=True)
            except (OSError, ValueError) as error:
                said = f"ansible-playbook could not be started: {error}"
        if self._rehearsal is not None:
            said = self._rehearsal.ended()
        if said is not None:
            self._rehearsal = None
            self._turn_to_rehearse.give()
            self.log(f"The rehearsal failed: {said}" if said else "The rehearsal succeeded.")
        return said

    def _started(self, tasks: str, journal: Journal, *, check: bool) -> unfreeze.Playbook:
        if missing := self._kept.put_back():
            self.log(f"Removed meanwhile, and put back for the unfreeze: {', '.join(map(str, missing))}")
        timeout = self.start.unfreeze_timeout
        return unfreeze.start(self.handover, tasks, journal, folder=self.folder, timeout=timeout, check=check)

    def _keep_temporary(self) -> None:
        try:
            self._kept = Kept(self.handover.temporary, self.folder)
        except OSError as error:
            where = ", ".join(self.handover.temporary)
            self.warn(f"The unfreeze needs {where}, in a temporary folder, and no copy could be kept: {error}")

    def put_away(self) -> None:
        """End a rehearsal that is not needed any more, and remove what was put back for the unfreeze."""
        self.stop_rehearsal()
        self._kept.remove_again()

    def end_leftovers(self, stages: tuple[str, ...], forks: bytes, *, run_lives: bool) -> bool:
        """End what is left of a stage's tasks on this machine; whether they may still act, here or elsewhere."""
        plan, acting = self.journal.plan, not self.start.local
        for stage in stages:
            leftovers = Leftovers(plan.cutover, stage, forks)
            ended = leftovers.end(_LEFTOVERS_END)
            acting = acting or not ended or leftovers.elsewhere
            if run_lives or not ended:
                # It may start the next task of that stage.
                self._leftovers, self._settled_at = leftovers, since_boot() + _SETTLES
        return acting

    def stage_is_over(self) -> None:
        """Note that nothing of the stage that was ended can act any more."""
        self._leftovers = None

    def do(self, move: Move) -> None:
        """Write a journal, and do what it asks of a guard. That it cannot be written keeps nobody from unfreezing."""
        if move.journal == self.journal:
            return
        self.write(move.journal)
        if not self.owned.lost:
            self.act(move)

    def write(self, journal: Journal) -> None:
        """Write a journal, and believe it even if that failed: what it says has happened."""
        if (problem := self.owned.keep(journal)) and not self.owned.lost:
            self.warn(f"The journal could not be written ({problem}).")
            self.owned.believe(journal)

    def act(self, move: Move) -> None:
        """Do what a journal that is written asks of a guard."""
        self.acted = True
        if move.next is Next.UNFREEZE:
            self._unfreeze()
        elif move.next is Next.ENDED and (ended := wording.told_by_guard(self.journal)):
            self.say(ended)

    def _unfreeze(self) -> None:
        journal = self.journal
        who = journal.entries[-1].by.words.capitalize()
        self.say(f"{journal.failure} {who} unfreezes the source now (attempt {journal.attempts}).")
        self._again_at, self._acted_again = None, False
        self.stop_rehearsal()
        try:
            self._child = self._started(self.tasks(journal), journal, check=False)
        except Exception as error:
            # Whatever it is: it is reported, and the next attempt is made after a rest, and not for ever.
            self._failed(f"ansible-playbook could not be started: {error}")

    def look_after_unfreeze(self) -> None:
        """Find out how the unfreeze goes, and try it again when it is time."""
        if self.owned.lost:
            self._let_go()
            return
        if self._leftovers is not None and self._leftovers.any():
            self._acted_again = True
        journal = self.journal
        due = self._again_at is not None and since_boot() >= self._again_at
        # Whatever has kept an attempt from being made.
        idle = self.busy and self._child is None and self._again_at is None
        if due or idle:
            self._again_at = None
            self.do(unfreeze_again(journal, self.now()))
        said = self._child.ended() if self._child is not None else None
        if said:
            self._child = None
            self._failed(said)
        elif said == "" and self._settled():
            self._child = None
            move = advance(self.journal, Unfrozen(self.now(), self._acted_again))
            self.do(move)
            if move.next is Next.WAIT:
                self.say("Freeze tasks may have acted until now, so the unfreeze is run once more.")
                self._again_at = since_boot() + (0.0 if self._acted_again else AGAIN_AFTER)

    def _settled(self) -> bool:
        """Tell whether freeze tasks of a run that lives cannot act any more."""
        return self._leftovers is None or since_boot() >= self._settled_at or self.journal.failed_in != "freeze"

    def _failed(self, reason: str) -> None:
        self.do(advance(self.journal, UnfreezeFailed(self.now(), reason)))
        journal = self.journal
        if journal.outcome is None:
            pause = rest(journal.attempts)
            if journal.attempts == 1 or not journal.attempts % _EACH:
                self.say(f"THE SOURCE MAY STILL BE FROZEN: {reason} The next attempt is in {pause:g} s.")
            self._again_at = since_boot() + pause

    def _let_go(self) -> None:
        """Another owner acts now: nothing of this guard may."""
        self.stop_rehearsal()
        if self._child is not None:
            self._child.stop()
        self._child = self._again_at = None
        if self._leftovers is not None:
            self._leftovers.any()

    def stop_rehearsal(self) -> None:
        """End a rehearsal of which nobody wants to know any more."""
        if self._rehearsal is not None:
            self._rehearsal.stop()
        self._rehearsal = self._to_rehearse = None
        self._turn_to_rehearse.give()

    def note_rehearsal(self) -> None:
        """Write down how the rehearsal of this owner ended, if it has."""
        said = self.rehearsed()
        if said is not None:
            self.write(advance(self.journal, Rehearsed(self.now(), said)).journal)

    def warn(self, text: str) -> None:
        """Note what people should know at the end, once."""
        if text not in self.warnings:
            self.warnings.append(text)
            self.log(text)

    def say(self, text: str) -> None:
        """Tell people: in the log and, if it still exists, on the terminal of the run."""
        self.log(text)
        terminal = self.start.terminal
        if terminal:
            with suppress(OSError), open(terminal, "w", opener=_without_control, encoding="utf-8") as screen:
                screen.write(f"\r\ndrs_cutover guard: {printable(text)}\r\n")

    def log(self, text: str) -> None:
        """Write a line to the log, which is standard output. A full disk, or a text that cannot be encoded, ends nothing."""
        with suppress(OSError):
            os.write(1, f"{iso(time.time())} {printable(text)}\n".encode())


def _without_control(path: str, flags: int) -> int:
    return os.open(path, flags & ~(os.O_CREAT | os.O_TRUNC) | os.O_NOCTTY | os.O_NONBLOCK)
