#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_confirm
short_description: Ask a person before a step of a Data Replication Service (DRS) cutover
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Asks a question on the terminal of the controller. Only V(yes) counts as a yes.
  - Unlike M(ansible.builtin.pause), it distinguishes no answer from no terminal, as in CI and AWX.
  - It does not fail. The playbook decides what follows from the answer.
extends_documentation_fragment:
  - cutover.drs.attributes
attributes:
  action_group:
    support: none
    description: It takes no connection options.
    membership: []
options:
  question:
    description: The question, as a sentence.
    type: str
    required: true
  timeout:
    description: Seconds to wait for an answer. Silence means no. By default it waits forever.
    type: float
seealso:
  - ref: ansible_collections.cutover.drs.docsite.guide_runbook
    description: The role drs_cutover asks in this way.
"""

EXAMPLES = r"""
- name: Ask before the switch
  cutover.drs.drs_confirm:
    question: Switch the orders database now?
    timeout: 300
  register: answer

- name: Continue only after a yes, or if there is nobody to ask
  ansible.builtin.assert:
    that: answer.confirmed or not answer.asked
    fail_msg: "{{ answer.msg }}"
"""

RETURN = r"""
asked:
  description: Whether there was a terminal, and therefore somebody to ask.
  returned: always
  type: bool
  sample: true
confirmed:
  description: Whether the answer was V(yes), in upper or lower case.
  returned: always
  type: bool
  sample: true
msg:
  description: The outcome as a sentence.
  returned: always
  type: str
  sample: Confirmed.
"""
