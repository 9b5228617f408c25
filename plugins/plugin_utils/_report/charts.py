# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The charts of a report: delay and progress of the jobs, their statuses over time, the stages of a cutover."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal, TypeAlias

from markupsafe import Markup

from ...module_utils._job.status_table import Phase, State, meaning
from ...module_utils._job.text import counted
from .svg import WIDTH, Time, Values, area, clock, delay_axis, element, frame, line, picture
from .view import Cutover, Job, Wait
from .wording import span

# As many lines as colours can tell apart; the worst jobs get them.
_COLOURS = 5
_MOST_ROWS = 12
_CURVE_HEIGHT = 200
_ROW_HEIGHT = 28
_LONGEST_LABEL = 40

_TONES = {
    State.COMPLETE: "complete",
    State.FAILED: "failed",
    State.ENDED: "ended",
    State.MISSING: "missing",
    State.UNKNOWN: "missing",
    State.UNREAD: "missing",
    State.WAITING: "idle",
    State.PAUSED: "idle",
}
_PHASE_TONES = {Phase.FULL: "full", Phase.INCREMENTAL: "incremental", Phase.RELEASE: "ended"}


# Times and values, None where it is not known; by the id of the job.
Curve: TypeAlias = "list[tuple[float, float | None]]"
Curves: TypeAlias = dict[str, Curve]


@dataclass(frozen=True)
class Chart:
    """A chart, the texts that explain its colours (class, text), and a remark."""

    title: str
    drawing: Markup
    legend: tuple[tuple[str, str], ...]
    remark: str = ""


def colour(status: str) -> str:
    """Return the class that colours a status."""
    means = meaning(status or None)
    return "missing" if not status else _TONES.get(means.state) or _PHASE_TONES.get(means.phase, "other")


def times_of(wait: Wait) -> Time | None:
    """Return the time axis of a wait; None if there was only one sample, as no curve has just one point."""
    if (wait.numbers["polls"] or 0) - (wait.numbers["errors"] or 0) == 1:
        return None
    known = [*(point.at for point in wait.series), *(change.at for change in wait.transitions)]
    known += [at for at in (wait.started_at, wait.finished_at) if at is not None]
    if not known:
        return None
    begin, end = min(known), max(known)
    return Time(begin, end if end > begin else begin + 1)


def curves_of(wait: Wait, what: Literal["delay", "progress"]) -> Curves:
    """Return the series up to the end: it is thinned out, and the jobs hold what the last sample found."""
    curves: Curves = {}
    for point in wait.series:
        curves.setdefault(point.id, []).append((point.at, getattr(point, what)))
    # With a failed poll in the end nobody knows when the last sample was.
    if wait.series and wait.finished_at is not None and not wait.failure and wait.series[-1].at < wait.finished_at:
        for job in wait.jobs:
            curves.setdefault(job.id, []).append((wait.finished_at, getattr(job, what)))
    return curves


def _known(curves: Curves) -> list[float]:
    return [value for curve in curves.values() for _at, value in curve if value is not None]


def delay_curve(wait: Wait, key: str) -> Chart | None:
    """Return the delay of each job with the limit; None if it was never known."""
    curves, times = curves_of(wait, "delay"), times_of(wait)
    values = _known(curves)
    if not values or times is None:
        return None
    axis = delay_axis(values, wait.max_delay, _CURVE_HEIGHT)
    labels = [(axis.y(value), span(value)) for value in axis.ticks]
    about = f"Delay in seconds of {counted(len(wait.jobs))} over time; the highest is {span(max(values))}"
    below: list[Markup] = []
    above: list[Markup] = []
    legend: list[tuple[str, str]] = []
    if wait.max_delay is not None:
        allowed = axis.y(wait.max_delay)
        about += f", {span(wait.max_delay)} are allowed"
        below.append(
            element("rect", {"class": "allowed", "y": allowed, "width": WIDTH, "height": _CURVE_HEIGHT - allowed})
        )
        above.append(element("path", {"class": "limit", "d": f"M0 {allowed:.1f}H{WIDTH}"}))
        legend.append(("limit", f"limit {wait.max_delay:g} s (max_delay)"))
    lines, of_lines = _lines(wait, _coloured(wait), curves, times, axis)
    chart = picture(
        f"{key}-delay", "Delay of the jobs", f"{about}.", _CURVE_HEIGHT, [*below, *_grid(axis), *lines, *above]
    )
    remark = "The scale is logarithmic, so that the last seconds can be seen." if axis.logarithmic else ""
    return Chart("Delay", frame(chart, times, labels, _CURVE_HEIGHT), (*of_lines, *legend), remark)


