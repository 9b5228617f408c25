# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, task files and keywords of a play, checked before anything runs."""

from __future__ import annotations

import json
import re
import time

import pytest

from ansible_collections.cutover.drs.tests.playbooks.support import FAIL, Cutover, Place


def test_check_mode(place: Place) -> None:
    cutover = Cutover(place)
    said = cutover.run("--check", succeeds=True)
    assert cutover.ran == []
    assert sorted(cutover.requests()) == ["batch-detail"] + ["batch-progress"] * 2 + ["batch-status"] * 2
    assert "1. approach gate: delay of at most 5 s" in said
    assert f"5. switch: {cutover.folder}/tasks/switch.yml" in said
    assert "The approach gate now: ready. 1 job ready." in said
    assert "The final gate now: timeout. 1 of 1 job is not ready in the one sample" in said
    assert not cutover.journal_file.exists()
    assert not list(cutover.folder.glob("cutover*"))


def test_options_that_cannot_work(place: Place) -> None:
    cutover = Cutover(place)
    said = cutover.run(succeeds=False, switch_tasks="there-is-none.yml")
    assert f"drs_cutover_switch_tasks: there is no file {cutover.folder}/there-is-none.yml." in said
    said = cutover.run(succeeds=False, reports=["cutover.pdf"])
    assert "drs_cutover_reports: cutover.pdf must end in one of .html, .json, .md, .prom, .xml." in said
    assert cutover.ran == []
    assert cutover.requests() == []


@pytest.mark.thorough
def test_errors_that_the_play_ignores_open_no_gate(place: Place) -> None:
    cutover = Cutover(place, final_timeout=0.5)
    cutover.keywords = {"ignore_errors": True, "ignore_unreachable": True}
    cutover.change(delay=99)
    cutover.run(succeeds=False, approach_timeout=0.3)
    assert (cutover.ran, cutover.report["outcome"]) == ([], "not_begun")
    cutover.change(delay=3)
    cutover.tasks()
    cutover.run(succeeds=False)
    assert (cutover.ran, cutover.report["outcome"]) == (["freeze", "unfreeze"], "unfrozen")


@pytest.mark.thorough
def test_an_include_that_finds_nothing_unfreezes_too(place: Place) -> None:
    cutover = Cutover(place)
    for missing in ({"ansible.builtin.include_tasks": "nowhere.yml"}, {"ansible.builtin.include_role": {"name": "no"}}):
        (cutover.folder / "ran").unlink(missing_ok=True)
        cutover.tasks(freeze=[missing])
        cutover.run(succeeds=False)
        assert cutover.ran == ["freeze", "unfreeze"]
        assert (cutover.report["outcome"], cutover.report["failed_stage"]) == ("unfrozen", "freeze")


@pytest.mark.thorough
def test_a_recording_opens_no_gate(place: Place) -> None:
    cutover = Cutover(place)
    recording = cutover.folder / "recording.jsonl"
    cutover.run(succeeds=True, record=str(recording))
    cutover.journal_file.unlink()
    cutover.change(delay=900)
    # A wait's own options are not those of a cutover, and a cutover has none for a recording.
    cutover.run("-e", f"drs_wait_replay={recording}", succeeds=False, approach_timeout=0.3)
    assert (cutover.ran, cutover.report["outcome"]) == (["freeze", "switch"], "not_begun")
    said = cutover.run(succeeds=False, replay=str(recording))
    assert "drs_cutover_replay is not an option of the role drs_cutover." in said


@pytest.mark.thorough
def test_options_of_a_command_line_are_texts(place: Place) -> None:
    cutover = Cutover(place, verify_tasks="tasks/verify.yml")
    for option in ("jobs", "reports"):
        del cutover.options[option]
    reports = f"{cutover.folder}/cutover.json,{cutover.folder}/cutover.html"
    texts = {"jobs": cutover.job, "confirm": "false", "reports": reports, "stats": "yes"}
    given = [word for name, value in texts.items() for word in ("-e", f"drs_cutover_{name}={value}")]
    cutover.run(*given, succeeds=True)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert cutover.state["jobs"] == [cutover.job]
    assert (cutover.folder / "cutover.html").exists()


