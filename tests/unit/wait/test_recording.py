# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recording of a wait: what is written, what is read back, and that a replay comes to the same verdict."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import FailedPoll, Observation, Sample
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import ListEntry, Rules
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._wait import recording
from ansible_collections.cutover.drs.plugins.module_utils._wait.recording import Recorder, Run, read_last_run
from ansible_collections.cutover.drs.tests.unit.builders import (
    NOON,
    A,
    B,
    C,
    Waiting,
    answers,
    entry,
    failed_poll,
    reading,
    sample,
)

BROKEN = DrsError(Kind.THROTTLED, "Too often.", http_status=400, error_code="DRS.M01503", error_message="often")
REFUSED = DrsError(Kind.AUTHENTICATION, "The token ran out.", http_status=401)
SEEN: list[Observation] = [
    sample(1, reading(A, "FULL_TRANSFER_STARTED", delay=None, progress=63, remaining_time=720), reading(B), took=1),
    failed_poll(30, "It broke."),
    sample(60, reading(A, error=("DRS.M05011", "数据")), reading(B, found=(True, False)), held=True, took=2.5),
    sample(
        90,
        reading(A, parts={"data": {"progress": 94, "remaining_time": None}}, delay_ms=999),
        reading(B, entry=ListEntry("PAUSING", "FULL_TRANS", "DRS.M1", "Full.", "SWITCH_OVER")),
    ),
]


def recorded(path: Path, seen: Sequence[Observation], *, started_at: float = NOON) -> Path:
    with Recorder(str(path), [A, B], Rules(), started_at) as recorder:
        for each in seen:
            recorder.observed(each)
        recorder.verdict("timeout", "Time is up.")
        assert recorder.problem is None
    return path


