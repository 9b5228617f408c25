#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_job_wait
short_description: Wait for jobs of the Data Replication Service (DRS) and say whether a cutover may go ahead
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Reads jobs of the Data Replication Service (DRS) of Huawei Cloud and Open Telekom Cloud again and again,
    until all of them have reached their goal together, or it is clear that they will not.
  - Only the verdict V(ready) lets the task succeed. It needs positive evidence for every job. Anything unknown, missing,
    malformed, contradictory or stale keeps the gate shut, and every verdict states its reason.
  - It waits on the controller, with one login and one set of connections for the whole wait.
    So C(delegate_to) and C(become) do not reach it; C(environment) does.
  - While it waits it writes lines to standard error, one for each change and a heartbeat.
  - In check mode it takes one real sample, judges it as with O(timeout=0), and never sleeps.
extends_documentation_fragment:
  - cutover.drs.connection
  - cutover.drs.rules
  - cutover.drs.attributes
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    details:
      - It takes one real sample, judges it as with O(timeout=0), and never sleeps.
options:
  jobs:
    description:
      - The ids of the jobs. Repeated ids are read once.
      - Set either this or O(job_names). With O(replay) neither is needed, and both pick some of the jobs that were recorded.
    type: list
    elements: str
    aliases: [job_ids]
  job_names:
    description:
      - The names of the jobs, exactly as in the console. The first poll looks them up in the list of jobs, which needs a
        permission of its own.
      - A name that belongs to no job or to several ends the wait with V(error).
    type: list
    elements: str
  timeout:
    description:
      - Seconds for the whole wait. A sample that begins later never opens the gate.
      - V(0) takes one sample and needs no streak, for a quick check whether what was ready still is.
      - Otherwise O(stable_for), and O(quiet_for) with O(require_quiet), must not be longer. A gate that could never open is refused.
    type: float
    default: 3600.0
  interval:
    description: Seconds between samples while the goal is far, randomised by ±10 %.
    type: float
    default: 30.0
  near_interval:
    description: Seconds between samples when all jobs are near their goal, randomised by ±10 %.
    type: float
    default: 5.0
  check_subtasks:
    description:
      - Whether to check the subtasks of the jobs too. Tables that are added to a running synchronisation are copied by a
        subtask with an id of its own, while the job itself reports that it has caught up.
      - The list of jobs is read for the first sample, and for each sample in which nothing else holds any job. A subtask
        that is not finished must be ready like its job, by the same O(goal).
      - A subtask that was seen running and is in no response any more, and one that was stopped or deleted before it was seen
        complete, hold their job.
      - If the list cannot be read, the jobs have the hold V(subtasks).
      - In a replay, what a list said counts until the next one that was recorded.
    type: bool
    default: true
  hold_file:
    description:
      - While this file exists on the controller, no job is ready.
      - A relative path is looked for beside the playbook and where C(ansible-playbook) was started. A file in either place counts.
    type: path
  stall_after:
    description: Seconds without any movement in any job after which there is a warning.
    type: float
    default: 1800.0
  record:
    description:
      - A file on the controller to which every sample is appended as one line of JSON, at once, failed polls too.
        It is evidence for people, and what O(replay) reads. It holds no secret.
      - It is not written in check mode.
    type: path
  replay:
    description:
      - A file written by O(record). The samples of its last run are judged again with the rules given now, without any
        request and without waiting. It needs no connection options.
      - A line that is damaged is reported and counts as a failed poll.
    type: path
  role_prefixes:
    description:
      - Prefixes of variables that give options. With V(drs_wait_), a variable C(drs_wait_timeout) is the option O(timeout).
        The first prefix for which there is such a variable counts, and it comes before an option of the task.
      - This is how the roles hand on what they are given, and leave the rest to C(module_defaults).
    type: list
    elements: str
  progress:
    description:
      - Whether lines are written to standard error while it waits.
      - C(no_log) silences them too.
    type: bool
    default: true
  series:
    description:
      - Whether the result has RV(series), for the curves of reports, and all of more than ten jobs, whatever the verdict is.
      - Without it, the result of a wait for more than ten jobs that does not end with V(ready) has the three that are furthest from
        their goal and no RV(transitions), because Ansible prints the whole result of a task that fails.
      - Set it if you hand the result to M(cutover.drs.drs_report); the roles do.
    type: bool
    default: false
seealso:
  - module: cutover.drs.drs_job_status
  - module: cutover.drs.drs_job_progress
"""

EXAMPLES = r"""
- name: Wait until all jobs have caught up, at most two hours
  cutover.drs.drs_job_wait:
    region: eu-de
    username: migration
    password: "{{ migration_password }}"
    user_domain_name: OTC-EU-DE-00000000001000000000
    jobs: "{{ drs_jobs }}"
    goal: caught_up
    timeout: 7200
  register: gate

- name: Go on only on positive evidence
  ansible.builtin.assert:
    that: gate.ready
    fail_msg: "{{ gate.reason }}"

