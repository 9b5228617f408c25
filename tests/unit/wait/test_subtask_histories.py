# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any history of a subtask: its job is never ready without an answer that speaks for it.

What must be so is written from the design and not from the code, and looks at the whole history each time.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import judge_jobs
from ansible_collections.cutover.drs.tests.unit.builders import CAUGHT_UP, A, C, entry, reading
from ansible_collections.cutover.drs.tests.unit.wait.test_subtasks import Service, jobs_of, read, rules

OVER = {"RELEASE_CHILD_TRANSFER_COMPLETE", "RELEASE_RESOURCE_COMPLETE", "DELETED"}
SUCCEEDED = {"CHILD_TRANSFER_COMPLETE", "RELEASE_CHILD_TRANSFER_STARTED", "RELEASE_CHILD_TRANSFER_COMPLETE"}
OTHERS = ["CHILD_TRANSFER_STARTED", "CHILD_TRANSFER_FAILED", CAUGHT_UP, "BRAND_NEW"]


@dataclass(frozen=True)
class Said:
    """What one sample says of the subtask: the list, batch-status and batch-progress; None for nothing."""

    listed: str | None
    status: str | None
    progress: str | None

    @property
    def all(self) -> set[str]:
        return {said for said in (self.listed, self.status, self.progress) if said}


ONE = st.one_of(st.none(), st.sampled_from(sorted(OVER | SUCCEEDED) + OTHERS))
# The three mostly agree, or nothing would ever be ready.
SAID = st.one_of(ONE.map(lambda status: Said(status, status, status)), st.builds(Said, ONE, ONE, ONE))


NOTHING = Said(None, None, None)
BEGINS = Said(*["CHILD_TRANSFER_STARTED"] * 3)


def was_seen_complete(history: list[Said]) -> bool:
    # By the list, or by both operations, of which one may not have it.
    by_operations = [{said.status, said.progress} - {None} for said in history]
    return any(said.listed in SUCCEEDED for said in history) or any(
        len(each) == 1 and each <= SUCCEEDED for each in by_operations
    )


def absent_at_the_end(history: list[Said]) -> int:
    return next((number for number, said in enumerate(reversed(history)) if said.all), len(history))


def heard(history: list[Said], max_missing: int) -> list[Said]:
    """The history without what nobody asks: the operations, of a subtask that is over or gone and in no list."""
    known: list[Said] = []
    asked = True
    for said in history:
        asked = asked or bool(said.listed and said.listed not in OVER)
        known.append(said if asked else Said(said.listed, None, None))
        if not asked:
            continue
        running = not {said.status, said.progress} <= {None, *OVER}
        gone = absent_at_the_end(known) > max(1, max_missing)
        over = bool(said.all & OVER) and not running and said.listed in (None, *OVER)
        # As long as the two contradict each other, they are asked again.
        asked = not (gone or (over and len({said.status, said.progress} - {None}) < 2))
    return known


def may_be_ready(history: list[Said], max_missing: int) -> bool:
    now = history[-1]
    if not now.all:
        absent = absent_at_the_end(history)
        before = history[: len(history) - absent]
        return absent > max(1, max_missing) or was_seen_complete(before)
    if now.status == now.progress == CAUGHT_UP:
        return now.listed in (None, CAUGHT_UP)
    # Over by an answer, and no operation contradicts it.
    return was_seen_complete(history) and bool(now.all & OVER) and {now.status, now.progress} <= {None, *OVER}


@given(st.lists(SAID, min_size=1, max_size=9), st.integers(0, 3))
@example([NOTHING], 3)
@example([Said(*["CHILD_TRANSFER_FAILED"] * 3), Said(*["RELEASE_RESOURCE_COMPLETE"] * 3), NOTHING], 0)
@example([Said(None, "DELETED", "RELEASE_CHILD_TRANSFER_COMPLETE"), NOTHING], 0)
@example([Said(None, CAUGHT_UP, CAUGHT_UP), Said("DELETED", CAUGHT_UP, CAUGHT_UP)], 3)
def test_no_job_is_ready_without_an_answer_that_speaks_for_its_subtask(history: list[Said], max_missing: int) -> None:
    by_rules = rules(max_missing=max_missing)
    service, jobs = Service(reading()), jobs_of([A], by_rules)
    history = [BEGINS, *history]
    for number, said in enumerate(history, start=1):
        service.listed = [entry(A, children=(entry(C, status=said.listed),) if said.listed else ())]
        service.jobs[C] = reading(
            C, said.status, transfer_status=said.progress, found=(bool(said.status), bool(said.progress))
        )
        (job,) = judge_jobs([read(service, jobs)[A]], by_rules, held=False)
        if job.ready:
            assert may_be_ready(heard(history[:number], max_missing), max_missing)
        # And it is ready again as soon as everything speaks for it.
        assert job.ready or said.all != {CAUGHT_UP} or None in (said.listed, said.status, said.progress)
