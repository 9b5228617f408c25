# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation testing of table, parser, rules, gate and the core of the cutover, in a copy of the checkout.

usage: python mutate.py [MODULE...]
"""

from __future__ import annotations

import os
import subprocess
import sys

from checkout import copied
from proof import peer


def main() -> int:
    # An environment that is active while make runs must not catch what is installed here.
    os.environ.pop("VIRTUAL_ENV", None)
    python = peer("mutation") / "bin" / "python"
    with copied("mutation") as copy:
        command = [str(python), "tests/mutation/engine.py", *sys.argv[1:]]
        return subprocess.run(command, cwd=copy, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
