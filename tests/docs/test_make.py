# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` prints: one line for a session that succeeds, everything for one that fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "tests" / "tools"))

import side_by_side

SCRIPTS = {
    "good": "print('ERROR on purpose, as a test expects it')",
    "tests": "print('FAILED to look\\n==== 12 passed, 1 skipped in 3.40s ====')",
    "red": "print({!r}); raise SystemExit(1)".format(
        "___ test_it[a b] ___\n    assert 1\nE   assert 1 == 2\nE   more\nFAILED tests/x.py::test_it[a b] - assert..."
        "\nnox > mypy: FAILED"
    ),
    "bad": "import sys; print('what went wrong'); sys.exit(3)",
    "old": "",
    "older": "",
    "slow": "import time; time.sleep(0.5)",
}


def command(session: str, report: Path, _arguments: list[str]) -> list[str]:
    if session.startswith("old"):
        ended = {"result": "skipped", "reason": "Python interpreter 2.6 not found"}
        report.write_text(json.dumps({"sessions": [ended]}))
    return [sys.executable, "-c", SCRIPTS[session]]


@pytest.fixture
def shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> pytest.CaptureFixture[str]:
    """Sessions that are small scripts, and what the run of them prints."""
    monkeypatch.setattr(side_by_side, "LOGS", tmp_path)
    monkeypatch.setattr(side_by_side, "NAMED", tmp_path / "failed.txt")
    monkeypatch.setattr(side_by_side, "HEARTBEAT", 0.1)
    monkeypatch.setattr(side_by_side, "command", command)
    return capsys


def ended(monkeypatch: pytest.MonkeyPatch, *sessions: str) -> int:
    monkeypatch.setattr(sys, "argv", ["side_by_side.py", *sessions])
    return side_by_side.main()


def test_a_green_run_shows_nothing_that_looks_like_an_error(
    shown: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(monkeypatch, "good", "tests", "slow") == 0
    out = shown.readouterr().out
    assert "ERROR" not in out
    assert "FAILED" not in out
    assert "== tests: ok, 0 s (12 passed, 1 skipped)\n" in out
    assert "   running: slow (" in out
    assert "ERROR on purpose" in (side_by_side.LOGS / "good.log").read_text()


def test_a_failed_session_shows_all_of_its_output_and_where_it_is(
    shown: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(monkeypatch, "good", "bad") == 1
    out = shown.readouterr().out
    assert "what went wrong\n== bad: FAILED, exit code 3" in out
    assert "bad.log)" in out
    assert "== FAILED: bad," in out
    assert "on purpose" not in out


def test_what_failed_is_named_with_its_reason_for_the_end_of_the_log(
    shown: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(monkeypatch, "red", "good") == 1
    assert ended(monkeypatch, "bad") == 1
    lines = "   red: tests/x.py::test_it[a b] assert 1 == 2\n   red: mypy: FAILED\n"
    assert lines in shown.readouterr().out
    assert side_by_side.NAMED.read_text() == lines


def test_what_is_skipped_is_said_and_no_success_by_itself(
    shown: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(monkeypatch, "good", "old") == 0
    assert "== old: SKIPPED, Python interpreter 2.6 not found, 0 s\n" in shown.readouterr().out
    assert ended(monkeypatch, "old", "older") == 1
    assert "== FAILED: nothing was tested," in shown.readouterr().out
