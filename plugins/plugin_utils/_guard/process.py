# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard: a process that outlives the run, keeps its journal, and is the only one that unfreezes.

It is started by the first step of a cutover. It imports no Ansible, needs no thread, and no error ends it while a source
is frozen. ``watch`` and ``recover`` are the same process on another machine, or later: see ``watch``.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import stat
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...module_utils._cutover import journal_json
from ...module_utils._cutover.decide import (
    Completed,
    Enter,
    Failed,
    GateEnded,
    RunDied,
    Stopped,
    TimeUp,
    Unrenewed,
    advance,
    begin,
    busy,
)
from ...module_utils._cutover.journal import Journal, Move, Next, Outcome, Plan
from ...module_utils._cutover.preflight import of_journal
from ...module_utils._cutover.result import About, result
from ...module_utils._cutover.stages import has_user_tasks
from ...module_utils._cutover.status import sample_of
from ...module_utils._cutover.wording import of_other_jobs
from ...module_utils._job.text import iso, sentence
from .. import _files
from . import alive, leftovers, lock, protocol
from .acting import TICK, Acting
from .bounded import BoundedStore
from .lease import Observer, since_boot
from .protocol import Answer, Start
from .store import BusyError, Held, LostError, StoreError, is_database, open_store, unusable
from .watch import Watch

# Seconds for an answer to reach its step.
_ON_ITS_WAY = 1.0
# Seconds without a step after which a host that another host's step misses counts as left behind.
_LEFT_BEHIND = 3.0
_NO_WATCH = (
    "This run is in a container, which takes its guard with it when it ends, and no watch elsewhere has said that it rehearsed this "
    "unfreeze. Start cutover.drs.watch for these jobs where a cancel of this run does not reach it, with the same "
    "drs_cutover_journal; or set drs_cutover_unwatched to true."
)


