# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run, or its guard alone, that was suspended for longer than the lease has lost the cutover when it comes back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES
from ansible_collections.cutover.drs.tests.containers.support import (
    LEASE,
    SOON,
    ContainedCutover,
    Roots,
    Watched,
    resume,
    suspend,
)
from ansible_collections.cutover.drs.tests.playbooks.support import Place


def cases(*quick: str) -> pytest.MarkDecorator:
    """Return each stage with each journal; .ci/run tries the quick ones."""
    every = [(stage, journal) for journal in ("database", "folder") for stage in ("freeze", "verify", "switch")]
    return pytest.mark.parametrize(
        ("journal", "stage"),
        [
            pytest.param(journal, stage, id=name, marks=() if name in quick else pytest.mark.thorough)
            for stage, journal in every
            for name in [f"{stage}-{journal}"]
        ],
        indirect=["journal"],
    )


def begun(place: Place, roots: Roots, journal: str, stage: str) -> tuple[ContainedCutover, Watched]:
    """Return a cutover that waits in the user's tasks of a stage, or right before the step that begins the switch."""
    cutover = ContainedCutover(place, roots, journal, verify_tasks="tasks/verify.yml", valid_for=600)
    # What the freeze does when it comes back.
    late = {"ansible.legacy.simulator": {"note": "late", "to": str(cutover.folder / "ran")}}
    waits: dict[str, list[dict[str, Any]]] = {} if stage == "switch" else {stage: [cutover.waiting, late]}
    cutover.tasks(**{"freeze": [cutover.changing(delay=0)], **waits})
    both = Watched(cutover, held_at=STAGES["switch"].title if stage == "switch" else "")
    if stage == "switch":
        cutover.held(both.run)
    else:
        cutover.until(stage, both.run)
    return cutover, both


def go_on(cutover: ContainedCutover, stage: str) -> None:
    if stage == "switch":
        cutover.let_go()
    else:
        cutover.go_on()


def check_unfrozen(cutover: ContainedCutover, stage: str, said: str) -> None:
    """Check that the source was unfrozen and nothing switched; a run that comes back in its freeze is unfrozen once more."""
    unfreezers = ["a watch"]
    if stage == "freeze":
        # Whatever the freeze did when it came back, an unfreeze came after it, by whichever guard saw it first.
        assert cutover.ran[-1] == "unfreeze"
        unfreezers.append("the guard")
    assert any(f"The source was unfrozen by {one} and accepts writes again." in said for one in unfreezers)
    assert "switch" not in cutover.ran


@cases("freeze-database", "verify-database", "switch-database", "switch-folder")
def test_a_run_that_was_paused_for_longer_than_the_lease_switches_nothing(
    place: Place, roots: Roots, journal: str, stage: str
) -> None:
    cutover, both = begun(place, roots, journal, stage)
    with both:
        both.run.podman("pause")
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.watch)
        go_on(cutover, stage)
        both.run.podman("unpause")
        said = both.run.ends(succeeds=False)
        both.watch.ends(succeeds=True)
    check_unfrozen(cutover, stage, said)


@cases("verify-database", "switch-database", "switch-folder")
def test_a_guard_that_was_suspended_for_longer_than_the_lease_lets_nothing_be_switched(
    place: Place, roots: Roots, journal: str, stage: str
) -> None:
    cutover, both = begun(place, roots, journal, stage)
    with both:
        guard = both.run.guard()
        suspend(guard)
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.watch)
        resume(guard)
        go_on(cutover, stage)
        said = both.run.ends(succeeds=False)
    check_unfrozen(cutover, stage, said)


@pytest.mark.thorough
def test_a_run_whose_guard_stays_suspended_ends_soon_and_switches_nothing(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover, both = begun(place, roots, journal, "verify")
    with both:
        suspend(both.run.guard())
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.watch)
        cutover.go_on()
        both.run.ends(succeeds=False)
        both.watch.ends(succeeds=True)
    # The tasks of a stage that had begun go on; no other one begins.
    assert cutover.ran == ["freeze", "verify", "unfreeze", "late"]


@pytest.mark.thorough
def test_a_freeze_that_outlives_its_guard_and_the_unfreeze_of_the_watch_is_undone_once_more(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover, both = begun(place, roots, journal, "freeze")
    with both:
        suspend(both.run.guard())
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.watch)
        both.watch.ends(succeeds=True)
        cutover.go_on()
        both.run.ends(succeeds=False)
    # The watch unfroze twice; the freeze went on after that.
    assert cutover.ran[-2:] == ["late", "unfreeze"]
    assert cutover.recorded["outcome"] == "unfrozen"


@pytest.mark.parametrize("journal", ["database", pytest.param("folder", marks=pytest.mark.thorough)], indirect=True)
def test_a_switch_that_has_begun_is_not_undone_however_long_its_run_was_paused(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = ContainedCutover(place, roots, journal)
    with Watched(cutover, held_at="Run your tasks for the stage switch") as both:
        cutover.held(both.run)
        both.run.podman("pause")
        both.watch.ends(succeeds=False)
        cutover.let_go()
        both.run.podman("unpause")
        both.run.ends(succeeds=True)
    assert (
        "The switch has begun, so both sides may have been changed. Nothing is undone automatically." in both.watch.said
    )
    assert cutover.ran == ["freeze", "switch"]
    assert cutover.recorded["outcome"] == "done"
