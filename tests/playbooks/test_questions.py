# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions before the freeze and before the switch."""

from __future__ import annotations

import time

import pytest

from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import Child
from ansible_collections.cutover.drs.tests.playbooks.support import Cutover, Place, written


@pytest.mark.thorough
def test_nobody_to_ask(place: Place) -> None:
    cutover = Cutover(place, confirm=True)
    said = cutover.run(succeeds=False)
    assert "drs_cutover_confirm: there is no terminal, so nobody can be asked. Set it to terminal, or to never." in said
    assert (cutover.ran, cutover.requests()) == ([], [])
    cutover.run(succeeds=True, confirm="terminal")
    assert cutover.ran == ["freeze", "switch"]


FREEZE, SWITCH = "Freeze the source now?", "Switch now?"


# What is typed in the moment in which a question appears is thrown away with what was typed before.
SETTLES = 0.5


@pytest.mark.thorough
def test_confirmed(place: Place) -> None:
    cutover = Cutover(place, confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "yes\r")
        answer(run, SWITCH, "YES\r")
        assert run.end() == 0, run.stdout
    assert cutover.ran == ["freeze", "switch"]
    assert written(run).count("Confirmed.") == 2
    assert cutover.report["outcome"] == "done"


@pytest.mark.thorough
def test_not_confirmed_before_the_freeze(place: Place) -> None:
    cutover = Cutover(place, confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "no\r")
        assert run.end() != 0
    assert cutover.ran == []
    # Of the report: ansible-core before 2.19 shows quotes with backslashes.
    said = f'Not confirmed: the answer to "All jobs have nearly caught up. {FREEZE}" was not yes. Nothing was frozen.'
    assert (cutover.report["outcome"], cutover.report["reason"]) == ("not_begun", said)


@pytest.mark.thorough
def test_not_confirmed_before_the_switch(place: Place) -> None:
    cutover = Cutover(place, confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "yes\r")
        # Neither is a y alone a yes, nor is nothing.
        answer(run, SWITCH, "y\r")
        assert run.end() != 0
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
    assert cutover.report["failed_stage"] == "confirm_switch"


@pytest.mark.thorough
def test_enter_alone_is_no_answer(place: Place) -> None:
    cutover = Cutover(place, confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "\r")
        assert run.end() != 0
    assert cutover.ran == []
    assert "There is no terminal" not in run.stdout


def answer(run: Child, question: str, text: str) -> None:
    run.until(question)
    time.sleep(SETTLES)
    run.type(text)


@pytest.mark.thorough
def test_silence_before_the_switch_unfreezes(place: Place) -> None:
    cutover = Cutover(place, confirm="always", confirm_timeout=3)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "yes\r")
        # Without the return key it is no answer.
        answer(run, SWITCH, "yes")
        assert run.end() != 0
    assert cutover.ran == ["freeze", "unfreeze"]
    assert 'Switch now?" was not answered within 3 s.' in cutover.report["reason"]
