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
  - It runs on the controller. The first step checks everything that can be checked and starts the guard, a process that outlives the run, keeps the
    journal, and is the only one that unfreezes the source. Each later step tells the guard what happened and does what it answers.
extends_documentation_fragment:
  - cutover.drs.attributes
  - cutover.drs.connection
options:
  step:
    description:
      - Which step to take.
      - V(begin) checks everything and starts the guard. V(enter) begins a stage, and waits if that is a gate. V(completed) says that the last stage
        ended, V(failed) that something failed; it waits until the guard has unfrozen what is frozen.
      - V(finish) collects the result, V(publish) writes the reports, V(summary) sums up, and V(conclude) fails unless the target is the database in use.
      - V(preflight) is the first step in check mode. V(watch), V(recover) and V(status) are the steps of C(tasks_from) with these names.
    type: str
    required: true
    choices:
      - begin
      - preflight
      - enter
      - completed
      - failed
      - finish
      - publish
      - summary
      - conclude
      - watch
      - recover
      - status
  stage:
    description:
      - The stage to enter, with O(step=enter).
    type: str
seealso:
  - ref: ansible_collections.cutover.drs.docsite.guide_runbook
    description: How the role is used.
"""

EXAMPLES = r"""
- name: Use the role, which takes the steps in the right order, here to unfreeze what a lost run left frozen
  ansible.builtin.include_role:
    name: cutover.drs.drs_cutover
    tasks_from: recover
  vars:
    drs_cutover_journal: orders.json
    # No journal is no failure here: no cutover has begun.
    drs_cutover_missing_journal: ok
"""

RETURN = r"""
files:
  description: The task files to run now.
  returned: for the step V(enter), if the stage is yours
  type: list
  elements: str
  sample: [/srv/cutover/tasks/freeze.yml]
environment:
  description: The mark by which the guard finds what is left of your tasks.
  returned: as RV(files)
  type: dict
  sample: {DRS_CUTOVER_STAGE: "5f0c1d2e3a4b5c6d:freeze"}
stages:
  description: The stages of this cutover in order, each with its name and title, and whether its tasks are yours.
  returned: for the step V(begin)
  type: list
  elements: dict
  sample: [{name: approach, title: Wait until the target has nearly caught up, yours: false}]
plan:
  description: The plan of the cutover, for people.
  returned: for the step V(begin), if the guard was started
  type: list
  elements: str
  sample: ["1. approach gate: delay of at most 5 s"]
journal:
  description: The journal as the guard found or left it.
  returned: for the steps V(watch) and V(recover), if there is one
  type: dict
  sample: {stage: unfreeze, outcome: unfrozen}
result:
  description: The result of the cutover, which the role keeps as C(drs_cutover_result).
  returned: for the step V(finish)
  type: dict
  sample: {kind: cutover, outcome: done}
msg:
  description: What happened, for people.
  returned: always
  type: raw
  sample: The cutover is complete.
"""