class RunGuard(Acting):
    """The guard of a run."""

    def __init__(self, start: Start, store: BoundedStore, folder: Path) -> None:
        super().__init__(start, store, folder)
        self._lock = lock.JobsLock(start.jobs)
        self._plan_lines = list(start.plan_lines)
        self._gates: dict[str, Any] = {}
        self._engines: dict[str, str] = {}
        self._facts: dict[str, Any] = {}
        self._logins = dict(start.logins)
        self._forks = alive.forks_of(start.pid)
        self._run_gone = False
        self._due: float | None = None
        self._left_at: float | None = None
        self._watches: dict[str, Observer] = {}
        self._finished = False
        self._told_of_loss = False
        self._lost_at = since_boot()

    # How it begins

    def begin(self) -> Move | str:
        """Take the lock and the journal, or in check mode only look at both; a sentence if this run may not begin."""
        about = {"journal": self._store.name, "since": iso(time.time()), "pid": self.start.pid, "host": self.start.host}
        about |= {"run_started": self._run_started, "user": self.start.user, "machine": self.start.machine}
        try:
            holder = self._lock.holder() if self.start.check_mode else self._lock.take(about)
            if holder is not None:
                return self._held_by(holder)
            plan = journal_json.decode_plan(self.start.plan or {})
            for _try in range(3):
                earlier = self._store.read()
                move = self._begun(earlier, plan)
                with suppress(LostError):
                    if move.next is Next.GO_ON and self.start.check_mode:
                        self._store.ensure_free()
                    elif move.next is Next.GO_ON:
                        self.take(move.journal, earlier)
                        self._watch_for_outage()
                    return move
        except (lock.UntrustedLockError, OSError) as error:
            return str(error)
        except BusyError as error:
            return _others(error)
        except (StoreError, ValueError) as error:
            return unusable(self._store.name, "used", error)
        return "Another run took the journal at the same moment"

    def _begun(self, earlier: Held | None, plan: Plan) -> Move:
        journal = None if earlier is None else journal_json.decode(earlier.document)
        lives = journal is not None and earlier is not None and self._lives(earlier, journal)
        move = begin(journal, plan, self.owner, self.now(), owner_lives=lives, keep=self.start.keep)
        return of_journal(journal, move) if self.start.check_mode else move

    def _lives(self, held: Held, journal: Journal) -> bool:
        """Tell whether the owner of a journal that is not over lives; where only watching tells, watch for a lease."""
        if journal.outcome is not None or (journal.owner and alive.gone(journal.owner.guard)):
            return False
        observer, lease = Observer(), journal.plan.lease
        while observer.age(held, since_boot()) < lease:
            if held.age is not None:
                return True
            time.sleep(TICK)
            found = self._store.read()
            if found is None or observer.rose(found):
                return found is not None
        return False

    def _held_by(self, holder: dict[str, Any]) -> str:
        try:
            if (holder["pid"], holder["run_started"]) == (self.start.pid, self._run_started):
                return (
                    f"{holder['host']} would cut over the same jobs at the same time. Run the role on one host, such as localhost, "
                    "or give each host jobs of its own."
                )
            if holder["ours"] and not is_database(holder["journal"]):
                with suppress(StoreError, ValueError):
                    held = open_store(holder["journal"], self.start.jobs).read()
                    if held is not None:
                        return busy(journal_json.decode(held.document)).rstrip(".")
            return (
                f"the run, process {holder['pid']} on {holder['machine']} ({holder['user']}) owns a cutover of the same jobs "
                f"since {holder['since']}; its lock belongs to {holder['whose']}"
            )
        except (KeyError, TypeError, ValueError):
            return f"another run on this machine has locked the same jobs; its lock belongs to {holder.get('whose') or 'nobody known'}"

    def preflight(self, journal: Journal) -> str:
        """Rehearse the unfreeze at once, as check mode does; why that failed, empty if it did not."""
        if not journal.plan.unfreeze_tasks or not journal.plan.rehearses:
            return ""
        self.rehearse(journal)
        while (said := self.rehearsed()) is None:
            time.sleep(TICK)
        return said and f"The rehearsal of the unfreeze in check mode failed: {said}"

    # How it goes on

    def run(self, listener: socket.socket, *, heard: bool = True) -> None:
        """Answer the steps of the run until it has finished, or is gone and everything is done.

        If the first step has not ``heard`` of this guard no other one will come, though Ansible may live on: that run is gone.
        """
        self._run_gone = not heard
        if heard and self.journal.plan.unfreeze_tasks and self.journal.plan.rehearses:
            self.rehearse(self.journal)
        self.serve(listener)
        if self.acted and not self._finished:
            try:
                self._report()
            except Exception as error:
                # As while somebody installs another version: what was unfrozen stays so, and its journal must be released.
                self.log(f"The reports could not be written: {error!r}")

    def turn(self) -> bool:
        self.renew()
        if self.owned.lost and not self._told_of_loss:
            self._lose()
        if not self._run_gone and self.caller_is_gone:
            self._run_gone = True
            self.log(f"The run (process {self.start.pid}) is gone.")
        if self._run_gone and not self.owned.lost:
            self._run_ended()
        self._look_at_clocks()
        self.note_rehearsal()
        self.look_after_unfreeze()
        return self._finished or self._over()

    def _lose(self) -> None:
        """Let another owner act: end what this run's freeze may still do, for that owner has unfrozen or soon will."""
        self._told_of_loss = True
        self._lost_at = since_boot()
        journal = self.journal
        self.say("Another owner has taken this cutover over: nothing more is switched here.")
        if not journal.frozen or not has_user_tasks(journal.stage):
            return
        self.end_leftovers((journal.stage,), b"", run_lives=True)
        if journal.stage == "freeze":
            # Until now, whatever the other owner has unfrozen meanwhile.
            self.say("Freeze tasks of this run may have acted since. CHECK NOW THAT THE SOURCE ACCEPTS WRITES.")

    def _run_ended(self) -> None:
        acting = self._end_stage()
        self.do(advance(self.journal, RunDied(self.now(), acting)))

    def _end_stage(self) -> bool:
        """End what is left of the user's stage, if the source is frozen; whether it may still act."""
        journal = self.journal
        if journal.outcome or not journal.frozen or journal.unfreezing or not has_user_tasks(journal.stage):
            return False
        forks = self._forks if self._run_gone else b""
        return self.end_leftovers((journal.stage,), forks, run_lives=not self._run_gone)

    def _look_at_clocks(self) -> None:
        journal, now = self.journal, since_boot()
        if not self.owned.lost and not self.owned.lease.sure(now):
            acting = self._end_stage()
            unrenewed_for = self.owned.lease.unrenewed_for(now)
            self.do(advance(journal, Unrenewed(self.now(), unrenewed_for, acting)))
        if self._due is not None and now >= self._due:
            self._time_is_up()
        if self._left_at is not None and now >= self._left_at:
            self._left_at = None
            self.log("The run goes on without this host.")
            self._run_ended()

    def _time_is_up(self) -> None:
        journal = self.journal
        if journal.switching and not journal.switched and not journal.outcome:
            limit = f"drs_cutover_max_outage ({journal.plan.max_outage:g} s)"
            self.say(f"The switch is still running, and the outage has reached {limit}. Nothing is undone.")
        acting = self._end_stage()
        self.do(advance(journal, TimeUp(max(self.now(), journal.deadline or 0.0), acting)))
        self._due = None

    def _watch_for_outage(self) -> None:
        deadline = self.journal.deadline
        if deadline is not None and self._due is None and not self.journal.unfreezing:
            self._due = since_boot() + max(0.0, deadline - self.now())

    def _over(self) -> bool:
        return self._run_gone and (self.owned.lost or self.journal.outcome is not None)

    def answered(self, request: protocol.Request) -> Answer:
        if isinstance(request, protocol.LeftBehind):
            self._left_at = since_boot() + _LEFT_BEHIND
            return self._answer(Move(self.journal, Next.GO_ON))
        if isinstance(request, protocol.KeepLogins):
            self._logins = dict(request.logins)
            return self._answer(Move(self.journal, Next.GO_ON))
        if not isinstance(request, protocol.Look):
            # The run is at a step of its own, so no task of a stage is left.
            self.stage_is_over()
            self._left_at = None
        if self.owned.lost:
            return self._lost(request)
        if isinstance(request, protocol.Look):
            return self._answer(Move(self.journal, Next.WAIT if self.busy else Next.ENDED))
        if isinstance(request, protocol.Finish):
            return self._finish()
        return self._told(request)

    def _finish(self) -> Answer:
        if not self.busy and self.journal.outcome is None:
            # A step that was to say how it ended may have failed: for the source that is a run that died.
            self.do(advance(self.journal, RunDied(self.now())))
        self._finished = self.journal.outcome is not None
        return self._answer(Move(self.journal, Next.ENDED if self._finished else Next.WAIT))

    def _told(self, request: Any) -> Answer:
        now = self.now()
        # For reports that the run can no longer write.
        self._facts = getattr(request, "facts", None) or self._facts
        if isinstance(request, protocol.EnterStage):
            return self._entered(request)
        if isinstance(request, protocol.Judged):
            self._gates[request.gate] = request.result
            valid_until = now + request.valid_for if request.ready else None
            sample = sample_of(request.gate, request.result, now)
            return self._applied(
                GateEnded(now, request.gate, request.ready is True, request.reason, valid_until, sample)
            )
        if isinstance(request, protocol.JobsStopped):
            return self._applied(Stopped(now, tuple(map(str, request.jobs)), request.reason))
        if isinstance(request, protocol.SwitchCompleted):
            return self._applied(Completed(now))
        move = advance(self.journal, Failed(now, str(request.reason)))
        self.do(move)
        return self._answer(Move(self.journal, Next.WAIT if self.busy else move.next, move.message))

    def _entered(self, request: protocol.EnterStage) -> Answer:
        if request.handover is not None:
            self.handover = protocol.Handover(**request.handover)
        if request.plan_lines is not None:
            self._plan_lines = request.plan_lines
        self._engines = request.engines or self._engines
        for warning in request.warnings or ():
            self.warn(warning)
        if unsure := self._unsure():
            return self._answer(Move(self.journal, Next.REFUSED, unsure))
        unwatched, patient = ("", False) if self.journal.frozen_since else self._unwatched()
        return self._applied(Enter(self.now(), request.stage, unwatched, patient, request.keep))

    def _unsure(self) -> str:
        """Say that another owner may have taken over; empty if nobody can have."""
        sure = self.owned.lease.sure(since_boot())
        return "" if sure else f"The journal {self._store.name} cannot be renewed."

    def _applied(self, event: Any) -> Answer:
        before = self.journal
        move = advance(before, event)
        problem = self.owned.keep(move.journal)
        if self.owned.lost:
            return self._lost(None)
        refused = ""
        if problem:
            problem = sentence(unusable(self._store.name, "written", problem))
            # Nothing begins that a later run could not know about.
            refused = problem if isinstance(event, (Enter, GateEnded)) else ""
        elif isinstance(event, Enter) and move.next is Next.GO_ON:
            refused = self._too_late()
        if refused:
            if isinstance(event, Enter):
                self.owned.believe(_not_begun(before, move.journal))
            return self._answer(Move(self.journal, Next.REFUSED, refused))
        if problem:
            self.warn(problem)
            self.owned.believe(move.journal)
        self._watch_for_outage()
        return self._answer(move)

    def _too_late(self) -> str:
        """Say why a stage that was entered may not begin, as the writing of that took too long; empty if it did not."""
        # This guard, or its machine, may have been suspended since the write.
        late = self._unsure()
        if not late and since_boot() >= self.until - _ON_ITS_WAY:
            # The step gives up, so that no task of this stage runs: a switch that never began must not keep the source frozen.
            late = f"The journal {self._store.name} was written too late for this step."
        return late

    def _unwatched(self) -> tuple[str, bool]:
        """Return why nothing would survive this run, empty if something would, and whether to wait for a watch still."""
        if not self.start.needs_watch or not self.journal.plan.unfreeze_tasks:
            return "", False
        lease, now = self.journal.plan.lease, since_boot()
        patient = now - self._began < lease
        failed = ""
        try:
            said = self._store.acknowledgements()
        except StoreError as error:
            return sentence(unusable(self._store.name, "read", error)), patient
        for each in said:
            observer = self._watches.setdefault(each.token, Observer())
            if observer.age(each, now) >= lease or each.document.get("cutover") != self.journal.plan.cutover:
                continue
            reason = each.document.get("reason", "nobody knows why")
            if reason is None or (reason == "" and observer.longest_age(each, now) >= lease):
                # It rehearses still, however long that takes. Or it may have said so long ago: a watch that lives says it again.
                patient = True
                continue
            if reason == "":
                return "", False
            failed = f" A watch could not rehearse it: {reason}"
        return f"{_NO_WATCH}{failed}", patient

    def _lost(self, request: protocol.Request | None) -> Answer:
        """Answer a run whose journal another owner has taken: it may only learn how things end."""
        found = self.owned.read()
        shown, waits = found or self.journal, False
        ends = isinstance(request, (protocol.StepFailed, protocol.Look, protocol.Finish))
        if found is not None and (other := of_other_jobs(found, self.start.jobs)):
            # How theirs ends says nothing of this one.
            shown = advance(self.journal, Failed(self.now(), other)).journal
            message = shown.failure
        else:
            owner = found.owner.role.words if found and found.owner else "another owner"
            why = (found.failure if found else "") or "This run seemed to be dead."
            message = f"{owner.capitalize()} has taken over this cutover. {why} This run stops here."
            waits = ends and found is not None and found.unfreezing and found.outcome is None
            waits = waits and since_boot() - self._lost_at < self.journal.plan.unfreeze_for
        self._finished = isinstance(request, protocol.Finish) and not waits
        return self._answer(Move(shown, Next.WAIT if waits else Next.ENDED if ends else Next.REFUSED, message))

    def _answer(self, move: Move) -> Answer:
        return Answer(
            move.next,
            move.message,
            journal_json.encode(move.journal, self.now()),
            log=self.start.log,
            gates=self._gates if move.next is Next.ENDED else {},
            plan=self._plan_lines,
            warnings=self.warnings,
            engines=self._engines,
            logins=self._logins,
            outage_left=None if self._due is None else max(0.0, self._due - since_boot()),
            lost=self.owned.lost,
        )

    def _report(self) -> None:
        """Write the reports that the run can no longer write."""
        from .._report.write import write_reports

        ran_by = {"user": self.start.user, "machine": self.start.machine, "host": self.start.host}
        about = About(self._gates, self._plan_lines, self.warnings, self._engines, self._facts, ran_by)
        outcome = result(self.journal, about)
        _written, problems = write_reports(self.start.reports, outcome, self.start.title, self.start.index)
        for problem in problems:
            self.log(problem)

    def close(self) -> None:
        """Release lock and journal, and leave no journal of a run that never froze anything."""
        self.put_away()
        if self._owned is not None and not self._owned.lost:
            if self.journal.outcome is Outcome.NOT_BEGUN:
                self._owned.remove()
            elif self.journal.outcome is not None:
                self._owned.release()
        self._lock.release()


