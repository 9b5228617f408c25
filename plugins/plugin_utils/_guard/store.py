# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the journal of a cutover: a few operations that a file and a database both have.

The pure core decides; a store only compares and sets. Whoever wins a compare-and-set acts, the other one does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .bounded import BoundedStore

# Bytes of a journal; whatever is larger is not one.
LARGEST = 1 << 20


@dataclass(frozen=True)
class Held:
    """What a store holds of one journal.

    ``version`` rises with each change, ``epoch`` with each owner, ``beat`` with each renewal. ``token`` is the random
    hex of the owner that made this version; empty if it lost the journal to one with other jobs. ``age`` is seconds
    since the last renewal or change by the store's own clock, None for a store without one.
    """

    document: Mapping[str, Any]
    version: int
    token: str
    epoch: int
    beat: int
    age: float | None


@dataclass(frozen=True)
class Acknowledgement:
    """What a watch said: it has rehearsed the unfreeze. ``beat`` and ``age`` are as in :class:`Held`."""

    token: str
    document: Mapping[str, Any]
    beat: int
    age: float | None


class StoreError(Exception):
    """The store cannot be reached, read or written; the text is a sentence for people. A write may have taken place."""


class LostError(Exception):
    """Another owner has the journal, or somebody was faster."""


class BusyError(Exception):
    """A job is held by a journal of other jobs, which lives or is frozen; ``document`` is that journal."""

    def __init__(self, message: str, document: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.document = document


class Store(Protocol):
    """One journal. Everything here may raise :class:`StoreError`; a write that did may have taken place all the same.

    ``name`` is what people call it: the path, or the URL without its password.
    """

    name: str

    def read(self) -> Held | None:
        """Return the newest version; None if there is no journal."""

    def ensure_free(self) -> None:
        """Raise :class:`BusyError` if :meth:`take` would, and change nothing."""

    def take(self, document: Mapping[str, Any], token: str, after: Held | None) -> Held:
        """Make ``token`` the owner, if ``after`` is still the newest in version and beat (None: if there is no journal).

        Raises :class:`LostError`, and :class:`BusyError` where a store sees the journals of other jobs.
        """

    def replace(self, document: Mapping[str, Any], after: Held) -> Held:
        """Store the owner's next version. Raises :class:`LostError` if ``after`` is not the newest."""

    def renew(self, held: Held) -> Held:
        """Tell that the owner lives. Raises :class:`LostError` if it is not the owner any more."""

    def acknowledge(self, token: str, document: Mapping[str, Any]) -> None:
        """Tell, again and again, that the watch ``token`` lives and has rehearsed the unfreeze."""

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """Return what each watch said last."""

    def remove(self, held: Held) -> None:
        """Remove the journal of a run that never froze anything. Raises :class:`LostError`."""

    def release(self, held: Held) -> None:
        """Tidy up what only a living cutover needs; nothing if ``held`` is not the owner any more."""


def unusable(name: str, verb: str, error: object) -> str:
    """Say that a journal cannot be read, written or used, and why. An error that names the journal says so itself."""
    return str(error) if name in str(error) else f"The journal {name} cannot be {verb}: {error}"


def is_database(journal: str) -> bool:
    """Tell whether ``drs_cutover_journal`` is the URL of a database, and not a path."""
    return "://" in journal


def open_store(journal: str, jobs: Sequence[str]) -> BoundedStore:
    """Return the store that ``drs_cutover_journal`` names: a database for a URL, else a file.

    Nothing is read or written yet. Raises :class:`StoreError` for a URL that cannot be used, or a missing package.
    """
    from .bounded import bounded

    if is_database(journal):
        from .journal_database import DatabaseStore

        return bounded(DatabaseStore(journal, jobs))
    from .journal_file import FileStore

    return bounded(FileStore(journal))
