# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a gate would open if all went on as it does now. For show: no decision reads it."""

from __future__ import annotations

from .._gate.gate import Standing
from .._gate.rules import Goal, JudgedJob, Rule, Rules
from .._job.status_table import Phase
from .history import History

# Seconds. What is farther away than a month is a guess that helps nobody.
_FARTHEST = 30 * 86400.0


def seconds_until_open(standing: Standing, rules: Rules, history: History) -> float | None:
    """Return the seconds from the latest sample until the gate would open, the streak counted in; None if nobody can tell."""
    if not standing.jobs or standing.errors or not rules.timeout:
        return None
    late = [job for job in standing.jobs if not job.ready]
    estimates = [_until_ready(job, rules, history) for job in late]
    known = [estimate for estimate in estimates if estimate is not None]
    if len(known) < len(late):
        return None
    streak = 0.0
    if any(job.goal is Goal.CAUGHT_UP for job in standing.jobs):
        # The first sample in which all are ready counts as one, and as 0 s.
        samples = rules.stable_samples - max(1, standing.streak)
        streak = max(rules.stable_for - standing.streak_for, samples * rules.near_interval, 0.0)
    seconds = max(known, default=0.0) + streak
    return seconds if seconds <= _FARTHEST else None


def _until_ready(job: JudgedJob, rules: Rules, history: History) -> float | None:
    """Return when a job would be ready if only time were missing."""
    held_by = {hold.rule for hold in job.holds}
    trend = history.trend(job)
    if trend is None or trend.seconds_left is None:
        return None
    delay = job.reading.progress.delay
    if held_by == {Rule.DELAY} and delay:
        return trend.seconds_left * (delay - rules.max_delay) / delay
    copying = job.goal is Goal.FULL_COMPLETE and job.reading.status.meaning.phase is Phase.FULL
    return float(trend.seconds_left) if held_by == {Rule.WRONG_PHASE} and copying else None
