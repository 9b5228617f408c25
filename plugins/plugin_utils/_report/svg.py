# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a chart: elements, axes, and paths of a picture that is stretched to the width of the page.

Each picture has a width of ``WIDTH`` units and is stretched without regard to its shape, with lines that keep their
width; texts stand around it as HTML. So one chart is sharp and readable on a phone, a desktop and paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count

from markupsafe import Markup, escape

WIDTH = 1000
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_DAY = 86400
# Delays that a person knows by heart, for a scale on which both seconds and hours can be read.
_DELAYS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 43200, 86400, 604800)
# Above this a plain scale hides what matters most: the last seconds.
_PLAIN_UP_TO = 30


def element(name: str, attributes: Mapping[str, str | float], *content: str) -> Markup:
    """Return an element with escaped attributes; content is escaped unless it is Markup."""
    written = "".join(f' {key}="{escape(_shown(value))}"' for key, value in attributes.items())
    return Markup(f"<{name}{written}>{''.join(escape(part) for part in content)}</{name}>")


def _shown(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) else f"{value:.1f}"


def picture(key: str, title: str, about: str, height: int, content: Iterable[str]) -> Markup:
    """Return a stretched SVG with its title and description; ``height`` is its height in pixels and units."""
    names = f"{key}-title {key}-desc"
    size = f"0 0 {WIDTH} {height}"
    return element(
        "svg",
        {"role": "img", "aria-labelledby": names, "viewBox": size, "preserveAspectRatio": "none", "height": height},
        element("title", {"id": f"{key}-title"}, title),
        element("desc", {"id": f"{key}-desc"}, about),
        *content,
    )


@dataclass(frozen=True)
class Time:
    """The horizontal axis: a stretch of time (epoch, seconds)."""

    begin: float
    end: float

    def x(self, at: float) -> float:
        """Where a time is, in units of the picture."""
        return WIDTH * min(1.0, max(0.0, (at - self.begin) / max(self.end - self.begin, 1e-9)))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts of round times of day, in UTC."""
        span = max(self.end - self.begin, 1e-9)
        step = next((step for step in _STEPS if span / step <= 5), math.ceil(span / _DAY / 5) * _DAY)
        if span < 1:
            return [(self.x(self.begin), clock(self.begin, "%H:%M:%S"))]
        shape = "%H:%M:%S" if step < 60 else "%H:%M" if span <= _DAY else "%d %b %H:%M" if step < _DAY else "%d %b"
        first = math.ceil(self.begin / step)
        return [(self.x(k * step), clock(k * step, shape)) for k in range(first, int(self.end // step) + 1)]


def clock(at: float, shape: str) -> str:
    """Return a time (epoch, seconds) in UTC."""
    return datetime.fromtimestamp(at, timezone.utc).strftime(shape)


@dataclass(frozen=True)
class Values:
    """The vertical axis, from 0 to ``most``; ``logarithmic`` where both small and large values matter.

    ``whole``: the values are numbers of things, so that no line is drawn at a fraction.
    """

    most: float
    height: int
    logarithmic: bool = False
    whole: bool = False

    def y(self, value: float) -> float:
        """Where a value is, in units of the picture, the largest on top."""
        share = min(1.0, max(0.0, value / self.most))
        if self.logarithmic:
            share = min(1.0, math.log1p(max(0.0, value)) / math.log1p(self.most))
        return self.height * (1 - share)

    @property
    def ticks(self) -> list[float]:
        """Round values worth a line, not nearer to each other than the height of their texts."""
        if self.logarithmic:
            round_values: Sequence[float] = (0, *(value for value in _DELAYS if value <= self.most))
        elif self.whole:
            step = next(size for size in _whole_steps() if self.most / size <= 5)
            round_values = [step * k for k in range(int(self.most // step) + 1)]
        else:
            round_values = [self.most / 4 * k for k in range(5)]
        kept: list[float] = []
        for value in round_values:
            if not kept or self.y(kept[-1]) - self.y(value) >= 24:
                kept.append(value)
        return kept


def _whole_steps() -> Iterator[int]:
    return (digit * 10**power for power in count() for digit in (1, 2, 5))


def delay_axis(values: Iterable[float], limit: float | None, height: int) -> Values:
    """Return an axis for delays and their limit, in seconds."""
    most = max((*values, limit or 0.0, 4.0))
    if most > _PLAIN_UP_TO:
        return Values(most * 1.15, height, logarithmic=True)
    return Values(math.ceil(most / 4) * 4, height)


def line(points: Iterable[tuple[float, float] | None]) -> str:
    """Return the ``d`` of a line; it is interrupted at None, when nothing is known.

    A point alone is a line of no length, which a round cap turns into a dot.
    """
    parts: list[str] = []
    pen_down = False
    for point in points:
        if point is None:
            pen_down = False
            continue
        place = f"{point[0]:.1f} {point[1]:.1f}"
        parts.append(f"L{place}" if pen_down else f"M{place}l0 0L{place}")
        pen_down = True
    return "".join(parts)


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """Return the ``d`` of the area between two lines."""
    places = [f"{x:.1f} {y:.1f}" for x, y in (*upper, *reversed(lower))]
    return f"M{'L'.join(places)}Z" if places else ""


def frame(
    chart: Markup, times: Time, y_labels: Iterable[tuple[float, str]], height: int, *, rows: bool = False
) -> Markup:
    """Return the chart with the texts of its axes; ``y_labels`` are places and texts, for ``rows`` their names."""
    # The SVG's description says the same in words, so that a reader does not hear single numbers.
    return element(
        "div",
        {"class": "chart rows" if rows else "chart", "style": f"--height:{height}px"},
        element("div", {"class": "y", "aria-hidden": "true"}, *(_at("top", y / height, text) for y, text in y_labels)),
        element("div", {"class": "plot"}, chart),
        element("div", {"class": "x", "aria-hidden": "true"}, *_x_labels(times)),
    )


def _x_labels(times: Time) -> list[Markup]:
    # One at the very end would leave the picture.
    return [_at("left", x / WIDTH, text, "last" if x > 0.96 * WIDTH else "") for x, text in times.ticks]


def _at(side: str, share: float, text: str, name: str = "") -> Markup:
    return element("span", {"class": name, "style": f"{side}:{share * 100:.2f}%"}, text)
