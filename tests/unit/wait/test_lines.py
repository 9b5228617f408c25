# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a wait, as a person sees them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import FailedPoll, Observation, Sample
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Rules
from ansible_collections.cutover.drs.plugins.module_utils._job.text import duration
from ansible_collections.cutover.drs.plugins.module_utils._wait.lines import ShortIds
from ansible_collections.cutover.drs.plugins.module_utils._wait.observer import Observer
from ansible_collections.cutover.drs.plugins.module_utils._wait.screen import Screen
from ansible_collections.cutover.drs.tests.unit.builders import (
    NOON,
    A,
    B,
    C,
    caught_up,
    failed_poll,
    reading,
    sample,
)

FULL: dict[str, Any] = {"status": "FULL_TRANSFER_STARTED", "delay": None}


def lines_of(
    rules: Rules, *seen: Observation, ids: tuple[str, ...] = (A, B, C), label: str = "", width: int = 160
) -> list[str]:
    """All lines of a wait, without what all of them begin with."""
    said: list[str] = []
    observer = Observer(len(ids), rules, NOON, said.append, screen=Screen(label, width=lambda: width))
    for observation in seen:
        observer.observe(observation)
    observer.ending()
    assert all(line.startswith("drs_wait ") for line in said)
    assert all(len(line) <= width for line in said)
    return [line.removeprefix("drs_wait ") for line in said]


def throttled(ended: float) -> FailedPoll:
    failure = {"kind": "throttled", "http_status": 400, "error_code": "DRS.M01503"}
    return FailedPoll(ended, ended, NOON + ended, "Too often.", failure)


def all_caught_up(ended: float, **options: Any) -> Sample:
    return sample(ended, reading(A), reading(B), reading(C), **options)


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (caught_up(), "START jobs=3 goal=caught_up max_delay=0s stable=3x/60s timeout=1h"),
        (Rules(), "START jobs=3 goal=auto max_delay=0s stable=3x/60s timeout=1h"),
        (
            Rules(goal=Goal.CAUGHT_UP, max_delay=5, stable_samples=1, stable_for=0.5, timeout=93600),
            "START jobs=3 goal=caught_up max_delay=5s stable=1x/0.5s timeout=1d2h",
        ),
        (caught_up(timeout=0), "START one sample jobs=3 goal=caught_up max_delay=0s"),
        (Rules(goal=Goal.FULL_COMPLETE), "START jobs=3 goal=full_complete timeout=1h"),
        (Rules(goal=Goal.STOPPED, timeout=0), "START one sample jobs=3 goal=stopped"),
    ],
)
def test_the_first_line_tells_what_is_waited_for(rules: Rules, line: str) -> None:
    assert lines_of(rules)[0] == f"12:00:00Z +0s {line}"


def test_each_job_gets_a_line_when_it_is_seen_first_and_the_worst_comes_first() -> None:
    parts = {"struct": {"progress": 100}, "data": {"progress": 63}, "index": {"progress": None}}
    first = sample(
        0.4,
        reading(A),
        reading(B, delay=500),
        reading(C, progress=63, remaining_time=720, parts=parts, **FULL),
    )
    copying = "FULL_TRANSFER_STARTED 63% struct=100 data=63 index=None eta=12m"
    assert lines_of(caught_up(), first)[1:4] == [
        f"12:00:00Z +0s CHANGE 2483..b101 {copying} hold=wrong_phase",
        "12:00:00Z +0s CHANGE dc67..jb21 INCRE_TRANSFER_STARTED delay=500s hold=delay",
        "12:00:00Z +0s CHANGE 9a47..jb21 INCRE_TRANSFER_STARTED delay=0s ready",
    ]


