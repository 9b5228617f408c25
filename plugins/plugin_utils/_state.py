# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Jinja tests of jobs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._job.status_table import MISSING, State, meaning


def state_of(job: Any) -> State:
    """Return the state of a job entry (a mapping with ``status``), or of a status alone."""
    status = job
    if isinstance(job, Mapping):
        if job.get("found") is False:
            return MISSING.state
        if "status" not in job:
            raise AnsibleFilterError("This is not a job: it has no status. Pass an entry of jobs, or a status.")
        status = job["status"]
    if status is not None and not isinstance(status, str):
        raise AnsibleFilterError(f"Pass an entry of jobs, or a status, not a value of type {type(status).__name__}.")
    return meaning(status).state
