# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks that prove that nobody writes any more, as the guide shows them, against a real MariaDB and PostgreSQL.

A server that is not installed is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.tests import servers
from ansible_collections.cutover.drs.tests.docs.blocks import EXAMPLES


@dataclass(frozen=True)
class Server:
    """A database server: its task file, the client that the tasks use, and one that writes as the application."""

    tasks: str
    variable: str
    client: list[str]
    execute: str
    writer: list[str]

    def sql(self, statement: str, *, by: list[str] | None = None) -> str:
        """Run a statement and return what it prints."""
        done = subprocess.run(
            [*(by or self.client), self.execute, statement], capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def proves(self, folder: Path, *users: str) -> subprocess.CompletedProcess[str]:
        """Run the task file of the guide; sessions of these users are left alone."""
        variables: dict[str, Any] = {self.variable: self.client, "quiet_users": list(users), "quiet_seconds": 2}
        tasks = [{"ansible.builtin.include_tasks": str(EXAMPLES / "tasks" / self.tasks)}]
        play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
        (folder / "quiet.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "quiet.yml"],
            cwd=folder,
            env={**os.environ, "ANSIBLE_NOCOLOR": "true", "ANSIBLE_LOCALHOST_WARNING": "false"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def session(self, statements: str) -> Iterator[subprocess.Popen[str]]:
        """A session of the application that runs these statements, until the block ends."""
        with subprocess.Popen(
            self.writer, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
        ) as client:
            assert client.stdin is not None
            client.stdin.write(statements)
            client.stdin.close()
            time.sleep(1)
            assert client.poll() is None
            try:
                yield client
            finally:
                client.kill()


@contextmanager
def mariadb() -> Iterator[Server]:
    with servers.mariadb("--log-bin=mysql-bin", "--server-id=1") as database:
        client = ["mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={database.port}"]
        writer = [*client, "--user=app", "--password=app", "shop"]
        running = Server("quiet_mysql.yml", "quiet_mysql", [*client, "--user=root"], "--execute", writer)
        running.sql("CREATE DATABASE shop; CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, at DATETIME)")
        running.sql("CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT ALL ON shop.* TO app@'%'")
        yield running


@contextmanager
def postgresql() -> Iterator[Server]:
    with servers.postgresql() as database:
        url = database.url.replace("+psycopg", "")
        client = ["psql", "--set=ON_ERROR_STOP=1"]
        writer = [*client, f"--dbname=postgresql://app:app@127.0.0.1:{database.port}/postgres"]
        running = Server("quiet_postgresql.yml", "quiet_psql", [*client, f"--dbname={url}"], "--command", writer)
        running.sql("CREATE TABLE orders (id SERIAL PRIMARY KEY, at TIMESTAMP)")
        running.sql("INSERT INTO orders (at) VALUES (now())")
        running.sql("CREATE ROLE app LOGIN PASSWORD 'app'")
        running.sql("GRANT ALL ON orders, orders_id_seq TO app")
        yield running


@pytest.fixture(scope="module", params=[mariadb, postgresql], ids=["MariaDB", "PostgreSQL"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    try:
        with request.param() as running:
            yield running
    except servers.MissingError as error:
        pytest.skip(f"no database: {error}")


# Each session writes for half a minute, every tenth of a second.
WRITES = {
    "quiet_mysql.yml": "INSERT INTO shop.orders (at) VALUES (NOW()); SELECT SLEEP(0.1);\n" * 300,
    "quiet_postgresql.yml": "INSERT INTO orders (at) VALUES (now()); SELECT pg_sleep(0.1);\n" * 300,
}
OPEN = {
    "quiet_mysql.yml": "START TRANSACTION; INSERT INTO shop.orders (at) VALUES (NOW()); SELECT SLEEP(60);\n",
    "quiet_postgresql.yml": "BEGIN; INSERT INTO orders (at) VALUES (now()); SELECT pg_sleep(60);\n",
}


@pytest.mark.thorough
def test_a_source_without_sessions_is_quiet(server: Server, tmp_path: Path) -> None:
    done = server.proves(tmp_path, "drs")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_forgotten_application_is_ended_and_then_the_source_is_quiet(server: Server, tmp_path: Path) -> None:
    with server.session(WRITES[server.tasks]) as application:
        done = server.proves(tmp_path, "drs")
        assert done.returncode == 0, done.stdout + done.stderr
        assert application.wait(10) != 0


def test_a_session_that_is_left_alone_and_writes_is_noticed(server: Server, tmp_path: Path) -> None:
    with server.session(WRITES[server.tasks]) as application:
        done = server.proves(tmp_path, "drs", "app")
        assert application.poll() is None
    assert done.returncode != 0
    assert "Somebody still writes" in done.stdout


@pytest.mark.thorough
def test_a_transaction_that_is_open_is_ended_with_its_session(server: Server, tmp_path: Path) -> None:
    with server.session(OPEN[server.tasks]) as application:
        done = server.proves(tmp_path, "drs")
        assert done.returncode == 0, done.stdout + done.stderr
        assert application.wait(10) != 0


@pytest.mark.thorough
def test_an_open_transaction_of_a_session_that_is_left_alone_is_noticed(server: Server, tmp_path: Path) -> None:
    with server.session(OPEN[server.tasks]):
        done = server.proves(tmp_path, "drs", "app")
    assert done.returncode != 0
    # Nothing was read twice: it ends at once.
    assert "twice" not in done.stdout
