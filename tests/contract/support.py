# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the contract share: the description, the vendor's clients, and programs that are started and read."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkdrs import v3, v5

from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.tests.unit.service.support import BY_KEYS, PROJECT, end
from drs_simulator import Simulator

HERE = Path(__file__).resolve().parent
OPENAPI = yaml.safe_load((HERE / "openapi.yml").read_text(encoding="utf-8"))
BODIES = HERE.parents[1] / "simulator" / "bodies"


class Official:
    """The vendor's clients of both versions, and their operations."""

    def __init__(self, simulator: Simulator) -> None:
        credentials = BasicCredentials(BY_KEYS["access_key"], BY_KEYS["secret_key"], PROJECT)
        self.v3, self.v5 = (
            client.new_builder().with_credentials(credentials).with_endpoint(simulator.endpoint).build()
            for client in (v3.DrsClient, v5.DrsClient)
        )

    def statuses(self, jobs: list[str], **page: int) -> Any:
        body = v3.BatchQueryJobReqPage(jobs=jobs, page_req=v3.PageReq(**page) if page else None)
        return self.v3.batch_list_job_status(v3.BatchListJobStatusRequest(body=body))

    def progress(self, jobs: list[str]) -> Any:
        return self.v3.batch_list_progresses(v3.BatchListProgressesRequest(body=v3.BatchQueryJobReq(jobs=jobs)))

    def details(self, jobs: list[str]) -> list[Any]:
        body = v3.BatchQueryJobReqPage(jobs=jobs, page_req=v3.PageReq(cur_page=1, per_page=len(jobs)))
        return list(self.v3.batch_list_job_details(v3.BatchListJobDetailsRequest(body=body)).results)

    def stop(self, version: str, jobs: list[str], force: bool) -> dict[str, Any]:
        """Return the entry of each job."""
        if version == "v5":
            infos = [v5.StopJobActionInfo(job_id=job, is_force_stop=force) for job in jobs]
            asked = v5.BatchStopJobsActionRequest(body=v5.BatchStopJobActionReq(jobs=infos))
            return {item.id: item for item in self.v5.batch_stop_jobs_action(asked).jobs}
        kind = "force_terminate" if force else "terminate"
        requests = [v3.DeleteJobReq(job_id=job, delete_type=kind) for job in jobs]
        body = v3.BatchDeleteJobReq(jobs=requests)
        return {item.id: item for item in self.v3.batch_delete_jobs(v3.BatchDeleteJobsRequest(body=body)).results}

    def listed_by_v3(self, **asked: Any) -> Any:
        body = v3.QueryJobsReq(**{"db_use_type": "migration", "engine_type": "", **asked})
        return self.v3.show_job_list(v3.ShowJobListRequest(body=body))

    def listed_by_v5(self, **asked: Any) -> Any:
        return self.v5.list_jobs(v5.ListJobsRequest(**{"job_type": "migration", **asked}))

    def compared(self, job: str, page: int = 1, size: int = 100, **ids: str) -> Any:
        body = v3.QueryCompareResultReq(job_id=job, current_page=page, per_page=size, **ids)
        return self.v3.list_compare_result(v3.ListCompareResultRequest(body=body))


# A scenario: the simulator that plays it, the vendor's clients and ours.
Both = Callable[..., tuple[Simulator, Official, Client]]


class Running:
    """A program that was started, and what it printed so far."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines.extend(self._process.stdout)

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Return the first line with this text."""
        patience = time.monotonic() + seconds
        while time.monotonic() < patience:
            found = next((line for line in self.lines if text in line), None)
            if found is not None:
                return found
            assert self._process.poll() is None, f"it ended: {''.join(self.lines)}"
            time.sleep(0.05)
        raise AssertionError(f"no line with {text!r} in {seconds} s: {''.join(self.lines)}")

    def stop(self) -> None:
        end(self._process)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running(*command: str) -> Iterator[Running]:
    """A program that ends with the block."""
    program = Running(list(command))
    try:
        yield program
    finally:
        program.stop()
