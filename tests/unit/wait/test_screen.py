# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines of a wait say on a narrow terminal, of several hosts, of one sample, and when the gate stays shut."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import FailedPoll, Observation
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Rules
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._wait.observer import Observer
from ansible_collections.cutover.drs.plugins.module_utils._wait.screen import Screen, Word, Worth, fitted, wrapped
from ansible_collections.cutover.drs.tests.unit.builders import NOON, A, B, caught_up, reading, sample
from ansible_collections.cutover.drs.tests.unit.wait.test_lines import lines_of

NAME = "orders-of-the-shop"
ALIVE = "+2m ALIVE ready=0/1 streak=0/3"
OPENS_ABOUT = "opens about 12:09:20Z"


def falling(name: str | None = NAME, *, end: int = 120) -> list[Observation]:
    return [sample(at, reading(A, delay=500 - at, name=name)) for at in range(0, end + 1, 30)]


@pytest.mark.parametrize(
    ("width", "name", "line"),
    [
        (160, NAME, f"{ALIVE} {OPENS_ABOUT} timeout_in=58m job={NAME} delay=380s falling drain=6m20s hold=delay"),
        (120, NAME, f"{ALIVE} {OPENS_ABOUT} job={NAME} delay=380s hold=delay"),
        (80, NAME, f"ALIVE job={NAME} delay=380s hold=delay"),
        (80, "orders", f"ALIVE {OPENS_ABOUT} job=orders delay=380s hold=delay"),
        (60, NAME, f"ALIVE job={NAME} hold=delay"),
    ],
)
def test_a_narrow_terminal_gets_less_of_a_line_and_the_name_and_the_hold_last(width: int, name: str, line: str) -> None:
    lines = lines_of(caught_up(), *falling(name), sample(130), ids=(A,), width=width)
    assert lines[4] == f"12:02:00Z {line}"


@pytest.mark.parametrize(("said", "used"), [(200, 160), (160, 160), (80, 80), (0, 40)])
def test_a_line_is_as_wide_as_the_terminal_and_never_wider_than_160_columns(said: int, used: int) -> None:
    assert Screen(width=lambda: said).columns == used


def test_what_a_line_is_about_follows_its_event() -> None:
    lines = lines_of(caught_up(), *falling(), ids=(A,), label="db-07")
    events = [line.split(" [")[0].split(maxsplit=2)[2] for line in lines]
    assert events == ["START", "CHANGE", "ALIVE", "ALIVE", "ALIVE", "VERDICT timeout"]
    assert all("[db-07] " in line for line in lines)
    assert lines[0].startswith("12:00:00Z +0s START [db-07] jobs=1 ")
    assert lines[-1].startswith("12:02:00Z +2m VERDICT timeout [db-07] ready=0/1 ")


def test_a_long_title_takes_a_quarter_of_a_line_and_the_gate_stays() -> None:
    assert Screen("t" * 99, "final").tag == f"[{'t' * 32}..., final]"
    assert Screen("t" * 99, "final", lambda: 80).tag == f"[{'t' * 12}..., final]"
    assert Screen("", "final").tag == "[final]"
    assert Screen().tag == ""


def test_of_several_jobs_the_worst_is_told_by_its_name() -> None:
    seen = [sample(at, reading(A, name="stock"), reading(B, name="orders", delay=9)) for at in (0, 30)]
    alive = lines_of(caught_up(), *seen, ids=(A, B))[3]
    assert " worst=orders dc67..jb21 delay=9s hold=delay" in alive


def test_a_streak_that_is_broken_is_told_by_the_name_of_the_job() -> None:
    seen = [sample(0, reading(A, name="orders")), sample(30, reading(A, name="orders", delay=7))]
    assert "12:00:30Z +30s RESET streak 1->0 orders delay" in lines_of(caught_up(), *seen, ids=(A,))


