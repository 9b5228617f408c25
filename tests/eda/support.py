# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders and fixtures: arguments, readings, a source that runs on time by hand, a real collection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible_collections.cutover.drs.extensions.eda.plugin_utils._arguments import Arguments
from ansible_collections.cutover.drs.extensions.eda.plugin_utils._source import Shown, watch
from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import FailedPoll, Sample
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Reading, Subtasks
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import ProgressRecord, StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._service.http.clock import Clock

A = "9a470239-2308-4bb5-a6bc-1040402fjb21"
B = "dc67695a-ee3e-49b8-a022-a099bd81jb21"

# 2026-11-24T12:00:00Z
NOON = 1795521600.0

CAUGHT_UP = "INCRE_TRANSFER_STARTED"
FULL = "FULL_TRANSFER_STARTED"

# What a poll of a script gives: the readings of a sample, or an error.
Step = Sequence[Reading] | DrsError


def reading(
    job_id: str = A,
    status: str | None = CAUGHT_UP,
    *,
    name: str | None = None,
    subtasks: Sequence[Reading] = (),
    **fields: Any,
) -> Reading:
    """What both operations say of a job: it has caught up unless said otherwise; without a status it is missing."""
    error = {name: fields.pop(name) for name in ("error_code", "error_message") if name in fields}
    known = {"task_mode": "FULL_INCR_TRANS", "progress": 100, "delay": 0 if status == CAUGHT_UP else None, **fields}
    found = status is not None
    return Reading(
        StatusRecord(job_id, found, status, **error),
        ProgressRecord(job_id, found, status, **(known if found else {})),
        name,
        Subtasks(tuple(subtasks), listed=True),
    )


def broken(message: str = "It broke.", kind: Kind = Kind.NETWORK) -> DrsError:
    """A poll that fails."""
    return DrsError(kind, message, request_id="req-1", http_status=503)


class Ended(Exception):
    """The script has no more steps."""


class HandClock:
    """Time that passes only where the source sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.time, lambda: NOON + self.time - 1000, self._never, lambda low, high: 1.0)

    @staticmethod
    def _never(seconds: float) -> None:
        raise AssertionError("the source must not block")

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class Watched:
    """Runs a source over a script of polls, and keeps its events, when it polled and how long it slept.

    ``gaps`` are seconds that pass unseen before a poll, by its number; ``held`` says whether there is a hold file;
    ``warned`` are the warnings there are after each poll, by its number.
    """

    def __init__(
        self,
        *steps: Step,
        gaps: Mapping[int, float] | None = None,
        held: bool = False,
        warned: Mapping[int, Sequence[str]] | None = None,
        **args: Any,
    ) -> None:
        self.hand = HandClock()
        self.polled: list[float] = []
        self.events: list[dict[str, Any]] = []
        self._steps = list(steps)
        self._gaps = gaps or {}
        self._held = held
        self._warned = warned or {}
        self.warnings: Sequence[str] = ()
        defaults = {"jobs": [A], "interval": 10, "stable_samples": 2, "stable_for": 10, "heartbeat": 0}
        self.arguments = Arguments.of({**defaults, **args})
        with suppress(Ended):
            asyncio.run(watch(self, self.arguments, self, clock=self.hand.clock, sleep=self.hand.sleep))

    async def put(self, item: dict[str, Any]) -> None:
        assert list(item) == ["drs"]
        self.events.append(item["drs"])

    def shown(self, value: Shown) -> Shown:
        """There are no secrets."""
        return value

    async def poll(self) -> Sample | FailedPoll:
        if not self._steps:
            raise Ended
        step = self._steps.pop(0)
        self.hand.time += self._gaps.get(len(self.polled), 0.0)
        began = self.hand.time - 1000
        self.warnings = self._warned.get(len(self.polled), self.warnings)
        self.polled.append(began)
        at = self.hand.time - 1000
        if isinstance(step, DrsError):
            return FailedPoll(began, at, NOON + at, str(step), step.failure(), step.final)
        return Sample(began, at, NOON + at, tuple(step), self._held)

    def of_type(self, kind: str, *keys: str) -> list[Any]:
        """The events of a type; with keys, only the values of these."""
        events = [event for event in self.events if event["type"] == kind]
        if not keys:
            return events
        return [tuple(event[key] for key in keys) if len(keys) > 1 else event[keys[0]] for event in events]
