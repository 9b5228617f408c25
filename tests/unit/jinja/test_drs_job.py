# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests for jobs in Jinja agree with the table, and with what the modules return."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.cutover.drs.plugins.module_utils._job.records import ProgressRecord, StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._job.status_table import STATUSES, State
from ansible_collections.cutover.drs.plugins.test.failed import TestModule as Failed
from ansible_collections.cutover.drs.plugins.test.terminal import TestModule as Terminal

TESTS = {**Terminal().tests(), **Failed().tests()}
JOB = "9a470239-2308-4bb5-a6bc-1040402fjb21"


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_alone_and_an_entry_of_a_result_are_judged_by_the_table(status: str) -> None:
    state = STATUSES[status].state
    for job in (status, *(record(JOB, True, status).as_dict() for record in (StatusRecord, ProgressRecord))):
        assert TESTS["terminal"](job) is state.terminal
        assert TESTS["failed"](job) is (state is State.FAILED)


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(StatusRecord(JOB).as_dict(), id="missing"),
        pytest.param({"found": False, "status": "FULL_TRANSFER_FAILED"}, id="missing, whatever else it says"),
        pytest.param(StatusRecord(JOB, True).as_dict(), id="without a status"),
        pytest.param("SOMETHING_NEW", id="unknown"),
        pytest.param("full_transfer_failed", id="in other letters"),
        pytest.param(None, id="none"),
    ],
)
def test_what_is_not_known_is_neither(job: Any) -> None:
    assert [test(job) for test in TESTS.values()] == [False, False]


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ({"id": JOB}, "This is not a job: it has no status. Pass an entry of jobs, or a status."),
        ([], "Pass an entry of jobs, or a status, not a value of type list."),
        ({"status": 3}, "Pass an entry of jobs, or a status, not a value of type int."),
    ],
)
def test_what_is_no_job_is_an_error(job: Any, sentence: str) -> None:
    for test in TESTS.values():
        with pytest.raises(AnsibleFilterError) as caught:
            test(job)
        assert str(caught.value) == sentence
