# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source and a target of one engine, each a real server, with real replication between them."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import psycopg
import pymysql

from ansible_collections.cutover.drs.tests.databases.application import PASSWORD
from ansible_collections.cutover.drs.tests.servers import Server, mariadb, postgresql

# What the tasks log in with.
ADMIN = "cutover"
# What the service adds to each sequence in a normal stop.
MARGIN = 10_000
_PATIENCE = 30.0
_AUDIT = "BEGIN NEW.audited := true; RETURN NEW; END"


@dataclass(frozen=True)
class Position:
    """Where the log of a source is: a number that rises, and the words of the service."""

    number: int
    shown: str


class Pair(ABC):
    """Two servers, and what a job of the service does between them."""

    engine: str
    # As the service calls the engine and the type of such a job.
    job: ClassVar[dict[str, Any]]

    def __init__(self, source: Server, target: Server) -> None:
        self.source, self.target = source, target
        self._connections = threading.local()
        self.prepare()

    def sql(self, server: Server, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement as DRS; the rows."""
        return self._run(server, statement, database)[1]

    def row(self, server: Server, statement: str) -> dict[str, Any]:
        """Run a statement that has at most one row; its columns by name."""
        names, rows = self._run(server, statement, None)
        return dict(zip(names, rows[0], strict=True)) if rows else {}

    def _run(self, server: Server, statement: str, database: str | None) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a statement; the names of its columns, and its rows. Each thread has connections of its own."""
        known = self._connections.__dict__
        key = f"{server.port}/{database}"
        for fresh in (False, True):
            if fresh or key not in known:
                known[key] = self.connect(server, database)
            try:
                with known[key].cursor() as cursor:
                    cursor.execute(statement)
                    if not cursor.description:
                        return [], []
                    return [column[0] for column in cursor.description], [*cursor.fetchall()]
            except (pymysql.err.OperationalError, pymysql.err.InterfaceError, psycopg.OperationalError):
                with suppress(Exception):
                    known.pop(key).close()
                if fresh:
                    raise
        raise AssertionError

    def close(self) -> None:
        """Close this thread's connections."""
        known = self._connections.__dict__
        for key in [*known]:
            with suppress(Exception):
                known.pop(key).close()

    def password(self, server: Server) -> str:
        """Return what DRS logs in with."""
        return urlsplit(server.url).password or ""

    def wait(self, there: Callable[[], Any]) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + _PATIENCE
        while not there():
            assert time.monotonic() < deadline, f"{self.engine}: the replication does not get there"
            time.sleep(0.02)

    def caught_up(self) -> bool:
        """Whether the target has applied what the source has committed by now."""
        position, applied = self.position(), self.applied()
        return applied is not None and applied >= position.number

    def orders(self, port: int) -> Counter[str]:
        """Return how often each order is in the database at this port, if its line is there too."""
        server = self.source if port == self.source.port else self.target
        query = "SELECT orders.token FROM orders JOIN order_lines ON order_lines.order_id = orders.id"
        return Counter(row[0] for row in self.sql(server, query, "shop"))

    def sold(self, port: int) -> tuple[int, int]:
        """Return the number of the application's orders, and what the stock says: both change in one transaction."""
        server = self.source if port == self.source.port else self.target
        query = "SELECT (SELECT COUNT(*) FROM orders WHERE token <> 'foreign'), (SELECT sold FROM stock)"
        orders, sold = self.sql(server, query, "shop")[0]
        return int(orders), int(sold)

    def wrong(self, port: int) -> str | None:
        """Return what else is wrong with the database at this port."""
        orders, sold = self.sold(port)
        return None if orders == sold else f"{orders} orders, and the stock says {sold}"

    @abstractmethod
    def connect(self, server: Server, database: str | None) -> Any:
        """Connect as DRS, with autocommit."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what outlasts a cutover: accounts."""

    @abstractmethod
    def reset(self) -> None:
        """Begin again: an empty shop on both sides, a job that replicates, a target that is read-only."""

    @abstractmethod
    def position(self) -> Position:
        """Return where the source is."""

    @abstractmethod
    def applied(self) -> int | None:
        """Return up to where the target has applied it, by the same number; None if nothing says so."""

    @abstractmethod
    def broken(self) -> str | None:
        """Return why nothing is applied any more."""

    @abstractmethod
    def break_replication(self) -> None:
        """Put a row into the target whose key the source will soon use."""

    @abstractmethod
    def differ(self) -> None:
        """Put a row into the target that the source does not have."""

    @abstractmethod
    def stand_still(self) -> None:
        """Let nothing be applied any more, without an error."""

    @abstractmethod
    def stop(self, forced: bool) -> None:
        """End the job as the service does; only a normal stop completes the target."""

    @abstractmethod
    def reader(self, folder: Path) -> dict[str, Any]:
        """Write what a reader has beside the project; the variables that are the reader's own."""


class MariaDB(Pair):
    """The replication by global transaction ids."""

    engine = "mysql"
    job: ClassVar[dict[str, Any]] = {"engine": "mysql", "type": "migration", "target_readonly": True}

    def connect(self, server: Server, database: str | None, user: str = "drs", password: str | None = None) -> Any:
        given = self.password(server) if password is None else password
        return pymysql.connect(
            host="127.0.0.1", port=server.port, user=user, password=given, database=database, autocommit=True
        )

    def prepare(self) -> None:
        for server in (self.source, self.target):
            with self.connect(server, None, "root", "") as root, root.cursor() as cursor:
                cursor.execute("GRANT ALL ON *.* TO drs@'127.0.0.1' WITH GRANT OPTION")
            for user in ("shop", "batch", "stubborn", ADMIN):
                self.sql(server, f"CREATE OR REPLACE USER {user}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
            for user in ("shop", "batch", "stubborn"):
                self.sql(server, f"GRANT SELECT, INSERT, UPDATE ON shop.* TO {user}@'127.0.0.1'")
            self.sql(server, "GRANT READ_ONLY ADMIN ON *.* TO stubborn@'127.0.0.1'")
            needed = "PROCESS, CONNECTION ADMIN, BINLOG MONITOR, READ_ONLY ADMIN"
            self.sql(server, f"GRANT {needed} ON *.* TO {ADMIN}@'127.0.0.1'")
            self.sql(server, f"GRANT SELECT ON shop.* TO {ADMIN}@'127.0.0.1'")

    def reset(self) -> None:
        for statement in ("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL gtid_slave_pos = ''"):
            self.sql(self.target, statement)
        for server in (self.source, self.target):
            self.sql(server, "SET GLOBAL read_only = OFF")
            self.sql(server, "DROP DATABASE IF EXISTS shop")
        self.sql(self.source, "RESET MASTER")
        for statement in (
            "CREATE DATABASE shop",
            "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, token VARCHAR(80), KEY (token))",
            "CREATE TABLE shop.order_lines (id INT AUTO_INCREMENT PRIMARY KEY, order_id INT, token VARCHAR(80))",
            "ALTER TABLE shop.order_lines ADD FOREIGN KEY (order_id) REFERENCES shop.orders (id)",
            "CREATE TABLE shop.stock (id INT PRIMARY KEY, sold INT NOT NULL)",
            "INSERT INTO shop.stock VALUES (1, 0)",
        ):
            self.sql(self.source, statement)
        source = f"master_host = '127.0.0.1', master_port = {self.source.port}, master_user = 'drs'"
        source += f", master_password = '{self.password(self.source)}', master_use_gtid = slave_pos"
        self.sql(self.target, f"CHANGE MASTER TO {source}, master_connect_retry = 1")
        self.sql(self.target, "START SLAVE")
        self.wait(self.caught_up)
        self.sql(self.target, "SET GLOBAL read_only = ON")

    def position(self) -> Position:
        number = _last_number(self.sql(self.source, "SELECT @@gtid_binlog_pos")[0][0])
        file, place, *_more = self.sql(self.source, "SHOW MASTER STATUS")[0]
        return Position(number, f"{file}:{place}")

    def applied(self) -> int | None:
        return _last_number(self.sql(self.target, "SELECT @@gtid_slave_pos")[0][0])

    def broken(self) -> str | None:
        status = self.row(self.target, "SHOW SLAVE STATUS")
        if not status:
            return "there is no replication"
        return str(status["Last_SQL_Error"] or status["Last_IO_Error"]) or None

    def break_replication(self) -> None:
        self.sql(self.target, "INSERT INTO shop.orders (id, token) SELECT MAX(id) + 3, 'foreign' FROM shop.orders")

    def differ(self) -> None:
        self.sql(self.target, "INSERT INTO shop.orders (id, token) VALUES (1000000000, 'foreign')")

    def stand_still(self) -> None:
        self.sql(self.target, "STOP SLAVE SQL_THREAD")

    def stop(self, forced: bool) -> None:
        if not forced:
            self.wait(self.caught_up)
        for statement in ("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF"):
            self.sql(self.target, statement)

    def reader(self, folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, server in (("source", self.source), ("target", self.target)):
            text = f"[client]\nuser={ADMIN}\npassword={PASSWORD}\n"
            (folder / f"{name}.cnf").write_text(text, encoding="utf-8")
            found[f"{name}_database"] = {
                "host": "127.0.0.1",
                "port": server.port,
                "options": f"{{{{ inventory_dir }}}}/{name}.cnf",
            }
        return {
            **found,
            "read_only_variable": "read_only",
            "mysql_client": "mariadb",
        }


class PostgreSQL(Pair):
    """The logical replication of a publication by a subscription, which leaves out the sequences."""

    engine = "postgresql"
    job: ClassVar[dict[str, Any]] = {"engine": "postgresql", "type": "sync", "target_readonly": True}

    def connect(self, server: Server, database: str | None) -> Any:
        return psycopg.connect(
            host="127.0.0.1",
            port=server.port,
            user="drs",
            password=self.password(server),
            dbname=database or "postgres",
            autocommit=True,
            # Also while the database is read-only by default.
            options="-c default_transaction_read_only=off",
        )

    def prepare(self) -> None:
        for server in (self.source, self.target):
            for user in ("shop", "batch", "stubborn"):
                self.sql(server, f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'")
            # To set session_replication_role needs it.
            self.sql(server, f"CREATE ROLE {ADMIN} SUPERUSER LOGIN PASSWORD '{PASSWORD}'")

    def reset(self) -> None:
        if self.sql(self.target, "SELECT 1 FROM pg_database WHERE datname = 'shop'"):
            self._end_subscription(forced=True)
        self.close()
        for slot, *_more in self.sql(self.source, "SELECT slot_name FROM pg_replication_slots"):
            self._drop(slot)
        for server in (self.source, self.target):
            self.sql(server, "ALTER ROLE shop LOGIN")
            self.sql(server, "DROP DATABASE IF EXISTS shop WITH (FORCE)")
            self.sql(server, "CREATE DATABASE shop")
            for statement in (
                "CREATE TABLE orders (id serial PRIMARY KEY, token text, audited boolean NOT NULL DEFAULT false)",
                "CREATE INDEX ON orders (token)",
                "CREATE TABLE order_lines (id serial PRIMARY KEY, order_id int REFERENCES orders, token text)",
                "CREATE TABLE stock (id int PRIMARY KEY, sold int NOT NULL)",
                f"CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS '{_AUDIT}'",
                "CREATE TRIGGER audit BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION audit()",
                "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO shop, batch, stubborn",
                "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop, batch, stubborn",
            ):
                self.sql(server, statement, "shop")
        self.sql(self.source, "INSERT INTO stock VALUES (1, 0)", "shop")
        self.sql(self.source, "CREATE PUBLICATION drs_shop FOR ALL TABLES", "shop")
        # As the service's manual advises for the time of a synchronisation.
        self.sql(self.target, "ALTER DATABASE shop SET session_replication_role = replica")
        for user in ("shop", "batch", "stubborn"):
            self.sql(self.target, f"ALTER ROLE {user} IN DATABASE shop SET default_transaction_read_only = on")
        source = f"host=127.0.0.1 port={self.source.port} user=drs password={self.password(self.source)} dbname=shop"
        self.sql(self.target, f"CREATE SUBSCRIPTION drs_shop CONNECTION '{source}' PUBLICATION drs_shop", "shop")
        self.wait(lambda: not self._states() - {"r"})
        self._errors = self._error_count()
        self.wait(self.caught_up)

    def _drop(self, slot: str) -> None:
        active = f"SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = '{slot}'"
        self.wait(lambda: not self.sql(self.source, active))
        self.sql(self.source, f"SELECT pg_drop_replication_slot('{slot}')")

    def _states(self) -> set[str]:
        return {row[0] for row in self.sql(self.target, "SELECT srsubstate::text FROM pg_subscription_rel", "shop")}

    def _error_count(self) -> int:
        counts = self.sql(self.target, "SELECT sum(apply_error_count) FROM pg_stat_subscription_stats", "shop")
        return int(counts[0][0] or 0)

    def position(self) -> Position:
        lsn, number = self.sql(self.source, "SELECT lsn::text, lsn - '0/0' FROM pg_current_wal_flush_lsn() AS lsn")[0]
        return Position(int(number), str(lsn))

    def applied(self) -> int | None:
        query = "SELECT replay_lsn - '0/0' FROM pg_stat_replication WHERE application_name = 'drs_shop'"
        rows = self.sql(self.source, query)
        return int(rows[0][0]) if len(rows) == 1 and rows[0][0] is not None else None

    def broken(self) -> str | None:
        return "the subscription could not apply a row" if self._error_count() > self._errors else None

    def wrong(self, port: int) -> str | None:
        server = self.source if port == self.source.port else self.target
        unaudited = self.sql(server, "SELECT count(*) FROM orders WHERE NOT audited AND token <> 'foreign'", "shop")
        return f"the trigger left out {unaudited[0][0]} rows" if unaudited[0][0] else super().wrong(port)

    def break_replication(self) -> None:
        query = "INSERT INTO orders (id, token) SELECT coalesce(max(id), 0) + 3, 'foreign' FROM orders"
        self.sql(self.target, query, "shop")

    def differ(self) -> None:
        self.sql(self.target, "INSERT INTO orders (id, token) VALUES (1000000000, 'foreign')", "shop")

    def stand_still(self) -> None:
        # After the stop of the job there is none that could.
        if self.sql(self.target, "SELECT 1 FROM pg_subscription", "shop"):
            self.sql(self.target, "ALTER SUBSCRIPTION drs_shop DISABLE", "shop")

    def stop(self, forced: bool) -> None:
        if not forced:
            self.wait(self.caught_up)
        self._end_subscription(forced)
        if not forced:
            query = "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
            for name, value in self.sql(self.source, f"{query} WHERE last_value IS NOT NULL", "shop"):
                self.sql(self.target, f"SELECT setval('{name}', {value + MARGIN})", "shop")
        for user in ("shop", "batch", "stubborn"):
            self.sql(self.target, f"ALTER ROLE {user} IN DATABASE shop RESET default_transaction_read_only")

    def _end_subscription(self, forced: bool) -> None:
        """A forced stop leaves the slot on the source."""
        if self.sql(self.target, "SELECT 1 FROM pg_subscription", "shop"):
            if forced:
                self.sql(self.target, "ALTER SUBSCRIPTION drs_shop DISABLE", "shop")
                self.sql(self.target, "ALTER SUBSCRIPTION drs_shop SET (slot_name = NONE)", "shop")
            self.sql(self.target, "DROP SUBSCRIPTION drs_shop", "shop")

    def reader(self, folder: Path) -> dict[str, Any]:
        login = {"host": "127.0.0.1", "user": ADMIN, "password": PASSWORD}
        return {
            "source_database": {**login, "port": self.source.port},
            "target_database": {**login, "port": self.target.port},
        }


def _last_number(gtid: str) -> int:
    """Return the number of a transaction, as in 0-1-57; there is one domain only."""
    return int(gtid.rpartition("-")[2] or 0)


def running(pair: Pair) -> Iterator[Pair]:
    """Provide a pair whose connections are closed at the end."""
    try:
        yield pair
    finally:
        pair.close()


@contextmanager
def mariadb_pair() -> Iterator[Pair]:
    """Run two MariaDBs. Raises :class:`MissingError`."""
    with (
        mariadb("--log-bin=mysql-bin", "--server-id=1", "--binlog-format=ROW") as source,
        mariadb("--server-id=2") as target,
    ):
        yield from running(MariaDB(source, target))


@contextmanager
def postgresql_pair() -> Iterator[Pair]:
    """Run two PostgreSQLs. Raises :class:`MissingError`."""
    with postgresql(wal_level="logical") as source, postgresql(wal_level="logical") as target:
        yield from running(PostgreSQL(source, target))


PAIRS = {"mysql": mariadb_pair, "postgresql": postgresql_pair}
