# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page for the first hour, followed from the top to the end by somebody who types what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.tests.docs.blocks import IN_ORDER, blocks
from ansible_collections.cutover.drs.tests.docs.conftest import JOBS, SCENARIO, World
from ansible_collections.cutover.drs.tests.docs.test_commands import TYPED, runs

# A rehearsal is four cutovers, and a machine may be slow.
PATIENCE = 900
ORDERS = {"id": JOBS[0], "name": "orders", "life": "full_incremental", "offset": 100000, "target_readonly": True}
_NAMED = re.compile(r"# (?P<name>[\w./-]+)\n")


def script(path: Path) -> str:
    """Return the page as one script: its commands, and its files where a reader would change them."""
    # The settings are those of the project. The clock that makes a night pass quickly is left out: it would leave nothing of the
    # short gates of a rehearsal, and a slow machine too little time to rehearse an unfreeze.
    lines = ["set -euo pipefail", "unset ANSIBLE_CONFIG PYTHONPATH"]
    for block in blocks(path):
        named = _NAMED.match(block.text)
        if block.language == "console":
            lines += filter(runs, (line[2:] for line in block.text.splitlines() if line.startswith("$ ")))
        elif named:
            # What the page shows is there already: the reader changes it.
            lines += [f"test -f {named['name']}", f"cat > {named['name']} <<'END'", f"{block.text}END"]
    return "\n".join(lines)


@pytest.mark.parametrize("path", IN_ORDER, ids=lambda path: path.name)
def test_a_page_can_be_followed_to_the_end(path: Path, world: World, reader: Path) -> None:
    world.simulator.load({**SCENARIO, "jobs": [ORDERS]})
    done = world.run(["bash", "-c", script(path)], reader, typed=TYPED, patience=PATIENCE)
    assert done.returncode == 0, f"{script(path)}\nended with {done.returncode}:\n{done.stdout}"
    project = reader / "orders"
    said = " ".join(done.stdout.split())
    assert "All four situations of orders ended as they must. Your tasks were shown, not run." in said
    assert json.loads((project / "evidence/cutover.json").read_text(encoding="utf-8"))["outcome"] == "done"
    assert "killed" in (project / "rehearsal/rehearsal.txt").read_text(encoding="utf-8")
    # What the page wants filled in is: the others speak of it.
    left = [path.name for path in project.rglob("*") if path.is_file() and "CHANGE-ME" in path.read_text()]
    assert sorted(left) == ["README.md", "checklist.md", "filled_in.yml"]
    assert not world.hosts.refused
