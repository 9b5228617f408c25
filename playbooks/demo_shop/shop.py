# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop with a source and a target database (SQLite), so that the demo has something to cut over.

``python shop.py FOLDER COMMAND``: ``open`` makes both databases, ``run`` sells and replicates until
``stop`` or ten minutes are over, ``freeze`` and ``unfreeze`` the source, ``compare`` both databases,
``switch`` the shop to the target, ``stray`` writes an order to the target alone, and ``clean`` removes it.
The replication stands in for DRS: its real delay, in seconds, is what the simulator says of the job.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

LONGEST_RUN = 600.0
# Seconds after which an order reaches the target.
LAG = 2.0


def connect(path: Path) -> sqlite3.Connection:
    """A connection that waits for the other process, and commits by itself."""
    return sqlite3.connect(path, timeout=10, isolation_level=None)


def open_shop(folder: Path) -> None:
    """Make both databases, empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("source", "target"):
        (folder / f"{name}.sqlite").unlink(missing_ok=True)
        with closing(connect(folder / f"{name}.sqlite")) as database:
            database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, sold_at REAL, amount INTEGER)")
    (folder / "in-use").write_text("source", encoding="utf-8")
    for flag in ("frozen", "stop"):
        (folder / flag).unlink(missing_ok=True)


def run(folder: Path, job_url: str) -> None:
    """Sell on the source, replicate to the target, and tell the simulator the delay."""
    ends = time.monotonic() + LONGEST_RUN
    with (
        closing(connect(folder / "source.sqlite")) as source,
        closing(connect(folder / "target.sqlite")) as target,
    ):
        while time.monotonic() < ends and not (folder / "stop").exists():
            now = time.time()
            if not (folder / "frozen").exists():
                source.execute("INSERT INTO orders (sold_at, amount) VALUES (?, ?)", (now, int(now * 1000) % 97 + 1))
            latest = target.execute("SELECT coalesce(max(id), 0) FROM orders").fetchone()[0]
            due = source.execute(
                "SELECT * FROM orders WHERE id > ? AND sold_at <= ? ORDER BY id LIMIT 500", (latest, now - LAG)
            ).fetchall()
            target.executemany("INSERT INTO orders VALUES (?, ?, ?)", due)
            tell(job_url, delay(source, target, now))
            time.sleep(0.1)


def delay(source: sqlite3.Connection, target: sqlite3.Connection, now: float) -> int:
    """Seconds since the oldest order that the target lacks was sold; 0 when it lacks none."""
    latest = target.execute("SELECT coalesce(max(id), 0) FROM orders").fetchone()[0]
    oldest = source.execute("SELECT min(sold_at) FROM orders WHERE id > ?", (latest,)).fetchone()[0]
    return 0 if oldest is None else max(1, round(now - oldest))


def tell(job_url: str, seconds: int) -> None:
    """Let the simulated job have this delay."""
    body = json.dumps({"delay": seconds}).encode()
    request = urllib.request.Request(job_url, body, {"Content-Type": "application/json"}, method="PATCH")
    with urllib.request.urlopen(request, timeout=5):
        pass


def compare(folder: Path) -> None:
    """Compare what both databases hold; exits with a sentence where they differ."""
    sums = {}
    for name in ("source", "target"):
        with closing(connect(folder / f"{name}.sqlite")) as database:
            sums[name] = database.execute("SELECT count(*), total(amount), total(id * amount) FROM orders").fetchone()
    if sums["source"] != sums["target"]:
        raise SystemExit(f"source and target differ: {sums}")
    sys.stdout.write(f"source and target agree: {sums['source'][0]} orders, {sums['source'][1]:.0f} in all\n")


def write_to_target(folder: Path, statement: str) -> None:
    """Change the target alone, as nobody should."""
    with closing(connect(folder / "target.sqlite")) as database:
        database.execute(statement)


def main() -> None:
    """Run one command."""
    folder, command = Path(sys.argv[1]), sys.argv[2]
    if command == "open":
        open_shop(folder)
    elif command == "run":
        run(folder, sys.argv[3])
    elif command == "compare":
        compare(folder)
    elif command == "stray":
        write_to_target(folder, "INSERT INTO orders VALUES (0, 0, 1)")
    elif command == "clean":
        write_to_target(folder, "DELETE FROM orders WHERE id = 0")
    elif command == "switch":
        (folder / "in-use").write_text("target", encoding="utf-8")
        sys.stdout.write("the shop uses the target\n")
    elif command in ("freeze", "stop"):
        (folder / {"freeze": "frozen"}.get(command, command)).touch()
    elif command == "unfreeze":
        (folder / "frozen").unlink(missing_ok=True)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
