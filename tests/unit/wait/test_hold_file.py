# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that keeps the gate shut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.tests.unit.builders import A, Answers, Waiting, answers, reading

READY = answers(reading())


@pytest.fixture
def hold_file(tmp_path: Path) -> Path:
    return tmp_path / "hold"


def test_without_the_file_the_gate_opens(waiting: Waiting, hold_file: Path) -> None:
    assert waiting(READY, hold_file=str(hold_file))["verdict"] == "ready"


def test_with_the_file_to_the_end_the_verdict_is_held(waiting: Waiting, hold_file: Path) -> None:
    hold_file.touch()
    result = waiting(READY, hold_file=str(hold_file), timeout=200, stall_after=30)
    assert (result["verdict"], result["failed"]) == ("held", True)
    assert result["reason"] == f"Timed out after 200 s; only the hold file {hold_file} is blocking."
    assert result["jobs"][0]["holds"] == [{"rule": "hold_file", "text": f"The hold file {hold_file} exists."}]
    # A person keeps it shut, nothing has stalled.
    assert "warnings" not in result


def test_a_file_that_is_removed_lets_the_streak_begin(waiting: Waiting, hold_file: Path) -> None:
    def removed() -> Answers:
        hold_file.unlink()
        return READY

    hold_file.touch()
    result = waiting(READY, READY, removed, READY, hold_file=str(hold_file))
    assert result["verdict"] == "ready"
    # Two samples 5 s apart were held.
    assert result["elapsed"] == 10 + 60


def test_a_file_that_appears_while_the_answers_come_in_holds_that_very_sample(
    waiting: Waiting, hold_file: Path
) -> None:
    def appeared() -> Answers:
        hold_file.touch()
        return READY

    result = waiting(*[READY] * 12, appeared, hold_file=str(hold_file), timeout=60)
    assert result["verdict"] == "held"
    assert any(line.endswith("RESET streak 12->0 9a47..jb21 hold_file") for line in waiting.lines)


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        (".", "held"),
        ("link to nowhere", "held"),
        ("x" * 1000, "held"),
        # Below a file nothing can exist.
        ("file/below", "ready"),
        (None, "ready"),
        ("", "ready"),
    ],
)
def test_whatever_may_be_there_holds(waiting: Waiting, tmp_path: Path, path: str | None, verdict: str) -> None:
    (tmp_path / "link to nowhere").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert waiting(READY, hold_file=path and f"{tmp_path}/{path}", timeout=0)["verdict"] == verdict


def test_a_path_of_which_nobody_can_tell_holds(
    waiting: Waiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_path: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "lstat", denied)
    assert waiting(READY, hold_file=str(tmp_path / "hold"), timeout=0)["verdict"] == "held"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_nobody_may_look_into_holds(waiting: Waiting, tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o000)
    try:
        assert waiting(READY, hold_file=str(shut / "hold"), timeout=0)["verdict"] == "held"
    finally:
        shut.chmod(0o700)


def test_a_relative_path_holds_beside_the_playbook_and_where_it_was_started(
    waiting: Waiting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, playbook = tmp_path / "here", tmp_path / "playbook"
    for folder in (here, playbook):
        folder.mkdir()
    monkeypatch.chdir(here)
    for place in (here, playbook):
        (place / "hold").touch()
        assert waiting(READY, hold_file="hold", timeout=0, folder=str(playbook))["verdict"] == "held"
        (place / "hold").unlink()
    assert waiting(READY, hold_file="hold", timeout=0, folder=str(playbook))["verdict"] == "ready"


def test_a_failed_job_is_told_in_spite_of_the_file(waiting: Waiting, hold_file: Path) -> None:
    hold_file.touch()
    failed = answers(reading(A, "INCRE_TRANSFER_FAILED"))
    assert waiting(failed, hold_file=str(hold_file))["verdict"] == "failed"
