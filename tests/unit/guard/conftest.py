# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals in a file, in a real PostgreSQL, also through PgBouncer, and in a real MariaDB."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard.journal_database import DatabaseStore
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.journal_file import FileStore
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import Store
from ansible_collections.cutover.drs.tests import servers
from ansible_collections.cutover.drs.tests.unit.guard.support import World


@pytest.fixture(autouse=True, scope="module")
def one_context() -> Iterator[None]:
    """The driver of MariaDB reads the certificates of the machine for each connection, and these servers have none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def started() -> Iterator[dict[str, Any]]:
    """The servers that were started so far, each once."""
    with ExitStack() as stack:
        yield {"stack": stack}


def server_of(started: dict[str, Any], kind: str) -> servers.Server:
    for package in ("sqlalchemy", "psycopg", "pymysql"):
        pytest.importorskip(package)
    if kind not in started:
        try:
            started[kind] = started["stack"].enter_context(getattr(servers, kind)())
        except servers.MissingError as error:
            pytest.skip(str(error))
    server: servers.Server = started[kind]
    empty(server.url)
    return server


def empty(url: str) -> None:
    """Forget the journals of earlier tests, whose owners have the same tokens."""
    from sqlalchemy import create_engine, text

    DatabaseStore(url, ["j1"]).read()
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for table in ("journal", "job", "watch"):
            connection.execute(text(f"DELETE FROM drs_cutover_{table}"))
    engine.dispose()


@pytest.fixture
def postgresql(started: dict[str, Any]) -> servers.Server:
    return server_of(started, "postgresql")


def url_of(started: dict[str, Any], kind: str) -> str:
    if kind != "pgbouncer":
        return server_of(started, kind).url
    server = server_of(started, "postgresql")
    if "pgbouncer" not in started:
        try:
            pooler = servers.pgbouncer(server)
            started["pgbouncer"] = started["stack"].enter_context(pooler)
        except servers.MissingError as error:
            pytest.skip(str(error))
    return str(started["pgbouncer"])


@pytest.fixture(params=["postgresql", "mariadb", "pgbouncer"])
def url(request: pytest.FixtureRequest, started: dict[str, Any]) -> str:
    return url_of(started, request.param)


@pytest.fixture(params=["file", "postgresql", "mariadb", "pgbouncer"])
def any_store(request: pytest.FixtureRequest, started: dict[str, Any], tmp_path: Path) -> Store:
    if request.param == "file":
        return FileStore(str(tmp_path / "cutover.json"))
    return DatabaseStore(url_of(started, request.param), ["j1", "j2"])


@pytest.fixture
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """Guards around a journal in a database, or in what ``everywhere`` and ``on_a_file`` say."""
    return World(monkeypatch, tmp_path, database=getattr(request, "param", True))
