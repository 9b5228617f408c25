# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source finds its own collection, wherever ansible-rulebook runs it from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCE = "extensions/eda/plugins/event_source/drs_jobs.py"
RUN = "import runpy, sys; runpy.run_path(sys.argv[1]); print(sys.modules['ansible_collections.cutover.drs'].__path__)"


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """The collection under its own name in a folder that Python does not know."""
    link = tmp_path / "elsewhere" / "ansible_collections" / "cutover" / "drs"
    link.parent.mkdir(parents=True)
    link.symlink_to(CHECKOUT)
    return link


def run(source: Path, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Run a source as ansible-rulebook does, with these folders on sys.path."""
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    return subprocess.run(
        [sys.executable, "-c", RUN, str(source)], env=settings, cwd="/", capture_output=True, text=True, check=False
    )


def test_out_of_a_collection_that_is_not_on_the_path(collection: Path) -> None:
    done = run(collection / SOURCE)
    assert str(collection) in done.stdout, done.stderr


def test_beside_the_package_ansible_which_has_collections_of_its_own(collection: Path, tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "ansible_collections" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.touch()
    done = run(collection / SOURCE, tmp_path / "site-packages")
    assert str(collection) in done.stdout, done.stderr


def test_beside_another_collection_of_the_namespace(collection: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "ansible_collections" / "cutover" / "other").mkdir(parents=True)
    done = run(collection / SOURCE, tmp_path / "other")
    assert str(collection) in done.stdout, done.stderr


def test_a_copy_takes_the_collection_that_python_finds(collection: Path, tmp_path: Path) -> None:
    copy = tmp_path / "sources" / "a" / "b" / "c" / "d" / "e" / "f" / "drs_jobs.py"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((CHECKOUT / SOURCE).read_bytes())
    done = run(copy, collection.parents[2])
    assert str(collection) in done.stdout, done.stderr
