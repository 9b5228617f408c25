# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers and databases for whole cutovers, and a simulator beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.tests.containers.support import Roots
from ansible_collections.cutover.drs.tests.playbooks.conftest import place, sim
from ansible_collections.cutover.drs.tests.playbooks.support import Place
from ansible_collections.cutover.drs.tests.servers import MissingError, Server, postgresql

# Fixtures of these tests, too.
__all__ = ["place", "sim"]


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roots]:
    """Provide roots for containers; without podman nothing here can be tested."""
    try:
        roots = Roots(tmp_path_factory.mktemp("roots"))
    except MissingError as error:
        pytest.skip(f"no containers: {error}")
    try:
        roots.try_out()
        yield roots
    except MissingError as error:
        pytest.skip(f"no containers: {error}")
    finally:
        roots.close()


@pytest.fixture(scope="session")
def shared_database() -> Iterator[str]:
    """Run one PostgreSQL for all tests that leave it alone; its URL."""
    try:
        with postgresql() as server:
            yield server.url
    except MissingError as error:
        pytest.skip(f"no database: {error}")


@pytest.fixture
def database() -> Iterator[Server]:
    """Run a PostgreSQL that a test may lose."""
    try:
        with postgresql() as server:
            yield server
    except MissingError as error:
        pytest.skip(f"no database: {error}")


@pytest.fixture
def journal(request: pytest.FixtureRequest, place: Place, roots: Roots) -> str:
    """Return a journal that several machines share: in a database, or in a folder if the parameter says so."""
    if getattr(request, "param", "database") == "database":
        return str(request.getfixturevalue("shared_database"))
    folder: Path = place.folder / "shared"
    folder.mkdir()
    return str(folder / "journal.json")