CHANGES: list[tuple[Any, Any, str]] = [
    (reading(A, "PAUSING", delay=None), reading(A), "INCRE_TRANSFER_STARTED delay=0s ready"),
    (reading(A), reading(A, "PAUSING", delay=None), "PAUSING 100% hold=wrong_phase"),
    (reading(A), reading(A, found=(True, False)), "INCRE_TRANSFER_STARTED hold=not_found"),
    (reading(A), reading(A, found=(False, False)), "missing hold=not_found"),
    (reading(A), reading(A, status=None), "unknown delay=0s hold=unknown_status"),
    (reading(A), reading(A, "BRAND_NEW"), "BRAND_NEW delay=0s hold=unknown_status"),
    (reading(A), reading(A, delay=3), "INCRE_TRANSFER_STARTED delay=3s hold=delay"),
    (
        reading(A),
        reading(A, error=("DRS.M05011", "Text.")),
        "INCRE_TRANSFER_STARTED delay=0s DRS.M05011 hold=error_reported",
    ),
    (reading(A), reading(A, error_code="DRS.M05012"), "INCRE_TRANSFER_STARTED delay=0s DRS.M05012 hold=error_reported"),
    # Another tenth of the full phase.
    (reading(A, progress=9, **FULL), reading(A, progress=10, **FULL), "FULL_TRANSFER_STARTED 10% hold=wrong_phase"),
]


@pytest.mark.parametrize(("before", "after", "shown"), CHANGES)
def test_a_change_of_status_holds_or_a_tenth_of_progress_is_a_line(before: Any, after: Any, shown: str) -> None:
    lines = lines_of(caught_up(), sample(0, before), sample(30, after), ids=(A,))
    assert [line for line in lines[2:] if " CHANGE " in line] == [f"12:00:30Z +30s CHANGE 9a47..jb21 {shown}"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (reading(A, delay=412), reading(A, delay=3)),
        (reading(A, progress=60, **FULL), reading(A, progress=69, **FULL)),
        (reading(A), reading(A, remaining_time=10)),
    ],
)
def test_a_smaller_change_is_no_line(before: Any, after: Any) -> None:
    lines = lines_of(caught_up(), sample(0, before), sample(30, after), ids=(A,))
    assert [line.split()[2] for line in lines if " ALIVE " not in line] == ["START", "CHANGE", "VERDICT"]


@pytest.mark.parametrize(
    ("by", "shown"),
    [
        (-1, "opens about 12:09:20Z timeout_in=58m job=9a47..jb21 delay=380s falling drain=6m20s"),
        (0, "timeout_in=58m job=9a47..jb21 delay=500s steady"),
        (1, "timeout_in=58m job=9a47..jb21 delay=620s not-converging"),
    ],
)
def test_a_job_with_a_trend_tells_when_it_would_be_done(by: int, shown: str) -> None:
    seen = [sample(end, reading(A, delay=500 + by * end)) for end in range(0, 301, 30)]
    assert lines_of(caught_up(), *seen, ids=(A,))[4:-1] == [
        f"12:02:00Z +2m ALIVE ready=0/1 streak=0/3 {shown} hold=delay"
    ]


def test_when_the_gate_opens_is_told_if_each_of_several_jobs_has_an_estimate() -> None:
    def both(end: int, other: int | None) -> Sample:
        return sample(end, reading(A, delay=500 - end), reading(B, delay=other))

    def last(other: int) -> str:
        seen = [both(end, other - 2 * end if other > 500 else other) for end in range(0, 130, 30)]
        return lines_of(caught_up(), *seen, ids=(A, B))[-2]

    # 380 s until the last of them is there, and the streak of 60 s.
    assert " opens about 12:09:20Z timeout_in=58m worst=" in last(900)
    assert "opens about" not in last(400)


def test_two_jobs_of_one_name_are_told_apart_by_their_ids() -> None:
    lines = lines_of(caught_up(), sample(0, reading(A, name="orders"), reading(B, name="orders")), ids=(A, B))
    assert [line.split()[3] for line in lines[1:3]] == ["9a47..jb21", "dc67..jb21"]


@pytest.mark.parametrize(("name", "shown"), [("orders", "orders"), ("n" * 50, "n" * 50), ("n" * 99, f"{'n' * 57}...")])
def test_the_name_of_a_job_is_told_and_cut_if_no_job_can_have_it(name: str, shown: str) -> None:
    lines = lines_of(caught_up(), sample(0, reading(A, delay=9, name=name)), ids=(A,))
    assert lines[1].endswith(f"CHANGE {shown} 9a47..jb21 INCRE_TRANSFER_STARTED delay=9s hold=delay")


