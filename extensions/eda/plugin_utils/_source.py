# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source at work: polls in a thread, puts what changed into the queue, and ends when it is cancelled."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import FailedPoll, Observation, Sample
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Reading
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind, configuration_error
from ansible_collections.cutover.drs.plugins.module_utils._service.http.clock import REAL_CLOCK, Clock
from ansible_collections.cutover.drs.plugins.module_utils._service.lazy import LazyClient
from ansible_collections.cutover.drs.plugins.module_utils._wait.loop import one_poll
from ansible_collections.cutover.drs.plugins.module_utils._wait.subtasks import Jobs as WholeJobs

from ._arguments import Arguments
from ._changes import Changes, Event

# Pauses are randomised by this share, so that many sources do not poll in step.
_JITTER = 0.1
# After failed polls the pauses double up to this (seconds), and begin with it where no repetition helps:
# somebody has to change something first, and an account must not be locked by logins that fail.
_LONGEST_PAUSE = 300.0

LOGGER = logging.getLogger("cutover.drs.drs_jobs")

Shown = TypeVar("Shown")


class Jobs:
    """The jobs as the service shows them, through one client for as long as the source runs."""

    def __init__(self, arguments: Arguments, environ: Mapping[str, str], clock: Clock = REAL_CLOCK) -> None:
        self._arguments = arguments
        self._clock = clock
        self._started = clock.elapsed()
        self._jobs = WholeJobs(arguments.asked, arguments.rules)
        self._closed = threading.Event()
        self._client = LazyClient(arguments.options, environ, replace(clock, sleep=self._pause))

    async def poll(self) -> Observation:
        """One observation; the event loop goes on meanwhile."""
        return await asyncio.to_thread(one_poll, self._read, self._arguments.rules, self._clock, self._started)

    @property
    def warnings(self) -> Sequence[str]:
        """What the user should know about the arguments and the service, each sentence once."""
        return [*filter(None, [self._arguments.asked.warning]), *self._client.warnings]

    def shown(self, value: Shown) -> Shown:
        """The event, or the text, without secrets; ids that were given are none."""
        return self._client.shown(value, self._jobs.ids)

    def close(self) -> None:
        """Close the connections, and let a poll under way end as soon as its request does."""
        self._closed.set()
        self._client.close()

    def _read(self, until: float, held: Callable[[], bool]) -> tuple[Reading, ...]:
        return self._jobs.read(self._client.opened(until), until, held)

    def _pause(self, seconds: float) -> None:
        # Between two tries of a request; a source that ends must not wait for it.
        if self._closed.wait(seconds):
            raise DrsError(Kind.NETWORK, "The event source was closed.")


async def watch(
    queue: asyncio.Queue[Event],
    arguments: Arguments,
    jobs: Jobs,
    *,
    clock: Clock = REAL_CLOCK,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
) -> None:
    """Poll and tell what changed, until it is cancelled.

    Raises :class:`DrsError` of kind ``configuration`` for arguments with which no poll can ever succeed.
    """
    changes = Changes(arguments)
    every = arguments.heartbeat or float("inf")
    beat = clock.elapsed() + every
    while True:
        observation = await jobs.poll()
        if isinstance(observation, FailedPoll) and observation.failure["kind"] == Kind.CONFIGURATION.value:
            # It may list the names of jobs.
            raise configuration_error(jobs.shown(observation.message))
        pause = _pause(observation, changes.errors, arguments.rules.interval) * clock.uniform(1 - _JITTER, 1 + _JITTER)
        for event in changes.warned(jobs.warnings, observation.at):
            LOGGER.warning("%s", event["drs"]["message"])
            await queue.put(jobs.shown(event))
        for event in changes.observe(observation, pause):
            await queue.put(jobs.shown(event))
        wake = clock.elapsed() + pause
        while True:
            now = clock.elapsed()
            if now >= beat:
                await queue.put(jobs.shown(changes.heartbeat(clock.now())))
                beat = now + every
            if now >= wake:
                break
            await sleep(min(wake, beat) - now)


def _pause(observation: Observation, errors_before: int, interval: float) -> float:
    """Seconds to the next poll."""
    if isinstance(observation, Sample):
        return interval
    longest = max(interval, _LONGEST_PAUSE)
    # The exponent has a bound of its own: the source may fail for months.
    return longest if observation.final else min(longest, interval * 2 ** min(errors_before + 1, 20))
