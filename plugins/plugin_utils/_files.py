# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on a machine that others use too: which are to be trusted, as ssh sees it, and writing them as a whole.

Whoever may write a file, its folder, or a symbolic link on the way decides what is in it. So each must belong to the
caller or to root.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_MOST_LINKS = 40
# What a file system without this operation answers: SMB, and shared folders of virtual machines.
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class UntrustedError(PermissionError):
    """A file, folder or link that somebody else decides about; ``strerror`` says which one, and whose it is."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EPERM, message)


def whose(uid: int) -> str:
    """Return a user as people know it, such as ``alice (uid 1000)``."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def follow(path: Path) -> Path:
    """Return the file that a path means, with every symbolic link on the way resolved; it need not exist.

    Raises :class:`UntrustedError` for a link that belongs neither to the caller nor to root.
    """
    whole = path if path.is_absolute() else Path.cwd() / path
    done, left, links = Path("/"), [*reversed(whole.parts[1:])], 0
    while left:
        part = left.pop()
        if part == "..":
            done = done.parent
            continue
        there = done / part
        try:
            found = there.lstat()
        except (FileNotFoundError, NotADirectoryError):
            done = there
            continue
        except PermissionError:
            raise UntrustedError(f"the folder {done} of {whose(done.stat().st_uid)} may not be searched") from None
        if not stat.S_ISLNK(found.st_mode):
            done = there
            continue
        if not is_ours(found):
            raise UntrustedError(f"{there} is a symbolic link of {whose(found.st_uid)}")
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = there.readlink()
        if target.is_absolute():
            done = Path("/")
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)
    return done


def check_folder(folder: Path) -> None:
    """Raise :class:`UntrustedError` if somebody else may rename or replace what is in a folder or above it.

    The path has no links any more. In a folder such as ``/tmp`` others can do that only with files of their own.
    """
    for place in (folder, *folder.parents):
        try:
            found = place.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(found.st_mode):
            raise UntrustedError(f"{place}, which belongs to {whose(found.st_uid)}, is not a folder")
        if not is_ours(found):
            raise UntrustedError(f"the folder {place} belongs to {whose(found.st_uid)}")
        if _others_may_write(found) and not found.st_mode & stat.S_ISVTX:
            raise UntrustedError(f"the folder {place} of {whose(found.st_uid)} may be written by others")


def is_there(path: str | Path) -> bool:
    """Tell whether there is something at a path; of a text that can be no path, which pathlib does not answer, there is not."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def is_file(path: str | Path) -> bool:
    """Tell whether there is a file, as :func:`is_there` does."""
    return is_there(path) and Path(path).is_file()


def read_trusted(path: Path, most: int) -> bytes:
    """Return the content of a regular file that only the caller or root may write, of at most ``most`` bytes.

    Raises :class:`UntrustedError` and other :class:`OSError`. Never waits: not for the writer of a named pipe either.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EACCES, errno.ENXIO):
            raise
        found = path.lstat()
    else:
        try:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and is_ours(found) and not _others_may_write(found):
                return _content(descriptor, path, most)
        finally:
            os.close(descriptor)
    owner = whose(found.st_uid)
    if not stat.S_ISREG(found.st_mode):
        kind = "is a symbolic link" if stat.S_ISLNK(found.st_mode) else "is not a regular file"
        raise UntrustedError(f"{path}, which belongs to {owner}, {kind}")
    if not is_ours(found):
        raise UntrustedError(f"{path} belongs to {owner}")
    if _others_may_write(found):
        raise UntrustedError(f"{path} of {owner} may be written by others (mode {stat.S_IMODE(found.st_mode):04o})")
    raise UntrustedError(f"{path} of {owner} may not be read (mode {stat.S_IMODE(found.st_mode):04o})")


def _content(descriptor: int, path: Path, most: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"{path} is larger than {most} bytes")
    return content


def trust_owner_of(folder: str) -> None:
    """Trust the files of whoever owns the playbook that runs: that playbook could do whatever they can."""
    with suppress(OSError):
        _TRUSTED.add(Path(folder).stat().st_uid)


_TRUSTED: set[int] = set()


def is_ours(found: os.stat_result) -> bool:
    """Tell whether a file, folder or link belongs to the caller, to root, or to the owner of the playbook that runs."""
    return found.st_uid in (0, os.geteuid(), *_TRUSTED)


def _others_may_write(found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and not _private(found.st_gid, found.st_uid)


def _private(gid: int, uid: int) -> bool:
    """Tell whether nobody else is in a group: root's own, and one that bears the name of its only user."""
    if gid == 0:
        return True
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(uid)
    except KeyError:
        return False
    return group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def create(path: Path, content: bytes, mode: int) -> None:
    """Write a file that did not exist, synced. Raises :class:`OSError`; nothing is left behind then."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            sync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def sync(descriptor: int) -> None:
    """Bring a file or folder to the disk, where the file system can do that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes, mode: int) -> Path:
    """Replace a file, with this mode less the umask; its folders are made. Return the file that a symbolic link means.

    Raises :class:`OSError`; nothing is left behind then. A symbolic link of another user, which could lead to a file
    of the caller's, and what is not a regular file are refused.
    """
    # Who reads it may know it by its own name, not by that of the link.
    target = follow(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(target.lstat().st_mode):
            raise OSError(errno.EINVAL, f"{target} is not a regular file")
    # In the same folder, since only there the renaming is one step. The suffix is not that of the
    # file: what collects *.prom must not see half a file. A character may be four bytes of the 255 that a name has.
    temporary = target.parent / f".{target.name[:50]}.{secrets.token_hex(8)}"
    # Not by tempfile, which takes 0600: other programs read reports.
    create(temporary, content, mode)
    try:
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return target