def progress_curve(wait: Wait, key: str) -> Chart | None:
    """Return the progress of the full phase of each job; None if it was never known, or over before the wait."""
    curves, times = curves_of(wait, "progress"), times_of(wait)
    values = _known(curves)
    if not values or min(values) >= 100 or times is None:
        return None
    axis = Values(100, _CURVE_HEIGHT)
    about = f"Progress of the full phase of {counted(len(wait.jobs))} over time, from {min(values):g} % to {max(values):g} %."
    lines, legend = _lines(wait, _slowest(wait), curves, times, axis)
    chart = picture(f"{key}-progress", "Progress of the jobs", about, _CURVE_HEIGHT, [*_grid(axis), *lines])
    labels = [(axis.y(value), f"{value:g} %") for value in axis.ticks]
    return Chart("Progress of the full phase", frame(chart, times, labels, _CURVE_HEIGHT), legend)


def _lines(
    wait: Wait, coloured: Mapping[int, Job], curves: Curves, times: Time, axis: Values
) -> tuple[list[Markup], tuple[tuple[str, str], ...]]:
    """Return the lines of some jobs, by the number of their colour, over the others, and what the colours mean."""
    named = {job.id for job in coloured.values()}

    def drawn(curve: Curve) -> str:
        return line(None if value is None else (times.x(at), axis.y(value)) for at, value in curve)

    lines: list[Markup] = []
    legend: list[tuple[str, str]] = []
    others = "".join(drawn(curve) for job_id, curve in curves.items() if job_id not in named)
    if others:
        lines.append(element("path", {"class": "thin", "d": others}))
    if len(wait.jobs) > 2 * _COLOURS:
        lines += _spread(curves, times, axis)
        legend += [("band", "10 to 90 % of the jobs"), ("median", "median")]
    for number, job in sorted(coloured.items(), reverse=True):
        path = drawn(curves.get(job.id, []))
        if path:
            lines.append(element("path", {"class": f"line c{number}", "d": path}, element("title", {}, job.id)))
            legend.insert(0, (f"c{number}", job.name))
    if others and len(wait.jobs) <= 2 * _COLOURS:
        legend.append(("thin", "the other jobs"))
    return lines, tuple(legend)


def _coloured(wait: Wait) -> dict[int, Job]:
    """Return the worst jobs with a delay, then the worst with progress, by the numbers of their colours."""
    with_delay, with_progress = _with_any(wait, "delay"), _with_any(wait, "progress")
    ranked = [job for job in wait.worst_first if job.id in with_delay]
    ranked += [job for job in wait.worst_first if job.id in with_progress - with_delay]
    return dict(enumerate(ranked[:_COLOURS], start=1))


def _slowest(wait: Wait) -> dict[int, Job]:
    """Return the jobs with the least progress; those with a colour in the other chart keep it."""
    with_progress = _with_any(wait, "progress")
    ranked = sorted((job for job in wait.worst_first if job.id in with_progress), key=lambda job: job.progress or 0.0)
    slowest = {job.id: job for job in ranked[:_COLOURS]}
    chosen = {number: slowest.pop(job.id) for number, job in _coloured(wait).items() if job.id in slowest}
    free = (number for number in range(1, _COLOURS + 1) if number not in chosen)
    return {**chosen, **dict(zip(free, slowest.values(), strict=False))}


