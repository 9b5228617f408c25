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
from ._service.jobs.comparisons import compared, kinds_of, shown, started_after_of
from ._service.jobs.info import jobs_info
from ._service.jobs.names import asked_jobs, ids_of
from ._service.options import (
    COMPARE_OPTIONS,
    CONNECTION_OPTIONS,
    INFO_OPTIONS,
    JOBS_OR_NAMES,
    chosen,
    logins_in_urls,
)

Options = Mapping[str, Any]
Warn = Callable[[str], None]


def run(read: Callable[[Client, Sequence[str]], Sequence[StatusRecord]]) -> None:
    """Run a module that reads the jobs which its options name."""

    def found(client: Client, ids: Sequence[str]) -> dict[str, Any]:
        records = read(client, ids)
        return {"jobs": [record.as_dict() for record in records], **summary(records)}

    _run(JOBS_OR_NAMES, lambda options, warn: _of_jobs(options, warn, found))


def run_compare_info() -> None:
    """Run the module that tells what the comparisons of jobs say."""

    def result(options: Options, warn: Warn) -> Mapping[str, Any]:
        kinds, started_after = kinds_of(options["kinds"]), started_after_of(options["started_after"])

        def found(client: Client, ids: Sequence[str]) -> dict[str, Any]:
            try:
                return shown([compared(client, job_id, kinds, started_after) for job_id in ids], kinds)
            except DrsError as error:
                raise client.shown_error(error) from None

        return _of_jobs(options, warn, found)

    _run(COMPARE_OPTIONS, result)


def run_info() -> None:
    """Run the module that lists the jobs of the project."""

    def result(options: Options, warn: Warn) -> Mapping[str, Any]:
        with connect(options, os.environ) as client:
            known = chosen(options["ids"], "ids")
            found = client.shown(jobs_info(client, options, lambda text: warn(client.shown(text))), known)
            for warning in client.warnings:
                warn(warning)
            return found

    _run(INFO_OPTIONS, result)


def _of_jobs(
    options: Options, warn: Warn, read: Callable[[Client, Sequence[str]], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return what is read of the jobs that options name, each with its name if that was given."""
    asked = asked_jobs(options)
    if asked.warning:
        warn(asked.warning)
    with connect(options, os.environ) as client:
        ids = ids_of(client, asked)
        found = read(client, ids)
        for warning in client.warnings:
            warn(warning)
        names = dict(zip(ids, asked.names, strict=False))
        jobs = [{"id": job["id"], "name": names.get(job["id"]), **job} for job in found["jobs"]]
        # Ids that were given are no secret, and whoever reads a result looks for them.
        return client.shown({**found, "jobs": jobs}, ids)


def _run(spec: Mapping[str, Any], result: Callable[[Options, Warn], Mapping[str, Any]]) -> None:
    module = AnsibleModule({**CONNECTION_OPTIONS, **spec}, supports_check_mode=True)
    # Ansible shows these options at -vvv. Secrets of the environment are hidden by whoever reads the answers.
    module.no_log_values.update(logins_in_urls(module.params))
    try:
        found = result(module.params, module.warn)
    except DrsError as error:
        module.fail_json(msg=str(error), failure=error.failure())
    module.exit_json(changed=False, **found)
