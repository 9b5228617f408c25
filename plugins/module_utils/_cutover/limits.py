# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of a cutover may be, each for itself and in pairs, in the words of the variables that were set.

What a gate, a stop and a connection have too is checked by their own ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._job.errors import configuration_error
from .._job.ranges import LONGEST, SECONDS, SOME_SECONDS, Range

RANGES: Mapping[str, Range] = {
    "approach_max_delay": Range(),
    "approach_timeout": SECONDS,
    # With 0 a gate takes one sample and needs no streak: too little to switch on.
    "final_timeout": SOME_SECONDS,
    "timeout": SOME_SECONDS,
    # Of a gate and of a stop.
    "final_interval": Range(0.01, LONGEST),
    "max_outage": SOME_SECONDS,
    # A verdict that cannot be trusted for a moment begins no stage.
    "valid_for": SOME_SECONDS,
    "stop_timeout": Range(1, LONGEST),
    "compare_timeout": SOME_SECONDS,
    "confirm_timeout": SOME_SECONDS,
    "unfreeze_timeout": SOME_SECONDS,
    "unfreeze_for": SECONDS,
    # Shorter, a renewal that is a little late would end a cutover.
    "lease": Range(3, LONGEST),
    "watch_timeout": SOME_SECONDS,
    "recover_wait": SECONDS,
}


def check_outage(values: Mapping[str, Any], named: Callable[[str], str], streak: Mapping[str, float]) -> None:
    """Raise :class:`DrsError` if the guard would always unfreeze before the final gate can open.

    ``streak`` has the options that say how long that gate takes at least (seconds).
    """
    longest = values["max_outage"]
    for option, seconds in streak.items():
        if seconds >= longest:
            raise configuration_error(
                f"{named(option)} ({seconds:g} s) leaves no time before {named('max_outage')} ({longest:g} s), so the guard would "
                "unfreeze before the final gate could open. Shorten the one, or lengthen the other."
            )


def check_apart(files: Mapping[str, str]) -> None:
    """Raise :class:`DrsError` if two variables name the same file; ``files`` has the real path of each."""
    first: dict[str, str] = {}
    for variable, path in files.items():
        if path in first:
            raise configuration_error(
                f"{first[path]} and {variable} are the same file, {path}. Give each a file of its own."
            )
        first[path] = variable
