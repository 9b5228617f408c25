# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Join the coverage that unit and integration tests measured, report it, and fail below the limit.

The limit is on lines of plugins/; branches are measured and shown too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from checkout import CACHE, CHECKOUT, COLLECTION, core_version

LIMIT = 95.0
MEASURED = CACHE / "coverage"
OUTPUT = CHECKOUT / "tests" / "output"


def clear(kind: str) -> Path:
    """Remove what earlier runs of these tests measured; the name under which to measure anew."""
    MEASURED.mkdir(parents=True, exist_ok=True)
    for stale in MEASURED.glob(f"{kind}.*"):
        stale.unlink()
    return MEASURED / kind


def coverage(*arguments: str) -> None:
    data = f"--data-file={MEASURED / 'joined'}"
    subprocess.run([sys.executable, "-m", "coverage", arguments[0], data, *arguments[1:]], cwd=CHECKOUT, check=True)


def main() -> int:
    measured = {
        "unit": sorted(MEASURED.glob("units.*")),
        # A process that was killed while it wrote leaves a file without the mark of a complete one.
        "playbook": sorted(MEASURED.glob("playbooks.*h")),
        "integration": sorted(CACHE.glob(f"{core_version()}/{COLLECTION}/tests/output/coverage/integration=*")),
    }
    for kind, data in measured.items():
        if not data:
            print(f"the {kind} tests have measured nothing: `make test MEASURE=1` measures them", file=sys.stderr)
            return 1
    OUTPUT.mkdir(parents=True, exist_ok=True)
    report = OUTPUT / "coverage.json"
    coverage("combine", "--keep", "--quiet", *(str(path) for data in measured.values() for path in data))
    coverage("xml", "--quiet", "-o", str(OUTPUT / "coverage.xml"))
    coverage("json", "--quiet", "-o", str(report))
    coverage("report")
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"] if totals["num_statements"] else 0.0
    branches = 100 * totals["covered_branches"] / totals["num_branches"] if totals["num_branches"] else 100.0
    print(f"coverage of plugins/: {lines:.1f} % of lines (at least {LIMIT:.0f} %), {branches:.1f} % of branches")
    return 0 if lines >= LIMIT else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
