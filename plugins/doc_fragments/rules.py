# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options by which every wait judges its samples."""

    DOCUMENTATION = r"""
options:
  goal:
    description:
      - What each job must reach.
      - V(full_complete) is the full phase done or passed.
      - V(caught_up) is the incremental phase with a delay of at most O(max_delay), stable.
      - V(stopped) is a job that was stopped or deleted.
      - V(auto) depends on each job's mode. V(FULL_TRANS) must be V(full_complete), V(INCR_TRANS) and V(FULL_INCR_TRANS) must
        be V(caught_up). A job of another mode is never ready.
    type: str
    choices: [auto, full_complete, caught_up, stopped]
    default: auto
  max_delay:
    description: Seconds of incremental delay that are allowed for V(caught_up).
    type: int
    default: 0
  stable_samples:
    description:
      - For V(caught_up), the number of consecutive samples in which all jobs must be ready; they must also span
        O(stable_for) seconds.
      - The count restarts at any hold, failed poll, missing job, or gap of more than three times O(near_interval) between
        the end of one sample and the beginning of the next.
    type: int
    default: 3
  stable_for:
    description: For V(caught_up), the number of seconds for which all jobs must be ready together.
    type: float
    default: 60.0
  max_errors:
    description:
      - Maximum number of consecutive failed polls; one more is the verdict V(error).
      - A failure that retrying cannot fix (login, permission, bad request) is the verdict V(error) at once.
    type: int
    default: 5
  max_missing:
    description: Maximum number of consecutive samples with a missing job; one more is the verdict V(missing).
    type: int
    default: 3
  unknown_for:
    description:
      - Seconds for which a job may keep a status that this version does not know, from the end of the first such sample
        to the end of the latest. Longer is the verdict V(unknown).
      - A specification change takes up to 30 minutes, and may show as such a status. With V(0), none is allowed at all.
    type: float
    default: 1800.0
  fail_fast:
    description:
      - Whether the first job that failed or ended gives the verdict.
      - If V(false), it comes when all others are done too.
    type: bool
    default: true
  require_full_progress:
    description: Whether the progress of the full phase, and of each part of it, must be 100 %.
    type: bool
    default: false
  require_quiet:
    description:
      - Whether the source must be quiet too. A delay of 0 says that what was committed has been applied, not that
        nobody writes any more. The position in the log of the source must not have moved for O(quiet_for) seconds and
        over the streak, and no rows may have been applied; else the job has the hold V(writes), or V(position) if
        there is no position to compare.
      - It counts for jobs whose goal is V(caught_up), and for their subtasks. One sample alone, as in check mode, has
        nothing to compare with, so no job is ready.
      - An unmoved position is necessary, but not sufficient, because open transactions are in no log.
      - In the role drs_cutover it counts for the final gate only, because before the freeze everybody writes.
      - Only for MySQL and MariaDB. Even there it is the log of the whole instance, which other schemas, log rotation
        and heartbeats of the hoster move. The positions of PostgreSQL, MongoDB, Redis and Oracle move without any user.
    type: bool
    default: false
  quiet_for:
    description: With O(require_quiet), for how many seconds the position of the source must not have moved.
    type: float
    default: 30.0
  valid_for:
    description: Seconds for which a verdict V(ready) may be trusted. C(valid_until) is the end of that time.
    type: float
    default: 60.0
"""