BEATS: list[tuple[str, dict[int, int], list[str]]] = [
    ("far from the goal", dict.fromkeys(range(0, 1200, 30), 900), ["+30s", "+1m", "+2m", "+7m", "+12m", "+17m"]),
    ("near it", dict.fromkeys(range(0, 200, 5), 60), ["+15s", "+45s", "+1m45s", "+2m45s"]),
    # A delay that halved or doubled is worth a line before the next heartbeat.
    ("halved", {end: 900 if end < 240 else 440 for end in range(0, 330, 30)}, ["+30s", "+1m", "+2m", "+4m"]),
]


@pytest.mark.parametrize(("delays", "beats"), [case[1:] for case in BEATS], ids=[case[0] for case in BEATS])
def test_heartbeats_come_soon_at_first_and_then_as_often_as_it_matters(
    delays: dict[int, int], beats: list[str]
) -> None:
    lines = lines_of(caught_up(), *(sample(end, reading(A, delay=delay)) for end, delay in delays.items()), ids=(A,))
    alive = [line for line in lines if "ALIVE" in line]
    assert [line.split()[1] for line in alive] == beats


def test_while_the_streak_is_building_a_heartbeat_tells_how_far_it_is() -> None:
    seen = [all_caught_up(end) for end in range(0, 91, 30)]
    assert lines_of(caught_up(stable_for=300), *seen)[-2] == (
        "12:01:00Z +1m ALIVE ready=3/3 streak=3/3 stable=60s/300s opens about 12:05:00Z timeout_in=59m hold=streak"
    )


def test_while_polls_fail_a_heartbeat_tells_that() -> None:
    seen = [sample(0, reading(A)), *(throttled(end) for end in range(100, 500, 100))]
    beats = [line for line in lines_of(caught_up(), *seen, ids=(A,)) if "ALIVE" in line]
    assert beats == ["12:05:00Z +5m ALIVE unread=1/1 streak=0/3 timeout_in=55m errors=3/5 hold=unread"]


def test_a_streak_that_is_broken_is_a_line_with_the_reason() -> None:
    lines = lines_of(
        caught_up(hold_file="/h"),
        all_caught_up(0),
        all_caught_up(30),
        throttled(40),
        all_caught_up(45),
        all_caught_up(50, held=True),
        all_caught_up(60),
        all_caught_up(160),
        failed_poll(170),
    )
    assert [line for line in lines if "RESET" in line] == [
        "12:00:40Z +40s RESET streak 2->0 throttled DRS.M01503 errors=1/5 Too often.",
        "12:00:50Z +50s RESET streak 1->0 9a47..jb21 hold_file",
        "12:02:40Z +2m40s RESET streak 1->0 gap of 100 s between samples, allowed 90 s",
        "12:02:50Z +2m50s RESET streak 1->0 network errors=1/5 It broke.",
    ]


HERE, LATER = "mysql-bin.000012:500", "mysql-bin.000012:62500"


def test_the_source_s_position_and_whether_it_moved_is_on_heartbeats_and_on_the_last_line() -> None:
    positions = {0: HERE, 30: LATER, 60: LATER, 90: LATER}
    seen = [sample(at, reading(A, src_offset=position)) for at, position in positions.items()]
    lines = lines_of(caught_up(stable_for=90), *seen, ids=(A,))
    alive = [line for line in lines if "ALIVE" in line]
    assert "src=mysql-bin.000012:62500 moved hold=streak" in alive[0]
    assert "src=mysql-bin.000012:62500 unmoved=30s hold=streak" in alive[1]
    assert "VERDICT ready" in lines[-1]
    assert lines[-1].endswith("src=mysql-bin.000012:62500 unmoved=60s")


def test_of_several_jobs_the_position_of_the_least_quiet_one_is_told() -> None:
    seen = [
        sample(at, reading(A, src_offset=HERE), reading(B, src_offset=position), reading(C))
        for at, position in ((0, HERE), (60, LATER), (61, LATER))
    ]
    assert lines_of(caught_up(), *seen)[-1].endswith("quiet=2/3 least=dc67..jb21 src=mysql-bin.000012:62500 unmoved=1s")


