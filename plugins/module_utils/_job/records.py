# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the bodies the API answers to records: values in, values out.

A body gives records or a ``protocol`` error, nothing else. Fields that only hold a number
and cannot be read become ``None`` (nothing is ever ready on ``None``); a field of the wrong
type that says *which* job, *what* status or *which* error makes the whole body unusable.
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any, TypeVar

from .errors import LONGEST_SAID, LONGEST_WORD, DrsError, cut, is_error_code, is_error_message, protocol_error
from .status_table import MISSING, Meaning, meaning
from .text import counted

# At most 15 digits: more is no delay or percentage, and Python refuses to read thousands.
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_LONGEST_NUMBER = 31
# How the service says that it has no delay in milliseconds; Open Telekom Cloud leaves the field out.
_NO_MILLISECONDS = (None, "-1", -1)
# Positions are the longest texts of an entry; a set of GTIDs has up to 2,048 characters.
_LONGEST_RAW = 4096
# The service names three parts: struct, data and index.
_MOST_PARTS = 100
# Characters of a position that is shown whole: a file and an offset have some 30, a GTID set up to 2,048.
_LONGEST_POSITION = 200
_POSITION_BEGINS = 60
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
        return {
            "id": self.id,
            "found": self.found,
            "status": self.status,
            **self.meaning.as_dict(),
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
    rows_applied: bool | None = None
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
            "src_offset": self.src_offset and shown_position(self.src_offset),
            "node_offset": self.node_offset and shown_position(self.node_offset),
            "dst_offset": self.dst_offset and shown_position(self.dst_offset),
            "rows_applied": self.rows_applied,
            "raw": None if self.raw is None else dict(self.raw),
        }


Record = TypeVar("Record", bound=StatusRecord)


def parse_statuses(body: object) -> dict[str, StatusRecord]:
    """Records of a batch-status answer by job id.

    Raises :class:`DrsError` of kind ``protocol`` for a body that is not such an answer.
    """
    return parse_items(body, _status_record)


def parse_progress(body: object, *, raw: bool = True) -> dict[str, ProgressRecord]:
    """Records of a batch-progress answer by job id, with the entries as they came unless ``raw`` is false.

    Raises :class:`DrsError` of kind ``protocol`` for a body that is not such an answer.
    """
    return parse_items(body, partial(_progress_record, raw=raw))


def parse_items(body: object, record: Callable[[Mapping[str, Any]], Record]) -> dict[str, Record]:
    """Records of the entries of ``results`` by job id, for other operations that answer like these."""
    found: dict[str, Record] = {}
    for each in map(record, _items(body)):
        if found.setdefault(each.id, each) != each:
            raise protocol_error(f"The response holds job {each.id} twice, with different content.")
    return found


def parse_refusals(body: object) -> dict[str, tuple[str | None, str | None]]:
    """Error code and message of each job that a 400 names in ``results``; empty if it names none."""
    try:
        found = [_status_record(item) for item in _items(body)]
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
    """A position in a log as the source or target writes it, such as ``mysql-bin.001731:544``; None for ``N/A``.

    It is never cut: positions are compared, and those of GTID sets (up to 2,048 characters) often differ at their end.
    """
    if not isinstance(value, str) or not value.strip() or value.strip() == "N/A":
        return None
    return value


def shown_position(text: str) -> str:
    """Return a position as results and recordings keep it: a long one, or one that cannot be shown, with a digest.

    Two positions are equal if and only if they are shown alike.
    """
    shown = cut(text)
    if len(text) <= _LONGEST_POSITION and shown == text:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{shown[:_POSITION_BEGINS]}... ({len(text)} characters, sha256 {digest})"


def rows_applied(value: object) -> bool | None:
    """Return whether rows are being applied, from ``apply_rows_rate``; None if it is not sent, or is -1.

    What cannot be read is no evidence that none are.
    """
    if value is None or value in (-1, "-1"):
        return None
    return _number(value) != 0


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


