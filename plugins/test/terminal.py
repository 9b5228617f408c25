# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils._state import state_of


def terminal(job: Any) -> bool:
    """Whether nothing moves by itself any more."""
    return state_of(job).terminal


class TestModule:
    """One test, by the same table that the modules read."""

    def tests(self) -> dict[str, Callable[[Any], bool]]:
        """The test by its name."""
        return {"terminal": terminal}
