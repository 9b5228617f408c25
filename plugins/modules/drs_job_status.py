#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_job_status
short_description: Read the status of jobs of the Data Replication Service (DRS)
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Reads the status of migration, synchronisation and disaster recovery jobs of the Data Replication Service (DRS)
    of Huawei Cloud and Open Telekom Cloud, in batches.
  - The result has one entry for each requested job, in the requested order, even if the service does not know the job.
extends_documentation_fragment:
  - cutover.drs.connection
  - cutover.drs.jobs
  - cutover.drs.attributes
seealso:
  - module: cutover.drs.drs_job_info
  - module: cutover.drs.drs_job_progress
  - module: cutover.drs.drs_job_wait
"""

EXAMPLES = r"""
- name: Read the status of two jobs
  cutover.drs.drs_job_status:
    region: eu-de
    username: migration
    password: "{{ migration_password }}"
    user_domain_name: OTC-EU-DE-00000000001000000000
    jobs:
      - 9a470239-2308-4bb5-a6bc-1040402fjb21
      - dc67695a-ee3e-49b8-a022-a099bd81jb21
  register: result

- name: Show what it says, in one line
  ansible.builtin.debug:
    msg: "{{ result.summary }}"

- name: Stop when one of them failed
  ansible.builtin.assert:
    that: result.jobs | selectattr('state', 'equalto', 'failed') | length == 0
"""

RETURN = r"""
jobs:
  description: One entry for each distinct job, in the requested order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The job's id.
      type: str
      sample: 9a470239-2308-4bb5-a6bc-1040402fjb21
    name:
      description: The job's name. None if the jobs were given by id, because these operations do not return names.
      type: str
      sample: orders-to-rds
    found:
      description: Whether the service knows the job.
      type: bool
      sample: true
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
    error_code:
      description: The service's error code for this job, or none.
      type: str
      sample:
    error_message:
      description: The service's error message for this job, or none.
      type: str
      sample:
missing:
  description: The ids that the service does not know.
  returned: success
  type: list
  elements: str
  sample: []
counts:
  description: How many jobs there are of which kind.
  returned: success
  type: dict
  contains:
    total:
      description: The number of distinct jobs asked for.
      type: int
      sample: 2
    found:
      description: The number of those that the service knows.
      type: int
      sample: 2
    missing:
      description: The number of those that it does not know.
      type: int
      sample: 0
    by_state:
      description: The number of jobs by state.
      type: dict
      sample: {failed: 1, in_progress: 1}
    by_status:
      description: The number of jobs by status.
      type: dict
      sample: {INCRE_TRANSFER_FAILED: 1, INCRE_TRANSFER_STARTED: 1}
summary:
  description: The counts in one line for people.
  returned: success
  type: str
  sample: "2 jobs: 1 failed, 1 in_progress"
failure:
  description: What went wrong, for programs. RV(msg) says the same for people.
  returned: failure
  type: dict
  contains:
    kind:
      description:
        - One of V(configuration), V(authentication), V(permission), V(invalid_request), V(throttled), V(service),
          V(network), V(protocol).
      type: str
      sample: throttled
    http_status:
      description: The HTTP status of the response, or none if there was no response.
      type: int
      sample: 429
    error_code:
      description: The service's error code, or none.
      type: str
      sample: APIGW.0308
    error_message:
      description: The service's error message, or none.
      type: str
      sample: The throttling threshold has been reached
    request_id:
      description: The id of the request, for the support of the cloud.
      type: str
      sample: 8dbb8a2f0a1c4e8f
    attempts:
      description: How often the request was sent.
      type: int
      sample: 5
msg:
  description: What happened to which request, and what to do.
  returned: failure
  type: str
  sample: "batch-status of 2 jobs at drs.eu-de.otc.t-systems.com failed (5 attempts): HTTP 429 APIGW.0308"
"""

from ansible_collections.cutover.drs.plugins.module_utils._module import run


def main() -> None:
    run(lambda client, ids: client.statuses(ids))


if __name__ == "__main__":
    main()
