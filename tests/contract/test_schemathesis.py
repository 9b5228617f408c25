# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator keeps the contract: schemathesis makes up requests, good and bad, and checks each answer."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.contract.support import HERE, OPENAPI
from ansible_collections.cutover.drs.tests.peers import peer
from drs_simulator import Simulator

KNOWN = "9a470239-2308-4bb5-a6bc-1040402fjb21"


def schemathesis(simulator: Simulator, unknown_jobs: str, *options: str) -> tuple[int, str]:
    program = peer("schemathesis")
    done = subprocess.run(
        [
            *(str(program), "--config-file", str(HERE / "schemathesis.toml"), "run", str(OPENAPI)),
            *("--url", simulator.endpoint, "--header", "X-Auth-Token: simulated-token"),
            *("--seed", "1", "--no-color", "--continue-on-failure", *options),
        ],
        # What it writes, such as its database of examples, is removed with the rest of the cache.
        cwd=_folder(unknown_jobs),
        env={**os.environ, "UNKNOWN_JOBS": unknown_jobs, "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _folder(name: str) -> Path:
    folder: Path = Path(os.environ["DRS_CACHE"], "schemathesis", name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


SCENARIOS: dict[str, dict[str, Any]] = {
    "item_error": {},
    "left_out": {"huawei": True, "progress_map": "array"},
    "refused": {},
    "refused_without_list": {"status_status": 202, "progress_status": 200},
}


@pytest.mark.parametrize("unknown_jobs", SCENARIOS)
def test_no_request_gets_an_answer_that_the_contract_does_not_have(unknown_jobs: str) -> None:
    # Those of the examples in the description; the others that are asked for are made up.
    jobs = [
        {"id": KNOWN, "status": "INCRE_TRANSFER_STARTED"},
        {"id": "dc67695a-ee3e-49b8-a022-a099bd81jb21", "status": "INCRE_TRANSFER_FAILED", "error_code": "DRS.M05005"},
        {"id": "8d0e8e36-a618-490d-8a46-8c61ac9jb502", "status": "FULL_TRANSFER_STARTED", "struct": 100, "data": 63},
    ]
    # All of it once; where only a few answers differ, less.
    whole = unknown_jobs == "item_error"
    options = ["--max-examples", "100"] if whole else ["--phases", "examples,fuzzing", "--max-examples", "25"]
    with Simulator({"jobs": jobs, "unknown_jobs": unknown_jobs, **SCENARIOS[unknown_jobs]}) as simulator:
        code, said = schemathesis(simulator, unknown_jobs, *options)
        statuses = {entry["status"] for entry in simulator.requests}
    assert code == 0, said
    assert re.search(r"Tested: 7\b", said), said
    # It was turned away for each reason, and not only turned away. Another's project comes with the whole alone: the
    # few examples of fuzzing may hold none.
    assert ({400, 401, 403} if whole else {400, 401}) < statuses
    assert {200, 202} & statuses


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ({"jobs": [{"id": KNOWN, "status": "INCRE_TRANSFER_STARTED", "raw_status": {"status": "LOST"}}]}, "ST"),
        ({"faults": [{"kind": "status", "http_status": 418, "body": {}}]}, "ST"),
        ({"shuffle": True}, "not the jobs of this page, or in another order"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_noticed(damage: dict[str, Any], complaint: str) -> None:
    """Otherwise the test above would prove nothing."""
    scenario = {"jobs": [{"id": KNOWN, "status": "INCRE_TRANSFER_STARTED"}], "unknown_jobs": "item_error", **damage}
    with Simulator(scenario) as simulator:
        code, said = schemathesis(simulator, "item_error", "--phases", "examples")
    assert code == 1
    assert complaint in said
