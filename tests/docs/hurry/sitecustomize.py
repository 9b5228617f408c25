# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time passes sixty times as fast for the wait: Python imports this file by itself when its folder is on PYTHONPATH.

A playbook of the documentation waits as long as it says, for example a stable minute. The text must stay as a
user would copy it, so the clock changes instead: sleeps are a sixtieth, and the one clock that the wait measures
with (since boot) runs sixty times as fast. A guard, and who asks it, keep the real one: their seconds are those of a
machine, and a busy one would miss a sixtieth of them. Time-outs of requests read another clock, and stay real too.
"""

from __future__ import annotations

import sys
import time

FACTOR = 60

_sleep, _clock_gettime = time.sleep, time.clock_gettime


def _factor() -> int:
    """Return how much faster time passes for who asks for it."""
    return 1 if "._guard." in sys._getframe(2).f_globals.get("__name__", "") else FACTOR


def _short_sleep(seconds: float) -> None:
    _sleep(seconds / _factor())


def _fast_clock(clock: int) -> float:
    return _clock_gettime(clock) * (_factor() if clock == time.CLOCK_BOOTTIME else 1)


time.sleep = _short_sleep
time.clock_gettime = _fast_clock
