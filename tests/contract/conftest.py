# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets up what the contract is checked with, and keeps the machine's own settings out of the tests."""

from __future__ import annotations

from ansible_collections.cutover.drs.tests.unit.service.support import plain_environment

# A fixture of these tests, too.
__all__ = ["plain_environment"]