@pytest.mark.thorough
def test_tasks_that_cannot_be_loaded_are_found_before_anything_runs(place: Place) -> None:
    cutover = Cutover(place)
    for name, content in (("switch", "- no.such.module: {}"), ("unfreeze", "- not: [closed")):
        cutover.tasks()
        cutover.write(name, content)
        cutover.run(succeeds=False)
        assert cutover.ran == []
    assert cutover.requests() == []
    # A parser error may end the run at once; the guard then clears up.
    deadline = time.monotonic() + 10
    while cutover.journal_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("freeze", ""),
        ("switch", "---\n# Nothing yet.\n"),
        ("unfreeze", "[]"),
    ],
)
def test_a_file_without_tasks_is_refused_before_anything_runs(place: Place, name: str, content: str) -> None:
    cutover = Cutover(place)
    cutover.write(name, content)
    said = cutover.run(succeeds=False)
    assert f"drs_cutover_{name}_tasks: {cutover.folder}/tasks/{name}.yml has no tasks." in said
    assert (cutover.ran, cutover.requests()) == ([], [])


@pytest.mark.thorough
def test_to_load_the_tasks_is_not_to_run_them(place: Place) -> None:
    cutover = Cutover(place, delay=99, approach_timeout=0.3)
    cutover.tasks(freeze=[{**FAIL, "register": "frozen", "tags": ["loud"]}])
    included = {**cutover.play()["tasks"][0], "tags": ["loud"]}
    included["ansible.builtin.include_role"]["apply"] = {"tags": ["loud"]}
    told = {
        "ansible.builtin.debug": {"msg": "It was {{ 'known' if frozen is defined else 'unknown' }}."},
        "tags": ["loud"],
    }
    cutover.keywords = {"tasks": [{"block": [included], "rescue": [told]}]}
    for options in ((), ("--tags", "loud")):
        said = cutover.run(*options, succeeds=True)
        assert (cutover.ran, cutover.report["outcome"]) == ([], "not_begun")
        assert ("It was unknown." in said) == (not options)


@pytest.mark.thorough
def test_check_mode_by_a_keyword(place: Place) -> None:
    cutover = Cutover(place)
    cutover.keywords = {"check_mode": True}
    cutover.tasks(freeze=[{**cutover.changing(delay=0), "check_mode": False}])
    said = cutover.run(succeeds=True)
    assert cutover.ran == []
    assert "1. approach gate: delay of at most 5 s" in said
    assert "drs_cutover_outcome" not in said


@pytest.mark.thorough
def test_a_state_that_says_nothing_of_these_jobs_stops_everything(place: Place) -> None:
    cutover = Cutover(place)
    others = {"schema": 1, "stage": "done", "jobs": ["others"]}
    for content in ("[]", "{", json.dumps(others), '{"schema": 99, "phase": "switch"}'):
        cutover.journal_file.write_text(content, encoding="utf-8")
        said = cutover.run(succeeds=False)
        assert f"{cutover.journal_file} is not the journal of a cutover" in said
        assert cutover.journal_file.read_text(encoding="utf-8") == content
    assert cutover.ran == []
    assert cutover.requests() == []


def test_two_hosts_do_not_cut_over_the_same_jobs(place: Place) -> None:
    cutover = Cutover(place)
    cutover.keywords = {"hosts": "all", "connection": "local"}
    said = cutover.run("-i", "one,two,", succeeds=False)
    # Both begin at once: the one that is first names the other.
    assert re.search(r"(one|two) would cut over the same jobs at the same time\. Run the role on one host", said), said
    assert (cutover.ran, cutover.requests()) == ([], [])


@pytest.mark.thorough
def test_check_mode_fails_if_the_rehearsal_of_the_unfreeze_does(place: Place) -> None:
    cutover = Cutover(place)
    cutover.tasks(freeze=[cutover.changing(delay=0)], unfreeze=[{"ansible.builtin.debug": {"msg": "{{ nowhere }}"}}])
    said = cutover.run("--check", succeeds=False)
    assert (
        "The rehearsal of the unfreeze in check mode failed: The task 'ansible.builtin.debug' of unfreeze.yml" in said
    )
    assert (cutover.ran, list(cutover.folder.glob("*state*"))) == ([], [])
