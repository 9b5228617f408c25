# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a cutover and lose it in its final gate, as a machine that breaks down would.

``python lose.py JOURNAL run|both COMMAND...`` kills the run (SIGKILL to its whole process group), and with ``both`` its
guard, too. With ``run`` it waits until the guard has unfrozen the source. It says what it did.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Seconds, on the slowest of machines.
LONGEST = 180.0


def journal(path: Path) -> dict[str, Any]:
    """Return what the journal says; nothing before there is one."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def wait_until(what: Callable[[], bool], said: str, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Wait for it; exit with a sentence if it does not come."""
    ends = time.monotonic() + LONGEST
    while not what():
        if time.monotonic() > ends or not goes_on():
            raise SystemExit(f"{said} did not come; look at the log beside the journal.")
        time.sleep(0.1)


def main() -> None:
    """Run it."""
    path, lost, command = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    before = journal(path)
    with path.with_suffix(".lost.log").open("w", encoding="utf-8") as log:
        run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def in_final() -> bool:
        now = journal(path)
        return now != before and now.get("stage") == "final" and now.get("outcome") is None

    try:
        wait_until(in_final, "The final gate", lambda: run.poll() is None)
    except SystemExit:
        run.kill()
        raise
    # Which the guard would notice, and unfreeze.
    if lost == "both":
        guard = journal(path)["owner"]["guard"]["pid"]
        os.kill(guard, signal.SIGKILL)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    if lost == "both":
        sys.stdout.write(f"Killed the run and its guard (process {guard}) in the final gate. The source is frozen.\n")
    else:
        wait_until(lambda: journal(path).get("outcome") == "unfrozen", "The unfreeze")
        sys.stdout.write("Killed the run in the final gate. Its guard has unfrozen the source.\n")


if __name__ == "__main__":
    main()
