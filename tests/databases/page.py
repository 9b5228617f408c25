# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page docs/verified/databases.md, written by the run whose figures it shows."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "verified" / "databases.md"
RESULTS = CHECKOUT / "build" / "databases"
EXAMPLES = "https://github.com/cutover-drs/cutover.drs/blob/main/docs/examples"
NAMES = {"mysql": "MariaDB", "postgresql": "PostgreSQL"}
HEAD = """\
<!--
Copyright (c) 2026, the cutover.drs authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# Cutovers of real databases

**What was verified.** Every write that a database acknowledged to an application is in the database in use after a
cutover, once, whatever went wrong on the way. After an unfreeze the source accepts writes; after a switch the target
does, without a duplicate key.

**How.** The example projects [cutover-mysql]({base}/cutover-mysql) and [cutover-postgresql]({base}/cutover-postgresql)
run as they stand, with `community.mysql` and `community.postgresql`; the tests set only variables: hosts, ports, and
short waits. Source and target are real servers. Real replication stands in for that of the service: the simulator
reports the delay and the position that are measured there, keeps the target read-only until the job is stopped, and in
a normal stop sets the sequences of a PostgreSQL target, as the service does. An application writes all the time, in two
sessions, to the database that its configuration names, and keeps a ledger of what was acknowledged.

In each night something goes wrong; what, in which stage and when is drawn from a seed. If run and guard are both
killed, there is a watch. If the switch is interrupted, the test does what a person would do: it runs the switch tasks
again. Then the ledger is compared with the database that the application's configuration names.

**How to run it.** `make verify AGAINST=databases` runs each fault once, and a few nights from seeds. With
`ARGS="--runs 100 --page -n 4 tests/databases -k drawn"` it runs a hundred nights for each engine, and writes this page.
It needs MariaDB and PostgreSQL (`mariadb-server` and `postgresql` on Debian).

## Found and fixed

- A guard whose run was killed ended every other run with the same command line on the machine: it took them for workers
  of its own run. Two nights side by side showed it.
- A run whose guard was killed in the switch said that nothing was frozen, while the application used the target already.
  It ends with `switch_failed` now. No write was lost by it.
- The modules of `community.mysql` are skipped in check mode, so the rehearsal of an unfreeze did not even log in. The
  example project has a task that only reads, and runs in the rehearsal too.
- An attempt to stop a replication after the job had been stopped failed: a fault of the test, not of a cutover.

## Measured
"""

NOTES = """
An outage is the longest time for which no write of the application was acknowledged, of nights that ended with the
switch and without a person. The waits are short: a streak of 1 second in place of a minute, and 1 second in place of
half a minute for the proof that nobody writes. The lease of an owner is 10 seconds in place of 30. Most of an outage
is the start of the project's tasks, which takes longer the busier the machine is.
On a machine with {machine}, with other work on it at the same time.
"""


def write(found: Sequence[dict[str, Any]]) -> None:
    """Write the page."""
    engines = [engine for engine in NAMES if any(each["engine"] == engine for each in found)]
    columns = [[each for each in found if each["engine"] == engine] for engine in engines]
    rows = [("", *(NAMES[engine] for engine in engines)), ("---", *("---" for _engine in engines))]
    rows += [(name, *(count(column) for column in columns)) for name, count in FIGURES.items()]
    faults = [("what went wrong", *rows[0][1:]), rows[1]]
    for what in sorted({each["what"] for each in found}):
        faults.append((what, *(ends(each for each in column if each["what"] == what) for column in columns)))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    notes = NOTES.format(machine=machine).strip() + "\n"
    wrong = "".join(
        f"\n- {each['engine']}, seed {each['seed']}: {each['wrong']}" for each in found if each.get("wrong")
    )
    parts = [HEAD.format(base=EXAMPLES), table(rows), notes, "## What went wrong, and how it ended\n", table(faults)]
    if wrong:
        parts.append(f"## Nights that were not as they must be\n{wrong}\n")
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows as a table of Markdown."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def ends(found: Iterable[dict[str, Any]]) -> str:
    """Return how nights ended, and how often."""
    words = {"done": "switched", "unfrozen": "unfrozen", "not_begun": "not begun"}
    count = Counter(
        "wrong" if each.get("wrong") else words[each["outcome"]] + (" by hand" if each["by_hand"] else "")
        for each in found
    )
    return ", ".join(f"{number} {end}" for end, number in count.most_common()) or "-"


def seconds(values: list[float]) -> str:
    """Return the median and the largest."""
    if not values:
        return "-"
    return f"median {statistics.median(values):.1f} s, slowest {max(values):.1f} s ({len(values)})"


def right(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the nights that were judged to their end."""
    return [each for each in found if not each.get("wrong")]


FIGURES: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "nights": lambda found: str(len(found)),
    "judged as they must be": lambda found: str(len(right(found))),
    "acknowledged writes": lambda found: f"{sum(each['acknowledged'] for each in right(found)):,}",
    "of these lost": lambda found: str(sum(each["lost"] for each in right(found))),
    "of these doubled": lambda found: str(sum(each["doubled"] for each in right(found))),
    "outage, of nights that switched": lambda found: seconds(
        [each["outage"] for each in right(found) if each["outcome"] == "done" and not each["by_hand"]]
    ),
    "from the kill to the first write that the source accepts": lambda found: seconds(
        [each["unfrozen_after"] for each in right(found) if each["unfrozen_after"] is not None]
    ),
}


def results() -> list[dict[str, Any]]:
    """Return what the nights of this run have written, whichever process ran them."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