def _not_begun(before: Journal, entered: Journal) -> Journal:
    """Return the journal without the stage that was entered; what the one before it found, or that it was the switch, stays."""
    return entered if before.switching else replace(before, keep=entered.keep)


def _others(error: BusyError) -> str:
    with suppress(ValueError):
        other = journal_json.decode(error.document)
        if other.frozen and other.outcome is not None:
            return f"A cutover of {', '.join(other.plan.jobs)} left its source frozen. Run cutover.drs.recover for it first"
        return busy(other).rstrip(".")
    return "Another cutover has one of these jobs"


def main() -> None:
    """Read what the first step tells, answer it by one line, and guard."""
    start = protocol.decode_start(sys.stdin.buffer.readline())
    # A session and a parent of its own: nothing that ends the run ends this.
    if os.fork():
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    # A core would hold variables in clear.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    answer_to = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    folder = Path(sys.argv[1])
    beside = start.handover["folder"]
    if start.role == "run":
        _files.trust_owner_of(beside)
    log = _opened(start.log or str(folder / "log"), null)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    leftovers.note(folder)
    leftovers.sweep(folder.parent)
    with suppress(OSError):
        # Not where the run was started, which may be removed.
        os.chdir(beside)
    try:
        _guarded(start, folder, answer_to)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            if start.log and not Path(start.log).stat().st_size:
                Path(start.log).unlink()


