# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``batch-detail`` says about the target of a job. Addresses and user names in its answer are dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..._job.errors import DrsError
from ..._job.records import StatusRecord, parse_items, status_fields
from ..._job.text import listed


@dataclass(frozen=True, slots=True)
class DetailRecord(StatusRecord):
    """A status, and whether the target stays read-only until the job has ended; None when that is not known.

    ``has_setting`` is false for a job of a kind that has no such setting.
    """

    target_readonly: bool | None = None
    has_setting: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The record as an entry of a task's ``jobs``."""
        return {**StatusRecord.as_dict(self), "target_readonly": self.target_readonly}


def parse_details(body: object) -> dict[str, DetailRecord]:
    """Records of a batch-detail answer by job id.

    Raises :class:`DrsError` of kind ``protocol`` for a body that is not such an answer.
    """
    return parse_items(body, _record)


def _record(item: Mapping[str, Any]) -> DetailRecord:
    readonly = item.get("is_target_readonly")
    return DetailRecord(
        *status_fields(item, ("id", "job_id"), "status"),
        # Anything but a boolean is no evidence that the target can be written to.
        target_readonly=readonly if isinstance(readonly, bool) else None,
        # Only migration and disaster recovery into the cloud have it: the vendor's SDK, CreateJobReq.
        has_setting=item.get("db_use_type") != "sync" and item.get("job_direction") not in ("down", "non-dbs"),
    )


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