- name: Check just before the switch that it is still so, without waiting
  cutover.drs.drs_job_wait:
    cloud: otc
    jobs: "{{ drs_jobs }}"
    goal: caught_up
    timeout: 0

- name: Ask whether a delay of 5 s would have opened the gate earlier
  cutover.drs.drs_job_wait:
    replay: evidence/orders.jsonl
    goal: caught_up
    max_delay: 5
"""

RETURN = r"""
verdict:
  description:
    - How the wait ended. Every verdict but V(ready) fails the task.
    - V(ready), all jobs were ready together for long enough.
    - V(failed), a job failed.
    - V(ended), a job is being stopped or was, though that is not its goal.
    - V(missing), a job was missing in more consecutive samples than allowed.
    - V(unknown), a job kept an unknown status for longer than allowed.
    - V(held), the deadline passed and only O(hold_file) was blocking.
    - V(timeout), the deadline passed. RV(reason) groups the jobs that were not ready by cause, and names the three worst with
      their holds.
    - V(error), too many consecutive failed polls, or one that retrying cannot fix.
  returned: always
  type: str
  sample: ready
ready:
  description: Whether the verdict is V(ready).
  returned: always
  type: bool
  sample: true
reason:
  description: Why, in a sentence or two for people.
  returned: always
  type: str
  sample: 3 jobs ready in 7 consecutive samples over 61 s.
goal:
  description: The goal that was asked for.
  returned: when it could begin
  type: str
  sample: auto
rules:
  description: The options that decided, with their values.
  returned: when it could begin
  type: dict
  sample: {goal: auto, max_delay: 0, stable_samples: 3, stable_for: 60}
jobs:
  description:
    - One entry for each distinct job, in the requested order, as the last sample found it.
    - Of more than ten jobs, if RV(ready) is false and O(series) is not set, the three that are furthest from their goal.
  returned: when it could begin
  type: list
  elements: dict
  contains:
    id:
      description: The job's id.
      type: str
      sample: 9a470239-2308-4bb5-a6bc-1040402fjb21
    name:
      description: The job's name. None if no list of jobs was read.
      type: str
      sample: orders
    goal:
      description: What this job must reach. It is V(auto) if its mode does not determine it.
      type: str
      sample: caught_up
    ready:
      description: Whether the last sample found the job ready.
      type: bool
      sample: false
    holds:
      description:
        - Why the job is not ready, each with RV(jobs[].holds[].rule) and RV(jobs[].holds[].text).
      type: list
      elements: dict
      contains:
        rule:
          description:
            - One of V(not_found), V(unknown_status), V(wrong_phase), V(disagreement), V(action), V(error_reported), V(delay),
              V(writes), V(position), V(incomplete), V(subtasks), V(hold_file), V(unread).
          type: str
          sample: delay
        text:
          description: A sentence for people.
          type: str
          sample: Delay 412 s, allowed 0 s.
    subtasks:
      description:
        - The subtasks that were not finished when they were last listed, those that hold the job first.
        - They are at most ten, and fewer if there are more than 50 jobs.
      type: list
      elements: dict
      contains:
        id:
          description: The subtask's id.
          type: str
          sample: 24834eb6-be30-464e-a299-f7aa730jb101
        name:
          description: Its name, or none.
          type: str
          sample: orders-add
        found:
          description: Whether the responses of both operations have the subtask.
          type: bool
          sample: true
        status:
          description: What batch-status says.
          type: str
          sample: CHILD_TRANSFER_STARTED
        phase:
          description: The phase of the subtask's life cycle.
          type: str
          sample: child
        state:
          description: What the status means.
          type: str
          sample: in_progress
        progress:
          description: Percentage of the full phase, or none.
          type: int
          sample: 63
        delay:
          description: Seconds that the target is behind the source, or none.
          type: int
          sample:
        ready:
          description: Whether the subtask is ready or finished.
          type: bool
          sample: false
        holds:
          description: Why the subtask is not ready, as RV(jobs[].holds).
          type: list
          elements: dict
    subtasks_left_out:
      description: How many more subtasks there were than RV(jobs[].subtasks) has.
      type: int
      sample: 0
    found:
      description: Whether the responses of both operations have the job.
      type: bool
      sample: true
    status:
      description: What batch-status says.
      type: str
      sample: INCRE_TRANSFER_STARTED
    transfer_status:
      description: What batch-progress says. The two must agree.
      type: str
      sample: INCRE_TRANSFER_STARTED
    phase:
      description: The phase of the job's life cycle.
      type: str
      sample: incremental
    state:
      description:
        - What the status means.
        - One of V(waiting) (for a person), V(in_progress), V(paused), V(complete), V(failed), V(ended), V(unknown), V(missing), V(unread).
        - V(unread) means that no poll succeeded, so that nothing is known of the job; V(missing), that the service does not know it.
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
      sample: 412
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
      sample: {}
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
    quiet:
      description: Whether the position of the source moved, or none if the service returns no position.
      type: dict
      contains:
        state:
          description: V(moved) or V(unmoved) since the sample before the last one, V(unknown) if there is none to compare.
          type: str
          sample: unmoved
        since:
          description: When this position was first observed (ISO 8601, UTC).
          type: str
          sample: "2026-11-24T12:15:18Z"
        from:
          description: The position before the latest move that was observed, or none.
          type: str
          sample: mysql-bin.000012:120
        to:
          description: The position in the last sample.
          type: str
          sample: mysql-bin.000012:500
    trend:
      description:
        - Where the job is heading, by the last samples, or none. It is for show and decides nothing.
        - One of V(falling), V(steady), V(not converging) for the delay, V(rising) or V(steady) for the progress.
      type: str
      sample: falling
    eta_seconds:
      description: Estimated seconds to the end of the full phase, or to a delay of 0; or none.
      type: int
      sample: 540
