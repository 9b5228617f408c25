# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the lines of a stop in a process of its own: ``python lines.py SIM FOLDER``.

SIM is the JSON of the fact ``sim``, FOLDER where playbooks go.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "setup_simulator" / "files"))
from child import Child, child, run_all

SIM: dict[str, Any] = json.loads(sys.argv[1])
FOLDER = Path(sys.argv[2])


def playing(*tasks: dict[str, Any]) -> AbstractContextManager[Child]:
    login = {"group/cutover.drs.drs": SIM["login"]}
    play = {"hosts": "localhost", "gather_facts": False, "module_defaults": login, "tasks": list(tasks)}
    return child([play], FOLDER)


def stop(job: str, **more: Any) -> dict[str, Any]:
    return {"cutover.drs.drs_job_stop": {"jobs": [job], "interval": 0.1, "timeout": 30, **more}}


def lines_come_while_it_works_on_standard_error_alone() -> None:
    with playing(stop("job-loud")) as run:
        assert run.end() == 0, run.stdout
    lines = [(at, line) for at, line in run.lines if line.startswith("drs_stop ")]
    assert re.match(r"drs_stop \d\d:\d\d:\d\dZ \+0s START jobs=1 timeout=30s$", lines[0][1])
    assert re.search(r"STOP accepted=1 DRS-job-loud job-loud$", lines[2][1])
    assert re.search(r"END 1 job stopped\.$", lines[-1][1])
    # The first lines came when they were written, more than a second before the last one.
    assert lines[-1][0] - lines[2][0] > 1.2
    assert "drs_stop " not in run.stdout


def progress_false_and_no_log_write_nothing() -> None:
    with playing(stop("job-quiet", progress=False), {**stop("job-hidden"), "no_log": True}) as run:
        assert run.end() == 0, run.stdout
    assert "drs_stop" not in run.stderr
    assert "job-hidden" not in run.stdout


if __name__ == "__main__":
    tests = (lines_come_while_it_works_on_standard_error_alone, progress_false_and_no_log_write_nothing)
    sys.exit(run_all({test.__name__: test for test in tests}, len(tests)))
