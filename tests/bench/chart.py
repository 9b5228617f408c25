# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw a bar chart: JSON with ``title``, ``bars`` and ``file`` on the standard input."""

from __future__ import annotations

import json
import sys

import matplotlib

matplotlib.use("svg")
# The same figures give the same file.
matplotlib.rcParams["svg.hashsalt"] = "cutover.drs"

from matplotlib import pyplot  # noqa: E402

OURS = ("drs_job_wait", "drs_job_progress")


def main() -> None:
    drawing = json.load(sys.stdin)
    bars = dict(reversed(drawing["bars"].items()))
    figure, axes = pyplot.subplots(figsize=(7, 0.5 + 0.45 * len(bars)), layout="constrained")
    colours = ["#0a7d4f" if name in OURS else "#8a94a0" for name in bars]
    drawn = axes.barh(list(bars), list(bars.values()), color=colours)
    axes.bar_label(drawn, fmt="%.3g", padding=4)
    axes.set_title(drawing["title"], loc="left", fontsize=11)
    axes.margins(x=0.12)
    axes.xaxis.set_visible(False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    figure.savefig(drawing["file"], metadata={"Date": None})


if __name__ == "__main__":
    main()