OPENS: list[tuple[str, Rules, list[Observation], str | None]] = [
    # 380 s until the delay is 0, then a streak of 60 s.
    ("the streak is counted in", caught_up(), falling(), "opens about 12:09:20Z timeout_in=58m "),
    ("samples take time too", caught_up(stable_samples=5, stable_for=0), falling(), "opens about 12:10:20Z "),
    ("an allowed delay is reached earlier", caught_up(max_delay=80), falling(), "opens about 12:08:00Z "),
    ("too late", caught_up(timeout=300), falling(), "opens about 12:09:20Z (too late) timeout_in=3m "),
    ("nobody knows when a person starts it", caught_up(), [sample(60, reading(A, "CONFIGURATION"))], None),
    ("a delay that grows", caught_up(), [sample(at, reading(A, delay=9 + at)) for at in range(0, 121, 30)], None),
    (
        "what is a month away is a guess",
        caught_up(timeout=9e8),
        [sample(at, reading(A, delay=10**9 - at)) for at in range(0, 121, 30)],
        None,
    ),
    (
        "of the full phase only for who waits for that",
        Rules(goal=Goal.FULL_COMPLETE),
        [
            sample(30, reading(A, "FULL_TRANSFER_STARTED", delay=None, progress=50, remaining_time=600))
            for _twice in "ab"
        ],
        "opens about 12:10:30Z ",
    ),
    (
        "nobody knows the delay after the full phase",
        caught_up(),
        [
            sample(30, reading(A, "FULL_TRANSFER_STARTED", delay=None, progress=50, remaining_time=600))
            for _twice in "ab"
        ],
        None,
    ),
]


@pytest.mark.parametrize(("rules", "seen", "shown"), [case[1:] for case in OPENS], ids=[case[0] for case in OPENS])
def test_when_the_gate_opens_is_told_if_it_can_be_known(
    rules: Rules, seen: list[Observation], shown: str | None
) -> None:
    alive = [line for line in lines_of(rules, *seen, ids=(A,)) if " ALIVE " in line][-1]
    assert shown in alive if shown else "opens about" not in alive


def test_one_sample_shows_no_rule_that_it_does_not_ask_for() -> None:
    lines = lines_of(caught_up(timeout=0), sample(0, reading(A)), ids=(A,), label="recheck")
    assert lines[0] == "12:00:00Z +0s START [recheck] one sample jobs=1 goal=caught_up max_delay=0s"
    assert lines[-1] == "12:00:00Z +0s VERDICT ready [recheck] jobs=1 one sample valid_until=12:01:00Z"
    behind = lines_of(caught_up(timeout=0), sample(0, reading(A, delay=9)), ids=(A,))[-1]
    assert behind == (
        "12:00:00Z +0s VERDICT timeout ready=0/1 job=9a47..jb21 delay=9s hold=delay "
        "to do: try again when all jobs have caught up"
    )


def test_a_goal_that_needs_no_streak_shows_none() -> None:
    done = sample(30, reading(A, "FULL_TRANSFER_COMPLETE", delay=None))
    assert lines_of(Rules(goal=Goal.FULL_COMPLETE), done, ids=(A,))[-1] == (
        "12:00:30Z +30s VERDICT ready jobs=1 valid_until=12:01:30Z"
    )


def last_poll(kind: Kind, **options: Any) -> FailedPoll:
    error = DrsError(kind, "It broke.")
    return FailedPoll(60, 60, NOON + 60, str(error), error.failure(), **options)


