# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines that have their host name in common, and one journal: nobody takes what another one owns."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.text import iso
from ansible_collections.cutover.drs.tests.containers.support import (
    HOST_NAME,
    LEASE,
    ContainedCutover,
    Roots,
    Watched,
)
from ansible_collections.cutover.drs.tests.playbooks.support import Place, written

STORES = pytest.mark.parametrize("journal", ["database", "folder"], indirect=True)


@STORES
def test_of_two_runs_the_second_freezes_nothing_and_says_who_owns_the_cutover_since_when(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = ContainedCutover(place, roots, journal)
    cutover.tasks(freeze=[cutover.changing(delay=0), cutover.waiting])
    with cutover.running(watched=False) as first:
        cutover.until("freeze", first)
        with cutover.running(watched=False) as second:
            said = second.ends(succeeds=False)
        assert f"Another run owns this cutover: the run, process 1 on {HOST_NAME}" in said
        assert f"in the stage freeze, frozen since {iso(cutover.recorded['frozen_since'])}" in said
        assert cutover.ran == ["freeze"]
        cutover.go_on()
        first.ends(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.parametrize(
    ("journal", "where"),
    [
        ("database", "in_a_container"),
        ("folder", "in_a_container"),
        ("database", "on_this_machine"),
        pytest.param("folder", "on_this_machine", marks=pytest.mark.thorough),
    ],
    indirect=["journal"],
)
def test_recover_refuses_while_the_run_lives(place: Place, roots: Roots, journal: str, where: str) -> None:
    cutover = ContainedCutover(place, roots, journal, verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[cutover.waiting])
    # Longer than the lease: an owner that does not renew would count as gone.
    play = cutover.other("recover", recover_wait=LEASE + 2)
    with cutover.running(watched=False) as run:
        cutover.until("verify", run)
        with cutover.playing(play) if where == "in_a_container" else cutover.on_this_machine(play) as recover:
            code = recover.end()
        said = written(recover)
        assert code != 0, said
        assert f"Another run owns this cutover: the run, process 1 on {HOST_NAME}" in said
        assert "in the stage verify, frozen since" in said
        cutover.go_on()
        run.ends(succeeds=True)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert cutover.report["outcome"] == "done"


def test_without_a_watch_a_run_in_a_container_is_refused_before_the_freeze(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = ContainedCutover(place, roots, journal)
    with cutover.running() as run:
        said = run.ends(succeeds=False)
    assert "no watch elsewhere has said that it rehearsed this unfreeze. Start cutover.drs.watch for these jobs" in said
    assert cutover.ran == []
    assert cutover.recorded == {}


@pytest.mark.parametrize("journal", ["database", pytest.param("folder", marks=pytest.mark.thorough)], indirect=True)
def test_status_says_elsewhere_who_owns_the_cutover_that_it_lives_and_that_a_watch_does(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = ContainedCutover(place, roots, journal)
    cutover.tasks(freeze=[cutover.waiting, cutover.changing(delay=0)])
    with Watched(cutover) as both:
        cutover.until("freeze", both.run)
        with cutover.elsewhere("status") as status:
            said = status.ends(succeeds=True)
        assert f"by the run, process 1 on {HOST_NAME}" in said
        assert "which lives: last heard of" in said
        assert "What to do: Wait." in said
        cutover.go_on()
        both.run.ends(succeeds=True)
    with cutover.elsewhere("status") as status:
        assert "The target is the database in use." in status.ends(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.thorough
def test_who_says_that_no_watch_is_needed_cuts_over_without_one(place: Place, roots: Roots, journal: str) -> None:
    cutover = ContainedCutover(place, roots, journal)
    with cutover.running(watched=False) as run:
        run.ends(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]


@pytest.mark.parametrize("journal", ["database", pytest.param("folder", marks=pytest.mark.thorough)], indirect=True)
def test_a_watch_follows_a_cutover_to_its_end(place: Place, roots: Roots, journal: str) -> None:
    cutover = ContainedCutover(place, roots, journal)
    with Watched(cutover) as both:
        both.run.ends(succeeds=True)
        said = both.watch.ends(succeeds=True)
    assert "The unfreeze tasks can run here." in said
    assert cutover.ran == ["freeze", "switch"]


def test_a_watch_that_cannot_run_the_unfreeze_keeps_the_cutover_from_the_freeze(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = ContainedCutover(place, roots, journal, unfreeze_vars={"secret": "x"})
    cutover.tasks(unfreeze=[{"ansible.builtin.debug": {"msg": "{{ secret }}"}}])
    with Watched(cutover) as both:
        said = both.run.ends(succeeds=False)
    assert "A watch could not rehearse it:" in said
    assert "'secret' is undefined" in said
    assert cutover.ran == []
