# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result as one HTML page that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from markupsafe import Markup

from ...module_utils._gate.rules import Goal
from .charts import Chart, colour, delay_curve, outage_chart, progress_curve, timeline
from .pages import template
from .svg import clock
from .untrusted import shortened
from .view import Cutover, Stage, Wait
from .wording import (
    day_and_time,
    estimate,
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
    time_of_day,
    tone,
    word,
    worst_first,
)

# Jobs that are shown open. More than a screen of them is folded.
_OPEN = 25
_OPEN_OF_MANY = 15

T = TypeVar("T")


def render(view: Wait | Cutover, title: str) -> str:
    """Return the whole page."""
    if isinstance(view, Cutover):
        # With what keeps the ids of its charts apart from those of the others.
        waits = [(f"gate{place}", name, wait) for place, (name, wait) in enumerate(view.gates.items())]
        more = {"cutover": view, "replay": ""}
    else:
        waits = [("wait", "", view)]
        more = {"cutover": None, "replay": of_replay(view)}
    filters = (
        *(breakable, charts, colour, estimate, facts, from_to, of_database, of_position, of_stop, of_subtasks),
        *(origin, outage_chart, says, screen, shortened, tone, word, worst_first),
    )
    page = template("report.html.j2", *filters).render(title=title, view=view, waits=waits, **more)
    return re.sub(r"\n\s*\n+", "\n", page).strip() + "\n"


def screen(entries: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Return the entries that are shown open, and those that are folded."""
    shown = len(entries) if len(entries) <= _OPEN else _OPEN_OF_MANY
    return entries[:shown], entries[shown:]


def charts(wait: Wait, key: str) -> list[Chart]:
    """Return the charts of a wait that have something to show."""
    return [chart for chart in (delay_curve(wait, key), progress_curve(wait, key), timeline(wait, key)) if chart]


def facts(view: Wait | Cutover) -> dict[str, str]:
    """Return what stands at the beginning: names and values."""
    if isinstance(view, Cutover):
        return {**_times(view), **of_cutover(view)}
    wait, facts = view, dict[str, str]()
    if wait.jobs:
        facts["Jobs ready"] = f"{wait.jobs_ready} of {len(wait.jobs)}"
    if wait.goal:
        facts["Goal"] = wait.goal
    if wait.max_delay is not None and wait.goal != Goal.FULL_COMPLETE.value and wait.goal != Goal.STOPPED.value:
        facts["Delay allowed"] = f"{wait.max_delay:g} s"
    if any(job.position for job in wait.jobs):
        facts["Source position"] = of_positions(wait)
    if wait.numbers["elapsed"] is not None:
        facts["Waited"] = span(wait.numbers["elapsed"])
    if wait.numbers["polls"] is not None:
        errors = f", {wait.numbers['errors']:.0f} failed" if wait.numbers["errors"] else ""
        facts["Polls"] = f"{wait.numbers['polls']:.0f}{errors}"
    facts.update(_times(wait))
    if wait.ran_by:
        facts["Ran by"] = wait.ran_by
    if wait.valid_until is not None:
        facts["Valid until"] = time_of_day(wait.valid_until)
    return facts


def _times(view: Wait | Cutover) -> dict[str, str]:
    facts: dict[str, str] = {}
    began, ended = view.started_at, view.finished_at
    if began is not None:
        facts["Began"] = day_and_time(began)
    if ended is not None:
        same_day = began is not None and clock(began, "%F") == clock(ended, "%F")
        facts["Ended"] = time_of_day(ended) if same_day else day_and_time(ended)
    return facts


def from_to(stage: Stage) -> list[str]:
    """Return from when to when a stage ran: in UTC, and in the zone of this machine if that is another."""
    if stage.started_at is None:
        return []
    times = [at for at in (stage.started_at, stage.finished_at) if at is not None]
    here = [local(at).strip(" ()") for at in times]
    utc = f"{' – '.join(clock(at, '%H:%M:%S') for at in times)} UTC"
    # The zone once, unless it changed in between.
    zones = [there.rpartition(" ")[2] for there in here]
    if len(set(zones)) == 1 and all(here):
        here[:-1] = [there.removesuffix(f" {zones[0]}") for there in here[:-1]]
    return [utc, " – ".join(here)] if any(here) else [utc]


def breakable(name: str) -> Markup:
    """Return a name that may be broken after its separators, so that it need not be in the middle of a word."""
    return Markup("<wbr>").join(re.findall(r"[^_./-]*[_./-]+|[^_./-]+", name))
