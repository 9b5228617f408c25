# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the unfreeze tasks in an ``ansible-playbook`` of their own, with what the run handed over. Imports no Ansible.

The playbook lies beside the user's, so that roles, templates and variables are found there, and holds no value of a
variable: values reach it through a named pipe in a private folder, so that no secret is on disk or in an argument.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._cutover.journal_json import encode_owner
from ...module_utils._cutover.stages import Owner

# How the steps of that playbook find the guard.
GUARD_VARIABLE = "DRS_CUTOVER_GUARD"
# By the interpreter of the run: ansible-playbook may be on no path, and python -m ansible needs installed metadata.
_ANSIBLE_PLAYBOOK = """\
import sys
sys.argv[0] = "ansible-playbook"
sys.path = [folder for folder in sys.path if folder]
from ansible.cli.playbook import main
main()
"""


class Unfreezing:
    """The unfreeze tasks under way."""

    def __init__(self, process: subprocess.Popen[bytes], playbook: Path) -> None:
        self._process = process
        self._playbook = playbook

    def ended(self) -> int | None:
        """Return the exit code; None while it runs."""
        code = self._process.poll()
        if code is not None:
            with suppress(OSError):
                self._playbook.unlink()
        return code


def start_unfreeze(handover: Mapping[str, Any], told: Mapping[str, Any], guard: Owner) -> Unfreezing:
    """Start the unfreeze tasks. Raises :class:`OSError`."""
    folder = Path(told["folder"])
    playbook = _playbook(Path(handover["playbook_dir"]), folder, handover["playbook"])
    pipe = folder / f"variables.{secrets.token_hex(4)}"
    os.mkfifo(pipe, 0o600)
    threading.Thread(target=_feed, args=(pipe, handover["variables"]), daemon=True).start()
    about = {"socket": str(folder / "guard"), "owner": encode_owner(guard), "journal": told["journal"]}
    environment = {
        **os.environ,
        GUARD_VARIABLE: json.dumps(about),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        # A runner's own callback would write among the events of the run that is gone.
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        # That of a role of the run is not known here, which must not keep the tasks after its notification from running.
        "ANSIBLE_ERROR_ON_MISSING_HANDLER": "0",
    }
    arguments = [sys.executable, "-c", _ANSIBLE_PLAYBOOK, *handover["options"], "-e", f"@{pipe}", str(playbook)]
    output = None if _can_be_written(1) else subprocess.DEVNULL
    process = subprocess.Popen(
        arguments,
        cwd=handover["cwd"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    return Unfreezing(process, playbook)


def _can_be_written(descriptor: int) -> bool:
    """Tell whether what goes there is kept: ansible-playbook ends at the first line that a full disk refuses."""
    try:
        os.write(descriptor, b"\n")
    except OSError:
        return False
    return True


def _playbook(wanted: Path, folder: Path, content: str) -> Path:
    """Write the playbook beside the user's; where nobody may write, into a folder of links to what lies there."""
    name = f".drs_cutover_unfreeze.{secrets.token_hex(4)}.yml"
    try:
        (wanted / name).write_text(content, encoding="utf-8")
        return wanted / name
    except OSError:
        beside = folder / "playbook"
        beside.mkdir(exist_ok=True)
        for entry in wanted.iterdir():
            with suppress(FileExistsError):
                (beside / entry.name).symlink_to(entry)
        (beside / name).write_text(content, encoding="utf-8")
        return beside / name


def _feed(pipe: Path, variables: str) -> None:
    # Blocks until ansible-playbook reads it; a thread that nobody waits for.
    with suppress(OSError):
        pipe.write_text(variables, encoding="utf-8")
        pipe.unlink()
