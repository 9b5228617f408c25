# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Software that the collection is verified against, in an environment of its own: nox -s "verify(keystone)"."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def peer(name: str) -> Path:
    """Return a program of that environment; skip the test without it."""
    if "DRS_PEER" not in os.environ:
        pytest.skip("needs other software: make verify")
    return Path(os.environ["DRS_PEER"]) / name


def played(
    folder: Path, tasks: dict[str, dict[str, Any]], *options: str, **environment: str
) -> tuple[list[dict[str, Any]], str]:
    """Run tasks in a playbook; what each returned, and all that was written."""
    returned, playbook = folder / "returned.json", folder / "playbook.yml"
    written: dict[str, Any] = {"content": f"{{{{ [{', '.join(tasks)}] | to_json }}}}", "dest": str(returned)}
    registered = [{**task, "register": name} for name, task in tasks.items()]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [*registered, {"ansible.builtin.copy": written}]}
    playbook.write_text(json.dumps([play]))
    command = [sys.executable, "-m", "ansible", "playbook", *options, "-e"]
    done = subprocess.run(
        [*command, f"ansible_python_interpreter={sys.executable}", str(playbook)],
        env={**os.environ, "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return json.loads(returned.read_text()), said
