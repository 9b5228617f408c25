# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal as its owner has it: what a store has taken counts, and a journal that another owner has taken is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...module_utils._cutover import journal_json
from ...module_utils._cutover.journal import Journal
from .bounded import BoundedStore
from .lease import Lease, since_boot
from .store import Held, LostError, StoreError

_LOST = "another owner has taken the journal"


class OwnedJournal:
    """The journal of one cutover in the hands of its guard."""

    def __init__(
        self, store: BoundedStore, held: Held, journal: Journal, lease: Lease, *, now: Callable[[], float]
    ) -> None:
        """``now`` gives epoch seconds on a clock that goes on."""
        self._store = store
        self._held = held
        self.journal = journal
        self.lease = lease
        self._now = now
        # Whether another owner has taken it: then nothing is written and nothing goes on.
        self.lost = False
        # Whether the store may have something else, as after a write that failed: it may have taken place all the same.
        self._unwritten = False
        store.seconds = max(1.0, min(5.0, lease.seconds / 6))

    def keep(self, journal: Journal) -> str:
        """Make it the next version; why that failed, empty if it did not."""
        if self.lost:
            return _LOST
        if journal == self.journal and not self._unwritten:
            return ""
        return self._write(journal)

    def believe(self, journal: Journal) -> None:
        """Act on a journal that could not be written; it is written as soon as that is possible."""
        self.journal = journal
        self._unwritten = True

    def renew(self) -> str:
        """Renew the lease if it is time, and write what could not be written; why that failed, empty if it did not."""
        began = since_boot()
        if self.lost or not self.lease.due(began):
            return ""
        self.lease.tried(began)
        if self._unwritten:
            return self._write(self.journal)
        return self._tried(lambda: self._store.renew(self._held))

    def _write(self, journal: Journal) -> str:
        document = journal_json.encode(journal, self._now())
        problem = self._tried(lambda: self._store.replace(document, self._settled()))
        self._unwritten = bool(problem)
        if not problem:
            self.journal = journal
        return problem

    def _tried(self, change: Callable[[], Held]) -> str:
        began = since_boot()
        try:
            self._held = change()
        except LostError:
            self.lost = True
            return _LOST
        except StoreError as error:
            return str(error)
        self.lease.renewed(began)
        return ""

    def _settled(self) -> Held:
        """Return what the store has of this owner, also after a write of which nobody knows whether it took place."""
        if not self._unwritten:
            return self._held
        found = self._store.read()
        if found is None:
            raise StoreError(f"{self._store.name} is gone")
        if found.token != self._held.token:
            raise LostError
        self._held = found
        return found

    def read(self) -> Journal | None:
        """Return what the store has now, of whoever owns it; None if nobody can read it."""
        try:
            found = self._store.read()
            return None if found is None else journal_json.decode(found.document)
        except (StoreError, ValueError):
            return None

    def remove(self) -> None:
        """Leave no journal of a run that never froze anything."""
        with suppress(StoreError, LostError):
            self._store.remove(self._held)

    def release(self) -> None:
        """Tidy up what only a living cutover needs."""
        with suppress(StoreError, LostError):
            self._store.release(self._held)