def _opened(log: str, null: int) -> int:
    """Return the log, or nothing: a pipe without a reader, or a folder where nobody may write, must not end a guard.

    Nor is a file of somebody else written, or one to which somebody else's symbolic link leads.
    """
    try:
        descriptor = os.open(
            _files.follow(Path(log)), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW, 0o600
        )
    except OSError:
        return null
    found = os.fstat(descriptor)
    if stat.S_ISFIFO(found.st_mode) or not _files.is_ours(found):
        os.close(descriptor)
        return null
    # Ansible refuses an output that does not block.
    os.set_blocking(descriptor, True)
    return descriptor


def _guarded(start: Start, folder: Path, answer_to: int) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "guard"))
        listener.listen(64)
        try:
            store = open_store(start.journal, start.jobs)
            run = start.role == "run"
            guard: RunGuard | Watch = RunGuard(start, store, folder) if run else Watch(start, store, folder)
        except (StoreError, OSError, ValueError) as error:
            _answer_once(answer_to, Answer(Next.REFUSED, str(error)))
            return
        if isinstance(guard, Watch):
            if _answer_once(answer_to, Answer(Next.WAIT, socket=str(folder / "guard"), log=start.log)):
                guard.run(listener)
            return
        try:
            _begin(guard, folder, listener, answer_to)
        finally:
            guard.close()


def _begin(guard: RunGuard, folder: Path, listener: socket.socket, answer_to: int) -> None:
    move = guard.begin()
    check_mode = guard.start.check_mode
    if check_mode and isinstance(move, Move) and move.next is Next.GO_ON:
        move = guard.preflight(move.journal) or move
    if isinstance(move, str):
        _answer_once(answer_to, Answer(Next.REFUSED, move))
        return
    journal = journal_json.encode(move.journal, time.time())
    answer = Answer(move.next, move.message, journal, socket=str(folder / "guard"), log=guard.start.log)
    heard = _answer_once(answer_to, answer)
    # A run that was ended meanwhile, while this watched for a lease whether an owner lives, may have taken over a frozen source.
    if move.next is Next.GO_ON and not check_mode and (heard or guard.journal.frozen):
        guard.run(listener, heard=heard)


def _answer_once(answer_to: int, answer: Answer) -> bool:
    """Answer the first step; whether it was still there to hear it."""
    try:
        os.write(answer_to, protocol.encode(answer))
    except OSError:
        return False
    finally:
        os.close(answer_to)
    return True
