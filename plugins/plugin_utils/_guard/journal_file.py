# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal as a file that several machines may share, over NFS too, where locks are often not shared.

Beside the journal ``cutover.json`` is the folder ``.cutover.json.d``. It holds

- each version of the journal under its number, made whole by :func:`os.link` and never changed,
- ``TOKEN.beat`` of the owner, whose number rises with each renewal,
- ``TOKEN.watch`` of each watch, likewise.

The journal itself is another name of the newest version, for people; that it is gone means that somebody wants to
begin anew. What counts is in the folder.

**Why exactly one wins.** A version k+1 comes into being by linking a whole file to the name k+1, which the file system does for one
of several only, by whoever read version k. Old versions are removed in ascending order, and the newest ``_KEPT`` stay.
So a name k+1 is missing for one of two reasons:

1. It has not been made yet: then k is the newest, and the link makes its only successor.
2. It was removed: then k was removed before it. Who links k+1 all the same looks for k *afterwards*, finds it missing
   and has lost; what it left behind is older than ``_KEPT`` others, so that nobody takes it for the newest, and the
   next tidying removes it.

If k was there at that look, then k+1 had not been removed before the link (2), so case 1 holds. If k was removed between
a link of case 1 and the look, others have built on k+1 already: it has lost by then, too. "k is there" means its very
content: a folder that was removed and made anew has other owners. The folder comes into being with a first version in
it, in one renaming, so that there is always a k to look for.

**Why a reader is right.** A listing cannot miss the newest unless ``_KEPT`` versions are made while it lasts; names that
were made meanwhile are followed forward.

**The journal's own name** may fall back for a moment, when a slow owner renames after a fast one. Each looks again after
its renaming and goes on until it has named the newest.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeGuard

from ...module_utils._job.text import sentence
from .._files import UntrustedError, check_folder, create, follow, read_trusted, sync_folder, whose
from .store import LARGEST, Acknowledgement, Held, LostError, StoreError

# Versions that stay, the newest included.
_KEPT = 16
# Attempts to look at something that others change meanwhile.
_TRIES = 100
# Seconds, by the file system's own clock, after which a half-made file counts as left behind, and a watch as gone.
_LEFT_BEHIND = 86400
# Names that a version has beside those of the document.
_RESERVED = ("version", "token", "epoch", "removed")
_NUMBER = re.compile(r"[0-9]{1,15}")
_TOKEN = re.compile(r"[0-9a-f]{8,64}")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True)
class _Version:
    """One version as it lies in the folder; ``content`` is None for the first, which is empty, and a damaged one."""

    number: int
    data: bytes
    content: Mapping[str, Any] | None

    @property
    def removed(self) -> bool:
        return not self.data or (self.content is not None and self.content.get("removed") is True)

    @property
    def epoch(self) -> int:
        # Each owner makes a version: no epoch is above the number.
        return self.number if self.content is None else int(self.content["epoch"])

    @property
    def document(self) -> dict[str, Any]:
        return {name: value for name, value in (self.content or {}).items() if name not in _RESERVED}

    def held(self, beat: int) -> Held:
        content = self.content or {}
        return Held(self.document, self.number, content["token"], self.epoch, beat, None)

    def is_of(self, held: Held) -> bool:
        """Tell whether this is the version that an owner knows."""
        if self.content is None or self.removed:
            return False
        return (self.content["token"], self.document) == (held.token, held.document)