def _with_any(wait: Wait, what: Literal["delay", "progress"]) -> set[str]:
    return {job_id for job_id, curve in curves_of(wait, what).items() if any(value is not None for _at, value in curve)}


def _spread(curves: Curves, times: Time, axis: Values) -> list[Markup]:
    by_time: dict[float, list[float]] = {}
    for at, value in chain.from_iterable(curves.values()):
        if value is not None:
            by_time.setdefault(at, []).append(value)
    ranked = [(times.x(at), sorted(values)) for at, values in sorted(by_time.items())]
    lower, median, upper = (
        [(x, axis.y(values[round(share * (len(values) - 1))])) for x, values in ranked] for share in (0.1, 0.5, 0.9)
    )
    return [
        element("path", {"class": "band", "d": area(upper, lower)}),
        element("path", {"class": "median", "d": line(median)}),
    ]


def _grid(axis: Values) -> list[Markup]:
    return [element("path", {"class": "grid", "d": f"M0 {axis.y(value):.1f}H{WIDTH}"}) for value in axis.ticks]


def timeline(wait: Wait, key: str) -> Chart | None:
    """Which status each job had when: a row for each job, or the number of jobs in each status if there are many."""
    times = times_of(wait)
    if times is None or not wait.transitions:
        return None
    spans = _spans(wait, times)
    statuses = list(dict.fromkeys(status for of_one in spans.values() for _at, _until, status in of_one))
    if len(statuses) < 2:
        # Throughout all jobs were in the same one, which the table says.
        return None
    legend = tuple((f"s-{colour(status)}", status or "not found") for status in statuses[:12])
    remark = ""
    if wait.transitions_left_out:
        last = clock(max(change.at for change in wait.transitions), "%H:%M:%S")
        remark = (
            f"The result has no changes after {last} ({wait.transitions_left_out} more): from there, the last status."
        )
    if len(wait.jobs) > _MOST_ROWS:
        return Chart("Jobs by status", _stack(spans, statuses, times, key), legend, remark)
    rows = [
        (job.name, [(at, until, colour(now), f"{job.id}: {now or 'not found'}") for at, until, now in spans[job.id]])
        for job in wait.worst_first
    ]
    about = "; ".join(f"{job.name} ends as {job.status or job.state}" for job in wait.worst_first)
    drawing = _rows(f"{key}-statuses", "Statuses of the jobs over time", f"{about}.", rows, times)
    return Chart("Statuses", drawing, legend, remark)


_Span = tuple[float, float, str]
# From when to when, the class that colours it, and its title.
_Bar = tuple[float, float, str, str]


def _spans(wait: Wait, times: Time) -> dict[str, list[_Span]]:
    changes: dict[str, list[tuple[float, str]]] = {}
    for change in wait.transitions:
        changes.setdefault(change.id, []).append((change.at, change.now))
    known_until = max(change.at for change in wait.transitions) if wait.transitions_left_out else times.end
    for job in wait.jobs:
        of_one = changes.setdefault(job.id, [])
        # The list of changes is bounded; how it ended is known in any case.
        if of_one and of_one[-1][1] != job.status:
            of_one.append((known_until, job.status))
    return {
        job_id: [(at, until, now) for (at, now), (until, _next) in pairwise([*of_one, (times.end, "")])]
        for job_id, of_one in changes.items()
    }


def _rows(key: str, title: str, about: str, rows: Sequence[tuple[str, Sequence[_Bar]]], times: Time) -> Markup:
    """Return a chart with a row for each name, in which bars last from a time to another one."""
    height = _ROW_HEIGHT * len(rows)
    bars = [_bar(times, row, *drawn) for row, (_name, bars) in enumerate(rows) for drawn in bars]
    labels = [((row + 0.5) * _ROW_HEIGHT, _label(name)) for row, (name, _bars) in enumerate(rows)]
    return frame(picture(key, title, about, height, bars), times, labels, height, rows=True)


