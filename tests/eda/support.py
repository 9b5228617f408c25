# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders and fixtures: arguments, readings, a source that runs on time by hand, a real collection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ansible_collections.cutover.drs.extensions.eda.plugin_utils._arguments import Arguments
from ansible_collections.cutover.drs.extensions.eda.plugin_utils._source import Shown, watch
from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import FailedPoll, Sample
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Reading, Subtasks
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.tests.unit import builders
from ansible_collections.cutover.drs.tests.unit.builders import CAUGHT_UP, NOON, A, HandClock

FULL = "FULL_TRANSFER_STARTED"

# What a poll of a script gives: the readings of a sample, or an error.
Step = Sequence[Reading] | DrsError


def reading(
    job_id: str = A, status: str | None = CAUGHT_UP, *, subtasks: Sequence[Reading] = (), **fields: Any
) -> Reading:
    """What both operations say of a job: it has caught up unless said otherwise; without a status it is missing."""
    fields = {
        "delay": 0 if status == CAUGHT_UP else None,
        "error": (fields.pop("error_code", None), fields.pop("error_message", None)),
        "found": (status is not None,) * 2,
        "subtasks": Subtasks(tuple(subtasks), listed=True),
        **fields,
    }
    return builders.reading(job_id, status, **fields)


def broken(message: str = "It broke.", kind: Kind = Kind.NETWORK) -> DrsError:
    """A poll that fails."""
    return DrsError(kind, message, request_id="req-1", http_status=503)


class Ended(Exception):
    """The script has no more steps."""


def _never(_seconds: float) -> None:
    raise AssertionError("the source must not block")


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
        clock = replace(self.hand.clock(), sleep=_never)
        with suppress(Ended):
            asyncio.run(watch(self, self.arguments, self, clock=clock, sleep=self._sleep))

    async def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.hand.sleep(seconds)
        await asyncio.sleep(0)

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
        self.hand.pass_by(self._gaps.get(len(self.polled), 0.0))
        self.warnings = self._warned.get(len(self.polled), self.warnings)
        at = self.hand.waited
        self.polled.append(at)
        if isinstance(step, DrsError):
            return FailedPoll(at, at, NOON + at, str(step), step.failure(), step.final)
        return Sample(at, at, NOON + at, tuple(step), self._held)

    def of_type(self, kind: str, *keys: str) -> list[Any]:
        """The events of a type; with keys, only the values of these."""
        events = [event for event in self.events if event["type"] == kind]
        if not keys:
            return events
        return [tuple(event[key] for key in keys) if len(keys) > 1 else event[keys[0]] for event in events]
