# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look at a journal from outside: whether its owner lives, and which watches do. It writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from ...module_utils._cutover import journal_json
from ...module_utils._cutover.journal import Journal
from ...module_utils._cutover.status import Outside
from ...module_utils._cutover.wording import since
from . import alive
from .lease import Observer, pace, since_boot
from .store import Acknowledgement, BusyError, Store

_PAUSE = 0.25
# The number of its paces within which a watch that lives speaks.
_SPEAKS = 3


def look(
    store: Store, *, now: Callable[[], float] = since_boot, sleep: Callable[[float], None] = time.sleep
) -> tuple[Journal, Outside] | None:
    """Return the journal, and what it tells of its owner; None if there is no journal.

    A file does not say when it was renewed, so it is watched until it is, for a lease at most. Raises :class:`StoreError`, and
    ValueError for what is not a journal.
    """
    observer, watched, began = Observer(), _Watches(), now()
    while True:
        held = store.read()
        if held is None:
            return None
        journal = journal_json.decode(dict(held.document))
        lease, looked = journal.plan.lease, now() - began
        rose, age = observer.rose(held), observer.age(held, now())
        gone = journal.owner is not None and alive.gone(journal.owner.guard)
        ended = journal.outcome is not None
        watched.see(journal.plan.cutover, () if ended else store.acknowledgements())
        # By then nothing was heard for a whole lease.
        known = ended or gone or rose or held.age is not None or looked >= lease
        if known and (ended or watched.known or looked >= _SPEAKS * pace(lease)):
            lives = not (ended or gone) and age < lease
            return journal, Outside(time.time(), lives, None if gone else age, watched.living(lease))
        sleep(_PAUSE)


def of_more_jobs(error: BusyError) -> str:
    """Say which cutover has one of the jobs that somebody named, and what to do."""
    with suppress(ValueError):
        other = journal_json.decode(dict(error.document))
        jobs = ", ".join(other.plan.jobs)
        return (
            f"A cutover of {jobs} has one of these jobs, and is in the stage {other.stage}{since(other)}. Set drs_cutover_jobs "
            "to all of its jobs."
        )
    return "Another cutover has one of these jobs. Set drs_cutover_jobs to all of its jobs."


class _Watches:
    """What each watch of a cutover said last, and which have said anything since this began to look."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._last: dict[str, Acknowledgement] = {}

    def see(self, cutover: str, said: Iterable[Acknowledgement]) -> None:
        for each in said:
            if each.document.get("cutover") == cutover:
                self._first.setdefault(each.token, each.beat)
                self._last[each.token] = each

    def _lives(self, said: Acknowledgement, lease: float) -> bool:
        return said.beat != self._first[said.token] if said.age is None else said.age < lease

    @property
    def known(self) -> bool:
        """Whether it is known of each whether it lives: a store with a clock says so, of a file only watching tells."""
        return all(said.age is not None or self._lives(said, 0.0) for said in self._last.values())

    def living(self, lease: float) -> tuple[tuple[str, str | None], ...]:
        """Return who each that lives is, and why it could not unfreeze."""
        alive_ones = [said for said in self._last.values() if self._lives(said, lease)]
        return tuple((str(said.document.get("by", "")), said.document.get("reason")) for said in alive_ones)
