# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the documentation that shows the benchmarks, and its charts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/docsite/rst/benchmarks.rst"
IMAGES = PAGE.parent / "images"
HEAD = """\
..
  Copyright (c) 2026, the cutover.drs authors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. _ansible_collections.cutover.drs.docsite.benchmarks:

Benchmarks
==========

Measured by ``nox -s bench`` in one run, side by side, against the simulator on the same machine: {machine}.
Client and server share its cores, so look at the ratios rather than at the seconds. No live account was used.
"""


@dataclass
class Table:
    """A table, and the figures of its chart by name, if it has one."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    chart: dict[str, float] = field(default_factory=dict)

    def add(self, *cells: str | float) -> None:
        """Add a row; a float is a ratio."""
        self.rows.append(tuple(_ratio(cell) if isinstance(cell, float) else str(cell) for cell in cells))

    def rst(self) -> str:
        """Return the table as reStructuredText that is readable as it is."""
        widths = [max(len(row[column]) for row in (self.head, *self.rows)) for column in range(len(self.head))]
        rule = "  ".join("=" * width for width in widths)
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.head, *self.rows)
        ]
        return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


# What is measured, the target (at most or at least a number), the measured values, and why they miss it if they do.
Target = tuple[str, str, str, str]


def verdict(target: Target) -> str:
    """Return whether all measured values, separated by commas, meet the target."""
    _what, limit, measured, _why = target
    bound = _number(limit)
    values = [_number(value) for value in measured.split(",")]
    met = all(value >= bound if limit.startswith("at least") else value <= bound for value in values)
    return "met" if met else "**missed**"


def _number(text: str) -> float:
    return float(re.findall(r"[0-9.]+", text)[0])


class Part:
    """A part of the page: a title, texts and tables, the title of its chart, and its targets."""

    def __init__(self, title: str, *content: str | Table, chart: str = "", targets: Sequence[Target] = ()) -> None:
        self.title = title
        self.content = content
        self.chart = chart
        self.targets = targets

    def image(self) -> str:
        """Return the file of the chart."""
        return f"benchmark_{self.title.split()[0].lower()}.svg"

    def rst(self) -> str:
        """Return the part as reStructuredText."""
        blocks = [f"{self.title}\n{'-' * len(self.title)}"]
        blocks += [dedent(block) if isinstance(block, str) else block.rst() for block in self.content]
        if self.chart:
            blocks.append(f".. figure:: images/{self.image()}\n   :figclass: picture\n   :alt: {self.chart}")
        return "\n\n".join(blocks) + "\n"


def write_page(machine: str, parts: list[Part]) -> None:
    """Write the page, and draw its charts with matplotlib in an environment of its own."""
    IMAGES.mkdir(exist_ok=True)
    for part in parts:
        if part.chart:
            bars = next(block.chart for block in part.content if isinstance(block, Table) and block.chart)
            drawing = {"title": part.chart, "bars": bars, "file": str(IMAGES / part.image())}
            python = Path(os.environ["DRS_PEER"], "python")
            subprocess.run([str(python), str(HERE / "chart.py")], input=json.dumps(drawing), text=True, check=True)
    targets = [target for part in parts for target in part.targets]
    table = Table(("what", "target", "measured", "result"), [(*target[:3], verdict(target)) for target in targets])
    missed = dict.fromkeys(why for *_rest, why in (target for target in targets if "missed" in verdict(target)) if why)
    shown = [Part("Targets", table, *(f"* {why}" for why in missed)), *parts]
    page = "\n".join([HEAD.format(machine=machine), *(part.rst() for part in shown)])
    PAGE.write_text(page, encoding="utf-8")