MORE_TIME = "allow more time (timeout)"
ADVICE: list[tuple[Rules, list[Observation], str]] = [
    (
        caught_up(),
        [sample(0, reading(A, "FULL_TRANSFER_FAILED"))],
        "fix the cause, resume the job in the console, and run again",
    ),
    (
        caught_up(),
        [sample(0, reading(A, "RELEASE_RESOURCE_STARTED"))],
        "find out who stopped the job; its replication must be set up again",
    ),
    (
        caught_up(max_missing=0),
        [sample(0, reading(A, found=(False, False)))],
        "compare the job's id, the project and the region with the console",
    ),
    (
        caught_up(unknown_for=0),
        [sample(0, reading(A, "NEW"))],
        "look at the job in the console, and update this collection",
    ),
    (
        caught_up(hold_file="/tmp/hold", timeout=9),
        [sample(9, reading(A), held=True)],
        "find out who made /tmp/hold, and remove it",
    ),
    (caught_up(), [last_poll(Kind.PERMISSION, final=True)], "check the project id and the permissions of the user"),
    (
        caught_up(timeout=60),
        [sample(0, reading(A)), last_poll(Kind.NETWORK)],
        "check the address, DNS, the proxy and the certificate",
    ),
    (caught_up(timeout=120), falling(), MORE_TIME),
    (caught_up(timeout=60), [sample(at, reading(A)) for at in (30, 60)], MORE_TIME),
    (
        caught_up(timeout=120),
        [sample(at, reading(A, delay=9 + at)) for at in range(0, 121, 30)],
        "reduce the writes on the source, or scale up the job",
    ),
    (caught_up(timeout=9), [sample(9, reading(A, delay=None))], "look in the console why the service reports no delay"),
    (caught_up(timeout=9), [sample(9, reading(A, "WAITING_FOR_START"))], "start the job in the console"),
    (caught_up(timeout=9), [sample(9, reading(A, "PAUSING"))], "resume the job in the console"),
    (
        caught_up(timeout=9),
        [sample(9, reading(A, error=("DRS.M05011", "Text.")))],
        "read the error in the console, and fix it there",
    ),
    (
        caught_up(timeout=30, require_quiet=True),
        [sample(at, reading(A, src_offset=f"mysql-bin.000012:{at}")) for at in (0, 30)],
        "end the sessions that still write to the source",
    ),
]


@pytest.mark.parametrize(("rules", "seen", "to_do"), ADVICE, ids=[case[2] for case in ADVICE])
def test_the_verdict_of_a_gate_that_stays_shut_says_what_to_do(
    rules: Rules, seen: list[Observation], to_do: str
) -> None:
    assert lines_of(rules, *seen, ids=(A,))[-1].endswith(f" to do: {to_do}")


@pytest.mark.parametrize(("rules", "seen", "to_do"), ADVICE, ids=[case[2] for case in ADVICE])
def test_on_80_columns_what_to_do_is_on_lines_of_its_own(rules: Rules, seen: list[Observation], to_do: str) -> None:
    lines = lines_of(rules, *seen, ids=(A,), label="db-07", width=80)
    at = next(number for number, line in enumerate(lines) if " VERDICT " in line)
    assert 1 <= len(lines[at + 1 :]) <= 3
    assert " ".join(line.removeprefix("drs_wait").strip() for line in lines[at + 1 :]) == f"to do: {to_do}"


def test_a_word_that_fits_no_line_is_cut_and_the_text_goes_on() -> None:
    assert wrapped(f"a {'x' * 99} b", 20, ">>") == [">> a", f">> {'x' * 14}...", ">> b"]


def test_a_long_text_is_cut_before_anything_is_left_out_for_it() -> None:
    words = [Word("ERROR"), Word("detail", Worth.DETAIL)]
    assert fitted(words, 40, "t" * 99) == f"ERROR detail {'t' * 24}..."
    assert fitted(words, 34, "t" * 99) == f"ERROR {'t' * 25}..."


def test_what_to_do_names_an_option_as_the_user_does() -> None:
    said: list[str] = []
    observer = Observer(
        1, caught_up(timeout=120), NOON, said.append, screen=Screen(named=lambda option: f"drs_wait_{option}")
    )
    for observation in falling():
        observer.observe(observation)
    observer.ending()
    assert said[-1].endswith(" to do: allow more time (drs_wait_timeout)")
