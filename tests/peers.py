# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Software that the collection is verified against, in an environment of its own: nox -s "verify(keystone)"."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def peer(name: str) -> Path:
    """Return a program of that environment; skip the test without it."""
    if "DRS_PEER" not in os.environ:
        pytest.skip("needs other software: make verify")
    return Path(os.environ["DRS_PEER"]) / name
