# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A look at a journal from outside: whether its owner lives, and which watches do. It writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from math import isfinite

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
    observer, began = Observer(), now()
    of_watches: dict[str, Observer] = {}
    while True:
        held = store.read()
        if held is None:
            return None
        journal = journal_json.decode(held.document)
        lease, looked = journal.plan.lease, now() - began
        rose, age = observer.rose(held), observer.age(held, now())
        gone = journal.owner is not None and alive.gone(journal.owner.guard)
        ended = journal.outcome is not None
        watches: list[tuple[Acknowledgement, float]] = []
        for said in () if ended else store.acknowledgements():
            if said.document.get("cutover") == journal.plan.cutover:
                of_watch = of_watches.setdefault(said.token, Observer())
                of_watch.age(said, now())
                watches.append((said, of_watch.longest_age(said, now())))
        # By then nothing was heard for a whole lease.
        known = ended or gone or rose or held.age is not None or looked >= lease
        if known and (all(isfinite(silent) for _said, silent in watches) or looked >= _SPEAKS * pace(lease)):
            lives = not (ended or gone) and age < lease
            living = [said.document for said, silent in watches if silent < lease]
            told = tuple((str(watch.get("by", "")), watch.get("reason")) for watch in living)
            return journal, Outside(time.time(), lives, None if gone else age, told)
        sleep(_PAUSE)


def of_more_jobs(error: BusyError) -> str:
    """Say which cutover has one of the jobs that somebody named, and what to do."""
    with suppress(ValueError):
        other = journal_json.decode(error.document)
        jobs = ", ".join(other.plan.jobs)
        return (
            f"A cutover of {jobs} has one of these jobs, and is in the stage {other.stage}{since(other)}. Set drs_cutover_jobs "
            "to all of its jobs."
        )
    return "Another cutover has one of these jobs. Set drs_cutover_jobs to all of its jobs."
