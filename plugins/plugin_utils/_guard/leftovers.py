# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guard that was killed leaves on disk, which the next one removes: its folder, and a playbook beside the user's."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ...module_utils._cutover.journal import Process
from .alive import gone, this_process

PREFIX = "drs-"
_PROCESS = "process.json"
_PLAYBOOK = ".playbook"


def note(folder: Path) -> None:
    """Say in a guard's folder whose it is."""
    with suppress(OSError):
        (folder / _PROCESS).write_text(json.dumps(vars(this_process())), encoding="utf-8")


def note_playbook(folder: Path, playbook: Path) -> None:
    """Say in a guard's folder which playbook it has written elsewhere."""
    with suppress(OSError):
        (folder / f"{playbook.name}{_PLAYBOOK}").write_text(str(playbook), encoding="utf-8")


def sweep(base: Path) -> None:
    """Remove what guards of this user that are gone have left in a folder for temporary files."""
    with suppress(OSError):
        for folder in base.glob(f"{PREFIX}????????"):
            found = folder.lstat()
            if found.st_uid == os.geteuid() and folder.is_dir() and not folder.is_symlink() and _is_left(folder):
                for note_of in folder.glob(f"*{_PLAYBOOK}"):
                    with suppress(OSError):
                        Path(note_of.read_text(encoding="utf-8")).unlink()
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    try:
        value = json.loads((folder / _PROCESS).read_text(encoding="utf-8"))
        return gone(Process(int(value["pid"]), str(value["started"]), str(value["place"])))
    except (OSError, ValueError, KeyError, TypeError):
        return False
