# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Keystone from nothing, and a DRS that believes no token but Keystone's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from ansible_collections.cutover.drs.tests.keystone.cloud import DRS, Account, Keystone
from ansible_collections.cutover.drs.tests.peers import peer
from ansible_collections.cutover.drs.tests.unit.service.support import plain_environment
from drs_simulator import Simulator

# A fixture of these tests, too.
__all__ = ["plain_environment"]


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    """A Keystone whose tokens live an hour: for what is done in it, and for the gateway that asks it about tokens."""
    python = peer("python")
    keystone = Keystone(python, tmp_path_factory.mktemp("keystone"), seconds=3600)
    keystone.set_up()
    keystone.start()
    yield keystone
    keystone.stop()


@pytest.fixture(scope="session")
def short(long: Keystone) -> Iterator[Keystone]:
    """The same Keystone once more, whose tokens live five seconds: for those who wait."""
    keystone = long.beside(seconds=5)
    keystone.start()
    yield keystone
    keystone.stop()


@pytest.fixture
def account(long: Keystone) -> Account:
    """A user of their own project."""
    return long.new_account(f"user-{secrets.token_hex(4)}", f"eu-de_{secrets.token_hex(4)}")


@pytest.fixture
def drs(long: Keystone, account: Account) -> Iterator[DRS]:
    """A DRS with one job in the incremental phase, for tokens of that project alone."""
    job = {"id": "9a470239-2308-4bb5-a6bc-1040402fjb21", "status": "INCRE_TRANSFER_STARTED"}
    projects = [{"id": account.project_id, "name": account.project_name}]
    with Simulator({"jobs": [job], "account": {"projects": projects}}) as simulator, DRS(long, simulator) as service:
        yield service
