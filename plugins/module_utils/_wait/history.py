# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened in a wait so far, bounded however long it lasts."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._gate.gate import FailedPoll, Observation, Sample
from .._gate.rules import JudgedJob, Reading
from .._job.status_table import Phase, State
from .._job.text import iso
from . import trend

# Bounds that keep the result of 1,000 jobs, each with a hold, under 1 MiB; most of it are the jobs
# themselves. Fewer samples than four make no curve: of more than 500 jobs no points are kept.
_MOST_POINTS = 2000
_FEWEST_SAMPLES = 4
_MOST_TRANSITIONS = 300
# The number of samples that a trend is made of.
_TREND_SAMPLES = 12


@dataclass(frozen=True)
class _Values:
    """Progress and delay of all jobs in one sample, in its order."""

    at: float
    progress: tuple[int | None, ...]
    delays: tuple[int | None, ...]


class History:
    """Collects transitions, series and trends from one observation to the next.

    All samples of a wait have the same jobs in the same order.
    """

    def __init__(self) -> None:
        self.polls = 0
        self.errors = 0
        self.failure: Mapping[str, Any] | None = None
        self.transitions: list[dict[str, Any]] = []
        self.transitions_left_out = 0
        self.moved_at = 0.0
        # Progress (percent) and delay (seconds) of the jobs over time, thinned out evenly if there are too many points.
        self.series: list[dict[str, Any]] = []
        self._every = 1
        self._places: dict[str, int] = {}
        self._readings: tuple[Reading, ...] = ()
        self._latest: deque[_Values] = deque(maxlen=_TREND_SAMPLES)

    def note(self, observation: Observation) -> None:
        """Take in the next observation."""
        self.polls += 1
        if isinstance(observation, FailedPoll):
            self.errors += 1
            self.failure = observation.failure
            return
        self.failure = None
        if not self._places:
            self._places = {reading.id: place for place, reading in enumerate(observation.readings)}
        before = self._readings or (None,) * len(observation.readings)
        for was, reading in zip(before, observation.readings, strict=True):
            self._note_change(was, reading, observation)
        self._readings = observation.readings
        records = [reading.progress for reading in observation.readings]
        delays = tuple(record.delay for record in records)
        self._latest.append(_Values(observation.ended, tuple(record.progress for record in records), delays))
        self._note_points(observation)

    def trend(self, job: JudgedJob) -> trend.Trend | None:
        """Where a job is heading."""
        reading = job.reading
        if reading.state is not State.IN_PROGRESS:
            return None
        times, place = [values.at for values in self._latest], self._places[reading.id]
        if reading.status.meaning.phase is Phase.INCREMENTAL:
            return trend.of_delay(times, [values.delays[place] for values in self._latest])
        if reading.status.meaning.phase is Phase.FULL:
            remaining = reading.progress.remaining_time
            return trend.of_progress(times, [values.progress[place] for values in self._latest], remaining)
        return None

    def _note_change(self, before: Reading | None, reading: Reading, observation: Sample) -> None:
        if before is None or _moving(before) != _moving(reading):
            self.moved_at = observation.ended
        was, now = None if before is None else _status(before), _status(reading)
        if before is not None and was == now:
            return
        if len(self.transitions) >= _MOST_TRANSITIONS:
            self.transitions_left_out += 1
            return
        self.transitions.append({"at": iso(observation.at), "id": reading.id, "from": was, "to": now})

    def _note_points(self, observation: Sample) -> None:
        number, jobs = self.polls - self.errors - 1, len(observation.readings)
        if number % self._every or jobs * _FEWEST_SAMPLES > _MOST_POINTS:
            return
        if len(self.series) + jobs > _MOST_POINTS:
            # Keep every second sample, and from now on take only every second one.
            self.series = [point for index, point in enumerate(self.series) if (index // jobs) % 2 == 0]
            self._every *= 2
            if number % self._every:
                return
        at, records = iso(observation.at), [reading.progress for reading in observation.readings]
        self.series += [
            {"at": at, "id": record.id, "progress": record.progress, "delay": record.delay} for record in records
        ]


def _status(reading: Reading) -> str | None:
    """What a transition tells; None for a job that either answer lacks."""
    return reading.status.status if reading.found else None


def _moving(reading: Reading) -> tuple[Any, ...]:
    """What changes while a job makes progress."""
    progress = reading.progress
    subtasks = tuple(_moving(subtask) for subtask in reading.subtasks.readings)
    return (reading.status.status, progress.status, progress.progress, progress.delay, progress.parts, subtasks)
