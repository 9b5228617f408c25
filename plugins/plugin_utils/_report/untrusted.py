# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single values of a result, read without trust.

A result may have been through Ansible's templating, which makes strings of numbers and truths, and it holds
texts of a server. What cannot be read becomes None; no value makes a report fail.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from ...module_utils._job.text import printable

# Longer than any sentence of the gate about 20 jobs; a report is not the place for a megabyte of one.
_LONGEST = 6000
_SPACE = re.compile(r"\s+")
_DIGITS = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
# Beyond it there are times that a calendar, and so a chart, does not reach.
_YEAR_9999 = 253370764800
_TRUE = ("true", "yes", "on", "1")


def text(value: object, longest: int = _LONGEST) -> str:
    """Return the value as one line without invisible characters: no control, no bidi, no surrogate."""
    if value is None:
        return ""
    # Cut before it is cleaned, so that the length of the input costs nothing.
    raw = str(value)
    shown = printable(_SPACE.sub(" ", raw[:longest]).strip())
    return shown if len(raw) <= longest else shortened(f"{shown}…", longest)


def shortened(text: str, longest: int) -> str:
    """Return the text, or its beginning up to the end of a word, with an ellipsis."""
    if len(text) <= longest:
        return text
    cut, _space, _rest = text[: longest - 1].rpartition(" ")
    # A single endless word has to be cut.
    return f"{(cut or text[: longest - 1]).rstrip(' ,;:')}…"


def number(value: object) -> float | None:
    """Return a finite number, also one that became a string; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value.strip()):
            return None
        value = float(value)
    if not isinstance(value, (int, float)):
        return None
    try:
        read = float(value)
    except OverflowError:
        return None
    return read if math.isfinite(read) else None


def count(value: object) -> int | None:
    """Return a whole number >= 0; else None."""
    read = number(value)
    return None if read is None or read < 0 else int(read)


def flag(value: object) -> bool:
    """True only for what says so: a gate is never open by mistake."""
    return value is True or (isinstance(value, (str, int)) and str(value).strip().lower() in _TRUE)


def epoch(value: object) -> float | None:
    """Return seconds since 1970 of an ISO 8601 time from then to the year 9999; else None."""
    try:
        at = datetime.fromisoformat(str(value).strip().replace("Z", "+00:00"))
        seconds = (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < _YEAR_9999 else None


def items(value: object) -> list[Any]:
    """Return the entries of a list; of anything else none."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) else []


def fields(value: object) -> Mapping[Any, Any]:
    """Return a dictionary; instead of anything else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[Any, Any]]:
    """Return those entries of a list that are dictionaries."""
    return [entry for entry in items(value) if isinstance(entry, Mapping)]
