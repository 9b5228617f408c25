# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job of the simulated service that is a real replication: its delay and position are measured."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any

from ansible_collections.cutover.drs.tests.databases.engines import Pair
from drs_simulator import Simulator

# Seconds between two measurements.
_PACE = 0.1
_STOPS = {"batch-jobs": ("delete_type", "force_terminate"), "batch-stop": ("is_force_stop", True)}


class Replicating(threading.Thread):
    """Tells the simulator what the pair does, and the pair when its job is stopped."""

    def __init__(self, simulator: Simulator, job: str, pair: Pair) -> None:
        super().__init__(daemon=True)
        self._simulator, self._job, self._pair = simulator, job, pair
        self._over = threading.Event()
        # Whether every stop is like a forced one, as a person may choose in the console.
        self.by_force = False
        # What the source had reached when, as far as the target has not: the age of the oldest is the delay.
        self._open: deque[tuple[float, int]] = deque()
        # A job that is stopped stays so until the replication has ended.
        more = {"status": "INCRE_TRANSFER_STARTED", "delay": -1, "stop_seconds": 1e9}
        simulator.set_job(job, name="shop", **pair.job, **more)

    def __enter__(self) -> Replicating:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.join()

    def fail(self, reason: str) -> None:
        """Let the job fail, as the service does when it gives up."""
        self._simulator.set_job(self._job, status="INCRE_TRANSFER_FAILED", error_code="DRS.M09999", error_msg=reason)

    def run(self) -> None:
        """Measure until the job is stopped, or the test is over."""
        try:
            self._run()
        finally:
            self._pair.close()

    def _run(self) -> None:
        failed = False
        while not self._over.wait(_PACE):
            forced = self._stopped()
            if forced is not None:
                self._end(forced or self.by_force)
                return
            try:
                measured = self._measure()
                reason = self._pair.broken()
            except Exception:
                # Nothing is known of it: no delay.
                measured, reason = {"delay": -1}, None
            if reason and not failed:
                failed = True
                self.fail(reason)
            self._simulator.set_job(self._job, **measured)

    def _measure(self) -> dict[str, Any]:
        now = time.monotonic()
        # The source first: what it reaches later is no part of this measurement.
        position = self._pair.position()
        applied = self._pair.applied()
        if applied is None:
            return {"delay": -1, "position": position.shown}
        if not self._open or self._open[-1][1] != position.number:
            self._open.append((now, position.number))
        while self._open and self._open[0][1] <= applied:
            self._open.popleft()
        # The simulator rounds up: what is not applied yet is never a delay of 0.
        delay = max(now - self._open[0][0], 0.001) if self._open else 0
        return {"delay": delay, "position": position.shown}

    def _stopped(self) -> bool | None:
        """Return whether the job was stopped by force, or None as long as nobody has stopped it."""
        for entry in self._simulator.requests:
            if entry["operation"] in _STOPS and entry["status"] in (200, 202) and isinstance(entry["body"], dict):
                field, by_force = _STOPS[entry["operation"]]
                for asked in entry["body"]["jobs"]:
                    if asked["job_id"] == self._job:
                        return bool(asked.get(field) == by_force)
        return None

    def _end(self, forced: bool) -> None:
        status = "RELEASE_RESOURCE_COMPLETE"
        try:
            self._pair.stop(forced)
        except Exception:
            status = "RELEASE_RESOURCE_FAILED"
        with suppress(RuntimeError):
            self._simulator.set_job(self._job, status=status)
