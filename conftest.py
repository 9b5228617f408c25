# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Link the checkout where its own name can be imported, for `pytest` from a clone of any name.

Under ansible-test, which brings its own loader of collections, only the simulator is added.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent

if "ansible_pytest_collections" not in os.environ.get("PYTEST_PLUGINS", ""):
    # Kept until the process ends, and removed then.
    LINKED = tempfile.TemporaryDirectory(prefix="cutover-drs-")
    (Path(LINKED.name) / "ansible_collections" / "cutover").mkdir(parents=True)
    (Path(LINKED.name) / "ansible_collections" / "cutover" / "drs").symlink_to(CHECKOUT)
    sys.path.insert(0, LINKED.name)
    # Ansible's own loader, once a test starts it, looks here.
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = LINKED.name

sys.path.insert(0, str(CHECKOUT / "simulator"))


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known here: ansible-test, which refuses others, has a configuration of its own."""
    config.addinivalue_line(
        "markers", "thorough: guards no promise that another test does not; .ci/run runs it, make test leaves it out"
    )


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of garbage collection.

    ansible-test forks for each test, and each fork would go through all of it: more than the tests themselves take.
    """
    gc.collect()
    gc.freeze()
