# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wait of a month, of SOAK_POLLS (100,000) polls with 5 % faults, in minutes: what it needs and what it leaves."""

from __future__ import annotations

import os
import sys

from ansible_collections.cutover.drs.tests.soak.soak import failures, report, soak

if __name__ == "__main__":
    done = soak(int(os.environ.get("SOAK_POLLS", "100000")))
    print(report(done))
    failed = failures(done)
    for text in failed:
        print(f"FAILED: {text}")
    sys.exit(1 if failed else 0)
