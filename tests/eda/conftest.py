# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user has it: built, and installed in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
GALAXY = Path(sys.executable).with_name("ansible-galaxy")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH in which the collection is installed."""
    if not shutil.which("ansible-rulebook"):
        pytest.skip("needs ansible-rulebook: nox -s eda")
    folder = tmp_path_factory.mktemp("collections")
    settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder)}

    def galaxy(*arguments: str) -> None:
        command = [sys.executable, str(GALAXY), "collection", *arguments]
        subprocess.run(command, env=settings, check=True, stdin=subprocess.DEVNULL)

    galaxy("build", "--output-path", str(folder), str(CHECKOUT))
    (archive,) = folder.glob("*.tar.gz")
    galaxy("install", "--offline", "--no-deps", "--collections-path", str(folder), str(archive))
    return folder
