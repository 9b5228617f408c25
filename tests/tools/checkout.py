# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this checkout is, and its places in the cache, which have the layout that Ansible requires.

Ansible finds a collection only at .../ansible_collections/cutover/drs, and neither it nor the shebang lines
that it writes bear a space in the path of a Python. A checkout may have any name; so the tools work through links and
copies in the cache.
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
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    / "cutover-drs"
    / hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
)
COLLECTION = Path("ansible_collections", "cutover", "drs")
# Kept in a copy between runs: the virtual environments and results of ansible-test, and the repository it looks for.
KEPT = (Path("tests", "output"), Path(".git"), Path("tests", "integration", "inventory"))


def files(*patterns: str) -> list[Path]:
    """Return the checkout's files that git knows or would add, relative to it; with patterns, those that match one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", *patterns],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and os.path.lexists(CHECKOUT / name)]


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


def core_version() -> str:
    """Return the ansible-core of the running Python, e.g. 2.19, which also names its copy."""
    from ansible.release import __version__

    return ".".join(__version__.split(".")[:2])


def collections_path() -> Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH in which the collection is a link to the checkout."""
    link(CACHE / "linked" / COLLECTION, CHECKOUT)
    return CACHE / "linked"


def variables(**more: str) -> dict[str, str]:
    """Environment variables for Ansible's programs: this environment first, no settings of the user's own."""
    # An existing file: without one Ansible would look into the folder it starts in and into the home folder.
    settings = CACHE / "empty.cfg"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.touch()
    cleaned = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    return {
        **cleaned,
        "PATH": f"{environment() / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(environment()),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_HOME": str(CACHE / "ansible-home"),
        **more,
    }


def playbook_variables(**more: str) -> dict[str, str]:
    """Return the same for plays of this collection, without warnings that a play on localhost alone would give."""
    return variables(
        ANSIBLE_COLLECTIONS_PATH=str(collections_path()),
        ANSIBLE_LOCALHOST_WARNING="false",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
        **more,
    )


def _remove_vanished(copy: Path, wanted: set[Path]) -> None:
    wanted_folders = {folder for path in (*wanted, *KEPT) for folder in path.parents}
    for folder, subfolders, names in os.walk(copy):
        here = Path(folder).relative_to(copy)
        for name in list(subfolders):
            if here / name in KEPT or name == "__pycache__":
                subfolders.remove(name)
            elif here / name not in wanted_folders and not (copy / here / name).is_symlink():
                shutil.rmtree(copy / here / name)
                subfolders.remove(name)
        for name in names:
            if here / name not in wanted and here / name not in KEPT:
                (copy / here / name).unlink()


def _bring(source: Path, target: Path) -> None:
    """Copy one file or link when it differs: what is unchanged keeps its time, which the caches of linters go by."""
    new = source.lstat()
    if os.path.lexists(target):
        old = target.lstat()
        if (old.st_mtime_ns, old.st_size, old.st_mode) == (new.st_mtime_ns, new.st_size, new.st_mode):
            return
        shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


@contextlib.contextmanager
def copied(name: str) -> Iterator[Path]:
    """A true copy of the checkout, as a git repository, held for one user at a time.

    ansible-test wants no symbolic link on its way, and in a git-ignored folder it sees no files; hence a copy
    outside of the checkout with a repository of its own.
    """
    root = CACHE / name
    copy = root / COLLECTION
    copy.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another run uses {root}: waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = set(files())
        if not wanted:
            raise SystemExit(f"git lists no files in {CHECKOUT}")
        _remove_vanished(copy, wanted)
        for path in wanted:
            _bring(CHECKOUT / path, copy / path)
        if not (copy / ".git").exists():
            subprocess.run(["git", "init", "--quiet", str(copy)], check=True)
        yield copy
