# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that writes all the time, and keeps a ledger of what the database acknowledged.

``python application.py ENGINE CONFIG LEDGER NAME USER``: it writes to the database that CONFIG names, with a line of
JSON in LEDGER for each write. SIGHUP makes it read CONFIG again; a pool that is closed there has no connection.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PASSWORD = "s3cret-of-the-shop"
# Seconds between two writes of one thread, and after one that failed.
PACE, PAUSE = 0.05, 0.1
THREADS = 2
WRITES = (
    "INSERT INTO orders (token) VALUES (%s)",
    "INSERT INTO order_lines (order_id, token) VALUES ((SELECT id FROM orders WHERE token = %s), %s)",
    "UPDATE stock SET sold = sold + 1 WHERE id = 1",
)


def connect(engine: str, host: str, port: int, user: str) -> Any:
    """Connect to the shop's database."""
    if engine == "mysql":
        import pymysql

        return pymysql.connect(host=host, port=port, user=user, password=PASSWORD, database="shop", read_timeout=10)
    import psycopg

    return psycopg.connect(host=host, port=port, user=user, password=PASSWORD, dbname="shop", connect_timeout=10)


class Application:
    """The threads of the application, with what they share."""

    def __init__(self, engine: str, config: Path, ledger: Path, name: str, user: str) -> None:
        self._engine, self._config, self._name, self._user = engine, config, name, user
        self._ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._changed = 0
        self.read_again()

    def read_again(self, *_signal: Any) -> None:
        """Read the configuration; each thread leaves its connection when it sees that."""
        lines = self._config.read_text(encoding="utf-8").splitlines()
        self._settings = dict(line.split("=", 1) for line in lines if "=" in line)
        self._changed += 1

    def write(self, number: int) -> None:
        """Write for ever: one order, its line and the stock in each transaction."""
        connection, changed, count = None, 0, 0
        while True:
            if changed != self._changed:
                close(connection)
                connection, changed = None, self._changed
            settings = self._settings
            if settings["DATABASE_POOL"] != "open":
                time.sleep(PACE)
                continue
            count += 1
            token, port = f"{self._name}-{number}-{count}", int(settings["DATABASE_PORT"])
            try:
                if connection is None:
                    connection = connect(self._engine, settings["DATABASE_HOST"], port, self._user)
                self._order(connection, token)
                self._note(token, port)
            except Exception as error:
                self._note(token, port, f"{type(error).__name__}: {error}")
                close(connection)
                connection = None
                time.sleep(PAUSE)
            time.sleep(PACE)

    def _order(self, connection: Any, token: str) -> None:
        with connection.cursor() as cursor:
            if self._user == "stubborn" and self._engine == "postgresql":
                cursor.execute("SET TRANSACTION READ WRITE")
            cursor.execute(WRITES[0], (token,))
            cursor.execute(WRITES[1], (token, token))
            cursor.execute(WRITES[2])
        connection.commit()

    def _note(self, token: str, port: int, error: str | None = None) -> None:
        entry = {"at": time.time(), "token": token, "port": port, "error": error}
        os.write(self._ledger, (json.dumps(entry) + "\n").encode())


def close(connection: Any) -> None:
    """Close a connection that may be broken."""
    if connection is not None:
        with suppress(Exception):
            connection.close()


def main() -> None:
    """Run until somebody ends it."""
    engine, config, ledger, name, user = sys.argv[1:]
    application = Application(engine, Path(config), Path(ledger), name, user)
    signal.signal(signal.SIGHUP, application.read_again)
    for number in range(THREADS):
        threading.Thread(target=application.write, args=(number,), daemon=True).start()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
