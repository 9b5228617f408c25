# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ends a run in a container takes its guard along: the watch in another container unfreezes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.containers.support import (
    LEASE,
    SOON,
    Contained,
    ContainedCutover,
    Roots,
    Watched,
)
from ansible_collections.cutover.drs.tests.playbooks.support import LINGER, Place


def kill(run: Contained) -> None:
    """End it as AWX does for a cancel and for a timeout."""
    run.podman("kill")


def stop(run: Contained) -> None:
    """End it as people do."""
    run.podman("stop", "--time=10")


def terminate(run: Contained) -> None:
    """End it as Kubernetes does, with a grace time that is shorter here."""
    run.podman("kill", "--signal=TERM")
    time.sleep(3)
    if run.process.poll() is None:
        run.podman("kill")


def case(journal: str, way: Callable[[Contained], None], *marks: pytest.MarkDecorator) -> Any:
    return pytest.param(journal, way, marks=marks, id=f"{way.__name__}-{journal}")


@pytest.mark.parametrize(
    ("journal", "way"),
    [
        case("database", kill),
        case("folder", kill),
        case("database", terminate),
        case("database", stop),
        case("folder", terminate, pytest.mark.thorough),
    ],
    indirect=["journal"],
)
def test_a_container_that_is_ended_in_the_outage_is_unfrozen_once_by_the_watch(
    place: Place, roots: Roots, journal: str, way: Callable[[Contained], None]
) -> None:
    cutover = ContainedCutover(place, roots, journal, verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[LINGER])
    with Watched(cutover) as both:
        cutover.until("verify", both.run)
        way(both.run)
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.watch)
        said = both.watch.ends(succeeds=True)
    assert "The run was lost in the stage verify, and its guard with it. A watch unfreezes the source now" in said
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert (cutover.recorded["outcome"], cutover.recorded["unfrozen_by"]) == ("unfrozen", "watch")


@pytest.mark.thorough
def test_after_a_loss_in_the_freeze_the_source_is_unfrozen_once_more(place: Place, roots: Roots, journal: str) -> None:
    # What the freeze tasks did on other machines may have come after the first unfreeze.
    cutover = ContainedCutover(place, roots, journal)
    cutover.tasks(freeze=[LINGER])
    with Watched(cutover) as both:
        cutover.until("freeze", both.run)
        kill(both.run)
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.watch)
        both.watch.ends(succeeds=True)
    assert cutover.ran == ["freeze", "unfreeze", "unfreeze"]
    assert cutover.recorded["outcome"] == "unfrozen"


@pytest.mark.parametrize("journal", ["database", pytest.param("folder", marks=pytest.mark.thorough)], indirect=True)
def test_end_play_in_the_freeze_is_unfrozen_by_the_watch(place: Place, roots: Roots, journal: str) -> None:
    cutover = ContainedCutover(place, roots, journal)
    cutover.tasks(freeze=[{"ansible.builtin.meta": "end_play"}])
    with Watched(cutover) as both:
        both.run.end()
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.run, both.watch)
    assert "switch" not in cutover.ran


@pytest.mark.parametrize("journal", ["database", pytest.param("folder", marks=pytest.mark.thorough)], indirect=True)
def test_an_unreachable_host_in_the_freeze_is_unfrozen_by_the_watch(place: Place, roots: Roots, journal: str) -> None:
    cutover = ContainedCutover(place, roots, journal)
    nowhere = {"ansible_connection": "ssh", "ansible_port": 1, "ansible_host": "127.0.0.1"}
    cutover.tasks(freeze=[{"ansible.builtin.ping": {}, "delegate_to": "nowhere", "vars": nowhere}])
    with Watched(cutover) as both:
        both.run.ends(succeeds=False)
        cutover.unfrozen(time.monotonic(), LEASE + SOON, both.run, both.watch)
    assert "UNREACHABLE" in both.run.said
    assert "switch" not in cutover.ran
