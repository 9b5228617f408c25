# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``batch-detail`` says about the two sides of a job. Addresses and user names in its answer are dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import LONGEST_WORD, cut
from .records import StatusRecord, parse_items, status_fields


@dataclass(frozen=True, slots=True)
class DetailRecord(StatusRecord):
    """A status, and whether the target stays read-only until the job has ended; None when that is not known.

    ``name`` is what people call the job. ``has_setting`` is false for a job of a kind that has no such setting. ``type`` is migration, sync or
    cloudDataGuard, ``conflict_policy`` what becomes of rows that conflict; engines and policy are in lower case.
    """

    target_readonly: bool | None = None
    has_setting: bool = True
    type: str | None = None
    engine: str | None = None
    source_engine: str | None = None
    target_engine: str | None = None
    conflict_policy: str | None = None
    name: str | None = None

    @property
    def engines(self) -> str:
        """What the source is, and what the target is if that differs; empty if the service does not say."""
        source, target = self.source_engine or self.engine or "", self.target_engine or ""
        return f"{source} to {target}" if source and target and source != target else source or target

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
        type=_word(item, "db_use_type"),
        engine=_word(item.get("inst_info"), "engine_type"),
        source_engine=_word(item.get("source_endpoint"), "db_type"),
        target_engine=_word(item.get("target_endpoint"), "db_type"),
        conflict_policy=_word(item, "conflict_policy"),
        name=_name(item.get("name")),
    )


def _name(value: object) -> str | None:
    return cut(value, LONGEST_WORD) if isinstance(value, str) and value.strip() else None


def _word(item: object, name: str) -> str | None:
    """A word of the service; None for what is not one. For some words of the API it writes capitals."""
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z_-]{1,60}", value.strip(), re.ASCII):
        return None
    return value.strip() if name == "db_use_type" else value.strip().lower()
