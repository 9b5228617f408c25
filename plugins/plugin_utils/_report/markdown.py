# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result as Markdown for the summary of a CI job: short, the verdict first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ...module_utils._job.text import counted, iso
from .untrusted import shortened
from .view import Cutover, Database, Job, Wait
from .wording import (
    local,
    of_cutover,
    of_database,
    of_position,
    of_positions,
    of_replay,
    of_stop,
    of_subtasks,
    origin,
    says,
    span,
    tone,
    word,
    worst_first,
)

_MOST_JOBS = 20
_MOST_HOLDS = 10
# The summary of a CI step may have 1 MiB, a comment 64 KiB; more than this nobody reads.
_LONGEST_REASON = 1500
_MOST_WARNINGS = 5
_LONGEST_WARNING = 300

# Markup in the middle of a line: no text of a result begins one. Not an underscore within a word, as in a status,
# nor most dots and colons: only those of an address, which would become a link, and of an emoji.
_SPECIAL = re.compile(
    r"([\\`*\[\]|~$^]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|:(?=[a-z_+-][\w+-]*:)|(?<=[\w-])\.(?=[a-z]{2}))", re.IGNORECASE
)
_MARK = {True: "✅", False: "❌"}


def render(view: Wait | Cutover, title: str) -> str:
    """Return the whole text."""
    lines = [f"# {_plain(title)}", ""]
    lines += _cutover(view) if isinstance(view, Cutover) else _wait(view)
    return "\n".join(lines).rstrip() + "\n"


def _cutover(cutover: Cutover) -> list[str]:
    said = " ".join(filter(None, (_plain(says(cutover)), _reason(cutover.reason))))
    lines = [f"{_mark(cutover)} **{_plain(cutover.outcome)}** {said}", ""]
    lines += _warnings(cutover.warnings)
    if cutover.outage is not None:
        lines += [f"Outage: **{span(cutover.outage)}**", ""]
    for name, value in of_cutover(cutover).items():
        lines += [f"{name}: {_plain(value)}", ""]
    lines += _databases(cutover)
    if cutover.stages:
        lines += ["| Stage | State | Began | Took |", "| --- | --- | --- | ---: |"]
    for stage in cutover.stages:
        took = "" if stage.seconds is None else span(stage.seconds)
        began = "" if stage.started_at is None else f"{iso(stage.started_at)}{local(stage.started_at)}"
        lines.append(f"| {_plain(stage.name)} | {_plain(stage.state)} | {began} | {took} |")
    for name, wait in cutover.gates.items():
        lines += ["", f"## Gate: {_plain(name)}", "", *_wait(wait)]
    return lines


def _databases(cutover: Cutover) -> list[str]:
    """Return a table of the databases, with the columns of which something is known."""
    databases = worst_first(cutover)
    if not databases:
        return []
    columns: dict[str, Callable[[Database], str]] = {"Database": _called}
    if any(database.engine for database in databases):
        columns["Engine"] = lambda database: _plain(database.engine)
    if any(database.facts for database in databases):
        columns["Facts"] = lambda database: _facts_of(database.facts)
    columns["Evidence"] = lambda database: _plain(of_database(database, cutover))
    columns["Job"] = lambda database: of_stop(database, cutover)
    lines = [_table_row(columns), _table_row(["---"] * len(columns))]
    lines += [_table_row(cell(database) for cell in columns.values()) for database in databases[:_MOST_JOBS]]
    if len(databases) > _MOST_JOBS:
        lines += ["", f"… and {len(databases) - _MOST_JOBS} more databases."]
    return [*lines, "", *([_facts_of(cutover.facts), ""] if cutover.facts else [])]


def _table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _called(job: Job | Database) -> str:
    return f"{_plain(job.given_name)}<br>{_code(job.id)}" if job.given_name else _code(job.id)


def _facts_of(facts: Iterable[tuple[str, str]]) -> str:
    return "<br>".join(_plain(f"{name}: {value}" if name else value) for name, value in facts)


