# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard in this process: what it answers, when it acts, and what it leaves. Its ansible-playbook is a stand-in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json as encoding
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import Move, Next, Owner, Role
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import alive as processes
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import client as _steps
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import journal_file
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import process as _guard
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import unfreeze as _handover
from ansible_collections.cutover.drs.tests.unit.cutover.builders import plan


@pytest.fixture
def run() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the run."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"]) as process:
        yield process
        process.kill()


class Guarded:
    """A guard that serves in a thread, and how a step of the run talks to it."""

    def __init__(self, folder: Path, run: subprocess.Popen[bytes], **told: Any) -> None:
        self.folder = folder
        self.run = run
        self.owner = encoding.encode_owner(processes.this_process(Role.RUN, run.pid, "db1", "ann"))
        # The locks of jobs are those of the machine, where tests run side by side.
        intended = plan(unfreeze="unfreeze.yml", jobs=(f"job-of-{os.getpid()}-{folder.name}",))
        self.told = {
            "owner": self.owner,
            "journal": str(folder / "journal.json"),
            "log": str(folder / "guard.log"),
            "folder": str(folder / "private"),
            "jobs": list(intended.jobs),
            "plan": encoding.encode_plan(intended),
            "handover": {},
            "terminal": str(folder / "terminal"),
            "reports": [str(folder / "report.json")],
            "title": "A cutover",
            "plan_lines": ["1. approach gate"],
            "recover": False,
            **told,
        }
        (folder / "private").mkdir(exist_ok=True)
        (folder / "terminal").touch()
        self.guard = _guard.Guard(self.told)
        self.begun = self.guard.begin()
        self._thread: threading.Thread | None = None

    def serve(self) -> Guarded:
        (self.folder / "private" / "guard").unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / "private" / "guard"))
        listener.listen(8)

        def serve() -> None:
            with listener:
                self.guard.serve(listener)

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        return self

    def ask(self, event: str, **more: Any) -> dict[str, Any]:
        return _steps.ask({"owner": self.owner, "socket": str(self.folder / "private" / "guard")}, event, **more)

    def until(self, stage: str) -> None:
        for name in ("approach", "freeze", "final"):
            assert self.ask("enter", stage=name)["next"] == "proceed"
            if name == stage:
                return
            if name != "freeze":
                verdict = {"ready": True, "reason": "", "valid_until": time.time() + 60, "result": {"verdict": "ready"}}
                assert self.ask("judged", gate=name, **verdict)["next"] == "proceed"

    def ended(self) -> dict[str, Any]:
        assert self._thread is not None
        self._thread.join(30)
        assert not self._thread.is_alive()
        self.guard.close()
        journal = self.folder / "journal.json"
        # Of a cutover that never froze anything none is left.
        return dict(json.loads(journal.read_text("utf-8"))) if journal.exists() else {}


class Playbook:
    """Stands for the ansible-playbook that unfreezes: it ends at once, with these exit codes."""

    def __init__(self, guarded: Guarded, *codes: int | None) -> None:
        self.codes = list(codes)
        self.guarded = guarded
        self.started = 0

    def __call__(self, handover: Any, told: Any, guard: Owner) -> Playbook:
        self.started += 1
        if self.codes[0] is None:
            raise OSError(2, "No such file")
        self.owner = encoding.encode_owner(guard)
        return self

    def ended(self) -> int | None:
        code = self.codes.pop(0)
        if code == 0:
            answer = self.guarded.guard._answered({"event": "unfrozen", "owner": self.owner})
            assert answer["next"] == "stop"
        return code


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guard, "_TICK", 0.01)
    monkeypatch.setattr(_guard, "_REST", 0.01)


def test_a_run_that_ends_by_itself_lets_the_guard_go(tmp_path: Path, run: subprocess.Popen[bytes]) -> None:
    guarded = Guarded(tmp_path, run).serve()
    assert isinstance(guarded.begun, Move)
    guarded.until("freeze")
    assert guarded.ask("state")["journal"]["stage"] == "freeze"
    assert guarded.ask("failed", reason="The table is locked.")["next"] == "unfreeze"
    assert guarded.ask("unfrozen")["next"] == "stop"
    answer = guarded.ask("finish")
    assert (answer["next"], answer["journal"]["outcome"], answer["plan"]) == ("stop", "unfrozen", ["1. approach gate"])
    assert set(answer["gates"]) == {"approach"}
    assert guarded.ended()["unfrozen_by"] == "run"
    # The run writes its own reports.
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize(
    ("codes", "outcome", "said"),
    [
        ([0], "unfrozen", "The guard unfroze the source: it accepts writes again."),
        ([4, 0], "unfrozen", "The guard unfreezes the source now (attempt 2)."),
        ([4, 2, 1], "frozen", "THE SOURCE MAY STILL BE FROZEN."),
        ([None, None, None], "frozen", "ansible-playbook could not be started"),
    ],
)
def test_a_run_that_dies_is_unfrozen(
    tmp_path: Path,
    run: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    codes: list[int | None],
    outcome: str,
    said: str,
) -> None:
    guarded = Guarded(tmp_path, run)
    playbook = Playbook(guarded, *codes)
    if codes[0] is None:
        playbook.codes = [None]
    monkeypatch.setattr(_guard, "start_unfreeze", playbook)
    guarded.serve().until("freeze")
    run.kill()
    run.wait()
    journal = guarded.ended()
    assert (journal["outcome"], playbook.started) == (outcome, len(codes))
    # The log is the standard output of the guard.
    assert said in capfd.readouterr().out
    # A terminal is written to as it is, never cut.
    assert "drs_cutover guard: " in (tmp_path / "terminal").read_text("utf-8")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["outcome"] == outcome


