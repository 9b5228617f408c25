# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result as one HTML page that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import Template
from markupsafe import Markup

from ...module_utils._gate.rules import Goal
from ...module_utils._wait.recording import REPLAY
from .charts import Chart, delay_curve, job_tone, outage_chart, progress_curve, timeline
from .pages import environment
from .svg import clock
from .untrusted import shortened
from .version import version
from .view import Cutover, Database, Job, Stage, Transition, Wait
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
    words,
    worst_first,
)

# Jobs that are shown open. More than a screen of them is folded.
_OPEN = 25
_OPEN_OF_MANY = 15
_MOST_CHANGES = 300
# What each gate of a cutover is for.
_OF_GATES = {
    "approach": "before the freeze",
    "final": "after the freeze",
    "recheck": "one more sample, because time had passed since the last verdict",
}


@dataclass(frozen=True)
class Section:
    """A wait with what its part of the page shows. ``key`` keeps ids on the page apart."""

    key: str
    name: str
    wait: Wait
    tone: str
    charts: tuple[Chart, ...]
    open_jobs: list[Job]
    folded_jobs: list[Job]
    held_by: list[tuple[str, list[Job]]]
    changes: tuple[Transition, ...]
    facts: Mapping[str, str]
    failure: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Databases:
    """The databases of a cutover; a column of which nothing is known is left out."""

    cutover: Cutover
    open: list[Database]
    folded: list[Database]
    with_engine: bool
    with_facts: bool

    @classmethod
    def of(cls, cutover: Cutover) -> Databases | None:
        """Return them, a screen of them open; None if there are none."""
        databases = worst_first(cutover)
        if not databases:
            return None
        shown = len(databases) if len(databases) <= _OPEN else _OPEN_OF_MANY
        return cls(
            cutover,
            databases[:shown],
            databases[shown:],
            with_engine=any(database.engine for database in databases),
            with_facts=any(database.facts for database in databases),
        )

    def evidence(self, database: Database) -> str:
        """Return what the decision to switch rested on."""
        return of_database(self.cutover, database)

    def stop(self, database: Database) -> str:
        """Return whether the job was stopped."""
        return of_stop(self.cutover, database)


def render(view: Wait | Cutover, title: str) -> str:
    """Return the whole page."""
    if isinstance(view, Cutover):
        gates = [_section(f"gate{place}", name, wait) for place, (name, wait) in enumerate(view.gates.items())]
        page = {
            "tone": tone(view),
            "word": words(view.outcome),
            "says": says(view),
            "reason": view.reason,
            "replay": "",
            "cutover": view,
            "databases": Databases.of(view),
            "outage": outage_chart(view),
            "sections": gates,
            "facts": {**_times(view.started_at, view.finished_at), **of_cutover(view)},
        }
    else:
        section = _section("wait", "", view)
        page = {
            "tone": section.tone,
            "word": f"{REPLAY}: {view.verdict}" if view.replay else view.verdict,
            "says": says(view),
            "reason": view.reason,
            "replay": of_replay(view),
            "cutover": None,
            "databases": None,
            "outage": None,
            "sections": [section],
            "facts": section.facts,
        }
    return re.sub(r"\n\s*\n+", "\n", _template().render(title=title, version=version(), **page)).strip() + "\n"


@cache
def _template() -> Template:
    pages = environment()
    pages.filters.update(shortened=shortened, tone=job_tone, from_to=_from_to, delay=_delay, day=_day)
    pages.filters.update(origin=origin, of_subtasks=of_subtasks, of_position=of_position)
    pages.filters.update(breakable=_breakable, estimate=estimate)
    pages.globals.update(of_gates=_OF_GATES)
    return pages.get_template("report.html.j2")


def _section(key: str, name: str, wait: Wait) -> Section:
    jobs = wait.worst_first
    shown = len(jobs) if len(jobs) <= _OPEN else _OPEN_OF_MANY
    charts = (delay_curve(wait, key), progress_curve(wait, key), timeline(wait, key))
    return Section(
        key=key,
        name=name,
        wait=wait,
        tone=tone(wait),
        charts=tuple(chart for chart in charts if chart),
        open_jobs=jobs[:shown],
        folded_jobs=jobs[shown:],
        held_by=wait.held_by,
        changes=wait.transitions[-_MOST_CHANGES:],
        facts=_facts(wait),
        # Without a request there was no attempt.
        failure=tuple(pair for pair in wait.failure if pair != ("attempts", "0")),
    )


def _facts(wait: Wait) -> dict[str, str]:
    facts: dict[str, str] = {}
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
    facts.update(_times(wait.started_at, wait.finished_at))
    if wait.ran_by:
        facts["Ran by"] = wait.ran_by
    if wait.valid_until is not None:
        facts["Valid until"] = time_of_day(wait.valid_until)
    return facts


def _times(began: float | None, ended: float | None) -> dict[str, str]:
    facts: dict[str, str] = {}
    if began is not None:
        facts["Began"] = day_and_time(began)
    if ended is not None:
        same_day = began is not None and clock(began, "%F") == clock(ended, "%F")
        facts["Ended"] = time_of_day(ended) if same_day else day_and_time(ended)
    return facts


def _moment(at: float | None) -> str:
    return "" if at is None else clock(at, "%H:%M:%S")


def _from_to(stage: Stage) -> list[str]:
    """Return from when to when a stage ran: in UTC, and in the zone of this machine if that is another."""
    if stage.started_at is None:
        return []
    times = [at for at in (stage.started_at, stage.finished_at) if at is not None]
    here = [local(at).strip(" ()") for at in times]
    utc = f"{' – '.join(_moment(at) for at in times)} UTC"
    # The zone once, unless it changed in between.
    zones = [there.rpartition(" ")[2] for there in here]
    if len(set(zones)) == 1 and all(here):
        here[:-1] = [there.removesuffix(f" {zones[0]}") for there in here[:-1]]
    return [utc, " – ".join(here)] if any(here) else [utc]


def _day(at: float) -> str:
    return clock(at, "%Y-%m-%d %H:%M:%S")


def _delay(value: float | None) -> str:
    """Return a delay in seconds, as the limit and the holds have it."""
    return "–" if value is None else f"{value:.0f} s"


def _breakable(name: str) -> Markup:
    """Return a name that may be broken after its separators, so that it need not be in the middle of a word."""
    return Markup("<wbr>").join(re.findall(r"[^_./-]*[_./-]+|[^_./-]+", name))
