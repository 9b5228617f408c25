# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the bodies the API answers to records: values in, values out.

A body gives records or a ``protocol`` error, nothing else. Fields that only hold a number
and cannot be read become ``None`` (nothing is ever ready on ``None``); a field of the wrong
type that says *which* job, *what* status or *which* error makes the whole body unusable.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

from .errors import DrsError, cut, protocol_error
from .status_table import MISSING, Meaning, meaning
from .text import counted

# At most 15 digits: more is no delay or percentage, and Python refuses to read thousands.
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_LONGEST_NUMBER = 31
# In UTC; without a zone, since that would be written as +00:00.
_EPOCH = datetime(1970, 1, 1)
# Values come by the thousand, and most are alike: -1, 0, 100, the delays of jobs that have caught up, the second
# in which the jobs of a fleet report, parts that are all done.
_remembered = lru_cache(maxsize=1024)


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """What one operation says of one job, in the words of this collection."""

    id: str
    found: bool = False
    status: str | None = None
    error_code: str | None = None
    error_message: str | None = None

    @property
    def meaning(self) -> Meaning:
        """Phase and state of the status."""
        return meaning(self.status) if self.found else MISSING

    def as_dict(self) -> dict[str, Any]:
        """The record as an entry of a task's ``jobs``."""
        means = self.meaning
        return {
            "id": self.id,
            "found": self.found,
            "status": self.status,
            "phase": means.phase.value,
            "state": means.state.value,
            "terminal": means.state.terminal,
            "error_code": self.error_code,
            "error_message": self.error_message,
        }


@dataclass(frozen=True, slots=True)
class ProgressRecord(StatusRecord):
    """The same with progress (percent), delay (seconds, and milliseconds) and remaining time (seconds)."""

    task_mode: str | None = None
    progress: int | None = None
    delay: int | None = None
    delay_ms: int | None = None
    remaining_time: int | None = None
    parts: Mapping[str, Mapping[str, int | None]] | None = None
    processed_at: str | None = None
    src_offset: str | None = None
    node_offset: str | None = None
    dst_offset: str | None = None
    raw: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The record as an entry of a task's ``jobs``."""
        return {
            **StatusRecord.as_dict(self),
            "task_mode": self.task_mode,
            "progress": self.progress,
            "delay": self.delay,
            "delay_ms": self.delay_ms,
            "remaining_time": self.remaining_time,
            "parts": {name: dict(part) for name, part in (self.parts or {}).items()},
            "processed_at": self.processed_at,
            "src_offset": self.src_offset,
            "node_offset": self.node_offset,
            "dst_offset": self.dst_offset,
            "raw": None if self.raw is None else dict(self.raw),
        }


Record = TypeVar("Record", bound=StatusRecord)


def parse_statuses(body: object) -> dict[str, StatusRecord]:
    """Records of a batch-status answer by job id.

    Raises :class:`DrsError` of kind ``protocol`` for a body that is not such an answer.
    """
    return _by_id(StatusRecord(*status_fields(item, ("id", "job_id"), "status")) for item in _items(body))


def parse_progress(body: object, *, raw: bool = True) -> dict[str, ProgressRecord]:
    """Records of a batch-progress answer by job id, with the entries as they came unless ``raw`` is false.

    Raises :class:`DrsError` of kind ``protocol`` for a body that is not such an answer.
    """
    return _by_id(_progress_record(item, raw) for item in _items(body))


def parse_items(body: object, record: Callable[[Mapping[str, Any]], Record]) -> dict[str, Record]:
    """Records of the entries of ``results`` by job id, for other operations that answer like these."""
    return _by_id(record(item) for item in _items(body))


def parse_refusals(body: object) -> dict[str, tuple[str | None, str | None]]:
    """Error code and message of each job that a 400 names in ``results``; empty if it names none."""
    try:
        found = [StatusRecord(*status_fields(item, ("id", "job_id"), "status")) for item in _items(body)]
    except DrsError:
        return {}
    return {job.id: (job.error_code, job.error_message) for job in found if job.error_code}


def seconds(value: object) -> int | None:
    """A whole number of seconds >= 0, or of milliseconds, rounded up so that it never says less; else None.

    The API sends ``"-1"`` for no value.
    """
    number = _number(value)
    return None if number is None else math.ceil(number)


def percentage(value: object) -> int | None:
    """0 to 100 from ``94``, ``"94"`` or ``"94%"``, rounded down so that it never says more; else None."""
    if isinstance(value, str):
        value = value.removesuffix("%")
    number = _number(value)
    return None if number is None or number > 100 else math.floor(number)


