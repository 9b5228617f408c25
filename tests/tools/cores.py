# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every ansible-core that the collection is tested with: the one place, from which noxfile.py and CI take them.

usage: python tests/tools/cores.py prints the versions as the matrix of a GitHub workflow.

The first one is also what meta/runtime.yml and the roles require; tests/docs/test_cores.py checks this and every page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Core:
    """The Pythons that this ansible-core runs on, the best first, and the pip with which ansible-test fills environments.

    The lower Pythons are the more telling. ``candidate`` is the first version to install of one that is not released yet.
    """

    pythons: tuple[str, ...]
    pip: str
    candidate: str = ""

    def requirement(self, version: str) -> str:
        """Return what to ask pip for."""
        return f"ansible-core=={version}.*,>={self.candidate}" if self.candidate else f"ansible-core=={version}.*"


CORES = {
    "2.16": Core(("3.10", "3.11", "3.12"), "23.1.2"),
    "2.17": Core(("3.10", "3.11", "3.12"), "23.1.2"),
    "2.18": Core(("3.11", "3.12", "3.13"), "24.2"),
    "2.19": Core(("3.11", "3.12", "3.13"), "24.2"),
    "2.20": Core(("3.12", "3.13", "3.14"), "25.2"),
    "2.21": Core(("3.13", "3.12", "3.14"), "25.2"),
    "2.22": Core(("3.13", "3.14"), "25.2", candidate="2.22.0rc1"),
}
# A candidate is tried only: it is promised to nobody, and does not decide whether a change may land.
RELEASED = tuple(name for name, core in CORES.items() if not core.candidate)

if __name__ == "__main__":
    print(json.dumps({"include": [{"core": name, "python": core.pythons[0]} for name, core in CORES.items()]}))
