# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep what the unfreeze reads from a temporary folder, and put it back if somebody removed it with the run.

The action ``run_playbook`` of ansible-rulebook does that with its copy of the project and of the inventory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# Of all that is kept, in bytes and files: a project, and not its history or its virtual environments.
_LARGEST = 32 * 1024 * 1024
_MOST = 5_000
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "venv", "node_modules", "__pycache__")


class Kept:
    """Copies of files and folders, in a folder of the guard."""

    def __init__(self, paths: Iterable[str], folder: Path) -> None:
        """Copy them. Raises :class:`OSError`, also if they are too large."""
        self._copies: list[tuple[Path, Path]] = []
        self._put_back: list[Path] = []
        files = size = 0
        for number, path in enumerate(map(Path, paths)):
            for found in _files_of(path):
                with suppress(FileNotFoundError):
                    files, size = files + 1, size + found.lstat().st_size
                if files > _MOST or size > _LARGEST:
                    raise OSError(f"they have more than {_MOST} files or {_LARGEST // 1024**2} MiB")
            copy = folder / "kept" / str(number)
            copy.parent.mkdir(exist_ok=True)
            if path.is_dir():
                _copy(path, copy)
            elif path.is_file():
                shutil.copy2(path, copy)
            else:
                continue
            self._copies.append((path, copy))

    def put_back(self) -> list[Path]:
        """Write again what is not there any more, and return it. Raises :class:`OSError`."""
        missing = [(path, copy) for path, copy in self._copies if not path.exists()]
        for path, copy in missing:
            made = [folder for folder in (path, *path.parents) if not folder.exists()]
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._put_back.append(made[-1])
            try:
                if copy.is_dir():
                    shutil.copytree(copy, path, symlinks=True)
                else:
                    shutil.copy2(copy, path)
            except OSError:
                # Half of it would count as there.
                _remove(path)
                raise
        return [path for path, _copy in missing]

    def remove_again(self) -> None:
        """Remove what was put back."""
        for path in self._put_back:
            _remove(path)


def _copy(path: Path, copy: Path) -> None:
    try:
        shutil.copytree(path, copy, symlinks=True, ignore=_LEFT_OUT)
    except shutil.Error as error:
        # Others may work in the folder: what they removed meanwhile is not missed.
        if any(os.path.lexists(source) for source, *_rest in error.args[0]):
            raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _files_of(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path] if path.exists() else []
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(set(folders) - _LEFT_OUT(folder, folders))
        found += [Path(folder, name) for name in names]
        if len(found) > _MOST:
            break
    return found
