# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that the plugins share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    details:
      - It only reads, and does the same in check mode.
  diff_mode:
    support: N/A
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    support: N/A
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    details:
      - It changes nothing.
  action_group:
    support: full
    description: Use C(group/cutover.drs.drs) in C(module_defaults) to set the connection options for all plugins of this collection.
    membership:
      - cutover.drs.drs
"""
