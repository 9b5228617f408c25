# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other hosts of a play: which of them are in the same wave, how far each has come, and one table over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._cutover.journal import Outcome
from .._report.overview import LOST, NOT_YET, Row, table, totals
from .._report.untrusted import fields
from .._role_variables import other_hosts, variables_of

# The registered results of the first step, by which the later ones find the guard, and of the one that collects the result.
BEGUN = "_drs_cutover_begun"
FINISHED = "_drs_cutover_finished"


@dataclass(frozen=True)
class Other:
    """Another host of the play; ``alive`` unless it failed or cannot be reached."""

    host: str
    begun: Mapping[str, Any]
    finished: Mapping[str, Any]
    alive: bool

    @property
    def cuts_over(self) -> bool:
        """Whether it has begun a cutover in this play."""
        return self.begun.get("host") == self.host

    @property
    def result(self) -> Mapping[str, Any]:
        """The result of its cutover, empty if it has none yet."""
        mine = self.cuts_over and self.finished.get("run") == self.begun.get("run")
        return fields(self.finished.get("result")) if mine else {}

    def in_wave_of(self, host: str, wave: Sequence[str]) -> bool:
        """Whether it belongs to the wave of another host, which had these hosts when it began."""
        return self.host in wave or host in (self.begun.get("wave") or ())

    def ended_badly(self) -> str:
        """Return how it ended, if not well; empty if it is done, has not begun, or goes on."""
        if not self.cuts_over:
            return ""
        outcome = str(self.result.get("outcome") or ("" if self.alive else LOST))
        return "" if outcome == Outcome.DONE.value and not self.result.get("failed_stage") else outcome

    def row(self) -> Row:
        """Return its row in the table."""
        if self.result:
            return Row.of(self.host, self.result)
        if self.cuts_over and not self.alive:
            return Row(
                self.host, LOST, "bad", reason="The run lost it. Its guard unfreezes it: look at its report or journal."
            )
        return Row(self.host, NOT_YET, "hold")


def wave_of(task_vars: Mapping[str, Any]) -> list[str]:
    """Return the hosts that Ansible runs together now (``serial``), without those that failed already."""
    return list(task_vars.get("ansible_play_batch") or ())


def too_few_forks(task_vars: Mapping[str, Any]) -> list[str]:
    """Return a warning if not all hosts of this wave can wait at their gates at once."""
    wave, forks = len(wave_of(task_vars)), task_vars.get("ansible_forks")
    if not isinstance(forks, int) or wave <= forks:
        return []
    waiting = "so some databases are frozen while they wait for their turn"
    advice = f"Run it with --forks {wave}, or make the waves smaller (serial)."
    return [f"This wave has {wave} hosts and Ansible {forks} forks, {waiting}. {advice}"]


def others(task_vars: Mapping[str, Any], host: str) -> list[Other]:
    """Return the other hosts of the play, of all waves."""
    alive = set(task_vars.get("ansible_play_hosts") or ())
    found = []
    for name in other_hosts(task_vars, host):
        variables = variables_of(task_vars, name)
        found.append(Other(name, fields(variables.get(BEGUN)), fields(variables.get(FINISHED)), name in alive))
    return found


def table_at_the_end(
    task_vars: Mapping[str, Any], host: str, begun: Mapping[str, Any], finished: Mapping[str, Any]
) -> list[str]:
    """Return the table over all hosts, if this host is the last of its wave to finish; else nothing."""
    found = others(task_vars, host)
    wave = [other for other in found if other.in_wave_of(host, begun.get("wave") or ())]
    if not found or any(other.alive and not other.result for other in wave):
        return []
    mine = (finished.get("at") or 0.0, host)
    if any(other.alive and (other.finished.get("at") or 0.0, other.host) > mine for other in wave):
        return []
    rows = [*(other.row() for other in found), Row.of(host, finished.get("result") or {})]
    places = {name: place for place, name in enumerate(task_vars.get("ansible_play_hosts_all") or ())}
    rows.sort(key=lambda row: places.get(row.name, len(places)))
    return [f"All hosts: {totals(rows)}", *table(rows)]
