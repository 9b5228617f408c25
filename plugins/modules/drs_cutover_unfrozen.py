#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_cutover_unfrozen
short_description: Tell the guard of a Data Replication Service (DRS) cutover how its unfreeze tasks ended
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - The last task of the playbook in which the guard of P(cutover.drs.drs_cutover#role) runs your unfreeze tasks. Only that playbook has a use for it.
  - It runs on the controller.
extends_documentation_fragment:
  - cutover.drs.attributes
attributes:
  action_group:
    support: none
    description: It takes no connection options.
    membership: []
options:
  failed_in:
    description:
      - The name of the file with your unfreeze tasks, if one of them failed. Then this task fails too, and says which one and why.
    type: str
seealso:
  - ref: ansible_collections.cutover.drs.docsite.guide_runbook
    description: Who unfreezes the source, and when.
"""

EXAMPLES = r"""
- name: Use the role, whose guard takes this step for you, here to unfreeze what a lost run left frozen
  ansible.builtin.include_role:
    name: cutover.drs.drs_cutover
    tasks_from: recover
  vars:
    drs_cutover_journal: orders.json
    # No journal is no failure here: no cutover has begun.
    drs_cutover_missing_journal: ok
"""

RETURN = r"""
msg:
  description: How the unfreeze tasks ended, for people.
  returned: always
  type: str
  sample: "The source was unfrozen and accepts writes again."
"""
