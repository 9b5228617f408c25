# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a cutover as a file, who owns it, and the lock for its jobs."""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .._job.errors import configuration_error
from .._wait.history import iso
from .state import STAGES, UNFREEZE, Entry, Evidence, Journal, Outcome, Owner, Plan, Role

SCHEMA = 2
_STATES = ("running", "ok", "failed")


def encode(journal: Journal, at: float) -> dict[str, Any]:
    """Return the journal as JSON values; ``at`` (epoch seconds) counts if nothing has happened yet."""
    if journal.entries:
        at = journal.entries[-1].ended or journal.entries[-1].began
    outcome = journal.outcome.value if journal.outcome else None
    return {
        "schema": SCHEMA,
        "stage": outcome if outcome in ("done", "unfrozen") else journal.stage,
        "at": iso(at),
        "jobs": list(journal.plan.jobs),
        "plan": encode_plan(journal.plan),
        "owner": None if journal.owner is None else encode_owner(journal.owner),
        "stages": [
            {"name": entry.name, "state": entry.state, "began": entry.began, "ended": entry.ended, "by": entry.by.value}
            for entry in journal.entries
        ],
        "frozen_since": journal.frozen_since,
        "deadline": journal.deadline,
        "evidence": None if journal.evidence is None else dict(vars(journal.evidence)),
        "failed_in": journal.failed_in,
        "failure": journal.failure,
        "attempts": journal.attempts,
        "outcome": outcome,
        "unfrozen_by": journal.unfrozen_by.value if journal.unfrozen_by else None,
        "stopped": list(journal.stopped),
        "outage_seconds": outage(journal),
    }


