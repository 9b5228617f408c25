#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_job_info
short_description: List jobs of the Data Replication Service (DRS) with their names and subtasks
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Lists migration, synchronisation and disaster recovery jobs of a project of the Data Replication Service (DRS) of
    Huawei Cloud and Open Telekom Cloud, with their names, and the subtasks that they have started.
  - All pages are read. A list that contradicts itself is an error, never a shorter list.
  - It uses the v3 operation, which both clouds have, and the v5 operation if v3 is withdrawn.
  - A list does not say how far behind a target is. Use M(cutover.drs.drs_job_progress) for that.
extends_documentation_fragment:
  - cutover.drs.connection
  - cutover.drs.attributes
options:
  ids:
    description:
      - Only jobs, or subtasks, with one of these ids. They come in this order; an id that is in no list is left out.
      - Options that choose are combined; a job must meet all of them.
      - An option that is empty, as an empty variable makes it, chooses nothing. If all are, every job is listed.
    type: list
    elements: str
  names:
    description: Only jobs with one of these names, compared exactly.
    type: list
    elements: str
  types:
    description: Only migration (V(migration)), synchronisation (V(sync)) or disaster recovery (V(cloudDataGuard)) jobs, in the API's own words.
    type: list
    elements: str
    choices: [migration, sync, cloudDataGuard]
  statuses:
    description: Only jobs with one of these statuses, for example V(INCRE_TRANSFER_STARTED).
    type: list
    elements: str
  details:
    description:
      - Whether to read the details of the listed jobs too, which say whether their targets are read-only.
      - They need a permission of their own. If they cannot be read there is a warning.
    type: bool
    default: false
seealso:
  - module: cutover.drs.drs_job_status
  - module: cutover.drs.drs_job_progress
  - module: cutover.drs.drs_job_wait
"""

EXAMPLES = r"""
- name: List the running synchronisations
  cutover.drs.drs_job_info:
    cloud: otc
    types: [sync]
    statuses: [INCRE_TRANSFER_STARTED]
  register: found

- name: Show their names and ids
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.id }}"
  loop: "{{ found.jobs }}"
"""

RETURN = r"""
jobs:
  description: One entry for each job, in the order of O(ids) or of the service.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The job's id. None for a subtask whose id the list does not say.
      type: str
      sample: 9a470239-2308-4bb5-a6bc-1040402fjb21
    name:
      description: The job's name.
      type: str
      sample: orders-to-rds
    type:
      description: V(migration), V(sync), V(cloudDataGuard), or any other value that the service returns.
      type: str
      sample: sync
    engine:
      description: The engine, as the service returns it.
      type: str
      sample: mysql
    engine_family:
      description:
        - What both sides are, as far as one set of task files can treat them alike.
        - V(mysql) or V(postgresql); V(other) for all else, such as a job from Oracle to MySQL, and for what is not known.
      type: str
      sample: mysql
    status:
      description: The status, exactly as the service returns it.
      type: str
      sample: INCRE_TRANSFER_STARTED
    phase:
      description: The phase of the job's life cycle.
      type: str
      sample: incremental
    state:
      description:
        - What the status means.
        - One of V(waiting) (for a person), V(in_progress), V(paused), V(complete), V(failed), V(ended), V(unknown), V(missing).
      type: str
      sample: in_progress
    terminal:
      description: Whether the status will not change by itself any more. This alone is not a reason to switch.
      type: bool
      sample: false
    task_mode:
      description: V(FULL_TRANS), V(INCR_TRANS), V(FULL_INCR_TRANS), or any other value that the service returns.
      type: str
      sample: FULL_INCR_TRANS
    created_at:
      description: When the job was created, in ISO 8601; without a time zone if the service sends none.
      type: str
      sample: "2026-06-26T17:08:57Z"
    subtasks:
      description: The subtasks that the job has started, with the same keys.
      type: list
      elements: dict
      sample: []
    target_readonly:
      description: Whether the target is read-only until the job has ended. None if the service does not say.
      returned: if O(details)
      type: bool
      sample: false
missing:
  description: The entries of O(ids) and O(names) that belong to no job in RV(jobs).
  returned: success
  type: list
  elements: str
  sample: []
counts:
  description: How many jobs there are of which kind, subtasks not counted.
  returned: success
  type: dict
  sample: {total: 1, by_type: {sync: 1}, by_state: {in_progress: 1}, by_status: {INCRE_TRANSFER_STARTED: 1}}
summary:
  description: The counts in one line for people.
  returned: success
  type: str
  sample: "1 job: 1 in_progress"
failure:
  description: What went wrong, for programs, as from M(cutover.drs.drs_job_status).
  returned: failure
  type: dict
  sample: {kind: permission, http_status: 403, error_code: DRS.M00102, error_message: No permission., request_id: a1, attempts: 1}
msg:
  description: What happened to which request, and what to do.
  returned: failure
  type: str
  sample: "The list of jobs (v3) at drs.eu-de.otc.t-systems.com failed: HTTP 403 DRS.M00102 No permission."
"""

from ansible_collections.cutover.drs.plugins.module_utils._module import run_info


def main() -> None:
    run_info()


if __name__ == "__main__":
    main()
