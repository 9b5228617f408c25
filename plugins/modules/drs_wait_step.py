#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_wait_step
short_description: Take one step of the role that waits for Data Replication Service (DRS) jobs
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - The role P(cutover.drs.drs_wait#role) is a list of these steps around M(cutover.drs.drs_job_wait). Use the role, not this action.
  - It runs on the controller, sends no request, and reads the options of the role from its variables.
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    details:
      - No report is written in check mode.
  diff_mode:
    support: none
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    support: full
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
options:
  step:
    description:
      - V(begin) checks the options of the role that are not those of the wait.
      - V(publish) writes the reports and publishes the verdict. It never fails.
      - V(summary) shows the verdict, the jobs by state, the worst of those that are not ready, and where the reports are.
      - V(open) fails unless the verdict is V(ready).
    type: str
    required: true
    choices:
      - begin
      - publish
      - summary
      - open
seealso:
  - module: cutover.drs.drs_job_wait
"""

EXAMPLES = r"""
- name: Use the role, which takes the steps in the right order
  ansible.builtin.include_role:
    name: cutover.drs.drs_wait
  vars:
    drs_wait_cloud: otc
    drs_wait_jobs: "{{ drs_jobs }}"
"""

RETURN = r"""
problems:
  description: Reports that could not be written, with the reason.
  returned: for the step V(publish)
  type: list
  elements: str
  sample: []
msg:
  description: What happened, for people.
  returned: always
  type: str
  sample: "All 3 jobs caught up."
"""
