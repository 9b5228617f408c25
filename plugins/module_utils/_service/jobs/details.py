# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the details of jobs, which are often refused to a user who may read statuses: that is a warning, no error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..._job.details import DetailRecord
from ..._job.errors import DrsError
from ..._job.text import listed


class ReadsDetails(Protocol):
    """The part of the client that is needed here."""

    def details(self, ids: Sequence[str]) -> list[DetailRecord]:
        """A record for each id, in the order given."""


def target_readonly(client: ReadsDetails, ids: Sequence[str]) -> tuple[dict[str, bool | None], str | None]:
    """Whether each job's target is read-only until the job has ended, and a warning if that could not be checked.

    None means not known. Details are often refused to a user who may read statuses, so that is not an error.
    """
    try:
        records = client.details(ids)
    except DrsError as error:
        return not_checked(ids, error)
    found = {record.id: record.target_readonly for record in records}
    unknown = [record.id for record in records if record.target_readonly is None and record.has_setting]
    if unknown:
        jobs = listed(unknown, 20)
        return found, f"The service does not say whether the target is read-only until the job has ended: {jobs}."
    return found, None


def not_checked(ids: Sequence[str], error: DrsError) -> tuple[dict[str, bool | None], str]:
    """The same when the details could not be read."""
    warning = f"Whether the targets are read-only until the jobs have ended could not be checked. {error}"
    return dict.fromkeys(ids), warning
