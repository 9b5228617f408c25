# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the two modules that read jobs have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from ansible.module_utils.basic import AnsibleModule

from ._client import Client
from ._connection import connect
from ._errors import DrsError
from ._options import CONNECTION_OPTIONS, JOBS_OPTION, job_ids, repeated_jobs_warning, secrets
from ._records import StatusRecord, summary


def run(read: Callable[[Client, Sequence[str]], Sequence[StatusRecord]]) -> None:
    """Run a module that reads jobs: options in, one result or one failure out."""
    module = AnsibleModule({**CONNECTION_OPTIONS, **JOBS_OPTION}, supports_check_mode=True)
    # Ansible hides the values of options only; these may also come from the environment.
    module.no_log_values.update(secrets(module.params, os.environ))
    try:
        ids, repeated = job_ids(module.params["jobs"])
        warning = repeated_jobs_warning(repeated)
        if warning:
            module.warn(warning)
        with connect(module.params, os.environ) as client:
            records = read(client, ids)
    except DrsError as error:
        module.fail_json(msg=str(error), failure=error.failure())
    module.exit_json(changed=False, jobs=[record.as_dict() for record in records], **summary(records))
