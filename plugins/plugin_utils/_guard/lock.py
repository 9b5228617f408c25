# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock for the jobs of a cutover: one run at a time on one machine."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


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
                return _holder(path)
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


def _holder(path: Path) -> dict[str, Any]:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}
