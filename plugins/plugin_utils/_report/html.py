# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A result as one HTML page that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ...module_utils._gate.rules import Goal
from .charts import Chart, delay_curve, job_tone, outage_chart, progress_curve, timeline
from .svg import clock
from .untrusted import shortened
from .version import version
from .view import Cutover, Job, Transition, Wait
from .wording import day_and_time, estimate, of_cutover, of_subtasks, origin, says, span, tone

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


def render(view: Wait | Cutover, title: str) -> str:
    """Return the whole page."""
    if isinstance(view, Cutover):
        gates = [_section(f"gate{place}", name, wait) for place, (name, wait) in enumerate(view.gates.items())]
        page = {
            "tone": tone(view),
            "word": _words(view.outcome),
            "says": says(view),
            "reason": view.reason,
            "cutover": view,
            "outage": outage_chart(view),
            "sections": gates,
            "facts": {**_times(view.started_at, view.finished_at), **of_cutover(view)},
        }
    else:
        section = _section("wait", "", view)
        page = {
            "tone": section.tone,
            "word": view.verdict,
            "says": says(view),
            "reason": view.reason,
            "cutover": None,
            "outage": None,
            "sections": [section],
            "facts": section.facts,
        }
    return re.sub(r"\n\s*\n+", "\n", _template().render(title=title, version=version(), **page)).strip() + "\n"


@cache
def _template() -> Template:
    # Whatever the suffix: what is not escaped by mistake would be a text of a server.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(span=span, shortened=shortened, tone=job_tone, moment=_moment)
    environment.filters.update(words=_words, delay=_delay, day=_day, origin=origin, of_subtasks=of_subtasks)
    environment.filters.update(breakable=_breakable, estimate=estimate)
    environment.globals.update(of_gates=_OF_GATES)
    return environment.get_template("report.html.j2")


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
    if wait.numbers["elapsed"] is not None:
        facts["Waited"] = span(wait.numbers["elapsed"])
    if wait.numbers["polls"] is not None:
        errors = f", {wait.numbers['errors']:.0f} failed" if wait.numbers["errors"] else ""
        facts["Polls"] = f"{wait.numbers['polls']:.0f}{errors}"
    facts.update(_times(wait.started_at, wait.finished_at))
    if wait.valid_until is not None:
        facts["Valid until"] = clock(wait.valid_until, "%H:%M:%S UTC")
    return facts


def _times(began: float | None, ended: float | None) -> dict[str, str]:
    facts: dict[str, str] = {}
    if began is not None:
        facts["Began"] = day_and_time(began)
    if ended is not None:
        same_day = began is not None and clock(began, "%F") == clock(ended, "%F")
        facts["Ended"] = clock(ended, "%H:%M:%S UTC") if same_day else day_and_time(ended)
    return facts


def _words(name: str) -> str:
    return name.replace("_", " ")


def _moment(at: float | None) -> str:
    return "" if at is None else clock(at, "%H:%M:%S")


def _day(at: float) -> str:
    return clock(at, "%Y-%m-%d %H:%M:%S")


def _delay(value: float | None) -> str:
    """Return a delay in seconds, as the limit and the holds have it."""
    return "–" if value is None else f"{value:.0f} s"


def _breakable(name: str) -> Markup:
    """Return a name that may be broken after its separators, so that it need not be in the middle of a word."""
    return Markup("<wbr>").join(re.findall(r"[^_./-]*[_./-]+|[^_./-]+", name))