def text_field(item: Mapping[str, Any], *names: str, longest: int = LONGEST_WORD) -> str | None:
    """The first of these fields that is there and not blank, in at most this number of characters."""
    for name in names:
        value = item.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise protocol_error(f"The field '{name}' in the response is not a string.")
        if value.strip():
            # Sample after sample says the same of the same jobs: each text once in memory.
            return sys.intern(cut(value, longest))
    return None


def status_fields(
    item: Mapping[str, Any], id_fields: tuple[str, str], status_field: str
) -> tuple[str, bool, str | None, str | None, str | None]:
    """The fields of :class:`StatusRecord` in one entry, in their order."""
    # Each operation spells the id and the message in its own way; error lists mix the two.
    job_id = text_field(item, *id_fields)
    if job_id is None:
        raise protocol_error("An entry of 'results' in the response has no job id.")
    status = text_field(item, status_field)
    error_code, error_message = error_fields(item)
    # An entry that has an error and no status is how the service may say "no such job".
    found = status is not None or not (error_code or error_message)
    return job_id, found, status, error_code, error_message


def error_fields(item: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Error code and message of an entry, None for what says that there is no error."""
    code = item.get("error_code")
    # A code of zeros also comes as a number. Any other number is no code that the service has.
    code = None if isinstance(code, int) and not isinstance(code, bool) and not code else text_field(item, "error_code")
    texts = (text_field(item, name, longest=LONGEST_SAID) for name in ("error_message", "error_msg"))
    return code if is_error_code(code) else None, next((text for text in texts if is_error_message(text)), None)


def _status_record(item: Mapping[str, Any]) -> StatusRecord:
    return StatusRecord(*status_fields(item, ("id", "job_id"), "status"))


def _progress_record(item: Mapping[str, Any], raw: bool) -> ProgressRecord:
    milliseconds = item.get("incre_trans_delay_millis")
    delay_ms = seconds(milliseconds)
    # Milliseconds that are sent and cannot be read may contradict the seconds: together they are no delay.
    readable = delay_ms is not None or milliseconds in _NO_MILLISECONDS
    return ProgressRecord(
        *status_fields(item, ("job_id", "id"), "transfer_status"),
        task_mode=text_field(item, "task_mode"),
        progress=percentage(item.get("progress")),
        delay=seconds(item.get("incre_trans_delay")) if readable else None,
        delay_ms=delay_ms,
        remaining_time=seconds(item.get("remaining_time")),
        parts=_parts(item.get("progress_map")),
        processed_at=timestamp(item.get("process_time")),
        src_offset=position(item.get("src_offset")),
        node_offset=position(item.get("node_offset")),
        dst_offset=position(item.get("dst_offset")),
        rows_applied=rows_applied(item.get("apply_rows_rate")),
        raw=_bounded(item) if raw else None,
    )


def _bounded(value: Any) -> Any:
    """A value as it came, with every text in it printable and of bounded length."""
    if isinstance(value, str):
        return cut(value, _LONGEST_RAW)
    if isinstance(value, list):
        return [_bounded(entry) for entry in value]
    if isinstance(value, dict):
        return {cut(name, LONGEST_WORD): _bounded(entry) for name, entry in value.items()}
    return value


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
                        f"The response holds the part {cut(name, LONGEST_WORD)} of 'progress_map' twice, "
                        "with different content."
                    )
    else:
        raise protocol_error("The field 'progress_map' in the response is neither an object nor an array.")
    if len(entries) > _MOST_PARTS:
        raise protocol_error(f"The response holds more than {_MOST_PARTS} parts in a 'progress_map'.")
    return _shared(tuple((cut(name, LONGEST_WORD), *_part(entry)) for name, entry in entries.items()))


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


def summary(records: Sequence[StatusRecord]) -> dict[str, Any]:
    """What a task returns beside ``jobs``: ``missing``, ``counts`` and one line for people."""
    missing = [record.id for record in records if not record.found]
    by_state = dict(Counter(record.meaning.state.value for record in records))
    by_status = dict(Counter(record.status for record in records if record.status is not None))
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
