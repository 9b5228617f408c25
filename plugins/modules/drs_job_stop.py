#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_job_stop
short_description: Stop jobs of the Data Replication Service (DRS) and wait until they have ended
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Stops jobs of the Data Replication Service (DRS) of Huawei Cloud and Open Telekom Cloud, and waits until they have ended.
  - This is irreversible. A stopped job cannot be resumed; its replication must be set up again.
  - It is part of a cutover. Sequences, triggers and events are migrated only when a job is stopped, a target that is read-only accepts
    writes only after all its jobs have ended, and a job that goes on copies late writes of the source over the target.
  - Before anything is sent, all jobs that have not begun to end must be ready by the rules of M(cutover.drs.drs_job_wait)
    with O(cutover.drs.drs_job_wait#module:goal=auto), in one sample. If one is not ready, or not known to the service, none is stopped.
  - Jobs that have ended, or that are being stopped, are not sent a stop. So the task can be run again after any failure.
  - A lost response is settled by reading the status. A stop is sent again only if the status shows that nothing happened, and only
    to a job that is ready in that reading (see O(require_ready)).
  - It never deletes a job from the list.
  - It runs on the controller, as M(cutover.drs.drs_job_wait) does. So C(delegate_to) and C(become) do not reach it; C(environment) does.
extends_documentation_fragment:
  - cutover.drs.connection
  - cutover.drs.jobs
  - cutover.drs.attributes
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    details:
      - It takes one real sample, says which jobs it would stop, and sends no stop.
      - It fails if the jobs are not ready, as a normal run does.
  idempotent:
    support: full
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    details:
      - Jobs that have ended are left alone.
options:
  require_ready:
    description:
      - Whether all jobs must be ready before any is stopped.
      - With V(false) jobs are stopped in whatever phase they are. Data that was not copied yet is not copied any more.
    type: bool
    default: true
  max_delay:
    description: Seconds of incremental delay that are allowed by O(require_ready).
    type: int
    default: 0
  check_subtasks:
    description:
      - Whether O(require_ready) also checks the subtasks of the jobs, as
        O(cutover.drs.drs_job_wait#module:check_subtasks) does. They are in the list of jobs, which needs a permission of its own.
    type: bool
    default: true
  force:
    description:
      - Whether to stop the jobs forcibly. A forced stop does not set sequences and start values of the target, does not
        migrate triggers and events, and leaves replication slots on the source. The message says so.
      - Only this option forces a stop.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until all jobs have ended.
      - With V(false) the task ends when every stop has been accepted. Until a job has ended its target may still be read-only.
    type: bool
    default: true
  timeout:
    description:
      - Time limit of the whole task, in seconds. The service does not publish how long a stop takes; measure yours in a rehearsal.
      - A job that is busy with another operation is asked again until then.
    type: float
    default: 1800.0
  interval:
    description: Seconds between readings, randomised by ±10 %.
    type: float
    default: 5.0
  progress:
    description:
      - Whether lines are written to standard error while it works.
      - C(no_log) silences them too.
    type: bool
    default: true
seealso:
  - module: cutover.drs.drs_job_status
  - module: cutover.drs.drs_job_wait
"""

EXAMPLES = r"""
- name: Wait until the jobs have caught up, after the writes of the source were stopped
  cutover.drs.drs_job_wait:
    cloud: otc
    jobs: "{{ drs_jobs }}"

- name: Stop the jobs, at most 15 minutes
  cutover.drs.drs_job_stop:
    cloud: otc
    jobs: "{{ drs_jobs }}"
    timeout: 900
  register: stop

- name: Show what was done
  ansible.builtin.debug:
    msg: "{{ stop.msg }}"
"""

RETURN = r"""
jobs:
  description: One entry for each distinct job, in the requested order, as the last reading found it.
  returned: always; empty when no reading succeeded
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
      sample: RELEASE_RESOURCE_COMPLETE
    phase:
      description: The phase of the job's life cycle.
      type: str
      sample: release
    state:
      description:
        - What the status means.
        - One of V(waiting) (for a person), V(in_progress), V(paused), V(complete), V(failed), V(ended), V(unknown), V(missing).
      type: str
      sample: ended
    terminal:
      description: Whether the status will not change by itself any more. This alone is not a reason to switch.
      type: bool
      sample: true
    error_code:
      description: The service's error code for this job, or none.
      type: str
      sample:
    error_message:
      description: The service's error message for this job, or none.
      type: str
      sample:
    reason:
      description: Why the job has not ended as asked, or an empty string.
      type: str
      sample: ""
stopped:
  description:
    - The ids of the jobs that this task stopped. In check mode, of those that it would stop.
    - With O(wait=false), of those whose stop was accepted.
  returned: always
  type: list
  elements: str
  sample: [9a470239-2308-4bb5-a6bc-1040402fjb21]
already_ended:
  description: The ids of the jobs that ended without a stop of this task, because they had ended or were already being stopped.
  returned: always
  type: list
  elements: str
  sample: []
failed_jobs:
  description: The ids of the jobs that did not end as asked. RV(jobs[].reason) says why.
  returned: always
  type: list
  elements: str
  sample: []
elapsed:
  description: How long it took, in seconds.
  returned: always
  type: float
  sample: 74.2
failure:
  description: The failed request because of which the task failed, for programs; none when no request failed.
  returned: always
  type: dict
  contains:
    kind:
      description:
        - One of V(configuration), V(authentication), V(permission), V(invalid_request), V(throttled), V(service),
          V(network), V(protocol).
      type: str
      sample: permission
    http_status:
      description: The HTTP status of the response, or none if there was no response.
      type: int
      sample: 403
    error_code:
      description: The service's error code, or none.
      type: str
      sample: DRS.M00102
    error_message:
      description: The service's error message, or none.
      type: str
      sample: No permission.
    request_id:
      description: The id of the request, for the support of the cloud.
      type: str
      sample: 8dbb8a2f0a1c4e8f
    attempts:
      description: How often the request was sent.
      type: int
      sample: 1
msg:
  description: What was done or, after a failure, which jobs have not ended, why, and what to do.
  returned: always
  type: str
  sample: 2 jobs stopped.
"""