def _label(name: str) -> str:
    """Return a name that fits into two lines beside its row; words in the middle go, as both ends tell jobs apart."""
    if len(name) <= _LONGEST_LABEL:
        return name
    # A single endless word has to be cut.
    begin, end = re.match(r".{1,22}(?<=[ _./-])", name), re.search(r"(?<=[ _./-]).{1,15}$", name)
    return f"{begin[0].rstrip() if begin else name[:22]}…{end[0] if end else name[-15:]}"


def _bar(times: Time, row: int, begin: float, end: float, name: str, title: str) -> Markup:
    # What lasted no time is still seen.
    width = max(times.x(end) - times.x(begin), 4.0)
    place = {"x": min(times.x(begin), WIDTH - width), "y": row * _ROW_HEIGHT + 4}
    size = {"width": width, "height": _ROW_HEIGHT - 8}
    return element("rect", {"class": f"s-{name}", **place, **size}, element("title", {}, title))


def _stack(spans: dict[str, list[_Span]], statuses: Sequence[str], times: Time, key: str) -> Markup:
    edges = sorted({edge for of_one in spans.values() for at, until, _status in of_one for edge in (at, until)})
    numbers = {status: [0] * len(edges) for status in statuses}
    place = {edge: number for number, edge in enumerate(edges)}
    for of_one in spans.values():
        for at, until, status in of_one:
            for number in range(place[at], max(place[until], place[at] + 1)):
                numbers[status][number] += 1
    axis = Values(len(spans), _CURVE_HEIGHT, whole=True)
    base = [0] * len(edges)
    areas = []
    for status in statuses:
        top = [low + more for low, more in zip(base, numbers[status], strict=True)]
        shape = area(_steps(edges, top, times, axis), _steps(edges, base, times, axis))
        areas.append(element("path", {"class": f"s-{colour(status)}", "d": shape}, element("title", {}, status)))
        base = top
    last = max(0, len(edges) - 2)
    ends = ", ".join(f"{numbers[status][last]} {status or 'not found'}" for status in statuses)
    chart = picture(
        f"{key}-statuses", "Number of jobs in each status over time", f"In the end: {ends}.", _CURVE_HEIGHT, areas
    )
    labels = [(axis.y(value), f"{value:.0f}") for value in axis.ticks]
    return frame(chart, times, labels, _CURVE_HEIGHT)


def _steps(edges: Sequence[float], values: Sequence[int], times: Time, axis: Values) -> list[tuple[float, float]]:
    places = []
    for (at, until), value in zip(pairwise(edges), values, strict=False):
        places += [(times.x(at), axis.y(value)), (times.x(until), axis.y(value))]
    return places


def outage_chart(cutover: Cutover) -> Chart | None:
    """Return the stages from the freeze on, to scale: the approach before may last for hours."""
    shown = [
        (stage, stage.started_at, stage.started_at + stage.seconds)
        for stage in cutover.stages
        if stage.name != "approach" and stage.started_at is not None and stage.seconds is not None
    ]
    # Where nothing was frozen there is no outage to draw.
    if not any(stage.name == "freeze" for stage, _began, _ended in shown):
        return None
    begin = min(began for _stage, began, _ended in shown)
    times = Time(begin, max(begin + 1, *(ended for _stage, _began, ended in shown)))
    rows = [(stage.name, [(began, ended, f"stage-{stage.tone}", stage.name)]) for stage, began, ended in shown]
    about = ", ".join(
        f"{stage.name} {stage.seconds:.1f} s from {clock(began, '%H:%M:%S')}" for stage, began, _ended in shown
    )
    return Chart("From the freeze on", _rows("outage", "Stages from the freeze on", f"{about}.", rows, times), ())
