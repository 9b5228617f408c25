# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock for the jobs of a cutover: one run at a time on one machine, whoever's it is and whatever its journal is.

It refuses a second run at once. What holds in the end is the journal: a folder of locks can be removed under a run.
Everybody may write into that folder, so nothing in it is trusted: no link is followed, and no text is believed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._job.text import printable
from .._files import whose
from .lease import since_boot

# The same for every run and user of this machine, so the first that can be had, in this order.
_PLACES = ("/tmp", "/dev/shm", "/var/tmp")
_FOLDER = "cutover.drs.locks"
_LARGEST = 4096
_LONGEST = 200
# Seconds after which a turn is not waited for any more: who holds it may be suspended, or another user who never gives it.
_TURN = 300.0


class UntrustedLockError(Exception):
    """A lock that is not a regular file of its own; the text says whose it is."""


class JobsLock:
    """A lock for each job on this machine, held by the guard as long as the run lives."""

    def __init__(self, jobs: Sequence[str]) -> None:
        self._names = [f"{hashlib.sha256(job.encode()).hexdigest()[:32]}.lock" for job in sorted(set(jobs))]
        self._files: list[tuple[Path, int]] = []

    def take(self, about: Mapping[str, Any]) -> dict[str, Any] | None:
        """Lock all jobs for whom ``about`` describes; what the holder said about itself if one is locked.

        ``whose`` is added to that: the user whom the lock belongs to, which the holder cannot choose. Without a folder that
        can be written there are no locks. Raises :class:`UntrustedLockError`.
        """
        for path in self._paths():
            descriptor = _locked(path)
            if descriptor is None:
                self.release()
                return _holder(path)
            self._files.append((path, descriptor))
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(about).encode()[:_LARGEST], 0)
        return None

    def _paths(self) -> list[Path]:
        folder = _lock_folder()
        return [] if folder is None else [folder / name for name in self._names]

    def holder(self) -> dict[str, Any] | None:
        """Return what the holder of one of the jobs says about itself, as :meth:`take` does, and lock nothing."""
        for path in self._paths():
            if not path.exists():
                continue
            descriptor = _locked(path)
            if descriptor is None:
                return _holder(path)
            os.close(descriptor)
        return None

    def release(self) -> None:
        """Unlock what is locked and remove the files."""
        for path, descriptor in self._files:
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)
        self._files = []


class Turn:
    """A turn to do what costs a processor, for a machine with many guards: as many at a time as it has processors."""

    def __init__(self, clock: Callable[[], float] = since_boot) -> None:
        self._descriptor: int | None = None
        self._clock = clock
        self._waits_since: float | None = None

    def take(self) -> bool:
        """Take a turn if there is one; where nobody can tell, and after a long wait, there is."""
        if self._descriptor is not None:
            return True
        try:
            folder = _lock_folder()
            if folder is None:
                return True
            for number in range(os.cpu_count() or 1):
                self._descriptor = _locked(folder / f"turn.{number}")
                if self._descriptor is not None:
                    return True
        except (UntrustedLockError, OSError):
            return True
        self._waits_since = self._clock() if self._waits_since is None else self._waits_since
        return self._clock() - self._waits_since >= _TURN

    def give(self) -> None:
        """Let the next one have it. The file stays: it is always the same few."""
        self._waits_since = None
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock_folder() -> Path | None:
    """Return the folder of the locks; None if there is none that can be written."""
    for place in _PLACES:
        folder = Path(place) / _FOLDER
        with suppress(OSError):
            with suppress(FileExistsError):
                folder.mkdir()
                folder.chmod(0o1777)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode):
                raise UntrustedLockError(f"{folder} of {whose(found.st_uid)} is not a folder. Remove it.")
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
    return None


def _locked(path: Path) -> int | None:
    """Return the descriptor of a lock that is ours now, None if somebody holds it."""
    for _try in range(100):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            # Not in one call: Linux refuses O_CREAT for the file of another user in such a folder.
            with suppress(FileExistsError):
                created = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o666)
                os.fchmod(created, 0o666)
                os.close(created)
            continue
        except OSError as error:
            # A link, a socket, or a folder; nothing else says that the lock is not one, and that it may be removed.
            planted = error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR)
            raise _untrusted(path, "" if planted else os.strerror(error.errno or 0)) from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            os.close(descriptor)
            raise _untrusted(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if found.st_ino == path.lstat().st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        # Its holder removed it between the opening and the lock.
        os.close(descriptor)
    return None


def _untrusted(path: Path, problem: str = "") -> UntrustedLockError:
    owner = ""
    with suppress(OSError):
        owner = f" of {whose(path.lstat().st_uid)}"
    if problem:
        return UntrustedLockError(f"The lock {path}{owner} cannot be opened: {problem}.")
    return UntrustedLockError(f"The lock {path}{owner} is not a regular file, or has a second name. Remove it.")


def _holder(path: Path) -> dict[str, Any]:
    """Return what the holder of a lock says, made printable; another user may have written it."""
    holder: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            holder["whose"] = whose(found.st_uid)
            holder["ours"] = found.st_uid in (0, os.geteuid())
            content = json.loads(os.pread(descriptor, _LARGEST, 0)) if stat.S_ISREG(found.st_mode) else {}
        finally:
            os.close(descriptor)
        if isinstance(content, dict):
            known = {
                name: printable(value)[:_LONGEST] if isinstance(value, str) else value
                for name, value in content.items()
                if isinstance(value, (str, int))
            }
            holder = {**known, **holder}
    return holder
