# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command of the documentation runs as it is written, but for those that cannot."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT, GUIDES, IN_ORDER, PAGES, blocks
from ansible_collections.cutover.drs.tests.docs.conftest import ACCOUNT, JOBS, LOGIN, World
from ansible_collections.cutover.drs.tests.docs.test_playbooks import names_its_login, played, yaml_blocks

# The beginning of a command, and why it does not run here.
EXEMPT = {
    "ansible-galaxy collection download": "would fetch from Galaxy",
    "ansible-galaxy collection install": "would fetch from Galaxy",
    "python -m pip download": "would fetch from the network",
    "python -m pip install": "would change the environment that runs the tests",
    "git clone": "would fetch from the network",
    "cd cutover.drs": "goes with the clone",
    ".venv/bin/python -m pytest": "goes with the clone; test_targets_and_sessions_exist looks at the path",
    "make": "these tests are run by a target of the Makefile; test_targets_exist looks at the names",
    "PYTHONPATH=simulator": "serves until it is stopped; tests/unit/simulator starts it",
    "ansible-navigator": "is not among the requirements of the tests",
    "ansible-rulebook": "needs Java; tests/eda runs these rulebooks",
}
# What a reader answers and has: the password that `read` asks for, and files of their own.
TYPED = f"{ACCOUNT['password']}\n"
FILES = {
    "secrets.yml": yaml.safe_dump({"migration_password": ACCOUNT["password"]}),
    "jobs.yml": yaml.safe_dump({"drs_jobs": JOBS[:2]}),
    "terraform.json": json.dumps({"drs_jobs": {"sensitive": False, "type": "list", "value": JOBS[:2]}}),
}


def commands(path: Path) -> list[str]:
    """Return the commands of a page: the lines with a prompt."""
    consoles = [block for block in blocks(path) if block.language == "console"]
    return [line[2:] for block in consoles for line in block.text.splitlines() if line.startswith("$ ")]


def runs(command: str) -> bool:
    """Return whether a command is none of those that cannot run here."""
    return not any(command == start or command.startswith(f"{start} ") for start in EXEMPT)


WITH_COMMANDS = [path for path in (*PAGES, *GUIDES) if path not in IN_ORDER and any(map(runs, commands(path)))]


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=lambda path: path.name)
def test_the_commands_of_a_page_run(path: Path, world: World, reader: Path) -> None:
    """In their order, in one shell, beside the files that the page shows."""
    for name, text in FILES.items():
        (reader / name).write_text(text, encoding="utf-8")
    for number, block in enumerate(yaml_blocks(path)):
        if block.file:
            played(block, number, reader)
    wanted = list(filter(runs, commands(path)))
    script = "\n".join(("set -euo pipefail", *wanted))
    login = {} if names_its_login(path) else LOGIN
    done = world.run(["bash", "-c", script], reader, typed=TYPED, **login)
    assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stdout}"


def test_every_exemption_is_used() -> None:
    """A command that is not shown any more needs no reason."""
    shown = [command for path in (*PAGES, *GUIDES) for command in commands(path)]
    unused = [start for start in EXEMPT if not any(command.startswith(start) for command in shown)]
    assert not unused


def test_targets_and_sessions_exist() -> None:
    """Each target of the Makefile and session of nox that a page names is there, and so are the files it is given."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    sessions = set(
        re.findall(r"^def (\w+)\(session", (CHECKOUT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    )
    against = {path.stem for path in (CHECKOUT / "tests" / "requirements").iterdir()} | {"containers", "model", "soak"}
    for path in (*PAGES, *GUIDES):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= targets, path.name
        assert set(re.findall(r"nox -s (\w+)", text)) <= sessions, path.name
        assert set(re.findall(r"AGAINST=(\w+)", text)) <= against, path.name
        for target in re.findall(r"(?:ARGS=|-m pytest )((?:tests|plugins)/[\w./-]+)", text):
            assert (CHECKOUT / target).exists(), f"{path.name}: there is no {target}"
