# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives an option or return value of several plugins the description of the first of them that has it: its home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "extensions/eda/plugins/event_source/drs_jobs.py"
# In this order. Each with what it describes in its own words, because it means something else there.
PLUGINS = {
    "plugins/modules/drs_job_status.py": (),
    "plugins/modules/drs_job_progress.py": (),
    "plugins/modules/drs_job_wait.py": ("jobs", "job_names", "jobs[].name", "jobs[].found", "jobs[].status"),
    "plugins/modules/drs_job_stop.py": ("job_names", "max_delay", "check_subtasks", "timeout", "interval", "progress"),
    "plugins/modules/drs_job_info.py": ("jobs[].id", "jobs[].name", "jobs[].subtasks"),
    SOURCE: ("job_names", "interval", "fail_fast", "check_subtasks", "hold_file"),
}
# The source has no return values and no end, and one pace.
OF_THE_SOURCE = {
    "RV(": "C(",
    "ends the wait with": "is the verdict",
    "ends it with": "is the verdict",
    "O(near_interval)": "O(interval)",
}
_SECTION = re.compile(r'^(?:DOCUMENTATION|RETURN) = r"""\n(.*?)^"""', re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"( *)(\w+):(?: |$)")


def descriptions(section: str) -> Iterator[tuple[str, slice]]:
    """Yield each option and nested return value (``jobs[].id``) with the lines of its description.

    The top of a result is left out: each module says in its own words what happened to which jobs.
    """
    keys: list[tuple[int, str]] = []
    begun: tuple[str, int] | None = None
    for number, line in enumerate([*section.splitlines(), "end:"]):
        key = _KEY.match(line)
        if not key:
            continue
        if begun:
            yield begun[0], slice(begun[1], number)
            begun = None
        keys = [(depth, name) for depth, name in keys if depth < len(key[1])]
        path = ".".join(name for _depth, name in keys)
        if key[2] == "description" and (path.startswith("options.") or ".contains." in path):
            begun = path.removeprefix("options.").replace(".contains.", "[]."), number
        keys.append((len(key[1]), key[2]))


def files() -> dict[Path, str]:
    """Return every plugin with the descriptions that it should have."""
    homes: dict[str, list[str]] = {}
    texts = {}
    for name, own in PLUGINS.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        for section in _SECTION.findall(text):
            lines = section.splitlines()
            for entry, where in reversed([*descriptions(section)]):
                if entry not in own:
                    home = homes.setdefault(entry, lines[where])
                    lines[where] = [_of_source(line) for line in home] if name == SOURCE else home
            text = text.replace(section, "".join(f"{line}\n" for line in lines))
        texts[path] = text
    return texts


def _of_source(line: str) -> str:
    for words, instead in OF_THE_SOURCE.items():
        line = line.replace(words, instead)
    return line
