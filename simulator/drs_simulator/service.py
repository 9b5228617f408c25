# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated service as a whole: the scenario being played, its time, its tokens, faults and log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from drs_simulator import drs
from drs_simulator.answers import Answer, Refusal, drs_error, no_such_api
from drs_simulator.comparisons import COMPARE_RESULT, Comparison, answer_comparisons, asked_job
from drs_simulator.faults import Schedule, parse_fault
from drs_simulator.iam import Call, Iam
from drs_simulator.jobs import BATCH_PROGRESS, BATCH_STATUS, NO_SUCH_JOB, change_job
from drs_simulator.lists import LIST_V3, LIST_V5, answer_list, asked_v3, asked_v5
from drs_simulator.scenario import Scenario, load_scenario, parse_account
from drs_simulator.stops import BATCH_DETAIL, BATCH_JOBS, BATCH_STOP

Clock = Callable[[], float]
_BEGINS_ANEW = frozenset({"life", "steps"})


class Service:
    """Everything but the transport. CLOCK gives seconds; only differences count."""

    def __init__(self, scenario: Scenario, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self.log: list[dict[str, Any]] = []
        self.play(scenario)

    def play(self, scenario: Scenario) -> None:
        """Begin a scenario: lives, counts of faults, tokens and log start anew."""
        self.scenario = scenario
        self.jobs = dict(scenario.jobs)
        self.faults = Schedule(scenario.faults)
        self._clock_at_start, self._wall_at_start = self._clock(), time.time()
        self._begun = dict.fromkeys(self.jobs, self._clock_at_start)
        self._busy_left = {job.id: job.busy_times for job in self.jobs.values()}
        self._compared: dict[tuple[str, str], float] = {}
        for job_id in self.jobs:
            self._note_comparisons(job_id)
        self.iam = Iam(scenario.account, self._clock, self.wall)
        self.log.clear()

    def wall(self) -> float:
        """The time of day as the service sees it: it moves with the clock and may be wrong on purpose."""
        return self._wall_at_start + self._clock() - self._clock_at_start + self.scenario.clock_skew

    def age(self, job_id: str) -> float:
        """Simulated seconds since the job's life began."""
        return (self._clock() - self._begun[job_id]) * self.scenario.time_scale

    def set_job(self, job_id: str, changes: Mapping[str, Any]) -> None:
        """Change a job now, or add one; a new life or new steps begin at this moment."""
        if job_id in self.jobs:
            changed = change_job(self.jobs[job_id], changes)
        else:
            changed = load_scenario({"jobs": [{"id": job_id, **changes}]}).jobs[job_id]
        if job_id not in self.jobs or _BEGINS_ANEW & changes.keys():
            self._begun[job_id] = self._clock()
        self.jobs[job_id] = changed
        self._note_comparisons(job_id)
        if "busy_times" in changes:
            self._busy_left[job_id] = changed.busy_times

    def _note_comparisons(self, job_id: str) -> None:
        """Remember when a comparison was first in the scenario: its start counts from then."""
        for comparison in self.jobs[job_id].comparisons:
            self._compared.setdefault((job_id, comparison.id), self.wall())

    def stop_job(self, job_id: str) -> bool:
        """Stop a job as a person would; False while it is busy with another operation."""
        job = self.jobs[job_id]
        if self._busy_left.get(job_id, 0) > 0:
            self._busy_left[job_id] -= 1
            return False
        if job.stop_answer == "ignored":
            return True
        end = "RELEASE_RESOURCE_FAILED" if job.release_fails else "RELEASE_RESOURCE_COMPLETE"
        steps = [{"at": 0, "status": "RELEASE_RESOURCE_STARTED"}, {"at": job.stop_seconds, "status": end}]
        self.set_job(job_id, {"steps": steps, "mode": job.mode, "transfer_status": None})
        return True

    def add_fault(self, fault: Mapping[str, Any]) -> None:
        self.faults.add(parse_fault(fault, "fault"))

    def change_credentials(self, changes: Mapping[str, Any]) -> None:
        """Change the account, e.g. its password. Tokens stay until they are withdrawn."""
        account = parse_account(changes)
        self.iam.account = replace(self.iam.account, **{name: getattr(account, name) for name in changes})

    def answer(
        self, operation: str | None, project_id: str | None, call: Call, body: Any, first_page: bool = False
    ) -> Answer:
        """The response without any fault but a list whose first page comes whatever was asked."""
        try:
            if operation == "tokens":
                return self.iam.issue_token(body)
            if operation == "projects":
                return self.iam.list_projects(call)
            if operation in self.scenario.withdrawn:
                return no_such_api(call.request_id)
            if operation in (BATCH_STATUS, BATCH_PROGRESS, BATCH_DETAIL, BATCH_JOBS, BATCH_STOP):
                return self._batch(operation, project_id, call, body)
            if operation == COMPARE_RESULT:
                return self._comparisons(project_id, call, body)
            if operation in (LIST_V3, LIST_V5):
                return self._list(operation, project_id, call, body, first_page)
        except Refusal as refusal:
            return refusal.answer
        return no_such_api(call.request_id)

    def _list(self, operation: str, project_id: str | None, call: Call, body: Any, first_page: bool) -> Answer:
        self._check_project(project_id, call)
        asked = asked_v3(body) if operation == LIST_V3 else asked_v5(call.query)
        if first_page:
            asked = replace(asked, first=0)
        return answer_list(operation, asked, self.jobs, self.age, self.scenario.ids_filter)

    def _comparisons(self, project_id: str | None, call: Call, body: Any) -> Answer:
        self._check_project(project_id, call)
        job_id = asked_job(body)
        job = self.jobs.get(job_id)
        if job is None or job.answer_to(BATCH_STATUS, job.at(self.age(job_id))) != "found":
            return drs_error(400, *NO_SUCH_JOB)

        def began(comparison: Comparison) -> float:
            return self._compared[job_id, comparison.id] + comparison.began

        return answer_comparisons(body, job.comparisons, job.compare_page, began, self.wall())

    def _check_project(self, project_id: str | None, call: Call) -> None:
        allowed = self.iam.authenticate(call)
        known = project_id in {project.id for project in allowed}
        if not known or call.headers.get("x-project-id", project_id) != project_id:
            raise Refusal(drs_error(403, "DRS.M00261", "Invalid project ID."))

    def _batch(self, operation: str, project_id: str | None, call: Call, body: Any) -> Answer:
        self._check_project(project_id, call)
        content_type = call.headers.get("content-type", "application/json")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            return drs_error(400, "DRS.M00202", "The value of Content-Type is invalid.")
        if operation in (BATCH_JOBS, BATCH_STOP):
            return drs.answer_stop(operation, body, self.scenario, self.jobs, self.age, self.stop_job)
        return drs.answer(operation, body, self.scenario, self.jobs, self.age, int(self.wall() * 1000))