def run_of(path: Path, content: bytes | str | Sequence[Any]) -> Run:
    if not isinstance(content, (bytes, str)):
        content = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_last_run(str(path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wait.jsonl"


@pytest.fixture
def lines(file: Path) -> list[dict[str, Any]]:
    """The lines of a recording, to be changed: a start, four observations, a verdict."""
    return [json.loads(line) for line in recorded(file, SEEN).read_text("utf-8").splitlines()]


def test_what_is_written_is_read_back(file: Path) -> None:
    run = read_last_run(str(recorded(file, SEEN)))
    assert run == Run((A, B), NOON, tuple(SEEN), ())


GTIDS = ",".join(f"3e11fa47-71ca-11e1-9e33-c80aa942{number:04x}:1-77" for number in range(48))


def test_a_long_position_is_recorded_with_a_digest_and_still_tells_whether_it_moved(
    waiting: Waiting, file: Path
) -> None:
    def live(*ends: str) -> dict[str, Any]:
        steps = [answers(reading(A, src_offset=f"{GTIDS}{end}", rows_applied=False)) for end in ends]
        file.unlink(missing_ok=True)
        return waiting(*steps, require_quiet=True, stable_for=0, timeout=90, record=str(file))

    for ends in ("0", "01"):
        found = live(*ends)
        assert found["ready"]
        assert GTIDS not in file.read_text("utf-8")
        again = waiting(jobs=None, replay=str(file), require_quiet=True, stable_for=0, timeout=90)
        assert (again["verdict"], again["jobs"]) == (found["verdict"], found["jobs"])
    found = live(*(str(number) for number in range(30)))
    assert found["verdict"] == "timeout"
    again = waiting(jobs=None, replay=str(file), require_quiet=True, stable_for=0, timeout=90)
    assert [hold["rule"] for hold in again["jobs"][0]["holds"]] == ["writes"]


def test_a_recording_from_before_positions_were_judged_is_judged_as_it_was(
    file: Path, lines: list[dict[str, Any]]
) -> None:
    assert not any("rows_applied" in json.dumps(line) for line in lines)
    assert run_of(file, lines).observations == tuple(SEEN)


def test_each_observation_is_in_the_file_at_once_so_that_a_kill_loses_none(file: Path) -> None:
    with Recorder(str(file), [A], Rules(), NOON) as recorder:
        for number, each in enumerate(SEEN, start=2):
            recorder.observed(each)
            assert file.read_bytes().count(b"\n") == number
            assert file.read_bytes().endswith(b"\n")


def test_runs_are_appended_and_the_last_one_is_read(file: Path) -> None:
    recorded(file, SEEN)
    first = file.read_bytes()
    recorded(file, SEEN[1:2], started_at=NOON + 1000)
    assert file.read_bytes().startswith(first)
    assert read_last_run(str(file)) == Run((A, B), NOON + 1000, tuple(SEEN[1:2]), ())


def test_a_line_that_a_killed_wait_left_torn_takes_no_line_of_the_next_one_with_it(file: Path) -> None:
    recorded(file, SEEN)
    file.write_bytes(file.read_bytes()[:-30])
    recorded(file, SEEN, started_at=NOON + 1000)
    assert read_last_run(str(file)) == Run((A, B), NOON + 1000, tuple(SEEN), ())


def test_two_waits_that_write_to_one_file_at_once_are_not_mixed(file: Path) -> None:
    with (
        Recorder(str(file), [A, B], Rules(), NOON) as one,
        Recorder(str(file), [C], Rules(), NOON + 1) as other,
    ):
        for each in SEEN:
            other.observed(sample(each.ended, reading(C)))
            one.observed(each)
    assert read_last_run(str(file)) == Run((A, B), NOON, tuple(SEEN), ())


def test_a_killed_writer_costs_no_observation_but_the_one_it_died_in(file: Path) -> None:
    content = recorded(file, SEEN[:2]).read_bytes()
    content = content[: content.rindex(b'{"schema":1,"run":', 0, -1)]
    last = content.rindex(b"\n", 0, -1) + 1
    for end in range(last, len(content) + 1):
        run = run_of(file, content[:end])
        # A line is whole once its last brace is there; its end of line says nothing more.
        whole = end >= len(content) - 1
        assert run.damaged == (() if whole or end == last else (3,))
        assert run.observations[0] == SEEN[0]
        if whole:
            assert run.observations == tuple(SEEN[:2])
        elif end > last:
            damaged = run.observations[1]
            assert isinstance(damaged, FailedPoll)
            assert damaged.message == "Line 3 of the recording is damaged."
        else:
            assert len(run.observations) == 1


@pytest.mark.parametrize("number", range(2, 6))
def test_the_number_of_a_damaged_line_is_told_and_it_counts_as_a_failed_poll(
    file: Path, lines: list[Any], number: int
) -> None:
    lines[number - 1] = "torn"
    run = run_of(file, lines)
    seen = run.observations[number - 2]
    assert run == Run((A, B), NOON, (*SEEN[: number - 2], seen, *SEEN[number - 1 :]), (number,))
    # Nobody knows when it was: at the latest time that it cannot be before.
    ended = SEEN[number - 3].ended if number > 2 else 0.0
    assert (seen.began, seen.ended, seen.at) == (ended, ended, NOON + ended)
    assert isinstance(seen, FailedPoll)
    assert (seen.message, seen.final) == (f"Line {number} of the recording is damaged.", False)
    assert seen.failure == DrsError(Kind.PROTOCOL, "").failure()


def test_an_observation_out_of_order_is_evidence_of_nothing(file: Path, lines: list[Any]) -> None:
    lines[3], lines[4] = lines[4], lines[3]
    run = run_of(file, lines)
    assert run.damaged == (5,)
    assert run.observations[:3] == (*SEEN[:2], SEEN[3])
    assert isinstance(run.observations[3], FailedPoll)
    assert run.observations[3].ended == SEEN[3].ended


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another schema": lambda line: line.update(schema=2),
    "a run that is not a text": lambda line: line.update(run=1),
    "an unknown type": lambda line: line.update(type="guess"),
    "no type": lambda line: line.pop("type"),
    "no time": lambda line: line.pop("ended"),
    "a time that is text": lambda line: line.update(began="1"),
    "a time that is a truth value": lambda line: line.update(began=False),
    "a time that is not a number": lambda line: line.update(ended=float("nan")),
    "an endless time": lambda line: line.update(ended=float("inf")),
    "a time beyond all waits": lambda line: line.update(ended=1e300),
    "a time that no float holds": lambda line: line.update(ended=10**400),
    "a time before the wait": lambda line: line.update(began=-1),
    "an end before its beginning": lambda line: line.update(began=99, ended=98),
    "a time of day that is not a number": lambda line: line.update(at=float("nan")),
    "a time of day beyond the calendar": lambda line: line.update(at=1e15),
    "a time of day before the epoch": lambda line: line.update(at=-1),
    "a hold that is a number": lambda line: line.update(held=0),
    "no hold": lambda line: line.pop("held"),
    "jobs that are not a list": lambda line: line.update(jobs=1),
    "a job that is text": lambda line: line["jobs"].append("job"),
    "a job twice": lambda line: line["jobs"].append(line["jobs"][0]),
    "answers of two jobs in one": lambda line: line["jobs"][0]["status"].update(id=C),
    "a job without an id": lambda line: line["jobs"][0]["status"].pop("id"),
    "a job of which one answer lacks": lambda line: line["jobs"][0].pop("progress"),
    "a field that nobody writes": lambda line: line["jobs"][0]["status"].update(delay=0),
    "a status that is a number": lambda line: line["jobs"][0]["status"].update(status=1),
    "a status that nobody can show": lambda line: line["jobs"][0]["status"].update(status="\ud800"),
    "found that is a number": lambda line: line["jobs"][0]["status"].update(found=1),
    "a delay that is text": lambda line: line["jobs"][0]["progress"].update(delay="0"),
    "a delay that is a truth value": lambda line: line["jobs"][0]["progress"].update(delay=False),
    "a delay below 0": lambda line: line["jobs"][0]["progress"].update(delay=-1),
    "a delay without end": lambda line: line["jobs"][0]["progress"].update(delay=10**4000),
    "a list that is text": lambda line: line["jobs"][1].update(list="PAUSING"),
    "an action that is a number": lambda line: line["jobs"][1]["list"].update(action=1),
    "a field of a list that nobody writes": lambda line: line["jobs"][1]["list"].update(delay=0),
    "parts that are a list": lambda line: line["jobs"][0]["progress"].update(parts=[]),
    "a part that is a number": lambda line: line["jobs"][0]["progress"].update(parts={"data": 5}),
    "a part without progress": lambda line: line["jobs"][0]["progress"].update(parts={"data": {}}),
    "a part of which progress is text": lambda line: line["jobs"][0]["progress"].update(
        parts={"data": {"progress": "100", "remaining_time": None}}
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_sample_that_no_wait_writes_is_a_damaged_line(
    file: Path, lines: list[Any], change: Callable[[dict[str, Any]], Any]
) -> None:
    change(lines[4])
    run = run_of(file, lines)
    assert run.damaged == (5,)
    assert isinstance(run.observations[-1], FailedPoll)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.update(message=1),
        lambda line: line.update(final=0),
        lambda line: line.update(failure="network"),
        lambda line: line["failure"].pop("kind"),
        lambda line: line["failure"].update(kind=1),
        lambda line: line["failure"].update(attempts="1"),
    ],
)
def test_a_failed_poll_that_no_wait_writes_is_a_damaged_line(
    file: Path, lines: list[Any], change: Callable[[dict[str, Any]], Any]
) -> None:
    change(lines[2])
    assert run_of(file, lines).damaged == (3,)


@pytest.mark.parametrize("number", [0, 5])
def test_what_a_line_says_that_is_no_observation_is_taken_for_none(file: Path, lines: list[Any], number: int) -> None:
    lines[number]["observation"] = {"began": 0}
    assert run_of(file, lines) == Run((A, B), NOON, tuple(SEEN), ())


def test_a_recording_without_its_first_line_takes_the_jobs_of_its_first_sample(file: Path, lines: list[Any]) -> None:
    run = run_of(file, lines[2:])
    assert (run.ids, run.started_at, run.observations) == ((A, B), NOON, tuple(SEEN[1:]))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{}", b"\x00" * 100, b"hosts: all\n", b"[1]\n", b"{" * 100_000])
def test_what_is_no_recording_is_said_to_be_none(file: Path, content: bytes) -> None:
    with pytest.raises(DrsError) as failed:
        run_of(file, content)
    assert failed.value.kind is Kind.CONFIGURATION
    assert str(failed.value) == f"replay: {file} holds no recorded run. It must be a file written by record."


def test_a_file_that_is_not_there_and_a_folder_cannot_be_read(tmp_path: Path) -> None:
    for path, why in (("none", "No such file or directory"), (".", "Is a directory"), ("a\0b", "embedded null byte")):
        with pytest.raises(DrsError) as failed:
            read_last_run(f"{tmp_path}/{path}")
        assert (failed.value.kind, why in str(failed.value)) == (Kind.CONFIGURATION, True)


def test_a_file_that_cannot_be_written_to_ends_the_wait_before_it_begins(waiting: Waiting, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (".", "Is a directory"),
        ("pipe", "it is a pipe"),
        ("file/wait", "File exists"),
        ("a\0b", "embedded null byte"),
    ):
        result = waiting(answers(reading()), record=f"{tmp_path}/{path}")
        shown = path.replace("\0", "?")
        assert result["reason"] == f"record: {tmp_path}/{shown} cannot be written to: {why}."
        assert (result["verdict"], result["failure"]["kind"], waiting.script.began) == ("error", "configuration", [])


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o000, 0o644)])
def test_only_its_owner_may_write_to_it_whatever_the_umask(umask: int, mode: int, file: Path) -> None:
    before = os.umask(umask)
    try:
        recorded(file, SEEN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_folder_that_is_missing_is_made(waiting: Waiting, tmp_path: Path) -> None:
    waiting(answers(reading()), record=f"{tmp_path}/evidence/wait.jsonl")
    assert read_last_run(f"{tmp_path}/evidence/wait.jsonl").ids


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_ends_the_wait_before_it_begins(waiting: Waiting, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = waiting(answers(reading()), record=f"{tmp_path}/wait")
    assert result["reason"].endswith("cannot be written to: Permission denied.")


class FullDisk(io.StringIO):
    """Takes a number of lines, and then fails also when closed, as a file does whose end could not be written."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.taken = 0
        self._takes = takes

    def flush(self) -> None:
        self.taken += 1
        if self.taken > self._takes:
            raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        super().close()
        self.flush()


# With 15, it shows only at the end.
@pytest.mark.parametrize("takes", [0, 1, 2, 5, 15])
def test_a_disk_that_is_full_is_a_warning_and_the_wait_goes_on(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch, file: Path, takes: int
) -> None:
    disk = FullDisk(takes)
    monkeypatch.setattr(recording, "open", lambda *_arguments, **_options: disk, raising=False)
    result = waiting(answers(reading()), record=str(file))
    assert (result["verdict"], result["polls"]) == ("ready", 13)
    why = "No space left on device"
    assert result["warnings"] == [f"record: {file} could not be written to ({why}); later samples are not in it."]
    assert disk.taken == min(takes + 2, 16)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that only Linux has")
def test_a_device_that_is_full_is_a_warning_and_the_wait_goes_on(waiting: Waiting) -> None:
    result = waiting(answers(reading()), record="/dev/full")
    assert result["verdict"] == "ready"
    assert len(result["warnings"]) == 1


def test_a_file_of_many_runs_is_read_in_a_moment_and_gives_the_last_one(file: Path) -> None:
    recorded(file, SEEN)
    file.write_bytes(file.read_bytes() * 3000)
    recorded(file, SEEN, started_at=NOON + 1000)
    assert read_last_run(str(file)) == Run((A, B), NOON + 1000, tuple(SEEN), ())


@given(st.binary(max_size=400), st.integers(0, 2000), st.integers(0, 400))
@example(b'{"schema":1,"run":"1","type":"sample"}', 0, 0)
@example(b"", 0, 1_000_000)
def test_any_damage_gives_a_run_or_says_that_there_is_none(
    tmp_path_factory: pytest.TempPathFactory, damage: bytes, place: int, lost: int
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "wait.jsonl"
    content = recorded(file, SEEN).read_bytes()
    file.write_bytes(content[:place] + damage + content[place + lost :])
    run, kind = None, None
    try:
        run = read_last_run(str(file))
    except DrsError as error:
        kind = error.kind
    if run is None:
        assert kind is Kind.CONFIGURATION
        return
    assert [seen.ended for seen in run.observations] == sorted(seen.ended for seen in run.observations)
    # What is lost is not passed over: each damaged line is a failed poll in its place.
    failed = [seen.message for seen in run.observations if isinstance(seen, FailedPoll)]
    said = [message for message in failed if message.endswith(" of the recording is damaged.")]
    assert said == [f"Line {number} of the recording is damaged." for number in run.damaged]


FAR = answers(reading(A, delay=900, task_mode="FULL_INCR_TRANS"), reading(B, "FULL_TRANSFER_STARTED", delay=None))
NEAR = answers(reading(A, delay=3), reading(B, parts={"data": {"progress": 99, "remaining_time": 1}}))
READY = answers(reading(A), reading(B))
GONE = answers(reading(A, found=(True, False)), reading(B))
STRANGE = answers(reading(A, "BRAND_NEW"), reading(B))
FAILED = answers(reading(A, "INCRE_TRANSFER_FAILED", error=("DRS.M05011", "Source is gone.")), reading(B))
ENDED = answers(reading(A, "RELEASE_RESOURCE_COMPLETE"), reading(B))

WAITS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "ready": ([FAR, BROKEN, NEAR, READY, GONE, READY], {}),
    "failed": ([FAR, NEAR, FAILED], {}),
    "ended": ([READY, ENDED], {"goal": "auto"}),
    "missing": ([READY, GONE], {"max_missing": 2}),
    "unknown": ([NEAR, STRANGE], {"unknown_for": 0}),
    "held": ([FAR, READY], {"hold_file": os.devnull, "timeout": 200}),
    "timeout": ([FAR, BROKEN, NEAR], {"timeout": 300, "stall_after": 60}),
    "error": ([FAR, READY, BROKEN], {"max_errors": 2}),
}


@cache
def ready_and_then(verdict: str) -> tuple[list[bytes], list[bytes]]:
    """The lines of a run that came to the verdict ready, and those of a later one that came to this verdict."""
    runs = []
    for steps, options in (([READY], {}), WAITS[verdict]):
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            Waiting(patch)(*steps, jobs=[A, B], record=f"{folder}/wait", **options)
            runs.append(Path(f"{folder}/wait").read_bytes().splitlines())
    first, last = runs
    # Both clocks begin at noon, by which a run is told from another.
    return first, [line.replace(f'"run":"{NOON:.6f}"'.encode(), b'"run":"later"') for line in last]


# What a crash or a bad disk leaves of a line.
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "all but its end": lambda line: line[:-1],
    "half of it": lambda line: line[: len(line) // 2],
    "its first byte": lambda line: line[:1],
    "zeros": lambda line: bytes(len(line)),
}


@given(
    st.sampled_from([verdict for verdict in WAITS if verdict != "ready"]),
    st.sets(st.integers(0, 60)),
    st.integers(0, 60),
    st.sampled_from(sorted(DAMAGE)),
)
@example("failed", set(), 0, "zeros")
@example("failed", set(), 4, "zeros")
@example("failed", {0, 7}, 4, "half of it")
def test_whatever_lines_are_damaged_a_run_that_was_not_ready_is_not_judged_ready(
    tmp_path_factory: pytest.TempPathFactory, verdict: str, numbers: set[int], last: int, left: str
) -> None:
    first, second = ready_and_then(verdict)
    lines = [*first, *second]
    damaged = {number for number in range(len(lines)) if number in numbers or number >= len(lines) - last}
    lost = damaged.issuperset(range(len(first), len(lines)))
    file = tmp_path_factory.mktemp("damaged") / "wait.jsonl"
    file.write_bytes(
        b"".join((DAMAGE[left](line) if number in damaged else line) + b"\n" for number, line in enumerate(lines))
    )
    with pytest.MonkeyPatch.context() as patch:
        result = Waiting(patch)(jobs=None, replay=str(file), **WAITS[verdict][1])
    assert (result["ready"], result["failed"]) == (False, True)
    if not damaged:
        assert result["verdict"] == verdict
    if lost:
        assert (result["verdict"], result["failure"]["kind"]) == ("error", "configuration")


def test_a_run_of_which_no_line_can_be_read_is_not_taken_for_the_ready_one_before_it(file: Path) -> None:
    first, second = ready_and_then("failed")
    file.write_bytes(b"".join(line + b"\n" for line in (*first, *(line[:-1] for line in second))))
    with pytest.raises(DrsError) as failed:
        read_last_run(str(file))
    assert failed.value.kind is Kind.CONFIGURATION
    assert str(failed.value) == (
        f"replay: line {len(first) + 1} of {file} and everything after it is unreadable; it may belong to a later run. "
        "Delete those lines to replay the run before them."
    )


def test_a_last_run_that_was_killed_in_mid_line_is_still_the_one_that_is_read(file: Path) -> None:
    first, second = ready_and_then("failed")
    # Without its verdict, and with half of its last sample.
    *whole, torn = second[:-1]
    file.write_bytes(b"".join(line + b"\n" for line in (*first, *whole)) + torn[: len(torn) // 2])
    run = read_last_run(str(file))
    number = len(first) + len(second) - 1
    assert (run.ids, run.damaged, len(run.observations)) == ((A, B), (number,), len(whole))
    *seen, end = run.observations
    assert [type(each) for each in seen] == [Sample] * (len(whole) - 1)
    assert isinstance(end, FailedPoll)
    assert end.message == f"Line {number} of the recording is damaged."


# What a replay cannot know, as it asks nobody, and by what it is known as one.
NOT_REPLAYED = ("connection", "requests", "logins", "msg", "valid_until", "replay")


@pytest.mark.parametrize("verdict", WAITS)
@pytest.mark.parametrize("takes", [0.0, 1.25])
def test_a_replay_by_the_same_rules_is_the_same_in_all_but_requests(
    waiting: Waiting, file: Path, verdict: str, takes: float
) -> None:
    steps, options = WAITS[verdict]
    live = waiting(*steps, takes=takes, chance=(0.93, 1.07), jobs=[A, B], record=str(file), **options)
    said = list(waiting.lines)
    waiting.lines.clear()
    again = waiting(REFUSED, jobs=None, replay=str(file), **options)
    assert live["verdict"] == verdict
    assert (again["requests"], again["logins"], waiting.script.began, waiting.sleeps) == (0, 0, [], [])
    assert {name: value for name, value in again.items() if name not in NOT_REPLAYED} == {
        name: value for name, value in live.items() if name not in NOT_REPLAYED
    }
    assert again["msg"] == f"REPLAY, no evidence of now: {live['reason']}"
    begin, changed, *lines = waiting.lines
    assert changed == "drs_wait REPLAY 12:00:00Z +0s RULES changed: none"
    # Only until when the verdict may be trusted is said of none.
    assert [line.replace("drs_wait REPLAY", "drs_wait") for line in (begin, *lines[:-1])] == said[:-1]


def test_a_replay_is_no_evidence_and_says_so_on_every_line_and_in_its_result(waiting: Waiting, file: Path) -> None:
    live = waiting(READY, jobs=[A, B], record=str(file))
    waiting.lines.clear()
    again = waiting(jobs=[A], replay=str(file), max_delay=5, stable_for=30)
    assert (live["valid_until"] is None, live["replay"]) == (False, None)
    assert (again["verdict"], again["valid_until"]) == ("ready", None)
    assert again["msg"].startswith("REPLAY, no evidence of now: 1 job ready in ")
    assert again["replay"] == {
        "file": str(file),
        "recorded_at": "2026-11-24T12:00:00Z",
        "rules_changed": [
            {"rule": "max_delay", "recorded": 0, "replayed": 5},
            {"rule": "stable_for", "recorded": 60, "replayed": 30},
        ],
        "jobs_left_out": [B],
    }
    assert all(line.startswith("drs_wait REPLAY 12:0") for line in waiting.lines)
    assert waiting.lines[1] == "drs_wait REPLAY 12:00:00Z +0s RULES changed: max_delay=0->5 stable_for=60->30"
    assert " VERDICT ready " in waiting.lines[-1]
    assert "valid_until" not in waiting.lines[-1]


@pytest.mark.parametrize("rules", [None, "all", [], {"max_delay": [0]}, {"max_delay": -1}, {"max_delay": 10**400}])
def test_rules_that_a_recording_does_not_tell_count_as_changed(waiting: Waiting, file: Path, rules: Any) -> None:
    waiting(READY, jobs=[A, B], record=str(file))
    first, *others = file.read_text("utf-8").splitlines(keepends=True)
    start = json.loads(first)
    start["rules"] = rules
    file.write_text("".join([f"{json.dumps(start)}\n", *others]), encoding="utf-8")
    again = waiting(jobs=None, replay=str(file))
    assert again["verdict"] == "ready"
    assert {"rule": "max_delay", "recorded": None, "replayed": 0} in again["replay"]["rules_changed"]


@pytest.mark.parametrize("login", [REFUSED, DrsError(Kind.NETWORK, "No route.")])
@pytest.mark.parametrize("asked", [{"jobs": [A, B]}, {"jobs": None, "job_names": ["orders"]}], ids=["ids", "names"])
def test_a_replay_of_a_wait_that_never_saw_a_job_is_the_same_error(
    waiting: Waiting, file: Path, login: DrsError, asked: dict[str, Any]
) -> None:
    live = waiting(READY, login=login, record=str(file), **asked)
    again = waiting(READY, jobs=None, replay=str(file))
    assert (again["verdict"], again["reason"], again["jobs"]) == ("error", live["reason"], live["jobs"])


def test_a_replay_by_other_rules_may_come_to_another_verdict(waiting: Waiting, file: Path) -> None:
    waiting(FAR, NEAR, jobs=[A, B], timeout=300, record=str(file))
    assert waiting(jobs=None, replay=str(file))["verdict"] == "timeout"
    assert waiting(jobs=None, replay=str(file), max_delay=3)["verdict"] == "ready"


def test_what_the_list_said_against_a_job_is_judged_again(waiting: Waiting, file: Path) -> None:
    waiting.lists(lambda ids: [entry(job_id, status="PAUSING") for job_id in ids or ()])
    live = waiting(READY, jobs=[A, B], timeout=40, stable_for=30, record=str(file))
    again = waiting(REFUSED, jobs=None, timeout=40, stable_for=30, replay=str(file))
    assert (live["verdict"], live["jobs"][0]["holds"][0]["rule"]) == ("timeout", "disagreement")
    assert again["jobs"] == live["jobs"]


def test_a_recording_made_before_the_list_was_compared_is_judged_as_it_was(waiting: Waiting, file: Path) -> None:
    waiting(READY, jobs=[A, B], timeout=0, record=str(file))
    content = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    # At that time a subtask that both operations called deleted was over, and nothing was said of the list.
    job = content[1]["jobs"][0]
    job.pop("list", None)
    child = {name: {**job[name], "id": C} for name in ("status", "progress")}
    child["status"]["status"] = child["progress"]["status"] = "DELETED"
    job["subtasks"] = {"listed": True, "jobs": [child]}
    file.write_text("".join(f"{json.dumps(line)}\n" for line in content), encoding="utf-8")
    assert waiting(jobs=None, timeout=0, replay=str(file))["verdict"] == "ready"


def test_a_replay_of_some_jobs_judges_only_these(waiting: Waiting, file: Path) -> None:
    waiting(FAR, answers(reading(A, delay=900), reading(B)), jobs=[A, B], timeout=300, record=str(file))
    result = waiting(jobs=[B, B], replay=str(file), near_interval=30)
    assert (result["verdict"], [job["id"] for job in result["jobs"]]) == ("ready", [B])
    assert result["warnings"] == [f"jobs names {B} more than once; each job is asked for once."]


def test_a_replay_of_a_job_that_was_not_recorded_is_an_error(waiting: Waiting, file: Path) -> None:
    waiting(READY, jobs=[A, B], record=str(file))
    result = waiting(jobs=[A, C], replay=str(file))
    assert (result["verdict"], result["failure"]["kind"]) == ("error", "configuration")
    assert result["reason"] == f"jobs: the recording {file} has no job {C}."


def test_a_job_that_a_recorded_sample_lacks_is_not_found_in_it(waiting: Waiting, file: Path) -> None:
    live = waiting(READY, jobs=[A, B], record=str(file))
    content = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    content[2]["jobs"].pop()
    file.write_text("".join(f"{json.dumps(line)}\n" for line in content), encoding="utf-8")
    again = waiting(jobs=None, replay=str(file))
    assert (live["verdict"], again["verdict"]) == ("ready", "timeout")
    assert [change["to"] for change in again["transitions"] if change["id"] == B][1:] == [
        None,
        "INCRE_TRANSFER_STARTED",
    ]


def test_a_damaged_line_costs_the_streak_and_is_a_warning(waiting: Waiting, file: Path) -> None:
    waiting(READY, jobs=[A, B], record=str(file))
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*content[:8], content[8][: len(content[8]) // 2] + b"\n", *content[9:]]))
    result = waiting(jobs=None, replay=str(file))
    assert (result["verdict"], result["errors"]) == ("timeout", 1)
    assert result["warnings"] == [f"Line 9 of {file} is damaged; it counts as a failed poll."]


def test_a_recording_that_ends_before_a_verdict_is_a_timeout_that_says_so(waiting: Waiting, file: Path) -> None:
    waiting(READY, jobs=[A, B], record=str(file))
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(content[:4]))
    result = waiting(jobs=None, replay=str(file))
    assert result["verdict"] == "timeout"
    assert result["reason"] == (
        "The recording ends after 10 s, before a verdict. All jobs were ready, but not for long enough after 10 s: "
        "3 samples over 10 s; required are 3 samples over 60 s."
    )


def test_a_recording_that_ends_before_any_sample_is_an_error(waiting: Waiting, file: Path) -> None:
    waiting(BROKEN, jobs=[A, B], record=str(file))
    content = file.read_bytes().splitlines(keepends=True)
    for lines, seconds in ((1, 0), (3, 30)):
        file.write_bytes(b"".join(content[:lines]))
        result = waiting(jobs=None, replay=str(file))
        assert (result["verdict"], result["ready"], result["failed"]) == ("error", False, True)
        ends = f"The recording ends after {seconds} s, before a verdict, and no poll in it succeeded."
        assert result["reason"] == ends


def test_a_hold_file_of_then_counts_only_where_a_hold_file_is_asked_for(waiting: Waiting, file: Path) -> None:
    waiting(READY, jobs=[A, B], timeout=200, hold_file=os.devnull, record=str(file))
    for hold_file in (None, ""):
        assert waiting(jobs=None, timeout=200, replay=str(file), hold_file=hold_file)["verdict"] == "ready"
    assert waiting(jobs=None, timeout=200, replay=str(file), hold_file="/none")["verdict"] == "held"


def test_check_mode_and_a_replay_write_no_recording(waiting: Waiting, file: Path, tmp_path: Path) -> None:
    waiting(READY, jobs=[A, B], check_mode=True, record=str(file))
    assert not file.exists()
    waiting(READY, jobs=[A, B], record=str(file))
    waiting(jobs=None, replay=str(file), record=str(tmp_path / "other"))
    assert list(tmp_path.iterdir()) == [file]
