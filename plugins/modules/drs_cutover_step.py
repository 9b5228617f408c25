#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_cutover_step
short_description: Take one step of a Data Replication Service (DRS) cutover
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - The role P(cutover.drs.drs_cutover#role) is a list of these steps. Use the role, not this action.
  - It runs on the controller. The first step checks everything that can be checked and starts the guard, a process that keeps the journal,
    outlives the run, and unfreezes the source if the run no longer can. Each later step tells the guard what happened and does what it answers.
extends_documentation_fragment:
  - cutover.drs.attributes
  - cutover.drs.connection
options:
  step:
    description:
      - Which step to take.
    type: str
    required: true
    choices:
      - begin
      - enter
      - completed
      - failed
      - unfrozen
      - unfreeze_failed
      - leave
      - finish
      - publish
      - summary
      - conclude
      - recover
  stage:
    description:
      - The stage to enter, with O(step=enter).
    type: str
seealso:
  - ref: ansible_collections.cutover.drs.docsite.guide_runbook
    description: How the role is used.
"""

EXAMPLES = r"""
- name: Use the role, which takes the steps in the right order, here to unfreeze what a dead run left frozen
  ansible.builtin.include_role:
    name: cutover.drs.drs_cutover
    tasks_from: recover
  vars:
    drs_cutover_state_file: orders.json
"""

RETURN = r"""
files:
  description: The task files to run now.
  returned: for the steps V(enter), V(failed) and V(recover)
  type: list
  elements: str
  sample: [/srv/cutover/tasks/freeze.yml]
file:
  description: The file of the role that it includes next.
  returned: for the steps V(begin), V(failed) and V(recover)
  type: str
  sample: _drs_cutover_unfreeze.yml
heading:
  description: What that does, as the name of a task.
  returned: as RV(file)
  type: str
  sample: Unfreeze the source
ending:
  description: What the last step does if nothing begins, as the name of a task.
  returned: for the step V(begin), if no stage follows
  type: str
  sample: Show the plan
stages:
  description: The stages of this cutover in order, each with its name and title.
  returned: for the step V(begin)
  type: list
  elements: dict
  sample: [{name: approach, title: Wait until the target has nearly caught up, file: _drs_cutover_step.yml}]
result:
  description: The result of the cutover, which the role keeps as C(drs_cutover_result).
  returned: for the step V(finish)
  type: dict
  sample: {kind: cutover, outcome: done}
msg:
  description: What happened, for people.
  returned: always
  type: str
  sample: The switch is complete.
"""