def test_a_source_that_is_written_to_is_told_with_its_position_at_once() -> None:
    seen = [sample(at, reading(A, src_offset=position)) for at, position in ((0, HERE), (30, LATER))]
    lines = lines_of(caught_up(require_quiet=True), *seen, ids=(A,))
    assert "12:00:30Z +30s CHANGE 9a47..jb21 INCRE_TRANSFER_STARTED delay=0s hold=writes" in lines
    assert any(line.endswith("delay=0s src=mysql-bin.000012:62500 moved hold=writes") for line in lines)


def test_of_a_long_position_its_end_is_told_which_is_what_moves() -> None:
    gtids = ", ".join(f"3e11fa47-71ca-11e1-9e33-c80aa942{number:04x}:1-77" for number in range(40))
    seen = [sample(at, reading(A, src_offset=gtids)) for at in (0, 30, 60)]
    assert lines_of(caught_up(), *seen, ids=(A,))[-1].endswith(f"src=...{gtids[-40:]} unmoved=60s")


def test_a_stall_is_a_line() -> None:
    seen = [sample(end, reading(A, "PAUSING")) for end in range(0, 1201, 30)]
    lines = lines_of(caught_up(stall_after=600), *seen, ids=(A,))
    worst = "job=9a47..jb21 delay=0s hold=wrong_phase"
    assert [line for line in lines if "STALL" in line] == [
        f"12:10:00Z +10m STALL nothing moved for 10m ready=0/1 streak=0/3 timeout_in=50m {worst}",
        f"12:20:00Z +20m STALL nothing moved for 20m ready=0/1 streak=0/3 timeout_in=40m {worst}",
    ]


def test_the_last_line_is_the_verdict() -> None:
    assert lines_of(caught_up(), *(all_caught_up(end, took=1) for end in (0, 30, 62)))[-1] == (
        "12:01:02Z +1m2s VERDICT ready jobs=3 streak=3x/61s valid_until=12:02:01Z"
    )
    assert lines_of(caught_up(timeout=0), sample(0, reading(A), reading(B, "PAUSING"), reading(C)))[-1] == (
        "12:00:00Z +0s VERDICT timeout ready=2/3 worst=dc67..jb21 PAUSING delay=0s hold=wrong_phase "
        "to do: resume the job in the console"
    )
    assert lines_of(caught_up(max_errors=0), throttled(0))[-1] == (
        "12:00:00Z +0s VERDICT error unread=3/3 1 consecutive failed polls, allowed 0. Last failure: Too often. "
        "to do: raise interval, or lower parallel"
    )


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (-3, "0s"),
        (0.4, "0s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (60, "1m"),
        (330, "5m30s"),
        (3600, "1h"),
        (3601, "1h1s"),
        (7323, "2h2m"),
        (86399.9, "1d"),
        (273600, "3d4h"),
        (90000000, "1041d16h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_ids_are_shortened_where_that_still_tells_them_apart() -> None:
    like_a = f"{A[:8]}-another-{A[-4:]}"
    shown = {
        A: A,
        B: "dc67..jb21",
        like_a: like_a,
        "short-id-12c": "short-id-12c",
        "thirteen-char": "thir..char",
    }
    names = ShortIds(list(shown))
    assert {job_id: names[job_id] for job_id in shown} == shown


def test_a_short_id_that_looks_like_a_shortened_one_leaves_that_whole() -> None:
    names = ShortIds([A, "9a47..jb21"])
    assert (names[A], names["9a47..jb21"]) == (A, "9a47..jb21")


def test_a_failed_poll_is_a_reset_where_there_was_a_streak_and_else_an_error() -> None:
    seen = [failed_poll(0), sample(30, reading(A)), failed_poll(60)]
    lines = [line for line in lines_of(caught_up(), *seen, ids=(A,))[:-1] if "errors=" in line]
    assert [line.split(" ", 2)[2] for line in lines] == [
        "ERROR network errors=1/5 It broke.",
        "RESET streak 1->0 network errors=1/5 It broke.",
    ]
