# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every stop, whatever the jobs and the requests do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._job.status_table import STATUSES, STOPPED
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import StopAnswer
from ansible_collections.cutover.drs.tests.unit.builders import CAUGHT_UP
from ansible_collections.cutover.drs.tests.unit.stop.service import (
    ACCEPTED,
    BUSY,
    DENIED,
    FORBIDDEN,
    RESET,
    UNCLEAR,
    WRONG_STATE,
    Service,
    Stopped,
    Task,
    stopped,
)

REFUSED = DrsError(Kind.INVALID_REQUEST, "HTTP 400.", http_status=400, error_code="DRS.M00304")
ERRORS = st.sampled_from([RESET, FORBIDDEN, REFUSED, DrsError(Kind.PROTOCOL, "Empty.")])
TASKS = st.builds(
    Task,
    status=st.one_of(st.just(CAUGHT_UP), st.sampled_from([*STATUSES, None, "BRAND_NEW"])),
    delay=st.sampled_from([0, 0, 0, 3, None]),
    answers=st.lists(st.sampled_from([ACCEPTED, BUSY, WRONG_STATE, DENIED, UNCLEAR]), max_size=3),
    works=st.sampled_from([True, True, False]),
    lag=st.sampled_from([0, 0, 7, 17]),
    takes=st.sampled_from([0, 10, 100]),
    end=st.sampled_from(["RELEASE_RESOURCE_COMPLETE", "RELEASE_RESOURCE_FAILED", "DELETED"]),
)
FAULTS = st.dictionaries(st.integers(1, 6), ERRORS, max_size=3)


class Watched(Service):
    """Notes for each stop whether its jobs were ready in the latest reading, and read since they were last stopped."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.latest: dict[str, StatusRecord] = {}
        self.fresh: list[bool] = []
        self.ready: list[bool] = []
        self._sent_at = -1

    def _read(self, how: str, ids: Sequence[str]) -> list[StatusRecord]:
        records = super()._read(how, ids)
        self.latest = {record.id: record for record in records}
        self._how = how
        self._read_since = set(ids)
        return records

    def stop(self, ids: Sequence[str], *, force: bool = False, until: float | None = None) -> dict[str, StopAnswer]:
        self.fresh.append(set(ids) <= self._read_since)
        self._read_since -= set(ids)
        self.ready.append(
            all(
                self._how == "both" and self.latest[job_id].status == CAUGHT_UP and self.tasks[job_id].delay == 0
                for job_id in ids
            )
        )
        return super().stop(ids, force=force, until=until)


@settings(max_examples=5 * settings.default.max_examples)
@given(
    st.lists(TASKS, min_size=1, max_size=4),
    FAULTS,
    FAULTS,
    st.frozensets(st.integers(1, 6)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 2, 100]),
)
def test_whatever_happens(
    tasks: list[Task],
    reads: dict[int, DrsError],
    stops: dict[int, DrsError],
    lost: frozenset[int],
    require_ready: bool,
    force: bool,
    wait: bool,
    check_mode: bool,
    batch_size: int,
) -> None:
    # Who says that it refused a stop has not carried it out.
    lost = frozenset(number for number in lost if number in stops and not stops[number].final)
    service = {"reads": reads, "stops": stops, "lost": lost, "batch_size": batch_size}
    rules = {"require_ready": require_ready, "force": force, "wait": wait, "timeout": 60}
    done = stopped(*tasks, check_mode=check_mode, kind=Watched, service=service, **rules)
    assert isinstance(done.service, Watched)
    no_stop_is_sent_without_evidence(done, done.service, require_ready, force, check_mode)
    every_job_is_in_one_list(done)
    success_is_what_the_service_says(done, wait, check_mode)
    # The request under way at the deadline, and no more.
    assert done.result["elapsed"] <= 60


def no_stop_is_sent_without_evidence(
    done: Stopped, service: Watched, require_ready: bool, force: bool, check_mode: bool
) -> None:
    assert not (check_mode and done.sent)
    assert {forced for _ids, forced in service.sent} <= {force}
    # Each stop of a job is preceded by a reading of it since its last stop.
    assert all(service.fresh)
    assert not require_ready or all(service.ready)


def every_job_is_in_one_list(done: Stopped) -> None:
    result = done.result
    listed = [*result["stopped"], *result["already_ended"], *result["failed_jobs"]]
    assert sorted(listed) == sorted(done.service.tasks)
    assert result["failed"] is bool(result["failed_jobs"])
    assert all(job_id in result["msg"] for job_id in result["failed_jobs"]) or not result["changed"]
    assert all(bool(entry["reason"]) is (entry["id"] in result["failed_jobs"]) for entry in result["jobs"])


def success_is_what_the_service_says(done: Stopped, wait: bool, check_mode: bool) -> None:
    if check_mode:
        return
    tasks, now = done.service.tasks, done.service.clock.time
    ended = [*done.result["stopped"], *done.result["already_ended"]]
    if wait:
        assert all(tasks[job_id].at(now) in STOPPED for job_id in ended)
    # What was stopped is never called unchanged.
    assert done.result["changed"] or all(task.stopped_at is None for task in tasks.values())
    assert all(done.sent for _job in done.result["stopped"])