def test_an_outage_that_is_too_long_is_ended(
    tmp_path: Path, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = Guarded(tmp_path, run)
    now = [_guard._since_boot()]
    monkeypatch.setattr(_guard, "_since_boot", lambda: now[0])
    playbook = Playbook(guarded, 0)
    monkeypatch.setattr(_guard, "start_unfreeze", playbook)
    guarded.serve().until("freeze")
    now[0] += 3600
    deadline = time.monotonic() + 30
    while guarded.ask("state")["journal"]["outcome"] is None and time.monotonic() < deadline:
        time.sleep(0.01)
    # The run comes back and is refused.
    late = guarded.ask("enter", stage="final")
    assert late["next"] == "refuse"
    assert (
        "the guard has taken over: The outage reached drs_cutover_max_outage (100 s) in the stage freeze."
        in late["message"]
    )
    assert guarded.ask("finish")["next"] == "stop"
    assert guarded.ended()["unfrozen_by"] == "guard"


def test_a_run_that_finishes_in_the_outage_without_a_word_is_unfrozen(
    tmp_path: Path, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = Guarded(tmp_path, run)
    playbook = Playbook(guarded, 4, 0)
    monkeypatch.setattr(_guard, "start_unfreeze", playbook)
    guarded.serve().until("freeze")
    # The step that says that it failed has failed itself, or was left out.
    answer = _steps.finish({"owner": guarded.owner, "socket": str(tmp_path / "private" / "guard")})
    assert (answer["journal"]["outcome"], answer["journal"]["unfrozen_by"]) == ("unfrozen", "guard")
    assert guarded.ended()["failure"] == "The run ended in the stage freeze without a word."


def test_a_run_that_finishes_in_the_switch_without_a_word_is_no_cutover_that_did_not_begin(
    tmp_path: Path, run: subprocess.Popen[bytes]
) -> None:
    guarded = Guarded(tmp_path, run).serve()
    guarded.until("final")
    verdict = {"ready": True, "reason": "", "valid_until": time.time() + 60, "result": {}}
    guarded.ask("judged", gate="final", **verdict)
    guarded.ask("enter", stage="verify")
    guarded.ask("judged", gate="recheck", **verdict)
    assert guarded.ask("enter", stage="switch")["next"] == "proceed"
    assert guarded.ask("finish")["journal"]["outcome"] == "switch_failed"
    guarded.ended()


def test_neither_a_full_disk_nor_a_text_that_nobody_can_encode_ends_the_guard(
    tmp_path: Path, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = Guarded(tmp_path, run)
    playbook = Playbook(guarded, 0)
    monkeypatch.setattr(_guard, "start_unfreeze", playbook)
    written = []

    def full(_descriptor: int, content: bytes) -> int:
        written.append(content)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    guarded.serve().until("freeze")
    # As bytes of another encoding come out of a module.
    assert guarded.ask("failed", reason="Zugriff verweigert f\udcfcr root")["next"] == "unfreeze"
    run.kill()
    run.wait()
    assert guarded.ended()["unfrozen_by"] == "guard"
    assert b"Zugriff verweigert f?r root" in b"".join(written)


def test_a_run_that_dies_in_the_switch_is_told_about_and_nothing_is_undone(
    tmp_path: Path, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    guarded = Guarded(tmp_path, run)
    monkeypatch.setattr(_guard, "start_unfreeze", Playbook(guarded))
    guarded.serve().until("")
    for stage in ("verify", "switch"):
        move = guarded.ask("enter", stage=stage)
        if move["next"] == "sample":
            verdict = {"ready": True, "reason": "", "valid_until": time.time() + 60, "result": {}}
            guarded.ask("judged", gate="recheck", **verdict)
            move = guarded.ask("enter", stage=stage)
        assert move["next"] == "proceed"
    run.kill()
    run.wait()
    assert guarded.ended()["outcome"] == "switch_failed"
    assert "Nothing is undone. Find out which side is in use." in capfd.readouterr().out


def test_a_journal_that_cannot_be_written_lets_nothing_begin(
    tmp_path: Path, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = Guarded(tmp_path, run).serve()
    guarded.until("freeze")

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_file, "write", full)
    refused = guarded.ask("enter", stage="final")
    assert refused["next"] == "refuse"
    assert refused["message"].endswith("journal.json cannot be written: No space left on device.")
    # That the source has to be unfrozen is believed all the same.
    assert guarded.ask("failed", reason=refused["message"])["next"] == "unfreeze"
    assert guarded.ask("unfrozen")["next"] == "stop"
    assert len(guarded.ask("finish")["warnings"]) == 2
    guarded.ended()


def test_a_second_guard_of_the_same_jobs_says_who_owns_them(tmp_path: Path, run: subprocess.Popen[bytes]) -> None:
    first = Guarded(tmp_path, run)
    other = encoding.encode_owner(processes.this_process(Role.RUN, os.getpid(), "db1", "bob"))
    second = Guarded(tmp_path, run, owner=other)
    assert isinstance(second.begun, str)
    assert f"the run, process {run.pid} on " in second.begun
    assert "owns a cutover of the same jobs since " in second.begun
    # Another host of the same run gets another sentence.
    host = {**first.owner, "host": "db2"}
    assert "db1 would cut over the same jobs at the same time." in str(Guarded(tmp_path, run, owner=host).begun)
    first.guard.close()
    second.guard.close()


def test_recover_takes_what_nobody_owns(
    tmp_path: Path, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_guard, "start_unfreeze", Playbook)
    first = Guarded(tmp_path, run).serve()
    first.until("freeze")
    first.guard._finished = True
    first.ended()
    run.kill()
    run.wait()
    owner = encoding.encode_owner(processes.this_process(Role.RECOVER, os.getpid(), "", "ann"))
    second = Guarded(tmp_path, run, owner=owner, recover=True)
    assert isinstance(second.begun, Move)
    assert second.begun.next is Next.UNFREEZE
    second.owner = owner
    second.serve()
    assert second.ask("unfrozen")["journal"]["unfrozen_by"] == "recover"
    assert second.ask("finish")["next"] == "stop"
    second.ended()
    gone = Guarded(tmp_path / "private", run, owner=owner, recover=True)
    assert str(gone.begun).endswith("has just been removed")
    gone.guard.close()


def test_what_is_no_request_gets_no_answer_and_stops_nothing(
    tmp_path: Path, run: subprocess.Popen[bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    guarded = Guarded(tmp_path, run).serve()
    for content in (b"", b"{}\n", b'{"event": "dance", "owner": {}}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(tmp_path / "private" / "guard"))
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(10) == b""
    assert guarded.ask("finish")["next"] == "stop"
    assert guarded.ended() == {}
    assert capfd.readouterr().out.count("A request could not be answered") == 3


def test_the_socket_of_a_guard_has_a_path_that_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    for folder, parent in ((tmp_path.parent, tmp_path.parent), (long, Path("/tmp"))):
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        private = Path(_steps._private_folder())
        assert private.parent == parent
        private.rmdir()


@pytest.mark.parametrize("writable", [True, False])
def test_the_unfreeze_is_another_ansible_playbook_with_the_variables_of_the_play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    """The stand-in for ansible-playbook reads its variables from the pipe, as that does."""
    here = tmp_path / "playbooks"
    here.mkdir()
    (here / "tasks").mkdir()
    if not writable:
        real = Path.write_text

        def refuse(path: Path, *arguments: Any, **more: Any) -> int:
            if path.parent == here:
                raise PermissionError(13, "Permission denied")
            return real(path, *arguments, **more)

        monkeypatch.setattr(Path, "write_text", refuse)
    program = "import sys; open('seen', 'w').write(open(sys.argv[-2][1:]).read() + ' '.join(sys.argv))"
    monkeypatch.setattr(_handover, "_ANSIBLE_PLAYBOOK", program)
    private = tmp_path / "private"
    private.mkdir()
    guard = processes.this_process(Role.GUARD, os.getpid(), "db1")
    given = {"playbook_dir": str(here), "playbook": "[]", "variables": "secret: 42", "options": ["--become"]}
    told = {"folder": str(private), "journal": str(tmp_path / "journal.json")}
    unfreezing = _handover.start_unfreeze({**given, "cwd": str(tmp_path)}, told, guard)
    deadline = time.monotonic() + 30
    while (code := unfreezing.ended()) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert code == 0
    seen = (tmp_path / "seen").read_text("utf-8")
    assert seen.startswith("secret: 42")
    assert "--become -e @" in seen
    # Where nobody may write beside the user's playbook, it lies among links to what is there.
    assert str(here if writable else private / "playbook") in seen
    assert not list(tmp_path.rglob(".drs_cutover_unfreeze*"))
