# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._job.status_table import State
from ..plugin_utils._state import state_of


def failed(job: Any) -> bool:
    """Whether the job failed."""
    return state_of(job) is State.FAILED


class TestModule:
    """One test, by the same table that the modules read."""

    def tests(self) -> dict[str, Callable[[Any], bool]]:
        """The test by its name."""
        return {"failed": failed}
