# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this checkout is, and its places in the cache, which have the layout that Ansible requires.

Ansible finds a collection only at .../ansible_collections/cutover/drs, and neither it nor the first lines of the
scripts that it writes bear a space in the path of a Python. A checkout may have any name; so the tools work through
links and copies in the cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
KEY = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cutover-drs", KEY)
COLLECTION = Path("ansible_collections", "cutover", "drs")


def link(at: Path, to: Path) -> Path:
    """Make the symbolic link, or turn it, so that nobody meanwhile finds it missing."""
    if not at.is_symlink() or at.readlink() != to:
        at.parent.mkdir(parents=True, exist_ok=True)
        fresh = at.with_name(f"{at.name}.{os.getpid()}")
        fresh.symlink_to(to)
        fresh.replace(at)
    return at


def environment() -> Path:
    """Return the virtual environment of the running Python, by a path without a space."""
    prefix = Path(sys.prefix)
    return link(CACHE / "venv", prefix) if prefix.is_relative_to(CHECKOUT) else prefix


def program(name: str) -> list[str]:
    """Return the command of a program of this environment: by its interpreter, if it is a script."""
    path = environment() / "bin" / name
    with path.open("rb") as start:
        script = start.read(2) == b"#!"
    return [str(environment() / "bin" / "python"), str(path)] if script else [str(path)]


def core_version() -> str:
    """Return the ansible-core of the running Python, e.g. 2.19, which also names its copy."""
    return ".".join(version("ansible-core").split(".")[:2])


def collections_path() -> Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH in which the collection is a link to the checkout."""
    link(CACHE / "linked" / COLLECTION, CHECKOUT)
    return CACHE / "linked"


def variables(bin_folder: str | None = None, **more: str) -> dict[str, str]:
    """Return all environment variables for Ansible's programs: one environment first, no settings of the user's own."""
    # An existing file: without one Ansible would look into the folder it starts in and into the home folder.
    settings = CACHE / "empty.cfg"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.touch()
    first = bin_folder or str(environment() / "bin")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))},
        "PATH": f"{first}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(Path(first).parent),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_HOME": str(CACHE / "ansible-home"),
        **more,
    }


def playbook_variables(bin_folder: str | None = None, **more: str) -> dict[str, str]:
    """Return the same for plays of this collection, without warnings that a play on localhost alone would give."""
    quiet = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    return variables(bin_folder, ANSIBLE_COLLECTIONS_PATH=str(collections_path()), **quiet, **more)


@contextlib.contextmanager
def copied(name: str) -> Iterator[Path]:
    """Copy the checkout, as a git repository of its own, for one user at a time.

    ansible-test wants no symbolic link on its way, and in a git-ignored folder it sees no files; hence a copy outside
    of the checkout. Its tests/output, with the environments of ansible-test, outlasts the run.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = [path for path in listed.split("\0") if path and os.path.lexists(CHECKOUT / path)]
    if not files:
        raise SystemExit(f"git lists no files in {CHECKOUT}")
    copy = CACHE / name / COLLECTION
    copy.mkdir(parents=True, exist_ok=True)
    with (CACHE / name / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in [*copy.iterdir(), *copy.glob("tests/*")]:
            if path not in (copy / ".git", copy / "tests", copy / "tests" / "output"):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in files:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            # With their times, which the caches of linters go by.
            shutil.copy2(CHECKOUT / path, copy / path, follow_symlinks=False)
        if not (copy / ".git").exists():
            subprocess.run(["git", "init", "--quiet", str(copy)], check=True)
        yield copy
