# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ranges of options that are numbers: one check for all of them, in the words of the option or variable that was set."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import configuration_error

# No wait lasts for 30 years, and what is longer no clock can sleep or show.
LONGEST = 1_000_000_000


@dataclass(frozen=True)
class Range:
    """From ``least`` to ``most``; with ``more``, ``least`` itself is too little."""

    least: float = 0
    most: float = math.inf
    more: bool = False

    def problem(self, value: float) -> str:
        """Return what is wrong with a value, as the end of a sentence; empty if nothing is."""
        if abs(value) > sys.float_info.max:
            # A whole number may have more digits than any other number can, and than a sentence should.
            value = math.inf if value > 0 else -math.inf
        enough = value > self.least if self.more else value >= self.least
        if math.isfinite(value) and enough and value <= self.most:
            return ""
        if self.more and not enough:
            return f"must be more than {self.least:g}, not {value:g}."
        if math.isfinite(self.most) and self.most != LONGEST:
            return f"must be from {self.least:g} to {self.most:g}, not {value}."
        if not math.isfinite(value) or (value < 0 and not self.least):
            return f"must be a number that is not negative, not {value}."
        if not enough:
            return f"must be at least {self.least:g}, not {value}."
        return f"must be at most {LONGEST} seconds, not {value:g}."


# Of any length of time, in seconds.
SECONDS = Range(0, LONGEST)
SOME_SECONDS = Range(0, LONGEST, more=True)


def check_ranges(ranges: Mapping[str, Range], values: Mapping[str, Any], named: Callable[[str], str] = str) -> None:
    """Raise :class:`DrsError` of kind ``configuration`` for the first value that is out of its range.

    What is not given, or None, is not checked. ``named`` returns what the user calls an option, such as the variable of a role.
    """
    for name, allowed in ranges.items():
        value = values.get(name)
        problem = "" if value is None else allowed.problem(value)
        if problem:
            raise configuration_error(f"{named(name)} {problem}")
