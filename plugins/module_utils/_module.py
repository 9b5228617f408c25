# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that read jobs have in common: options in, one result or one failure out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ._job.errors import DrsError
from ._job.records import StatusRecord, summary
from ._service.connection import connect
from ._service.jobs.client import Client
from ._service.jobs.info import jobs_info
from ._service.jobs.names import asked_jobs, resolve_names
from ._service.options import CONNECTION_OPTIONS, INFO_OPTIONS, JOBS_OR_NAMES, secrets


def run(read: Callable[[Client, Sequence[str]], Sequence[StatusRecord]]) -> None:
    """Run a module that reads the jobs which its options name."""

    def result(options: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
        asked = asked_jobs(options)
        if asked.warning:
            warn(asked.warning)
        with connect(options, os.environ) as client:
            ids = resolve_names(client, asked.names) if asked.names else asked.ids
            names = dict(zip(ids, asked.names, strict=False))
            records = read(client, ids)
            for warning in client.warnings:
                warn(warning)
        jobs = [{"id": record.id, "name": names.get(record.id), **record.as_dict()} for record in records]
        return {"jobs": jobs, **summary(records)}

    _run(JOBS_OR_NAMES, result)


def run_info() -> None:
    """Run the module that lists the jobs of the project."""

    def result(options: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
        with connect(options, os.environ) as client:
            return jobs_info(client, options, warn)

    _run(INFO_OPTIONS, result)


def _run(
    spec: Mapping[str, Any], result: Callable[[Mapping[str, Any], Callable[[str], None]], Mapping[str, Any]]
) -> None:
    module = AnsibleModule({**CONNECTION_OPTIONS, **spec}, supports_check_mode=True)
    # Ansible hides the values of options only; these may also come from the environment.
    module.no_log_values.update(secrets(module.params, os.environ))
    try:
        found = result(module.params, module.warn)
    except DrsError as error:
        module.fail_json(msg=str(error), failure=error.failure())
    module.exit_json(changed=False, **found)