def _wait(wait: Wait) -> list[str]:
    lines = [f"{_mark(wait)} **{_plain(word(wait))}** {_reason(wait.reason)}", ""]
    lines += [f"> {_plain(of_replay(wait))}", ""] if wait.replay else []
    facts = _facts(wait)
    if facts:
        lines += [" · ".join(facts), ""]
    if origin(wait):
        lines += ["Read from " + " · ".join(f"{name} {_code(value)}" for name, value in origin(wait)), ""]
    lines += _warnings(wait.warnings)
    if not wait.jobs:
        return lines
    jobs = wait.worst_first
    if not all(job.ready for job in jobs):
        lines += [f"- {_code(rule)}: {len(held)} of {counted(len(jobs))}" for rule, held in wait.held_by[:_MOST_HOLDS]]
        lines.append("")
    lines += ["| | Job | Status | Progress | Delay | Holds |", "| :---: | --- | --- | ---: | ---: | --- |"]
    lines += map(_row, jobs[:_MOST_JOBS])
    if len(jobs) > _MOST_JOBS:
        rest = jobs[_MOST_JOBS:]
        ready = sum(job.ready for job in rest)
        lines += ["", f"… and {len(rest)} more ({ready} of them ready)."]
    return lines


def _warnings(warnings: tuple[str, ...]) -> list[str]:
    shown = [f"- Warning: {_plain(shortened(warning, _LONGEST_WARNING))}" for warning in warnings[:_MOST_WARNINGS]]
    return [*shown, ""] if shown else []


def _facts(wait: Wait) -> list[str]:
    facts = []
    if wait.jobs:
        facts.append(f"{wait.jobs_ready} of {counted(len(wait.jobs))} ready")
    if wait.goal:
        facts.append(f"goal {_code(wait.goal)}")
    if any(job.position for job in wait.jobs):
        facts.append(f"source position {of_positions(wait)}")
    if wait.numbers["elapsed"] is not None:
        facts.append(f"waited {span(wait.numbers['elapsed'])}")
    if wait.numbers["polls"] is not None:
        errors = wait.numbers["errors"] or 0
        facts.append(f"polls: {wait.numbers['polls']:.0f}, {errors:.0f} failed")
    if wait.finished_at is not None:
        facts.append(f"ended {iso(wait.finished_at)}{local(wait.finished_at)}")
    if wait.ran_by:
        facts.append(f"ran by {_plain(wait.ran_by)}")
    if wait.valid_until is not None:
        facts.append(f"valid until {iso(wait.valid_until)}{local(wait.valid_until)}")
    return facts


def _row(job: Job) -> str:
    progress = "–" if job.progress is None else f"{job.progress:g} %"
    delay = "–" if job.delay is None else f"{job.delay:g} s"
    delay += f"<br>{of_position(job)}" if of_position(job) else ""
    held = "<br>".join(f"{_code(hold.rule)} {_plain(shortened(hold.text, 200))}" for hold in job.holds)
    status = _code(job.status or job.state)
    called = _called(job)
    called += f"<br>source at {_code(job.position)}" if job.position else ""
    called += f"<br>{of_subtasks(job)}" if of_subtasks(job) else ""
    return f"| {_MARK[job.ready]} | {called} | {status} | {progress} | {delay} | {held} |"


def _reason(reason: str) -> str:
    return _plain(shortened(reason, _LONGEST_REASON))


def _mark(view: Wait | Cutover) -> str:
    mild = tone(view) == "warn" if isinstance(view, Cutover) else view.replay
    return "⚠️" if mild else _MARK[view.ready]


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is: no markup, no HTML, no link."""
    escaped = _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    # A space without width: neither a person nor an issue is mentioned, and no mail address linked.
    return re.sub("([@#])", "\\1\u200b", escaped)


def _code(text: str) -> str:
    """Text as code. A pipe would end the cell of a table even there."""
    return f"`{text.replace('`', chr(0x2BB)).replace('|', chr(0x2223))}`" if text else ""
