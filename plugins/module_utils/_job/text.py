# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts for people, and the times in them: one way to write each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone

# Azure Pipelines and TeamCity carry out such a command wherever it stands in a line of their log: ##vso[task.setvariable …].
_COMMAND = re.compile(r"#(?=#\w*\[)")


def iso(epoch: float, *, exact: bool = False) -> str:
    """Return epoch seconds as ISO 8601 in UTC, to the second or, if ``exact``, to the microsecond."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime(f"%Y-%m-%dT%H:%M:%S{'.%f' if exact else ''}Z")


def duration(seconds: float) -> str:
    """Return seconds as ``45s``, ``5m30s``, ``2h`` or ``3d4h``."""
    rest = max(0, round(seconds))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts[:2]) or "0s"


def counted(number: int, what: str = "job") -> str:
    """Return a number of things in words, e.g. ``1 job`` or ``3 jobs``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def listed(texts: Sequence[str], most: int, between: str = ", ", last: str = " ") -> str:
    """Return the first texts with commas ``between`` them, and how many more there are, after ``last``."""
    more = f"{last}and {len(texts) - most} more" if len(texts) > most else ""
    return between.join(texts[:most]) + more


def printable(text: str) -> str:
    """Return a text of others as one line that shows what it holds, and commands neither a terminal nor a CI system.

    Line ends and other white space become blanks; control characters, characters without a width and those that turn
    the direction of writing become question marks.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)
    return _COMMAND.sub("# ", text) if "##" in text else text


def sentence(text: str) -> str:
    """Return the text with one full stop at its end, unless it asks or exclaims; nothing for a text of blanks."""
    said = text.strip().rstrip(". ")
    return said if said.endswith(("?", "!")) else f"{said}." if text.strip() else ""
