# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook status, from another terminal: it tells how a cutover stands, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.playbooks.ending import left_frozen, until_ran
from ansible_collections.cutover.drs.tests.playbooks.support import Cutover, Place, written


def status(cutover: Cutover, *, succeeds: bool = True, **variables: Any) -> str:
    """Run the role's status by the journal alone, or by these variables; what it wrote."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": variables or {"drs_cutover_journal": str(cutover.journal_file)},
        "tasks": [{"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover", "tasks_from": "status"}}],
    }
    with cutover.playing(play) as run:
        code = run.end()
    assert (code == 0) == succeeds, f"exit code {code}\n{run.stdout}\n{run.stderr}"
    return written(run)


@pytest.mark.thorough
def test_a_source_that_nobody_unfreezes_and_one_that_recover_unfroze(place: Place) -> None:
    cutover = left_frozen(place, lease=3)
    before = cutover.state
    said = status(cutover)
    assert '"The source is frozen since 20' in said
    assert "Z, by the run, process" in said
    assert ", in the stage freeze (" in said
    assert '"What to do: Unfreeze the source now: run cutover.drs.recover, or do it by hand."' in said
    assert "which is gone: its guard has ended." in said
    assert "approach gate, ready. 1 job ready" in said
    assert (cutover.state, cutover.ran) == (before, ["freeze"])
    cutover.recover(succeeds=True)
    said = status(cutover)
    assert "The source was unfrozen by recover" in said
    assert "What to do: Nothing is frozen." in said


@pytest.mark.thorough
def test_a_cutover_that_goes_on(place: Place) -> None:
    cutover = Cutover(place, lease=3, max_outage=600)
    waits = {"ansible.builtin.wait_for": {"path": str(cutover.folder / "released"), "timeout": 90}}
    cutover.tasks(freeze=[waits, cutover.changing(delay=0)])
    with cutover.start() as run:
        until_ran(cutover, run, "freeze")
        # A file with unfreeze tasks is for those who unfreeze.
        journal, tasks = str(cutover.journal_file), "elsewhere/unfreeze.yml"
        said = status(cutover, drs_cutover_journal=journal, drs_cutover_unfreeze_tasks=tasks)
        assert "What to do: Wait. The source is unfrozen at 20" in said
        assert "which lives: last heard of 0 s ago, the lease is 3 s." in said
        (cutover.folder / "released").touch()
        assert run.end() == 0
    said = status(cutover)
    assert '"The target is the database in use."' in said
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.thorough
def test_a_journal_that_is_not_there_or_not_one(place: Place) -> None:
    cutover = Cutover(place)
    said = status(cutover, succeeds=False)
    assert f"there is no journal {cutover.journal_file}. Another machine may have it." in said
    journal = str(cutover.journal_file)
    said = status(cutover, drs_cutover_journal=journal, drs_cutover_missing_journal="ok")
    assert "No cutover of these jobs has begun, so nothing is frozen." in said
    cutover.journal_file.write_text("{", encoding="utf-8")
    said = status(cutover, succeeds=False)
    assert f"{cutover.journal_file} is not the journal of a cutover" in said


@pytest.mark.thorough
def test_recover_from_a_database_says_what_is_wrong_with_its_options(place: Place) -> None:
    cutover = Cutover(place)
    journal = "postgres://ann:secret@db/journals"
    said = cutover.recover(succeeds=False, drs_cutover_journal=journal)
    assert "drs_cutover_jobs is not set, so nobody knows which cutover is meant. Set it: a database has" in said
    said = cutover.recover(succeeds=False, drs_cutover_journal=journal, drs_cutover_jobs=[cutover.job])
    assert "A journal cannot be in a database of the kind 'postgres': drs_cutover_journal is a path, or a URL" in said


@pytest.mark.thorough
def test_the_playbook_needs_no_more_than_the_journal(place: Place) -> None:
    cutover = Cutover(place)
    cutover.run(succeeds=True)
    # By its name, as people do: ansible-core 2.16 takes a path only up to its first space.
    imported = {"import_playbook": "cutover.drs.status"}
    with cutover.playing(imported, "-e", f"drs_cutover_journal={cutover.journal_file}") as run:
        assert run.end() == 0, f"{run.stdout}\n{run.stderr}"
    assert "What to do: Nothing. Watch the application." in written(run)