def encode_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON values."""
    return {**vars(plan), "jobs": list(plan.jobs), "stages": list(plan.stages)}


def decode_plan(value: Mapping[str, Any]) -> Plan:
    """Return the plan that :func:`encode_plan` made; raises ValueError, TypeError or KeyError for anything else."""
    if not isinstance(value["jobs"], list) or not set(value["stages"]) <= set(STAGES):
        raise ValueError("a plan that is not one")
    return Plan(
        jobs=tuple(str(job) for job in value["jobs"]),
        stages=tuple(value["stages"]),
        unfreeze_tasks=str(value["unfreeze_tasks"]),
        max_outage=_seconds(value["max_outage"]),
    )


def encode_owner(owner: Owner) -> dict[str, Any]:
    """Return an owner as JSON values."""
    return {**vars(owner), "role": owner.role.value}


def decode_owner(value: Mapping[str, Any]) -> Owner:
    """Return the owner that :func:`encode_owner` made; raises ValueError, TypeError or KeyError for anything else."""
    texts = {name: str(value[name]) for name in ("machine", "boot", "started", "host", "user")}
    return Owner(role=Role(value["role"]), pid=int(value["pid"]), **texts)


def decode(value: Any) -> Journal:
    """Return the journal of such values; raises ValueError for anything that is not one."""
    try:
        return _decode(value)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _decode(value: Any) -> Journal:
    if value["schema"] != SCHEMA:
        raise ValueError(f"schema {value['schema']}")
    entries = tuple(
        Entry(entry["name"], entry["state"], _seconds(entry["began"]), _number(entry["ended"]), Role(entry["by"]))
        for entry in value["stages"]
    )
    if any(entry.name not in (*STAGES, UNFREEZE) or entry.state not in _STATES for entry in entries):
        raise ValueError("a stage or state that is not known")
    evidence = value["evidence"]
    return Journal(
        plan=decode_plan(value["plan"]),
        owner=None if value["owner"] is None else decode_owner(value["owner"]),
        entries=entries,
        frozen_since=_number(value["frozen_since"]),
        deadline=_number(value["deadline"]),
        evidence=None
        if evidence is None
        else Evidence(str(evidence["gate"]), _seconds(evidence["valid_until"]), evidence["used"] is True),
        failed_in=str(value["failed_in"]),
        failure=str(value["failure"]),
        attempts=int(value["attempts"]),
        outcome=None if value["outcome"] is None else Outcome(value["outcome"]),
        unfrozen_by=None if value["unfrozen_by"] is None else Role(value["unfrozen_by"]),
        stopped=_ids(value["stopped"]),
    )


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("no list of jobs")
    return tuple(str(job) for job in value)


def _number(value: Any) -> float | None:
    return None if value is None else _seconds(value)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a time")
    return float(value)


def outage(journal: Journal) -> float | None:
    """Return the seconds from the beginning of the freeze to the end of the switch or of the unfreeze, if it has ended."""
    if journal.frozen_since is None or journal.outcome not in (Outcome.DONE, Outcome.UNFROZEN):
        return None
    # Stopping the jobs after the switch is no outage.
    last = [entry for entry in journal.entries if entry.name in ("switch", UNFREEZE)] or journal.entries
    ended = last[-1].ended
    return None if ended is None else round(ended - journal.frozen_since, 3)


def read(path: Path) -> Journal | None:
    """Return the journal in a file, None if there is no such file.

    Raises :class:`DrsError` of kind ``configuration`` for a file that is damaged or something else.
    """
    try:
        return decode(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise configuration_error(
            f"{path} is not the journal of a cutover ({why}). Nothing runs, because nobody knows what an earlier run did. "
            "Find that out, then remove the file or set another drs_cutover_state_file."
        ) from None


def write(path: Path, journal: Journal, at: float) -> None:
    """Replace the journal by a whole new file, file and folder synced. Raises :class:`OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name[:100]}.{secrets.token_hex(8)}"
    try:
        with open(temporary, "x", encoding="utf-8", opener=_private) as file:
            json.dump(encode(journal, at), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def this_process(role: Role, pid: int, host: str = "", user: str = "") -> Owner:
    """Return the process ``pid`` of this machine as an owner."""
    return Owner(role, socket.gethostname(), _boot(), pid, _started(pid), host, user)


def lives(owner: Owner | None) -> bool | None:
    """Tell whether the owner's process still runs; None if it is on another machine, where nobody can look."""
    if owner is None:
        return False
    if owner.machine != socket.gethostname():
        return None
    return owner.boot == _boot() and _started(owner.pid) == owner.started != ""


def _boot() -> str:
    """Return what tells one start of this machine, or of this container, from another."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{_started(1)}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process started, so that another one of the same number is not taken for it; empty if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        return _started_without_proc(pid)
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended, though nobody has collected it yet.
    return "" if fields[0] in ("Z", "X") else fields[19]


def _started_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"


class JobsLock:
    """A lock for each job on this machine, held by the guard as long as the run lives."""

    def __init__(self, jobs: Sequence[str]) -> None:
        self._paths = [
            _lock_folder() / f"{hashlib.sha256(job.encode()).hexdigest()[:32]}.lock" for job in sorted(set(jobs))
        ]
        self._files: list[tuple[Path, int]] = []

    def take(self, about: Mapping[str, Any]) -> dict[str, Any] | None:
        """Lock all jobs for whom ``about`` describes; what the holder said about itself if one is locked."""
        for path in self._paths:
            descriptor = _locked(path)
            if descriptor is None:
                self.release()
                return _said(path)
            self._files.append((path, descriptor))
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(about).encode(), 0)
        return None

    def release(self) -> None:
        """Unlock what is locked and remove the files."""
        for path, descriptor in self._files:
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)
        self._files = []


def _lock_folder() -> Path:
    """Return the folder of the locks, the same for every run and user of this machine."""
    folder = (Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())) / "cutover.drs.locks"
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)
    return folder


def _locked(path: Path) -> int | None:
    for _try in range(100):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            # Not in one call: Linux refuses O_CREAT for the file of another user in such a folder.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
                path.chmod(0o666)
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        # Its holder removed it between the opening and the lock.
        os.close(descriptor)
    return None


def _said(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