class FileStore:
    """A journal in a file. What it raises beside the errors of a store and of the system, such as an alarm, passes through."""

    def __init__(self, path: str) -> None:
        self.name = path

    def read(self) -> Held | None:
        """Return the newest version; None if the journal is gone, or has not begun."""
        with self._place("read") as place:
            return self._read(place)

    def ensure_free(self) -> None:
        """Do nothing: a file knows of no other jobs."""

    def take(self, document: Mapping[str, Any], token: str, after: Held | None) -> Held:
        """Make ``token`` the owner, if ``after`` is the newest in version and beat. Raises :class:`LostError`."""
        with self._place("written") as place:
            if after is None:
                if self._read(place) is not None:
                    raise LostError(f"{self.name}: another cutover has begun.")
                place.make()
                before = place.newest()
                # Once more: another one may have begun since, and this is not to come after it.
                if before is None or self._read(place) is not None:
                    raise LostError(f"{self.name}: another cutover has begun.")
            else:
                place.make()
                before = self._known(place, after)
                if place.beat(after.token) != after.beat:
                    raise LostError(f"{self.name}: its owner lives.")
            taken = self._add(place, before, dict(document), token, before.epoch + 1)
            place.forget_others(token)
        return taken.held(0)

    def replace(self, document: Mapping[str, Any], after: Held) -> Held:
        """Store the owner's next version. Raises :class:`LostError`."""
        with self._place("written") as place:
            before = self._known(place, after)
            return self._add(place, before, dict(document), after.token, before.epoch).held(after.beat)

    def renew(self, held: Held) -> Held:
        """Tell that the owner lives, and bring the journal back if somebody removed it. Raises :class:`LostError`."""
        with self._place("written") as place:
            newest = self._owned(place, held)
            beat = max(held.beat, place.beat(held.token)) + 1
            place.put(f"{held.token}.beat", {"beat": beat})
            if not os.path.lexists(place.path):
                place.show()
            return replace(held, version=newest.number, document=newest.document, beat=beat)

    def acknowledge(self, token: str, document: Mapping[str, Any]) -> None:
        """Tell that a watch lives, and what it rehearsed."""
        with self._place("written") as place:
            place.make()
            place.put(f"{token}.watch", {"beat": place.beat(token, ".watch") + 1, "document": dict(document)})

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """Return what each watch said last."""
        with self._place("read") as place:
            said = []
            for token in sorted(place.tokens(".watch")):
                content = place.small(f"{token}.watch")
                if content and isinstance(content.get("document"), dict):
                    said.append(Acknowledgement(token, content["document"], _beat(content), None))
            return tuple(said)

    def remove(self, held: Held) -> None:
        """Remove the journal. Raises :class:`LostError`."""
        with self._place("removed") as place:
            before = self._known(place, held)
            self._add(place, before, {"removed": True}, held.token, before.epoch)
            place.forget_others("")

    def release(self, held: Held) -> None:
        """Remove what tells that owner and watches live; the last versions stay, so that no suspended owner can win."""
        with self._place("written") as place, suppress(LostError):
            self._owned(place, held)
            place.forget_others("")
            for token in place.tokens(".watch"):
                place.unlink(f"{token}.watch")

    def _read(self, place: _Place) -> Held | None:
        # The journal first: whatever it says was in the folder before.
        shown = place.shown()
        newest = place.newest()
        if shown is None or (newest is not None and newest.data and newest.removed):
            return None
        # One that cannot be read is only a copy.
        if newest is None or (shown.content is not None and shown.number > newest.number):
            if newest is not None:
                raise StoreError(
                    f"The journal {self.name} is version {shown.number}, and the newest in {place.folder} is "
                    f"{newest.number}: one of them was copied or restored. Find out what the last run did, and move that "
                    "folder away if the journal is the right one."
                )
            newest = shown
        if newest.content is None:
            raise StoreError(
                f"{self.name} is not the journal of a cutover, or is damaged. Nothing runs, because nobody knows what an "
                "earlier run did. Find that out, or set another drs_cutover_journal."
            )
        return newest.held(place.beat(newest.content["token"]))

    def _known(self, place: _Place, held: Held) -> _Version:
        """Return the version that an owner knows; whether it is the newest comes out when the next one is made."""
        place.must_exist()
        version = place.version(held.version)
        if version is None or not version.is_of(held):
            raise LostError(f"{self.name}: another owner has it.")
        return version

    def _owned(self, place: _Place, held: Held) -> _Version:
        place.must_exist()
        newest = place.newest()
        if newest is None or newest.content is None or newest.removed or newest.content["token"] != held.token:
            raise LostError(f"{self.name}: another owner has it.")
        return newest

    def _add(self, place: _Place, before: _Version, document: dict[str, Any], token: str, epoch: int) -> _Version:
        content = {**document, "version": before.number + 1, "token": token, "epoch": epoch}
        data = json.dumps(content, indent=1).encode() + b"\n"
        if len(data) > LARGEST:
            raise StoreError(f"The journal {self.name} would be larger than {LARGEST} bytes.")
        if not place.add(before, data):
            raise LostError(f"{self.name}: somebody was faster.")
        place.show()
        place.tidy(before.number + 1)
        return _Version(before.number + 1, data, json.loads(data))

    @contextmanager
    def _place(self, verb: str) -> Iterator[_Place]:
        """Give where the journal lies, and turn an error of the system into a sentence for people."""
        try:
            path = follow(Path(self.name))
            check_folder(path.parent)
            yield _Place(path)
        except UntrustedError as error:
            raise StoreError(
                f"The journal {self.name} is not to be trusted: {error.strerror}. Others could decide what a cutover does. "
                "Run as the user who owns it, let only that user write there, or set drs_cutover_journal to a file in a "
                "folder of your own."
            ) from None
        except OSError as error:
            problem = f"The journal {self.name} cannot be {verb}: {sentence(error.strerror or str(error))}"
            if error.errno in _NO_LINKS:
                problem += " A journal needs a file system with hard links: choose another folder, or a database."
            raise StoreError(problem) from None


