# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong in a night, drawn from a seed, and how the night ends then."""

from __future__ import annotations

import random
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.cutover.drs.tests.databases.engines import Pair
from ansible_collections.cutover.drs.tests.databases.nights import LONGEST, Night, guards, judge, kill, night, read

STAGES = ("freeze", "final", "verify", "stop", "switch")
# With how often each is drawn: those that need a person to be right twice as often.
FAULTS = {
    "nothing": 2,
    "the run is killed": 2,
    "the guard is killed": 2,
    "run and guard are killed, with a watch": 2,
    "rows differ, so that verify fails": 1,
    "the replication breaks": 1,
    "the replication stands still": 1,
    "the job fails in the final gate": 1,
    "a forgotten second writer": 1,
    "a forgotten second writer that may write to a read-only source": 1,
}
KILLED = {"the run is killed": "run", "the guard is killed": "guard", "run and guard are killed, with a watch": "both"}
FORGOTTEN = {
    "a forgotten second writer": "batch",
    "a forgotten second writer that may write to a read-only source": "stubborn",
}
# When nothing else can be right.
ENDS = {
    "nothing": {"done"},
    "rows differ, so that verify fails": {"unfrozen"},
    "the job fails in the final gate": {"unfrozen"},
    "a forgotten second writer": {"done"},
    "a forgotten second writer that may write to a read-only source": {"unfrozen"},
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong, in which stage, and after how many seconds of it."""

    what: str
    stage: str
    after: float


def drawn(engine: str, seed: int) -> Fault:
    """Draw a fault; the same for the same seed."""
    chance = random.Random(f"{engine} {seed}")
    what = chance.choices([*FAULTS], [*FAULTS.values()])[0]
    return Fault(what, chance.choice(STAGES), round(chance.uniform(0, 4), 2))


def go_through(pair: Pair, folder: Path, fault: Fault) -> dict[str, Any]:
    """Run a night in which this goes wrong, and judge it; its figures. Raises AssertionError with what is wrong."""
    with night(pair, folder) as it:
        watch = watching(it) if fault.what in KILLED and KILLED[fault.what] == "both" else None
        if fault.what in FORGOTTEN:
            it.write("forgotten", FORGOTTEN[fault.what], it.forgotten)
        run = it.play("cutover.yml")
        struck = strike(it, fault, run)
        if watch is None:
            run.wait(LONGEST)
        outcome = it.ended()
        by_hand = outcome == "switch_failed"
        if by_hand:
            said = read(it.folder / "evidence" / "cutover.json").get("outcome", outcome)
            assert said == outcome, f"the report says {said}\n{it.told()}"
            # Nothing is undone automatically; a person finishes the switch.
            outcome = finished(it)
        allowed = ENDS.get(fault.what, {"done", "unfrozen", "not_begun"})
        assert outcome in allowed, f"{fault}: {outcome}\n{it.told()}"
        found = judge(it, outcome)
        if fault.what == "a forgotten second writer":
            # It tried all the time, and was refused while the source was frozen.
            refused = [each for each in it.writes() if each.error and each.token.startswith("forgotten")]
            assert refused, f"it was never refused\n{it.told()}"
        # If the application still wrote then, there was nothing to unfreeze.
        frozen = outcome == "unfrozen" and struck and found["outage"] > 1 and found["outage_ended"] > struck
        return {
            **found,
            "outcome": outcome,
            "by_hand": by_hand,
            "unfrozen_by": it.journal.get("unfrozen_by"),
            "stage": it.journal.get("failed_in"),
            # From the fault to the first write that the source acknowledged again.
            "unfrozen_after": found["outage_ended"] - struck if frozen and struck and fault.what in KILLED else None,
        }


def watching(it: Night) -> subprocess.Popen[bytes]:
    """Start a watch, and wait until it waits for a cutover."""
    watch = it.play("cutover.drs.watch")
    it.until(lambda: "No cutover of these jobs has begun" in it.told(), "the watch does not begin")
    return watch


def strike(it: Night, fault: Fault, run: subprocess.Popen[bytes]) -> float | None:
    """Let it go wrong when its time has come; when that was."""
    if fault.what in FORGOTTEN or fault.what == "nothing":
        return None
    stage = {"the job fails in the final gate": "final", "rows differ, so that verify fails": "freeze"}
    wanted = stage.get(fault.what, fault.stage)
    it.until(lambda: reached(it, wanted) or run.poll() is not None, f"{wanted} does not begin", pace=0.05)
    if fault.what not in stage:
        time.sleep(fault.after)
    struck = time.time()
    if fault.what in KILLED:
        lose(it, KILLED[fault.what], run)
    elif fault.what == "rows differ, so that verify fails":
        it.pair.differ()
    elif fault.what == "the replication breaks":
        it.pair.break_replication()
    elif fault.what == "the replication stands still":
        it.pair.stand_still()
    else:
        it.service.fail("The task failed.")
    return struck


def lose(it: Night, what: str, run: subprocess.Popen[bytes]) -> None:
    """Kill the run, its guard or both, as far as they still live."""
    pids = [run.pid] if what in ("run", "both") and run.poll() is None else []
    if what in ("guard", "both"):
        with suppress(KeyError, TypeError):
            guard = it.journal["owner"]["guard"]["pid"]
            pids += [guard] if guard in guards(it.folder) else []
    kill(*pids)


def reached(it: Night, stage: str) -> bool:
    """Whether the cutover has come to this stage."""
    return stage in {each["name"] for each in it.journal.get("stages", [])} or it.journal.get("stage") == stage


def finished(it: Night) -> str:
    """Finish the switch as a person does who found the source frozen, and the job stopped: the same tasks again."""
    play = '[{"hosts": "localhost", "gather_facts": false, "tasks": [{"import_tasks": "tasks/switch.yml"}]}]'
    (it.folder / "by-hand.yml").write_text(play, encoding="utf-8")
    run = it.play("by-hand.yml")
    assert run.wait(LONGEST) == 0, it.told()
    return "done"
