# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status table, written out again from the design."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.records import StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._job.status_table import STATUSES, STOPPED, State, meaning

TABLE = """
CREATING                        create       in_progress  goes-on
CREATE_FAILED                   create       failed       terminal
CONFIGURATION                   configure    waiting      goes-on
WAITING_FOR_START               start        waiting      goes-on
STARTJOBING                     start        in_progress  goes-on
START_JOB_FAILED                start        failed       terminal
FULL_TRANSFER_STARTED           full         in_progress  goes-on
FULL_TRANSFER_COMPLETE          full         complete     terminal
FULL_TRANSFER_FAILED            full         failed       terminal
INCRE_TRANSFER_STARTED          incremental  in_progress  goes-on
INCRE_TRANSFER_FAILED           incremental  failed       terminal
PAUSING                         pause        paused       goes-on
PAUSEING                        pause        paused       goes-on
CHANGE_JOB_STARTED              change       in_progress  goes-on
CHANGE_JOB_FAILED               change       failed       terminal
REBUILD_NODE_STARTED            rebuild      in_progress  goes-on
REBUILD_NODE_FAILED             rebuild      failed       terminal
NODE_UPGRADE_START              upgrade      in_progress  goes-on
NODE_UPGRADE_COMPLETE           upgrade      in_progress  goes-on
NODE_UPGRADE_FAILED             upgrade      failed       terminal
CHILD_TRANSFER_STARTING         child        in_progress  goes-on
CHILD_TRANSFER_STARTED          child        in_progress  goes-on
CHILD_TRANSFER_COMPLETE         child        complete     terminal
CHILD_TRANSFER_FAILED           child        failed       terminal
RELEASE_CHILD_TRANSFER_STARTED  release      in_progress  goes-on
RELEASE_CHILD_TRANSFER_COMPLETE release      ended        terminal
RELEASE_RESOURCE_STARTED        release      in_progress  goes-on
RELEASE_RESOURCE_COMPLETE       release      ended        terminal
RELEASE_RESOURCE_FAILED         release      failed       terminal
DELETED                         release      ended        terminal
"""
ROWS = [tuple(line.split()) for line in TABLE.strip().splitlines()]

UNKNOWN = [
    *(None, "", " ", "incre_transfer_started", "Deleted", " DELETED", "DELETED ", "DELETED\n"),
    *("FULL TRANSFER COMPLETE", "FULL_TRANSFER_COMPLETED", "None", "unknown"),
]


@pytest.mark.parametrize(("status", "phase", "state", "terminal"), ROWS)
def test_a_listed_status_has_the_phase_and_state_of_the_design(
    status: str, phase: str, state: str, terminal: str
) -> None:
    shown = StatusRecord("job", True, status).as_dict()
    assert (shown["status"], shown["phase"], shown["state"]) == (status, phase, state)
    assert shown["terminal"] is (terminal == "terminal")


def test_no_other_status_has_a_meaning() -> None:
    assert sorted(STATUSES) == sorted(row[0] for row in ROWS)


@pytest.mark.parametrize("status", UNKNOWN)
def test_what_is_not_spelled_as_in_the_table_is_unknown_and_shown_as_it_came(status: str | None) -> None:
    shown = StatusRecord("job", True, status).as_dict()
    assert (shown["status"], shown["phase"], shown["state"]) == (status, "unknown", "unknown")
    assert shown["terminal"] is False
    assert status not in STATUSES


def test_a_job_that_is_not_found_is_missing_whatever_its_status() -> None:
    shown = StatusRecord("job", False, "INCRE_TRANSFER_STARTED").as_dict()
    assert (shown["phase"], shown["state"], shown["terminal"]) == ("unknown", "missing", False)


def test_only_two_statuses_say_that_a_job_was_stopped() -> None:
    assert set(STOPPED) == {"RELEASE_RESOURCE_COMPLETE", "DELETED"}


def test_the_states_are_those_of_the_design() -> None:
    expected = ["waiting", "in_progress", "paused", "complete", "failed", "ended", "unknown", "missing", "unread"]
    assert [state.value for state in State] == expected


def test_a_status_of_another_type_cannot_be_looked_up_by_accident() -> None:
    assert meaning("in_progress").state is State.UNKNOWN
