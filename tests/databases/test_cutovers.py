# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example projects, as they stand, cut a database over whose application writes all the time."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.tests.databases import page
from ansible_collections.cutover.drs.tests.databases.engines import Pair
from ansible_collections.cutover.drs.tests.databases.faults import FAULTS, Fault, drawn, go_through, strike
from ansible_collections.cutover.drs.tests.databases.nights import LONGEST, judge, night


def test_a_cutover_loses_no_acknowledged_write(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it:
        run = it.play("cutover.yml")
        assert run.wait(LONGEST) == 0, it.told()
        assert it.ended() == "done"
        print(judge(it, "done"))
        # Its pools were told before its sessions were ended.
        assert [each for each in it.writes() if each.error] == []


def test_the_preflight_succeeds_and_changes_nothing(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it:
        config = it.config.read_text(encoding="utf-8")
        run = it.play("cutover.yml", "--check")
        assert run.wait(LONGEST) == 0, it.told()
        assert it.journal == {}
        assert it.config.read_text(encoding="utf-8") == config
        it.accepted(pair.source.port)


@pytest.mark.parametrize("pair", ["postgresql"], indirect=True)
def test_after_a_forced_stop_the_switch_sets_the_sequences(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it:
        it.service.by_force = True
        run = it.play("cutover.yml")
        assert run.wait(LONGEST) == 0, it.told()
        assert it.ended() == "done"
        judge(it, "done")


def test_recover_unfreezes_with_the_project_alone(pair: Pair, tmp_path: Path) -> None:
    with night(pair, tmp_path) as it:
        run = it.play("cutover.yml")
        strike(it, Fault("run and guard are killed, with a watch", "final", 0), run)
        recover = it.play("cutover.drs.recover")
        assert recover.wait(LONGEST) == 0, it.told()
        assert it.ended() == "unfrozen"
        judge(it, "unfrozen")


@pytest.mark.parametrize("what", [what for what in FAULTS if what != "nothing"])
def test_whatever_goes_wrong_no_acknowledged_write_is_lost(pair: Pair, tmp_path: Path, what: str) -> None:
    print(go_through(pair, tmp_path, Fault(what, "final", 0.5)))


def test_a_night_whose_fault_is_drawn_loses_no_acknowledged_write(pair: Pair, tmp_path: Path, seed: int) -> None:
    fault = drawn(pair.engine, seed)
    found = {"engine": pair.engine, "seed": seed, **asdict(fault)}
    try:
        found |= go_through(pair, tmp_path, fault)
    except BaseException as error:
        found["wrong"] = (str(error) or repr(error)).splitlines()[0]
        raise
    finally:
        page.RESULTS.mkdir(parents=True, exist_ok=True)
        (page.RESULTS / f"{pair.engine}-{seed:05}.json").write_text(json.dumps(found), encoding="utf-8")
