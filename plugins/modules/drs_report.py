#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_report
short_description: Write reports of a wait for Data Replication Service (DRS) jobs, or of a whole cutover
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Writes the result of M(cutover.drs.drs_job_wait) or of the role P(cutover.drs.drs_cutover#role) as files for people, for CI
    and for monitoring, whatever the verdict.
  - It runs on the controller and sends no requests, so it takes no connection options.
  - A file is replaced in one step, so that nobody reads half of it. Missing folders are created.
  - Texts of the service are shown as plain text, whatever they contain.
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    details:
      - It generates the reports without writing them, and returns what it would write.
  diff_mode:
    support: none
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    support: none
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    details:
      - It rewrites the files each time.
options:
  result:
    description:
      - The registered result of M(cutover.drs.drs_job_wait), of any verdict.
      - Or the result of the role P(cutover.drs.drs_cutover#role).
    type: dict
    required: true
  paths:
    description:
      - The files to write, on the controller. The suffix of each file chooses its format.
      - C(.html) is one self-contained page for people, with the verdict, the jobs and their holds, and their delay,
        progress and statuses over time. That of a cutover begins with a table of its databases.
      - C(.md) is a short text for the summary of a CI job.
      - C(.xml) is JUnit, with a test case for the verdict and for each job, for up to 1,000 jobs.
      - C(.prom) is a textfile for the Prometheus node exporter. Each metric has the label C(title), so that several
        waits can be collected on one machine.
      - C(.json) is the result itself, as the schemas in C(docs/schemas) of the collection describe it.
    type: list
    elements: path
    required: true
  title:
    description: The title of the reports.
    type: str
    default: DRS cutover gate
seealso:
  - module: cutover.drs.drs_job_wait
"""

EXAMPLES = r"""
- name: Wait, and keep the result whatever it is
  cutover.drs.drs_job_wait:
    cloud: otc
    jobs: "{{ drs_jobs }}"
    goal: caught_up
  register: gate
  ignore_errors: true

- name: Write a page for people, a summary for CI, and metrics
  cutover.drs.drs_report:
    result: "{{ gate }}"
    title: Orders database, production
    paths:
      - evidence/orders.html
      - evidence/orders.md
      - /var/lib/node_exporter/textfile/drs_orders.prom

- name: Continue only on positive evidence
  ansible.builtin.assert:
    that: gate.ready
    fail_msg: "{{ gate.reason }}"
"""

RETURN = r"""
written:
  description: The files that were written, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [evidence/orders.html, evidence/orders.md]
problems:
  description: A sentence for each file that could not be written. If there is any, the task fails after trying all files.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: What was written, or which files could not be written.
  returned: always
  type: str
  sample: Wrote evidence/orders.html, evidence/orders.md.
"""
