#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_job_progress
short_description: Read the progress and delay of jobs of the Data Replication Service (DRS)
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Reads status, progress and incremental delay of migration, synchronisation and disaster recovery jobs of the
    Data Replication Service (DRS) of Huawei Cloud and Open Telekom Cloud, in batches.
  - The result has one entry for each requested job, in the requested order, even if the service does not know the job.
  - To decide about a cutover use M(cutover.drs.drs_job_wait), as one reading of a delay of 0 is not enough.
extends_documentation_fragment:
  - cutover.drs.connection
  - cutover.drs.jobs
  - cutover.drs.attributes
seealso:
  - module: cutover.drs.drs_job_info
  - module: cutover.drs.drs_job_status
  - module: cutover.drs.drs_job_wait
"""

EXAMPLES = r"""
- name: Read the progress of a job, with access keys
  cutover.drs.drs_job_progress:
    region: eu-de
    project_id: 054ba152d480d55b2f5dc0069e7ddef0
    access_key: "{{ access_key }}"
    secret_key: "{{ secret_key }}"
    jobs: [8d0e8e36-a618-490d-8a46-8c61ac9jb502]
  register: result

- name: Show how far the target is behind the source
  ansible.builtin.debug:
    msg: "{{ item.id }} is {{ item.delay if item.delay is not none else 'an unknown number of' }} s behind"
  loop: "{{ result.jobs }}"
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
      sample: 8d0e8e36-a618-490d-8a46-8c61ac9jb502
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
    task_mode:
      description: V(FULL_TRANS), V(INCR_TRANS), V(FULL_INCR_TRANS), or any other value that the service returns.
      type: str
      sample: FULL_INCR_TRANS
    progress:
      description: Percentage of the full phase, or none.
      type: int
      sample: 100
    delay:
      description:
        - Seconds that the target is behind the source, from a commit on the source to its execution on the target.
        - None if the service reports no value, which it writes as V(-1). None is not zero.
        - None, too, if it reports milliseconds that cannot be read.
      type: int
      sample: 0
    delay_ms:
      description: The same in milliseconds, if the service reports it.
      type: int
      sample:
    remaining_time:
      description: Remaining seconds as estimated by the service, or none. It is not reliable.
      type: int
      sample: 0
    parts:
      description: RV(jobs[].progress) and RV(jobs[].remaining_time) of the parts of the full phase, by their names.
      type: dict
      sample: {struct: {progress: 94, remaining_time: null}}
    processed_at:
      description: When the service last updated the progress (ISO 8601, UTC), or none. It says nothing about freshness.
      type: str
      sample: "2020-12-18T03:21:59Z"
    src_offset:
      description:
        - Position in the log of the source as the service returns it, or none.
        - Positions are compared as they came. One of more than 200 characters is shown by its beginning and a digest.
      type: str
      sample: mysql-bin-changelog.001731:544
    node_offset:
      description: The same for the replication instance.
      type: str
      sample:
    dst_offset:
      description: The same for the target.
      type: str
      sample:
    rows_applied:
      description: Whether the service reports that rows are being applied to the target (C(apply_rows_rate)), or none.
      type: bool
      sample: false
    raw:
      description:
        - The job's entry as the service returned it.
        - Characters that cannot be shown are replaced, and texts of more than 4096 characters are cut.
      type: dict
      sample: {job_id: 8d0e8e36-a618-490d-8a46-8c61ac9jb502, progress: "100", incre_trans_delay: "0"}
missing:
  description: The ids that the service does not know.
  returned: success
  type: list
  elements: str
  sample: []
counts:
  description: How many jobs there are of which kind, as from M(cutover.drs.drs_job_status).
  returned: success
  type: dict
  sample: {total: 1, found: 1, missing: 0, by_state: {in_progress: 1}, by_status: {INCRE_TRANSFER_STARTED: 1}}
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
  sample: "batch-progress of job 8d0e8e36-a618-490d-8a46-8c61ac9jb502 at drs.eu-de.otc.t-systems.com failed: HTTP 403"
"""

from ansible_collections.cutover.drs.plugins.module_utils._module import run


def main() -> None:
    run(lambda client, ids: client.progress(ids))


if __name__ == "__main__":
    main()
