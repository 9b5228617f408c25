# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many cutovers at a glance: one table for people, and a page over all reports in a folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._files import write_whole
from .pages import template
from .untrusted import shortened, text
from .view import cutover_of
from .wording import Tone, says, span, tone, words

# What could be a report: its size in bytes, and the number of them.
_LARGEST = 32 * 1024 * 1024
_MOST = 2000
# The index may be written by several hosts at once: each looks again whether it has missed a report.
_TRIES = 5
_LONGEST_NAME, _LONGEST_REASON = 30, 90
_ORDER: Sequence[Tone] = ("bad", "odd", "warn", "hold", "good")
NOT_YET = "not yet"
LOST = "lost"


@dataclass(frozen=True)
class Row:
    """One cutover. ``name`` is its host, or the name of its report; ``page`` the file with its report for people."""

    name: str
    outcome: str
    tone: Tone
    outage: float | None = None
    began: float | None = None
    ended: float | None = None
    jobs: tuple[str, ...] = ()
    reason: str = ""
    page: str = ""

    @classmethod
    def of(cls, name: str, result: Mapping[str, Any], page: str = "") -> Row:
        """The row of a result of the role ``drs_cutover``."""
        view = cutover_of(result)
        jobs = next((tuple(job.name for job in wait.jobs) for wait in reversed([*view.gates.values()])), ())
        reason = "" if view.ready and not view.reason.partition(". ")[2] else view.reason or says(view)
        return cls(
            text(name), view.outcome, tone(view), view.outage, view.started_at, view.finished_at, jobs, reason, page
        )


def table(rows: Iterable[Row]) -> list[str]:
    """Return the table as lines of text: host, outcome, outage, and why it did not succeed."""
    cells = [("host", "outcome", "outage", "reason")]
    cells += [
        (
            shortened(row.name, _LONGEST_NAME),
            row.outcome,
            "-" if row.outage is None else span(row.outage),
            shortened(row.reason, _LONGEST_REASON),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    first = ["  ".join(cell.ljust(width) for cell, width in zip(line[:3], widths, strict=True)) for line in cells]
    return [f"{begin}  {line[3]}".rstrip() for begin, line in zip(first, cells, strict=True)]


def totals(rows: Sequence[Row]) -> str:
    """Return how many cutovers had each outcome, and the longest outage."""
    numbers = Counter(row.outcome for row in sorted(rows, key=lambda row: _ORDER.index(row.tone)))
    counts = ", ".join(f"{number} {words(outcome)}" for outcome, number in numbers.items())
    outages = [row.outage for row in rows if row.outage is not None]
    longest = f"; longest outage {span(max(outages))}" if outages else ""
    return f"{counts}{longest}" if counts else "no cutover"


def rows_of(files: Iterable[Path]) -> list[Row]:
    """Return a row for each report of a cutover, the most alarming first; what is no such report is left out."""
    rows = []
    for path in files:
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(result, Mapping) and result.get("kind") == "cutover":
            page = next(
                (path.stem + suffix for suffix in (".html", ".md") if path.with_suffix(suffix).exists()), path.name
            )
            rows.append(Row.of(path.stem, result, page))
    return sorted(rows, key=lambda row: (_ORDER.index(row.tone), row.name))


def write_index(path: str) -> str | None:
    """Write a page with a row for each report in its folder; return a sentence if that is not possible."""
    folder = Path(path).parent
    found: dict[Path, int] | None = None
    try:
        for _try in range(_TRIES):
            before, found = found, files_in(folder)
            if found == before:
                break
            write_whole(Path(path), render(rows_of(found)).encode("utf-8"), 0o644)
    except OSError as error:
        return f"The index {path} was not written: {error.strerror or 'unknown error'}."
    return None


def render(rows: Sequence[Row]) -> str:
    """Return the whole page."""
    worst: Tone = rows[0].tone if rows else "odd"
    done = sum(row.tone == "good" for row in rows)
    return template("overview.html.j2").render(rows=rows, tone=worst, done=done, totals=totals(rows))


def files_in(folder: Path) -> dict[Path, int]:
    """Return what could be the reports in a folder, with the time at which each was written."""
    found = {}
    for path in sorted(folder.glob("*.json"))[:_MOST]:
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file() and status.st_size <= _LARGEST:
            found[path] = status.st_mtime_ns
    return found
