# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""However long the wait, however many jobs, and whatever the service sends: few lines, short and plain."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Sample
from ansible_collections.cutover.drs.plugins.module_utils._wait.lines import MOST_LINES
from ansible_collections.cutover.drs.plugins.module_utils._wait.observer import Observer
from ansible_collections.cutover.drs.plugins.module_utils._wait.screen import WIDEST
from ansible_collections.cutover.drs.tests.unit.builders import (
    NOON,
    A,
    B,
    caught_up,
    failed_poll,
    reading,
    sample,
)

WEEKS = 10_000_000


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def assert_plain(lines: list[str]) -> None:
    assert len(lines) <= MOST_LINES == 500
    for line in lines:
        assert columns(line) <= WIDEST == 160
        assert line.isprintable()
        line.encode("utf-8")


@pytest.mark.thorough
def test_a_wait_of_100_000_polls_with_a_change_at_each_is_500_lines_and_the_last_is_the_verdict() -> None:
    said: list[str] = []
    observer = Observer(1, caught_up(timeout=WEEKS, stall_after=WEEKS), NOON, said.append)
    for number in range(100_000):
        observer.observe(sample(number * 30, reading(A, "PAUSING" if number % 2 else "CREATING", delay=None)))
    observer.observe(sample(WEEKS, reading(A, "PAUSING")))
    observer.ending()
    assert_plain(said)
    assert len(said) == 500
    assert said[-2].endswith("QUIET limit of 500 lines reached; only the end follows")
    assert " VERDICT timeout ready=0/1 job=9a47..jb21 PAUSING " in said[-1]


def test_a_quiet_wait_of_weeks_still_has_heartbeats_at_its_end() -> None:
    said: list[str] = []
    observer = Observer(1, caught_up(timeout=WEEKS, stall_after=WEEKS), NOON, said.append)
    for ended in range(0, 14 * 86400, 60):
        observer.observe(sample(ended, reading(A, delay=900)))
    assert_plain(said)
    assert len(said) < 450
    assert said[-1].split()[2].startswith("+13d")


def test_a_thousand_jobs_that_change_at_once_are_five_lines_and_a_count() -> None:
    ids = [f"{number:08}-job" for number in range(1000)]
    said: list[str] = []
    observer = Observer(len(ids), caught_up(), NOON, said.append)
    observer.observe(Sample(0, 0, NOON, tuple(reading(each, delay=int(each[:8])) for each in ids)))
    assert said[1].endswith("CHANGE 00000999-job INCRE_TRANSFER_STARTED delay=999s hold=delay")
    assert said[5].endswith("CHANGE 00000995-job INCRE_TRANSFER_STARTED delay=995s hold=delay")
    assert said[6].endswith("CHANGE and 995 more jobs: in_progress=994 ready=1 hold=delay")
    assert len(said) == 7


def test_a_thousand_ids_that_look_alike_when_shortened_are_shown_whole() -> None:
    ids = [f"9a47{number:04}-2308-4bb5-a6bc-1040402fjb21" for number in range(1000)]
    said: list[str] = []
    observer = Observer(len(ids), caught_up(), NOON, said.append)
    observer.observe(Sample(0, 0, NOON, tuple(reading(each, "PAUSING") for each in ids)))
    assert len({line.split()[4] for line in said[1:6]}) == 5
    assert said[1].split()[4] in ids


def test_a_line_that_is_too_long_keeps_what_holds_the_job() -> None:
    said: list[str] = []
    observer = Observer(1, caught_up(), NOON, said.append)
    parts = {f"part-{number}": {"progress": 5} for number in range(99)}
    observer.observe(sample(0, reading(A, "FULL_TRANSFER_STARTED", delay=None, parts=parts)))
    assert len(said[1]) <= 160
    assert said[1].endswith(" part-7=5 hold=wrong_phase")


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "two\nlines",
    "back\rto the start",
    "\u202eright to left",
    "\u2066isolate\u2069",
    "\ud800",
    "\x9b31m",
    "\x00\x08\x7f",
    "\u2028line separator",
    "\u200bzero width",
    "数据库同步失败" * 40,
    "🔥" * 200,
    "x" * 100_000,
    "hold=" + "x" * 400,
    "e\u0301" * 300,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_a_hostile_text_reaches_no_line_raw(text: str) -> None:
    said: list[str] = []
    rules = caught_up(max_errors=9, timeout=300, hold_file=text)
    # An id of the user holds no control characters, but may well hold these.
    ids = [A, "\u202e\u200bid", B]
    observer = Observer(len(ids), rules, NOON, said.append)

    def seen(ended: float, *readings: Any, held: bool = False) -> None:
        observer.observe(sample(ended, *readings, held=held))

    odd = {"task_mode": text, "parts": {text: {"progress": 5}}, "error_code": text, "error_message": text}
    ready = [reading(each) for each in ids]
    seen(0, *ready)
    seen(10, *(reading(each, text, error=(text, text), delay=None, **odd) for each in ids))
    seen(20, *(reading(each, transfer_status=text, delay=None, **odd) for each in ids))
    seen(30, *ready)
    observer.observe(failed_poll(40, text))
    seen(50, *ready, held=True)
    seen(300, *(reading(each, text, error=(text, text), **odd) for each in ids), held=True)
    observer.ending()
    assert_plain(said)
    assert " VERDICT " in said[-1]
    assert any(" hold=" in line for line in said)


@given(st.text(alphabet=st.characters(exclude_categories=()), min_size=1))
def test_any_status_and_message_gives_plain_lines(text: str) -> None:
    said: list[str] = []
    observer = Observer(1, caught_up(timeout=10), NOON, said.append)
    observer.observe(sample(0, reading(A, text, error=(text, text))))
    observer.observe(sample(10, reading(A, text, error=(text, text))))
    observer.ending()
    assert_plain(said)
