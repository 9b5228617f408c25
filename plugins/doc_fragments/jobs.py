# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that say which jobs are meant."""

    DOCUMENTATION = r"""
options:
  jobs:
    description:
      - The ids of the jobs. Repeated ids are read once.
      - Set either this or O(job_names).
    type: list
    elements: str
    aliases: [job_ids]
  job_names:
    description:
      - The names of the jobs, exactly as in the console. They are looked up in the list of jobs, which needs a permission of its own.
      - It is an error if a name belongs to no job or to several.
    type: list
    elements: str
"""
