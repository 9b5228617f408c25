# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``recover`` by hand, in a container of its own, after run and guard were lost."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from ansible_collections.cutover.drs.tests.containers.support import ContainedCutover, Roots
from ansible_collections.cutover.drs.tests.playbooks.ending import eventually, guards
from ansible_collections.cutover.drs.tests.playbooks.support import LINGER, Place, written

NOTHING: dict[str, Any] = {"hosts": "localhost", "gather_facts": False, "tasks": []}


def test_recover_fails_where_the_journal_in_a_file_is_not_there(place: Place, roots: Roots) -> None:
    cutover = ContainedCutover(place, roots)
    for path in (f"{cutover.folder}/sate.json", "/srv/not/visible/here/state.json"):
        with cutover.elsewhere("recover", journal=path) as recover:
            said = recover.ends(succeeds=False)
        assert f"No cutover of these jobs has begun that this machine knows of: there is no journal {path}" in said


def test_recover_succeeds_where_the_database_has_no_cutover_of_these_jobs(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = ContainedCutover(place, roots, journal)
    with cutover.elsewhere("recover") as recover:
        said = recover.ends(succeeds=True)
    assert "No cutover of these jobs has begun, so nothing is frozen." in said


class OnAHost(ContainedCutover):
    """A cutover on a host of the inventory, whose tasks note where they ran."""

    def __init__(self, place: Place, roots: Roots, journal: str) -> None:
        super().__init__(place, roots, journal, verify_tasks="tasks/verify.yml")
        self.keywords = {"hosts": "db1"}
        self.inventory = self.folder / "hosts"
        self.inventory.write_text(f"db1 ansible_connection=local ansible_python_interpreter={sys.executable}\n")
        self.tasks(freeze=[self.changing(delay=0)], verify=[LINGER])
        note = {"note": "{{ inventory_hostname }}:unfreeze", "to": str(self.folder / "ran")}
        self.write("unfreeze", json.dumps([{"ansible.legacy.simulator": note}]))

    def lost(self) -> None:
        """Lose the run and its guard in the outage, with nobody who watches."""
        with self.running("-i", str(self.inventory), watched=False) as run:
            self.until("verify", run)
            run.podman("kill")

    def recovered(self, inventory: str, *, succeeds: bool, **options: Any) -> str:
        """Run the playbook of the collection with this inventory; what it wrote."""
        with self.playing(NOTHING, *self.arguments(inventory, **options)) as recover:
            return recover.ends(succeeds=succeeds)

    def arguments(self, inventory: str, **options: Any) -> tuple[str, ...]:
        """Return the words of the command line that recover."""
        known = {name: self.options[name] for name in ("jobs", "journal", "unfreeze_tasks")}
        given = json.dumps({f"drs_cutover_{name}": value for name, value in {**known, **options}.items()})
        return ("-i", inventory, "-e", given, "cutover.drs.recover")


@pytest.mark.parametrize("journal", ["database", pytest.param("folder", marks=pytest.mark.thorough)], indirect=True)
def test_the_playbook_recover_unfreezes_on_the_host_whose_cutover_it_was(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = OnAHost(place, roots, journal)
    cutover.lost()
    cutover.recovered(str(cutover.inventory), succeeds=True)
    assert cutover.ran == ["freeze", "verify", "db1:unfreeze"]
    assert cutover.recorded["outcome"] == "unfrozen"
    # Safe to run at any time.
    assert "Nothing is frozen." in cutover.recovered(str(cutover.inventory), succeeds=True)
    assert cutover.ran.count("db1:unfreeze") == 1


def test_an_inventory_without_that_host_unfreezes_nothing_and_says_so(place: Place, roots: Roots, journal: str) -> None:
    cutover = OnAHost(place, roots, journal)
    cutover.lost()
    said = cutover.recovered("localhost,", succeeds=False, unfreeze_for=1)
    assert "THE SOURCE MAY STILL BE FROZEN" in said
    assert "db1" in said
    assert cutover.ran == ["freeze", "verify"]
    assert cutover.recorded["outcome"] != "unfrozen"
    # With the right one it is unfrozen afterwards.
    cutover.recovered(str(cutover.inventory), succeeds=True)
    assert cutover.ran == ["freeze", "verify", "db1:unfreeze"]


def test_a_recover_that_was_ended_does_not_go_on_with_the_wrong_inventory(
    place: Place, roots: Roots, journal: str
) -> None:
    cutover = OnAHost(place, roots, journal)
    cutover.lost()
    # Outside of a container its guard outlives it.
    with cutover.on_this_machine(NOTHING, *cutover.arguments("localhost,")) as wrong:
        wrong.until("THE SOURCE MAY STILL BE FROZEN")
        wrong.kill()
    with cutover.on_this_machine(NOTHING, *cutover.arguments(str(cutover.inventory), recover_wait=20)) as right:
        code = right.end()
    assert code == 0, written(right)
    assert cutover.ran == ["freeze", "verify", "db1:unfreeze"]
    eventually(lambda: not guards(cutover))
