# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a comparison that began after a moment, with time by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.comparisons import CompareKind, Page
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._wait import comparing
from ansible_collections.cutover.drs.plugins.module_utils._wait.comparing import (
    known_comparisons,
    wait_for_comparisons,
)
from ansible_collections.cutover.drs.tests.unit.builders import HandClock
from ansible_collections.cutover.drs.tests.unit.service.test_comparisons import JOB, Told, database, service, task

OPTIONS = {"jobs": [JOB]}
OLD = {JOB: ["rows-old"]}
Body = dict[str, Any]


class Service:
    """Knows from poll to poll what a test says; the last for ever. An error is what the service answers then."""

    def __init__(self, *known: Body | DrsError) -> None:
        self._known = known
        self.polls = 0

    def compare_result(
        self, job_id: str, fields: Mapping[str, Any], parse: Callable[[object], Page], until: float | None = None
    ) -> Page:
        if "line_compare_id" not in fields and "content_compare_id" not in fields:
            self.polls += 1
        now = self._known[min(self.polls, len(self._known)) - 1]
        if isinstance(now, DrsError):
            raise now
        return Told(now).compare_result(job_id, fields, parse, until)


Waited = Callable[..., tuple[dict[str, Any], str, list[str], HandClock]]


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> Waited:
    """Run a wait against these states of the service; what was found, why not, the lines, and the clock."""

    def run(*known: Body | DrsError, kinds: tuple[CompareKind, ...] = (CompareKind.ROWS,), timeout: float = 60) -> Any:
        clock, lines = HandClock(), list[str]()
        monkeypatch.setattr(comparing, "connect", lambda *_given, **_timing: nullcontext(Service(*known)))
        found, refused = wait_for_comparisons(OPTIONS, {}, kinds, OLD, timeout, say=lines.append, clock=clock.clock())
        return found, refused, lines, clock

    return run


def knows(*tasks: Body, **line: Any) -> Body:
    known = service()
    known["tasks"] = list(tasks)
    known["line"].update(line)
    return known


BEFORE = task("rows-old", "lines")
RUNNING, DONE = task("rows-new", "lines", "RUNNING"), task("rows-new", "lines")
LOST = DrsError(Kind.NETWORK, "No connection.")


def test_it_ends_when_a_comparison_that_was_not_known_before_is_consistent(waited: Waited) -> None:
    found, refused, lines, clock = waited(knows(BEFORE), knows(BEFORE, RUNNING), knows(BEFORE, DONE))
    assert (refused, found["consistent"], found["summary"]) == ("", True, "1 of 1 job consistent (rows)")
    assert clock.sleeps == [5, 5]
    assert [line.split(" ", 2)[2] for line in lines] == [
        f"0 of 1 job consistent; {JOB} rows=missing",
        f"0 of 1 job consistent; {JOB} rows=unfinished",
        "1 job consistent",
    ]


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (knows(DONE, overview=[database("INCONSISTENT")]), "rows=inconsistent."),
        (knows(task("rows-new", "lines", "FAILED")), "rows=failed."),
        (knows(DONE, overview=[database("CAN_NOT_COMPARE")]), "rows=incomplete."),
        (knows(DONE, overview=[database(0)]), "rows=unknown."),
    ],
)
def test_anything_that_waiting_cannot_change_ends_it_at_once(waited: Waited, known: Body, why: str) -> None:
    found, refused, _lines, clock = waited(known)
    assert refused == f"Source and target are not known to be equal: 0 of 1 job consistent; {JOB} {why}"
    assert (found["consistent"], clock.sleeps) == (False, [])


@pytest.mark.parametrize("known", [knows(BEFORE), knows(BEFORE, RUNNING)])
def test_it_ends_when_time_is_up_after_a_last_look(waited: Waited, known: Body) -> None:
    _found, refused, _lines, clock = waited(known, timeout=12)
    assert refused.startswith("No consistent comparison within 12 s: 0 of 1 job consistent; ")
    assert clock.sleeps == [5, 5, 2]


def test_values_are_waited_for_while_the_rows_beside_them_are_compared(waited: Waited) -> None:
    values = task("values-new", "contents")
    rows_later = (knows(values, RUNNING), knows(values, DONE))
    found, refused, _lines, _clock = waited(*rows_later, kinds=(CompareKind.VALUES,))
    assert (refused, found["consistent"]) == ("", True)


def test_a_poll_that_fails_is_tried_again_and_too_many_end_it(waited: Waited) -> None:
    found, refused, _lines, _clock = waited(LOST, LOST, knows(DONE))
    assert (refused, found["consistent"]) == ("", True)
    assert waited(LOST, timeout=600)[1] == "The comparisons could not be read. No connection."
    denied = DrsError(Kind.PERMISSION, "Denied.")
    assert waited(denied)[1:3] == ("The comparisons could not be read. Denied.", [])


def test_what_is_known_before_the_freeze_is_every_comparison_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def known(body: Body) -> dict[str, list[str]]:
        monkeypatch.setattr(comparing, "connect", lambda *_given, **_timing: nullcontext(Service(body)))
        return known_comparisons(OPTIONS, {})

    assert known(knows(DONE, BEFORE, task("objects", "object_comparison"))) == {
        JOB: ["objects", "rows-new", "rows-old"]
    }
    assert known(knows()) == {JOB: []}
    with pytest.raises(DrsError, match=r"The list of comparisons of job .* cannot be used"):
        known(knows(BEFORE, BEFORE))
