# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the source of a job is quiet: how long its position has not moved, from sample to sample."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from .._job.records import ProgressRecord, shown_position
from .._job.text import iso

# How positions are written, by what writes them; a GTID set before a file and an offset, which has a colon too.
_FORMS = (
    ("a GTID set", re.compile(r"\s*[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-.*|\d+-\d+-\d+(,\d+-\d+-\d+)*", re.DOTALL)),
    ("a log sequence number", re.compile(r"[0-9a-fA-F]+/[0-9a-fA-F]+")),
    ("a file and an offset", re.compile(r".+[:,]\s*\d+", re.DOTALL)),
    ("a number", re.compile(r"\d+")),
)


class PositionState(str, Enum):
    """What the latest sample says about a position, compared with the one before."""

    UNMOVED = "unmoved"
    MOVED = "moved"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is known of the source's position of one job. Times are in seconds, as those of a sample.

    ``since`` is the end of the first sample with this position, ``since_at`` its time of day (epoch), ``lasted`` for
    how long it surely has not moved. ``before`` is the position before the latest move.
    ``applied`` is the end of the latest sample in which rows were applied, ``rows_for`` how long ago that surely was.
    """

    position: str | None
    since: float
    since_at: float
    lasted: float = 0.0
    before: str | None = None
    state: PositionState = PositionState.UNKNOWN
    applied: float | None = None
    rows_for: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as a job's ``quiet`` in a result, if it has a position."""
        return {
            "state": self.state.value,
            "since": iso(self.since_at),
            "from": None if self.before is None else shown_position(self.before),
            "to": None if self.position is None else shown_position(self.position),
        }


Quiets = Mapping[str, Quiet]


def noted(quiets: Quiets, records: Iterable[ProgressRecord], began: float, ended: float, at: float) -> dict[str, Quiet]:
    """Return what is known of each job after a sample that began, ended, and ended at this time of day."""
    return {record.id: _noted(quiets.get(record.id), record, began, ended, at) for record in records}


def _noted(was: Quiet | None, record: ProgressRecord, began: float, ended: float, at: float) -> Quiet:
    position = record.src_offset
    applied = ended if record.rows_applied else was.applied if was else None
    rows_for = None if applied is None else max(0.0, began - applied)
    if was and position is not None and position == was.position:
        # From the end of the first sample to the beginning of the latest, which never says too much.
        lasted = max(0.0, began - was.since)
        return replace(was, lasted=lasted, state=PositionState.UNMOVED, applied=applied, rows_for=rows_for)
    # What was before a sample without a position proves nothing.
    before = was.position if was and position is not None else None
    state = PositionState.UNKNOWN if before is None else PositionState.MOVED
    return Quiet(position, ended, at, before=before, state=state, applied=applied, rows_for=rows_for)


def comparable(one: str, other: str) -> bool:
    """Whether two positions are written in the same form."""
    return _form(one) == _form(other)


def _form(position: str) -> str:
    # As shown, so that a replay, which has only that of a long one, says the same.
    shown = shown_position(position)
    return next((name for name, form in _FORMS if form.fullmatch(shown)), "another form")
