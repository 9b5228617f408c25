# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``watch`` and ``recover``: a guard elsewhere, which takes over a frozen source when its owner's lease has run out."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path

from ...module_utils._cutover import journal_json, wording
from ...module_utils._cutover.decide import busy, take_over, unfrozen_under_the_freeze
from ...module_utils._cutover.journal import Journal, Next, Outcome
from ...module_utils._cutover.stages import has_user_tasks
from ...module_utils._job.text import duration, iso, printable
from .. import _files
from . import alive, protocol, unfreeze
from .acting import Acting
from .bounded import BoundedStore
from .lease import Observer, pace, since_boot
from .look import of_more_jobs
from .protocol import Answer, Start
from .store import LARGEST, BusyError, Held, LostError, StoreError, is_database, unusable

# Seconds for each question to the journal.
_PATIENCE = 5.0
# Lines that are kept for the step that shows them.
_LONGEST = 2000
# Lines of what it sees, which may change at each look.
_OF_LOOKS = ("ALIVE", "WAIT", "UNREADABLE")
# Seconds between two lines of a watch that has nothing new to say.
_HEARTBEAT = 300.0


class Watch(Acting):
    """A guard of a cutover that another machine runs, or ran."""

    def __init__(self, start: Start, store: BoundedStore, folder: Path) -> None:
        super().__init__(start, store, folder)
        store.seconds = _PATIENCE
        self._observer = Observer()
        # Since when the journal can be read; before a first failure, ever since.
        self._readable_since: float | None = float("-inf")
        self._lines: list[str] = []
        self._shown = ""
        self._spoke = 0.0
        self._of = ""
        self._reason: str | None = None
        self._acknowledged = 0.0
        # Why the last acknowledgement could not be written.
        self._unwritten = ""
        self._followed = False
        self._ended: tuple[Next, str] | None = None
        self._last: Journal | None = None
        # Whether whoever started this has heard how it ended.
        self._told = False

    @property
    def _watches(self) -> bool:
        return self.start.role == "watch"

    def run(self, listener: socket.socket) -> None:
        """Watch until the cutover has ended, time is up, or whoever started this is gone."""
        self.serve(listener)
        self.put_away()
        if self._owned is not None and not self._owned.lost and self.journal.outcome is not None:
            self._owned.release()

    def turn(self) -> bool:
        gone = self.caller_is_gone
        if self._owned is not None:
            self.renew()
            self.look_after_unfreeze()
            if self._owned.lost:
                self._owned = None
            elif self.journal.outcome is not None:
                self._end_as(self.journal)
                return gone or self._told
            # Whoever ended a recover may have corrected it, and this one must not block the next.
            return gone and self.start.role == "recover" and self.waits_after_failure
        if self._ended is None:
            self._observe()
        return gone or (self._ended is not None and self._told)

    def _end_as(self, journal: Journal) -> None:
        self._last = journal
        bad = journal.outcome in (Outcome.FROZEN, Outcome.SWITCH_FAILED)
        if self._ended is None:
            self._end(Next.REFUSED if bad else Next.ENDED, wording.reason(journal))

    def _end(self, how: Next, message: str) -> None:
        self._ended = (how, message)
        self._line("END", message)

    def answered(self, request: protocol.Request) -> Answer:
        first = request.line if isinstance(request, protocol.Look) else 0
        how, message = self._ended or (Next.WAIT, "")
        journal = None if self._last is None else journal_json.encode(self._last, self.now())
        self._told = self._ended is not None
        return Answer(how, message, journal, lines=self._lines[first:], log=self.start.log, warnings=self.warnings)

    # What it sees

    def _observe(self) -> None:
        try:
            held = self._store.read()
            journal = None if held is None else journal_json.decode(held.document)
        except (StoreError, ValueError) as error:
            self._readable_since = None
            self._line("UNREADABLE", unusable(self._store.name, "read", error))
            if not self._watches:
                self._end(Next.REFUSED, unusable(self._store.name, "read", error))
            self._out_of_time("nobody could read the journal")
            return
        self._last = journal
        if held is None or journal is None:
            self._none()
            return
        # Without jobs whatever the journal is of is meant.
        if self.start.jobs and (other := wording.of_other_jobs(journal, self.start.jobs, looks=True)):
            self._end(Next.REFUSED, other)
            return
        now = since_boot()
        # An owner that could not reach the journal either has a lease's time to say that it lives, or has unfrozen.
        self._readable_since = now if self._readable_since is None else self._readable_since
        renewed = self._observer.rose(held)
        age = min(self._observer.age(held, now), now - self._readable_since)
        gone = journal.owner is not None and alive.gone(journal.owner.guard)
        # What this one took without hearing of it has no other owner.
        lives = age < journal.plan.lease and not gone and held.token != self._token
        if journal.outcome is not None or not lives:
            self._without_owner(held, journal)
        else:
            self._follow(journal, age, renewed)

    def _none(self) -> None:
        if not self._watches:
            self._end_if_free("No cutover of these jobs has begun.")
            return
        # It may be a folder that is not mounted for a while.
        self._readable_since = None
        self._line("WAIT", f"No cutover of these jobs has begun ({self._store.name}).")
        self._out_of_time("no cutover of these jobs began")

    def _end_if_free(self, message: str) -> None:
        """End, unless one of the jobs is part of another cutover, of more jobs, that goes on or is frozen."""
        try:
            self._store.ensure_free()
        except BusyError as error:
            self._end(Next.REFUSED, of_more_jobs(error))
        except StoreError as error:
            self._end(Next.REFUSED, unusable(self._store.name, "read", error))
        else:
            self._end(Next.ENDED, message)

    def _follow(self, journal: Journal, age: float, renewed: bool) -> None:
        """Look on while the owner lives. Only its next sign of life ends that: if none comes, its lease runs out."""
        self._followed = True
        self._line(
            "ALIVE",
            f"owner={journal.owner} stage={journal.stage} lease={age:.0f}s/{journal.plan.lease:g}s{self._unwritten}",
            key=f"{journal.stage}{self._unwritten}",
        )
        if self._watches:
            self._acknowledge(journal)
            if renewed:
                self._out_of_time(busy(journal))
        elif (renewed and self._waited_enough()) or self.start.acted_in not in ("", journal.plan.cutover):
            self._end(Next.REFUSED, busy(journal))

    def _without_owner(self, held: Held, journal: Journal) -> None:
        if self._acted_since(journal):
            self._take_over(held, journal)
        elif journal.outcome is not None and journal.outcome is not Outcome.FROZEN:
            if self._followed:
                self._end_as(journal)
            elif self._watches:
                self._line("WAIT", f"The last cutover of these jobs ended: {journal.outcome.value}.")
                self._out_of_time("no other cutover of these jobs began")
            elif journal.outcome is Outcome.SWITCH_FAILED:
                self._take_over(held, journal)
            else:
                self._end_if_free("Nothing is frozen.")
        elif self._watches and not journal.frozen and not journal.switching:
            self._line("WAIT", f"A run was lost in the stage {journal.stage}, before anything was frozen.")
            self._out_of_time("no other cutover of these jobs began")
        else:
            self._take_over(held, journal)

    def _acted_since(self, journal: Journal) -> bool:
        """Tell whether the run that started this may have frozen the source again since it was unfrozen."""
        return self.start.acted_in == journal.plan.cutover and unfrozen_under_the_freeze(journal)

    def _waited_enough(self) -> bool:
        return since_boot() - self._began >= self.start.wait

    def _out_of_time(self, why: str) -> None:
        if self._waited_enough() and self._ended is None:
            self._end(Next.REFUSED, f"Time is up after {self.start.wait:g} s: {why}")

    # What it does

    def tasks(self, journal: Journal) -> str:
        """Return the path of the unfreeze tasks; raises StoreError if nobody may run what the journal names."""
        if self.start.unfreeze_tasks:
            return str(Path(self.handover.folder) / self.start.unfreeze_tasks)
        if is_database(self.start.journal):
            raise StoreError(
                "drs_cutover_unfreeze_tasks is not set: a journal in a database does not say which file is run on this machine"
            )
        for folder in (self.handover.folder, journal.plan.folder):
            path = Path(folder) / journal.plan.unfreeze_tasks
            if _files.is_file(path):
                return str(_safe(path))
        raise StoreError(
            f"there is no file {journal.plan.unfreeze_tasks} in {self.handover.folder}; set drs_cutover_unfreeze_tasks"
        )

    def _acknowledge(self, journal: Journal) -> None:
        """Rehearse the unfreeze of this cutover once, and say again and again that this watch lives and how that went.

        The reason is None while it rehearses, so that the run waits for it.
        """
        if journal.plan.cutover != self._of:
            self._of, self._reason = journal.plan.cutover, None
            self.stop_rehearsal()
            try:
                if journal.plan.unfreeze_tasks and self.start.rehearses:
                    self.rehearse(journal)
                else:
                    self._reason = ""
            except (OSError, ValueError, StoreError) as error:
                self._reason = str(error)
        said = self.rehearsed()
        if said is not None:
            self._reason = said
            self._line("REHEARSED", said or "The unfreeze tasks can run here.")
        now = since_boot()
        if now - self._acknowledged >= pace(journal.plan.lease):
            self._acknowledged = now
            document = {"cutover": self._of, "reason": self._reason, "by": f"{self.start.user} on {self.start.machine}"}
            try:
                self._store.acknowledge(self._token, document)
                self._unwritten = ""
            except StoreError as error:
                self._unwritten = f" The run does not hear of this watch, for the journal cannot be written: {error}"

    def _take_over(self, held: Held, journal: Journal) -> None:
        here = journal.owner is not None and alive.gone(journal.owner.guard)
        # For how long it is tried is the caller's to say.
        journal = replace(journal, plan=replace(journal.plan, unfreeze_for=self.start.unfreeze_for))
        acted = self._acted_since(journal)
        acting = not here and not acted
        move = take_over(journal, self.owner, self.now(), acting=acting, acted=acted)
        if move.next is not Next.UNFREEZE:
            if move.next is Next.REFUSED or move.journal.outcome is Outcome.FROZEN:
                self._end(Next.REFUSED, move.message or wording.NO_TASKS)
            else:
                self._end_if_free(move.message)
            return
        try:
            tasks = self.tasks(journal)
        except StoreError as error:
            self._end(Next.REFUSED, f"{wording.MAY_BE_FROZEN.upper()}, and cannot be unfrozen here: {error}")
            return
        if self.start.check_mode:
            self._end(Next.ENDED, f"Check mode: the source is frozen, and {tasks} would unfreeze it.")
            return
        self._line(
            "TAKEOVER", f"{journal.owner} is gone in the stage {journal.stage}: unfreeze the source with {tasks}."
        )
        try:
            self.take(move.journal, held)
        except (LostError, BusyError):
            self._line("LOST", "Another guard was faster.")
            return
        except StoreError as error:
            self._line("UNREADABLE", unusable(self._store.name, "written", error))
            return
        if here:
            # A guard that was killed may have left both behind, and nothing of them may act after this unfreeze.
            stages = (journal.stage,) if has_user_tasks(journal.stage) else ()
            self.end_leftovers((*stages, unfreeze.UNFREEZE), b"", run_lives=False)
        self.act(move)

    # What it says

    def say(self, text: str) -> None:
        super().say(text)
        self._line("GUARD", text)

    def _line(self, kind: str, text: str, key: str | None = None) -> None:
        """Add a line, if it says something new or nothing was said for long."""
        shown, now = f"{kind} {text if key is None else key}", since_boot()
        if shown == self._shown and now - self._spoke < _HEARTBEAT:
            return
        if len(self._lines) >= _LONGEST and kind in _OF_LOOKS:
            # A share that comes and goes fills them: what this watch does and how it ends is told all the same.
            return
        self._shown, self._spoke = shown, now
        begin = f"drs_{self.start.role} {iso(time.time())[11:]} +{duration(now - self._began)}"
        host = "" if self.start.host == "localhost" else f"[{self.start.host}] "
        self._lines.append(printable(f"{begin} {kind} {host}{text}"))
        self.log(f"{kind} {text}")


def _safe(path: Path) -> Path:
    """Return a task file that nobody else may have written, as ssh demands of its files. Raises StoreError."""
    try:
        real = _files.follow(path)
        _files.check_folder(real.parent)
        _files.read_trusted(real, LARGEST)
    except OSError as error:
        raise StoreError(f"the unfreeze tasks that the journal names are not run: {error.strerror}") from None
    return path