def timestamp(value: object) -> str | None:
    """ISO 8601 in UTC from milliseconds since the epoch; None for ``"0"``, which means "not yet"."""
    number = _number(value)
    if not number:
        return None
    return _utc(math.floor(number) // 1000)


@_remembered
def _utc(since_epoch: int) -> str | None:
    try:
        return (_EPOCH + timedelta(seconds=since_epoch)).isoformat() + "Z"
    except OverflowError:
        return None


def position(value: object) -> str | None:
    """A position in a log as the source or target writes it, such as ``mysql-bin.001731:544``; None for ``N/A``."""
    if not isinstance(value, str) or not value.strip() or value.strip() == "N/A":
        return None
    return cut(value)


def _number(value: object) -> int | Fraction | None:
    if isinstance(value, str):
        return _number_in(value) if len(value) <= _LONGEST_NUMBER else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15:
        return Fraction(value)
    return None


@_remembered
def _number_in(text: str) -> int | Fraction | None:
    if not _NUMBER.fullmatch(text):
        return None
    # Exact: as a float, 99.999999999999999 is 100.
    return int(text) if text.isdigit() else Fraction(text)


def _items(body: object) -> list[Mapping[str, Any]]:
    if not isinstance(body, dict):
        raise protocol_error("The response is not a JSON object.")
    items = body.get("results")
    if not isinstance(items, list):
        raise protocol_error("The response has no list 'results'.")
    for item in items:
        if not isinstance(item, dict):
            raise protocol_error("An entry of 'results' in the response is not an object.")
    return items


def _text(item: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that is there and not blank."""
    for name in names:
        value = item.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise protocol_error(f"The field '{name}' in the response is not a string.")
        if value.strip():
            # Sample after sample says the same of the same jobs: each text once in memory.
            return sys.intern(value)
    return None


def status_fields(
    item: Mapping[str, Any], id_fields: tuple[str, str], status_field: str
) -> tuple[str, bool, str | None, str | None, str | None]:
    """The fields of :class:`StatusRecord` in one entry, in their order."""
    # Each operation spells the id and the message in its own way; error lists mix the two.
    job_id = _text(item, *id_fields)
    if job_id is None:
        raise protocol_error("An entry of 'results' in the response has no job id.")
    status = _text(item, status_field)
    error_code = _text(item, "error_code")
    error_message = _text(item, "error_message", "error_msg")
    # An entry that has an error and no status is how the service may say "no such job".
    found = status is not None or not (error_code or error_message)
    return job_id, found, status, error_code and cut(error_code), error_message and cut(error_message)


def _progress_record(item: Mapping[str, Any], raw: bool) -> ProgressRecord:
    return ProgressRecord(
        *status_fields(item, ("job_id", "id"), "transfer_status"),
        task_mode=_text(item, "task_mode"),
        progress=percentage(item.get("progress")),
        delay=seconds(item.get("incre_trans_delay")),
        delay_ms=seconds(item.get("incre_trans_delay_millis")),
        remaining_time=seconds(item.get("remaining_time")),
        parts=_parts(item.get("progress_map")),
        processed_at=timestamp(item.get("process_time")),
        src_offset=position(item.get("src_offset")),
        node_offset=position(item.get("node_offset")),
        dst_offset=position(item.get("dst_offset")),
        raw=item if raw else None,
    )


def _parts(value: object) -> Mapping[str, Mapping[str, int | None]]:
    """The parts of the full phase by name: ``struct``, ``data``, ``index``.

    The published answers hold an object keyed by name, the page promises an array: in an
    array an entry is either such an object or a part without a name, which gets its number.
    """
    if value is None:
        return {}
    if isinstance(value, dict):
        entries: dict[str, Any] = dict(value)
    elif isinstance(value, list):
        entries = {}
        for number, entry in enumerate(value):
            named = isinstance(entry, dict) and "completed" not in entry
            for name, part in (entry if named else {str(number): entry}).items():
                if entries.setdefault(name, part) != part:
                    raise protocol_error(
                        f"The response holds the part {name} of 'progress_map' twice, with different content."
                    )
    else:
        raise protocol_error("The field 'progress_map' in the response is neither an object nor an array.")
    return _shared(tuple((name, *_part(entry)) for name, entry in entries.items()))


@_remembered
def _shared(parts: tuple[tuple[str, int | None, int | None], ...]) -> Mapping[str, Mapping[str, int | None]]:
    # One object serves all jobs with the same parts, and nobody changes it.
    return {name: {"progress": progress, "remaining_time": remaining} for name, progress, remaining in parts}


def _part(entry: object) -> tuple[int | None, int | None]:
    """Progress and remaining time of a part."""
    if entry is None:
        entry = {}
    if not isinstance(entry, dict):
        raise protocol_error("A part in 'progress_map' of the response is not an object.")
    return percentage(entry.get("completed")), seconds(entry.get("remaining_time"))


def _by_id(records: Iterable[Record]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for record in records:
        known = found.setdefault(record.id, record)
        if known is not record and known != record:
            raise protocol_error(f"The response holds job {record.id} twice, with different content.")
    return found


def summary(records: Sequence[StatusRecord]) -> dict[str, Any]:
    """What a task returns beside ``jobs``: ``missing``, ``counts`` and one line for people."""
    missing = [record.id for record in records if not record.found]
    by_state: dict[str, int] = {}
    by_status: dict[str, int] = {}
    for record in records:
        state = record.meaning.state.value
        by_state[state] = by_state.get(state, 0) + 1
        if record.status is not None:
            by_status[record.status] = by_status.get(record.status, 0) + 1
    total = len(records)
    shares = ", ".join(f"{number} {state}" for state, number in sorted(by_state.items()))
    return {
        "missing": missing,
        "counts": {
            "total": total,
            "found": total - len(missing),
            "missing": len(missing),
            "by_state": by_state,
            "by_status": by_status,
        },
        "summary": f"{counted(total)}: {shares}",
    }
