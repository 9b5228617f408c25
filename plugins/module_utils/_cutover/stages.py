# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of a cutover, in their order. Values only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stage of a cutover, as data.

    ``own``: the step itself does the work and tells how it ended. ``gate``: that work is a gate. ``frozen``: the source counts as frozen from its beginning on.
    ``needs_evidence``: it begins only on a gate's verdict that can still be trusted. ``takes_time``: somebody else's
    work or an answer, after which a verdict is looked at again.
    """

    name: str
    title: str
    own: bool = False
    gate: bool = False
    frozen: bool = False
    needs_evidence: bool = False
    takes_time: bool = False


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("approach", "Wait until the target has nearly caught up", own=True, gate=True),
        Stage("confirm_freeze", "Ask before the freeze", takes_time=True),
        Stage("freeze", "Begin the freeze: from here on the source counts as frozen", frozen=True, needs_evidence=True),
        Stage("final", "Wait until the target has every write of the source", own=True, gate=True, frozen=True),
        Stage("verify", "Verify the target", frozen=True, takes_time=True),
        Stage("compare", "Wait for a comparison that began after the freeze", frozen=True, takes_time=True),
        Stage("confirm_switch", "Ask before the switch", frozen=True, takes_time=True),
        Stage("stop", "Stop the jobs", own=True, frozen=True, needs_evidence=True),
        Stage("switch", "Begin the switch: nothing is undone from here on", frozen=True, needs_evidence=True),
    )
}
UNFREEZE = "unfreeze"


def has_user_tasks(stage: str) -> bool:
    """Tell whether the user's tasks run in a stage, if it has any."""
    return stage in {"freeze", "verify", "switch"}


def stages_of(files: Collection[str], *, asks: bool, stop_jobs: str, compares: bool = False) -> tuple[str, ...]:
    """Return the names of the stages of one cutover, in their order.

    ``files`` names what has tasks, such as ``freeze``; ``asks`` says whether somebody is asked; ``stop_jobs`` is the option;
    ``compares`` says whether a comparison is waited for.
    """
    wanted = (
        ("approach", True),
        ("confirm_freeze", asks),
        ("freeze", "freeze" in files),
        ("final", True),
        ("verify", "verify" in files),
        ("compare", compares),
        ("confirm_switch", asks),
        ("stop", stop_jobs == "before_switch"),
        ("switch", True),
        ("stop", stop_jobs == "after_switch"),
    )
    return tuple(name for name, present in wanted if present)
