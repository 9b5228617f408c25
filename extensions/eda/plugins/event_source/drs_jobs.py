# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
---
name: drs_jobs
short_description: Events about jobs of the Data Replication Service (DRS), and whether a cutover may go ahead
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - An event source of ansible-rulebook that reads jobs of the Data Replication Service (DRS) of Huawei Cloud and
    Open Telekom Cloud at a steady pace, and makes an event of what changed.
  - Every event is one dictionary C(drs), with its C(type), the time C(at) (ISO 8601, UTC), and the same keys
    whenever it is of that type.
    The types are V(status), V(progress), V(delay), V(verdict), V(heartbeat), V(fault), V(recovered) and V(warning).
  - The verdict comes from the same gate as that of M(cutover.drs.drs_job_wait). Only V(ready) opens it, on evidence.
  - Where an event has the id of a job, it also has its name, if a list of jobs was read (see O(job_names) and
    O(check_subtasks)). A verdict has the subtasks of the jobs, as the result of M(cutover.drs.drs_job_wait) has.
  - It keeps watching after a verdict, and takes the verdict back if it is no longer true.
    The verdict is V(withdrawn) then, and a later one is a new event.
  - It has no deadline, so the verdicts V(timeout) and V(held) do not come.
extends_documentation_fragment:
  - cutover.drs.connection
  - cutover.drs.jobs
  - cutover.drs.rules
options:
  job_names:
    description:
      - The names of the jobs, exactly as in the console. The first poll looks them up in the list of jobs, which needs
        a permission of its own.
      - A name that belongs to no job or to several ends the source with an error.
    type: list
    elements: str
  stable_samples:
    description: As O(cutover.drs.drs_job_wait#module:stable_samples), with O(interval) as the only pace.
    type: int
    default: 3
  interval:
    description: Seconds between samples, randomised by ±10 %.
    type: float
    default: 30.0
  check_subtasks:
    description:
      - Whether to check the subtasks of the jobs too, as M(cutover.drs.drs_job_wait) does. They are in the list of
        jobs, which is read for the first sample, and for each sample in which nothing else holds any job.
    type: bool
    default: true
  hold_file:
    description: While this file exists where ansible-rulebook runs, no job is ready.
    type: path
  emit:
    description:
      - V(changes) makes events of what changed.
      - V(always) makes the events V(status), V(progress), V(delay) and V(verdict) of every sample.
    type: str
    choices: [changes, always]
    default: changes
  progress_step:
    description: Size of a step of progress in percent. A job that reaches another step, or 100 %, is an event.
    type: int
    default: 10
  delay_thresholds:
    description:
      - The delay of a job is an event each time it goes past one of these seconds.
        C(direction) is V(down) when it is at most the threshold now, and V(up) when it is above it.
      - A delay that the service does not give is above all of them, as it is before the first sample.
    type: list
    elements: int
    default: [0, 60, 600]
  heartbeat:
    description: Seconds between the events V(heartbeat). V(0) turns them off.
    type: float
    default: 300.0
notes:
  - After a poll that failed there is an event V(fault), and the pauses double, up to five minutes. Where repeating
    alone cannot help (login, permission, bad request) the pause is five minutes at once.
    The first poll that succeeds again makes an event V(recovered).
  - Invalid arguments or a missing Python package end the source with an error message.
  - What people should know, for example that the service has withdrawn an operation, is an event V(warning) and a line
    in the log, each once.
  - Any failed poll withdraws V(ready), as nothing is known then. It does not withdraw another verdict.
seealso:
  - module: cutover.drs.drs_job_wait
"""

EXAMPLES = r"""
- name: Cut over when all jobs have caught up
  hosts: localhost
  sources:
    - cutover.drs.drs_jobs:
        region: eu-de
        jobs:
          - 9a470239-2308-4bb5-a6bc-1040402fjb21
          - dc67695a-ee3e-49b8-a022-a099bd81jb21
        goal: caught_up
  rules:
    - name: All jobs are ready
      condition: event.drs.type == "verdict" and event.drs.verdict == "ready"
      action:
        run_playbook:
          name: switch.yml

    - name: A job failed
      condition: event.drs.type == "status" and event.drs.state == "failed"
      action:
        run_playbook:
          name: failed.yml
"""


def _make_importable() -> None:
    """Let the collection this file is part of be imported.

    ansible-rulebook runs a source by its path, and puts no folder of collections on ``sys.path``.
    """
    # Not resolved: a collection may be a link to a checkout of another name.
    collections = Path(__file__).absolute().parents[6]
    if collections.name != "ansible_collections":
        # A copy elsewhere (--source-dir) takes the collection that Python finds.
        return
    sys.path.append(str(collections.parent))
    import ansible_collections

    # The package `ansible` brings a package of this name that looks into no other folder by itself.
    if str(collections) not in ansible_collections.__path__:
        ansible_collections.__path__ = [*ansible_collections.__path__, str(collections)]


_make_importable()

from ansible_collections.cutover.drs.extensions.eda.plugin_utils._arguments import Arguments  # noqa: E402
from ansible_collections.cutover.drs.extensions.eda.plugin_utils._source import Jobs, watch  # noqa: E402


async def main(queue: asyncio.Queue[dict[str, Any]], args: dict[str, Any]) -> None:
    """Watch jobs and put events into the queue until it is cancelled."""
    arguments = Arguments.of(args)
    jobs = Jobs(arguments, os.environ)
    try:
        await watch(queue, arguments, jobs)
    finally:
        jobs.close()