class _Place:
    """The journal and the folder beside it, at a path without links."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.parent / f".{path.name}.d"

    def exists(self) -> bool:
        """Tell whether the folder is there. Raises :class:`UntrustedError` if it is somebody else's."""
        try:
            found = self.folder.lstat()
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(found.st_mode) and found.st_mode & 0o022:
            raise UntrustedError(f"{self.folder}, which belongs to {whose(found.st_uid)}, may be written by others")
        check_folder(self.folder)
        return True

    def must_exist(self) -> None:
        """Raise :class:`OSError` without the folder: nobody else has the journal, it may be a share that is away."""
        if not self.exists():
            raise OSError(errno.ENOENT, f"its folder {self.folder} is gone")

    def make(self) -> None:
        """Make the folder, with a first version in it: the journal's if that was copied here, else an empty one."""
        if self.exists():
            return
        for parent in [*reversed(self.folder.parents)]:
            # Whatever the umask is, nobody else may write there.
            with suppress(FileExistsError):
                parent.mkdir(mode=0o755)
        shown = self.shown()
        if shown is not None and shown.content is None:
            raise OSError(errno.EINVAL, f"{self.path} is something else")
        first = shown or _Version(0, b"", None)
        new = Path(mkdtemp(prefix=".drs.", dir=self.folder.parent))
        try:
            create(new / str(first.number), first.data, 0o600)
            try:
                new.rename(self.folder)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.ENOENT, errno.EPERM):
                    raise
                # Another one was faster, or this one's own renaming was answered twice.
                if not self.exists():
                    raise
        finally:
            # Not by TemporaryDirectory, which tries without end to remove what may not be removed.
            shutil.rmtree(new, ignore_errors=True)
        sync_folder(self.folder.parent)

    def shown(self) -> _Version | None:
        """Return what the journal itself says; its number is 0 if it is something else."""
        try:
            data = read_trusted(self.path, LARGEST)
        except FileNotFoundError:
            return None
        content = _parsed(data)
        return _Version(content["version"] if content else 0, data or b"\n", content)

    def version(self, number: int) -> _Version | None:
        """Return a version; None if it is not there, or not any more."""
        try:
            data = read_trusted(self.folder / str(number), LARGEST)
        except FileNotFoundError:
            return None
        content = _parsed(data)
        return _Version(number, data, content if content and content["version"] == number else None)

    def newest(self) -> _Version | None:
        """Return the newest version; None if there is no folder."""
        if not self.exists():
            return None
        for _try in range(_TRIES):
            try:
                numbers = [int(name) for name in self._names() if _NUMBER.fullmatch(name)]
            except FileNotFoundError:
                return None
            if not numbers:
                break
            newest = self.version(max(numbers))
            # None: it was tidied up since, and there are newer ones.
            while newest is not None:
                following = self.version(newest.number + 1)
                if following is None:
                    return newest
                newest = following
        raise OSError(errno.EAGAIN, f"{self.folder} holds no version that can be read")

    def add(self, before: _Version, data: bytes) -> bool:
        """Make the version after this one; tell whether that is ours."""
        number = before.number + 1
        problem: OSError | None = None
        # Before a file is made for nothing, and a name that others would have to tidy up.
        if not self._still(before):
            return False
        with self._temporary() as temporary:
            create(temporary, data, 0o600)
            try:
                os.link(temporary, self.folder / str(number))
            except OSError as error:
                # Over a network the answer may be lost, and the second request finds the file of the first.
                problem = error
            made = self.version(number)
            if made is None or made.data != data:
                if problem is not None and problem.errno != errno.EEXIST and made is None:
                    raise problem
                return False
            sync_folder(self.folder)
            return self._still(before)

    def _still(self, before: _Version) -> bool:
        there = self.version(before.number)
        return there is not None and there.data == before.data

    def show(self) -> None:
        """Let the journal be the newest version, or be gone if that is its removal."""
        newest = self.newest()
        for _try in range(_TRIES):
            if newest is None:
                return
            if newest.removed:
                self.path.unlink(missing_ok=True)
            else:
                with self._temporary() as temporary, suppress(FileNotFoundError):
                    # Needs no space, which a full disk has not. Tidied up since: the next round names a newer one.
                    os.link(self.folder / str(newest.number), temporary)
                    # Nothing happens if both are names of one file already.
                    temporary.replace(self.path)
            sync_folder(self.path.parent)
            shown, newest = newest, self.newest()
            if newest == shown:
                return

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Give a path for what is half made, where nothing is left in the end."""
        temporary = self.folder / f"{secrets.token_hex(8)}.new"
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def tidy(self, newest: int) -> None:
        """Remove old versions, the oldest first, and what was left behind half-made."""
        names = self._names()
        for number in sorted(int(name) for name in names if _NUMBER.fullmatch(name)):
            if number <= newest - _KEPT:
                self.unlink(str(number))
        for name in names:
            if name.endswith((".new", ".watch")):
                with suppress(FileNotFoundError):
                    age = (self.folder / str(newest)).lstat().st_mtime - (self.folder / name).lstat().st_mtime
                    if age > _LEFT_BEHIND:
                        self.unlink(name)

    def beat(self, token: str, suffix: str = ".beat") -> int:
        """Return how often an owner or a watch has renewed."""
        return _beat(self.small(f"{token}{suffix}") or {})

    def small(self, name: str) -> dict[str, Any] | None:
        """Return the content of a small file of the folder, None if there is none or it is something else."""
        try:
            content = json.loads(read_trusted(self.folder / name, LARGEST))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) else None

    def put(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a small file of the folder by a whole new one."""
        with self._temporary() as temporary:
            create(temporary, json.dumps(content).encode() + b"\n", 0o600)
            temporary.replace(self.folder / name)

    def tokens(self, suffix: str) -> list[str]:
        """Return who has a file with this suffix."""
        if not self.exists():
            return []
        names = [name[: -len(suffix)] for name in self._names() if name.endswith(suffix)]
        return [name for name in names if _is_token(name)]

    def forget_others(self, token: str) -> None:
        """Remove what tells that other owners live."""
        for other in self.tokens(".beat"):
            if other != token:
                self.unlink(f"{other}.beat")

    def _names(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()]

    def unlink(self, name: str) -> None:
        """Remove a file of the folder that may be gone already."""
        (self.folder / name).unlink(missing_ok=True)


def _parsed(data: bytes) -> dict[str, Any] | None:
    """Return what a version says, None if it is something else."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not _is_token(content.get("token")):
        return None
    numbers = (content.get("version"), content.get("epoch"))
    return content if all(_whole(number) and number > 0 for number in numbers) else None


def _is_token(value: object) -> bool:
    """Tell whether a value can be the token of an owner; it is part of a file's name."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _beat(content: Mapping[str, Any]) -> int:
    beat = content.get("beat")
    return beat if _whole(beat) else 0
