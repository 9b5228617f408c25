# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ansible-playbook that is started for the unfreeze keeps its guard from nothing."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard import alive, unfreeze
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.protocol import Handover
from ansible_collections.cutover.drs.tests.unit.cutover.builders import a_cutover


def test_an_interpreter_that_hangs_holds_no_guard_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pipe holds 64 KiB; a certificate more, and the guard would wait for a reader, for ever and without its lease."""
    hangs = tmp_path / "python3"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    hangs.chmod(0o755)
    monkeypatch.setattr(unfreeze.sys, "executable", str(hangs))
    monkeypatch.setattr(unfreeze, "_READS", 0.3)
    handover = Handover(
        options=[],
        folder=str(tmp_path),
        config="",
        play={},
        block={},
        variables={"certificate": '"' + "x" * 200_000 + '"'},
    )
    began = time.monotonic()
    with pytest.raises(OSError, match=r"it did not read its variables within 0\.3 s"):
        unfreeze.start(handover, "unfreeze.yml", a_cutover().journal, folder=tmp_path, timeout=600.0, check=False)
    assert time.monotonic() - began < 20
    assert not list(tmp_path.glob(".drs_cutover_unfreeze.*.yml"))


@pytest.mark.parametrize("said", ["", "locked", None])
def test_tasks_that_ran_to_their_end_did_so_though_the_playbook_hangs(tmp_path: Path, said: str | None) -> None:
    """As with a callback plugin that reports to a server which is away."""
    ended = tmp_path / "ended"
    if said is not None:
        ended.write_text(json.dumps({"reason": said}), encoding="utf-8")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        playbook = unfreeze.Playbook(process, tmp_path / "p.yml", ended, alive.Leftovers("c1", "unfreeze.0"), 0.0)
        answer = playbook.ended()
    assert answer == ("they did not end within 0 s (drs_cutover_unfreeze_timeout)" if said is None else said)
    assert process.returncode == -9
