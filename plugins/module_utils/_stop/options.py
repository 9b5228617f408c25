# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a stop."""

from __future__ import annotations

from typing import Any

from .._service.options import JOBS_OR_NAMES, options_of
from .decide import StopRules

STOP_OPTIONS: dict[str, dict[str, Any]] = {
    **JOBS_OR_NAMES,
    **options_of(StopRules),
    "progress": {"type": "bool", "default": True},
}