jobs_left_out:
  description: How many more jobs there were than RV(jobs) has.
  returned: when it could begin
  type: int
  sample: 0
transitions:
  description:
    - Each change of status, with its time, the job, and the statuses before and after.
    - Empty for more than ten jobs if RV(ready) is false and O(series) is not set.
  returned: when it could begin
  type: list
  elements: dict
  sample:
    - {at: "2026-11-24T12:00:30Z", id: 9a470239-2308-4bb5-a6bc-1040402fjb21, from: FULL_TRANSFER_STARTED, to: INCRE_TRANSFER_STARTED}
transitions_left_out:
  description: How many more there were than RV(transitions) keeps.
  returned: when it could begin
  type: int
  sample: 0
series:
  description: Progress and delay of the jobs over time, thinned out evenly in a long wait, and empty for more than 500 jobs.
  returned: when O(series) is V(true) and it could begin
  type: list
  elements: dict
  sample:
    - {at: "2026-11-24T12:00:30Z", id: 9a470239-2308-4bb5-a6bc-1040402fjb21, progress: 100, delay: 412}
polls:
  description: How many polls there were, failed ones too.
  returned: when it could begin
  type: int
  sample: 31
requests:
  description: How many requests about jobs were sent, those for lists of jobs and repeated ones too.
  returned: when it could begin
  type: int
  sample: 62
logins:
  description: How many logins there were.
  returned: when it could begin
  type: int
  sample: 1
errors:
  description: How many polls failed.
  returned: when it could begin
  type: int
  sample: 0
started_at:
  description: When the wait began (ISO 8601, UTC).
  returned: when it could begin
  type: str
  sample: "2026-11-24T12:00:00Z"
finished_at:
  description: When it ended (ISO 8601, UTC).
  returned: when it could begin
  type: str
  sample: "2026-11-24T12:16:20Z"
elapsed:
  description: How long it took, in seconds.
  returned: when it could begin
  type: float
  sample: 980.2
valid_until:
  description: Until when a verdict V(ready) may be trusted (ISO 8601, UTC), or none.
  returned: when it could begin
  type: str
  sample: "2026-11-24T12:17:20Z"
connection:
  description: Where the jobs were read, and by which user; none if no login succeeded.
  returned: when it could begin
  type: dict
  sample:
    endpoint: https://drs.eu-de.otc.t-systems.com
    region: eu-de
    project_id: 054ba152d480d55b2f5dc0069e7ddef0
    user: migration
ran_by:
  description: Who ran the wait, on which machine, and for which host of the inventory; none if only its options were wrong.
  returned: always
  type: dict
  sample: {user: ops, machine: control-1, host: localhost}
replay:
  description: What was judged again, if O(replay) is set, or none. A replay is no evidence of now, and RV(valid_until) is none.
  returned: always
  type: dict
  contains:
    file:
      description: The recording.
      type: str
      sample: evidence/orders.jsonl
    recorded_at:
      description: When the recorded wait began (ISO 8601, UTC).
      type: str
      sample: "2026-11-24T12:00:00Z"
    rules_changed:
      description:
        - The rules that differ from the recorded ones, each with RV(replay.rules_changed[].rule),
          RV(replay.rules_changed[].recorded) (none if the recording does not have it) and RV(replay.rules_changed[].replayed).
      type: list
      elements: dict
      contains:
        rule:
          description: The option.
          type: str
          sample: max_delay
        recorded:
          description: Its value when the samples were taken.
          type: raw
          sample: 0
        replayed:
          description: Its value now.
          type: raw
          sample: 5
    jobs_left_out:
      description: The jobs of the recording that were not judged, because O(jobs) or O(job_names) selects others.
      type: list
      elements: str
      sample: []
failure:
  description: What went wrong with the last poll, as from M(cutover.drs.drs_job_status), or none.
  returned: always
  type: dict
  sample:
msg:
  description: The same as RV(reason); that of a replay begins with C(REPLAY).
  returned: always
  type: str
  sample: 3 jobs ready in 7 consecutive samples over 61 s.
"""
