#!/usr/bin/python
# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_job_compare_info
short_description: Read what the comparisons of Data Replication Service (DRS) jobs found
version_added: "1.0.0"
author:
  - The cutover.drs authors (@cutover-drs)
description:
  - Reads the comparisons of source and target that jobs of the Data Replication Service (DRS) of Huawei Cloud and Open
    Telekom Cloud have made, and says for each kind what the newest one found.
  - It starts no comparison. A person does that in the console, after the writes to the source have stopped.
  - The newest comparison of a kind counts, over all pages, whatever an older one said. The service starts comparisons by
    itself, so set O(started_after) to the time of the freeze.
  - No rows, keys or SQL text of the compared data are returned, and no names of databases or tables.
  - It is not confirmed that the service answers this request for every type of job. Whatever it returns, only a result
    that is whole, finished and equal in every entry is V(consistent).
extends_documentation_fragment:
  - cutover.drs.connection
  - cutover.drs.jobs
  - cutover.drs.attributes
options:
  kinds:
    description:
      - What must have been compared. V(objects) compares the numbers of tables, indexes and other objects, V(rows) the number of rows of
        each table, V(values) their content.
      - A comparison of values does not see additional rows of the target. V(values) is therefore consistent only if a
        comparison of rows is, too.
    type: list
    elements: str
    choices: [objects, rows, values]
    default: [objects, rows]
  started_after:
    description:
      - Comparisons that began before this time are V(stale). ISO 8601 with a time zone, for example
        V(2026-11-24T12:00:00Z).
      - It is compared with the clock of the service.
    type: str
seealso:
  - module: cutover.drs.drs_job_wait
  - module: cutover.drs.drs_job_stop
"""

EXAMPLES = r"""
- name: Read what was compared in the last 15 minutes, since the writes have stopped
  cutover.drs.drs_job_compare_info:
    cloud: otc
    jobs: "{{ drs_jobs }}"
    kinds: [rows, values]
    started_after: "{{ '%Y-%m-%dT%H:%M:%SZ' | ansible.builtin.strftime(now().timestamp() - 900, utc=true) }}"
  register: found

- name: Go on only if everything is equal
  ansible.builtin.assert:
    that: found.consistent
    fail_msg: "{{ found.summary }}"
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
    consistent:
      description: Whether all kinds that were asked for are V(consistent).
      type: bool
      sample: true
    comparisons:
      description: For each of O(kinds) what its newest comparison says.
      type: dict
      contains:
        rows:
          description: The same keys for each kind.
          type: dict
          contains:
            verdict:
              description:
                - V(consistent) if the comparison is new, finished, whole, and equal in every entry. V(inconsistent) if anything differs.
                - V(unfinished) while it goes on. V(failed) if it, or a part of it, failed.
                - V(incomplete) if not everything was or could be compared. V(stale) if it began before O(started_after) or it is not
                  known when. V(missing) if there is none.
                - V(unknown) for a word that is unknown to this version, a value of the wrong type, or an error in place of the result.
              type: str
              sample: consistent
            id:
              description: The id of the comparison, or none.
              type: str
              sample: d45d569d-0a80-4cef-a412-da2a3bcdc9b7
            status:
              description: The status of the comparison. V(SUCCESSFUL) only means that it has finished.
              type: str
              sample: SUCCESSFUL
            started_at:
              description: When it began (ISO 8601, UTC), or none.
              type: str
              sample: "2026-11-24T12:01:00Z"
            ended_at:
              description: When it ended, or none.
              type: str
              sample: "2026-11-24T12:03:20Z"
            databases:
              description: The number of databases, or of object types, in its overview.
              type: int
              sample: 2
            different:
              description: How many of these differ.
              type: int
              sample: 0
            error_code:
              description: The code of an error that the service reports in place of a result.
              type: str
              sample:
            error_message:
              description: Why it is not consistent, in the words of this collection.
              type: str
              sample:
consistent:
  description: Whether all jobs are consistent in all kinds.
  returned: success
  type: bool
  sample: true
summary:
  description: The same in one line for people.
  returned: success
  type: str
  sample: 1 of 1 job consistent (objects, rows)
failure:
  description: What went wrong, for programs, as from M(cutover.drs.drs_job_status).
  returned: failure
  type: dict
  sample: {kind: permission, http_status: 403, error_code: DRS.M00102, error_message: No permission., request_id: a1, attempts: 1}
msg:
  description: What happened to which request, and what to do.
  returned: failure
  type: str
  sample: "query-compare-result of job 9a470239-2308-4bb5-a6bc-1040402fjb21 at drs.eu-de.otc.t-systems.com failed: HTTP 403 DRS.M00102."
"""

from ansible_collections.cutover.drs.plugins.module_utils._module import run_compare_info


def main() -> None:
    run_compare_info()


if __name__ == "__main__":
    main()
