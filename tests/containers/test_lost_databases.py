# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Without the database of the journal nothing begins, and nothing is switched."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES
from ansible_collections.cutover.drs.tests.containers.support import LEASE, SOON, ContainedCutover, Roots, Watched
from ansible_collections.cutover.drs.tests.playbooks.support import Place
from ansible_collections.cutover.drs.tests.servers import Server

LOSSES = pytest.mark.parametrize(
    ("lose", "bring_back"),
    [
        pytest.param(Server.stop, Server.start, id="crash"),
        pytest.param(Server.pause, Server.resume, id="suspended"),
    ],
)
Change = Callable[[Server], None]


@LOSSES
def test_a_database_that_is_lost_before_the_freeze_lets_nothing_begin(
    place: Place, roots: Roots, database: Server, lose: Change, bring_back: Change
) -> None:
    cutover = ContainedCutover(place, roots, database.url)
    with Watched(cutover, held_at=STAGES["freeze"].title) as both:
        cutover.held(both.run)
        lose(database)
        cutover.let_go()
        said = both.run.ends(succeeds=False)
        bring_back(database)
    assert "cannot be" in said
    assert cutover.ran == []


@LOSSES
def test_a_database_that_is_lost_in_the_outage_ends_it_after_two_thirds_of_the_lease(
    place: Place, roots: Roots, database: Server, lose: Change, bring_back: Change
) -> None:
    cutover = ContainedCutover(place, roots, database.url, verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[cutover.waiting])
    with Watched(cutover) as both:
        cutover.until("verify", both.run)
        lose(database)
        took = cutover.unfrozen(time.monotonic(), LEASE + SOON, both.run, both.watch)
        assert took > LEASE / 2
        cutover.go_on()
        said = both.run.ends(succeeds=False)
        bring_back(database)
        time.sleep(LEASE)
    assert "The journal could not be written for" in said
    assert "switch" not in cutover.ran
