# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole cutovers by the role drs_cutover: ``python cutovers.py SIM FOLDER``.

SIM is the JSON of the fact ``sim``, FOLDER where each cutover gets a folder of its own. The tasks that a user gives
write their names into a file, so that each test knows which of them ran. Each cutover has a job of its own, so they run
side by side.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "setup_simulator" / "files"))
from child import Child, ask, child, run_all

SIM: dict[str, Any] = json.loads(sys.argv[1])
FOLDER = Path(sys.argv[2])
SUFFIXES = (".html", ".json", ".md", ".prom", ".xml")
Tasks = list[dict[str, Any]]
FAIL: dict[str, Any] = {"ansible.builtin.fail": {"msg": "This was meant to fail."}}
LINGER: dict[str, Any] = {"ansible.builtin.command": "sleep 60"}


class Cutover:
    """A job, the user's tasks and the role's options; it can be run more than once."""

    def __init__(self, name: str, *, delay: int = 3, status: str = "INCRE_TRANSFER_STARTED", **options: Any) -> None:
        self.job = name.replace("_", "-")
        self.folder = FOLDER / name
        (self.folder / "tasks").mkdir(parents=True)
        # Of the play, beside those that it needs.
        self.keywords: dict[str, Any] = {}
        self.options: dict[str, Any] = {
            "jobs": [self.job],
            "interval": 0.1,
            "near_interval": 0.1,
            "stable_samples": 2,
            "stable_for": 0.1,
            "approach_timeout": 10,
            "final_timeout": 10,
            "freeze_tasks": "tasks/freeze.yml",
            "switch_tasks": "tasks/switch.yml",
            "unfreeze_tasks": "tasks/unfreeze.yml",
            "state_file": str(self.state_file),
            "reports": [str(self.folder / "cutover.json")],
            **options,
        }
        self.change(status=status, delay=delay)
        # The writes end, so the delay does.
        self.tasks(freeze=[self.changing(delay=0)])

    @property
    def state_file(self) -> Path:
        return self.folder / "state.json"

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.state_file.read_text(encoding="utf-8")))

    @property
    def ran(self) -> list[str]:
        """The names of the user's tasks that ran, in the order in which they did."""
        path = self.folder / "ran"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "cutover.json").read_text(encoding="utf-8")))

    def tasks(
        self,
        freeze: Tasks = (),  # type: ignore[assignment]
        verify: Tasks = (),  # type: ignore[assignment]
        switch: Tasks = (),  # type: ignore[assignment]
        unfreeze: Tasks = (),  # type: ignore[assignment]
    ) -> None:
        """Write the user's files: each first notes that it ran."""
        for name, more in (("freeze", freeze), ("verify", verify), ("switch", switch), ("unfreeze", unfreeze)):
            note = {"ansible.legacy.simulator": {"note": name, "to": str(self.folder / "ran")}}
            content = json.dumps([note, *more])
            self.write(name, content)

    def write(self, name: str, content: str) -> None:
        """One of the user's files, named and placed as in the runbook."""
        (self.folder / "tasks" / f"{name}.yml").write_text(content, encoding="utf-8")

    def change(self, **changes: Any) -> None:
        ask(SIM["control"], f"jobs/{self.job}", changes, "PATCH")

    def changing(self, **changes: Any) -> dict[str, Any]:
        """A task that does the same."""
        return {"ansible.legacy.simulator": {"job": self.job, "changes": changes}, "vars": {"sim": SIM}}

    def play(self, **more: Any) -> dict[str, Any]:
        options = {f"drs_cutover_{name}": value for name, value in {**self.options, **more}.items()}
        return {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/cutover.drs.drs": SIM["login"]},
            "tasks": [{"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover"}, "vars": options}],
            **self.keywords,
        }

    def start(self, *arguments: str, terminal: bool = False, **more: Any) -> AbstractContextManager[Child]:
        shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "1", "HOME": str(self.folder)}
        return child([self.play(**more)], self.folder, *arguments, terminal=terminal, environment=shown)

    def run(self, *arguments: str, succeeds: bool, **more: Any) -> str:
        """Run it to its end; what it wrote, as one line so that sentences can be found."""
        with self.start(*arguments, **more) as run:
            code = run.end()
        assert (code == 0) == succeeds, f"exit code {code}\n{run.stdout}\n{run.stderr}"
        return written(run)

    def requests(self) -> list[str]:
        log = ask(SIM["control"], "log")
        return [entry["operation"] for entry in log if entry["body"]["jobs"] == [self.job]]

    def stages(self) -> list[tuple[str, str]]:
        return [(stage["name"], stage["state"]) for stage in self.report["stages"]]


def written(run: Child) -> str:
    return " ".join(f"{run.stdout} {run.stderr}".split())


def success_and_a_second_run() -> None:
    reports = [f"{{{{ playbook_dir }}}}/cutover{suffix}" for suffix in SUFFIXES]
    cutover = Cutover("success", reports=reports, state_file="~/state.json")
    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]
    report = cutover.report
    assert report["kind"] == "cutover"
    assert (report["outcome"], report["ready"]) == ("done", True)
    assert cutover.stages() == [("approach", "ok"), ("freeze", "ok"), ("final", "ok"), ("switch", "ok")]
    assert report["gates"]["approach"]["rules"]["max_delay"] == 5
    assert report["gates"]["final"]["rules"]["max_delay"] == 0
    assert report["gates"]["final"]["verdict"] == "ready"
    # The outage is from the beginning of the freeze to the end of the switch.
    seconds = {stage["name"]: stage["seconds"] for stage in report["stages"]}
    frozen = seconds["freeze"] + seconds["final"] + seconds["switch"]
    assert frozen - 0.2 <= report["outage_seconds"] <= frozen + 5
    assert "done: The target is the database in use. Outage: " in said
    assert '"drs_cutover_outcome": "done"' in said
    names = {path.name for path in cutover.folder.glob("cutover*")}
    assert names == {f"cutover{gate}{suffix}" for gate in ("", "-approach", "-final") for suffix in SUFFIXES}
    assert (cutover.state["stage"], cutover.state["jobs"]) == ("done", [cutover.job])
    assert cutover.state["outage_seconds"] == report["outage_seconds"]
    asked = cutover.requests()

    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]
    assert f"This cutover was done at {cutover.state['at']}, with an outage of {report['outage_seconds']} s." in said
    assert cutover.requests() == asked
    # What reads the outcome finds it again.
    assert '"drs_cutover_outcome": "done"' in said
    assert f'"drs_cutover_outage_seconds": {report["outage_seconds"]}' in said
    assert cutover.report == report


def data_that_agree_are_switched() -> None:
    cutover = Cutover("verified", verify_tasks="tasks/verify.yml")
    cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert [name for name, _state in cutover.stages()] == ["approach", "freeze", "final", "verify", "switch"]
    # Comparing takes its time, so one more sample is taken after it.
    assert cutover.report["gates"]["recheck"]["rules"]["timeout"] == 0


def data_that_differ_are_not_switched() -> None:
    cutover = Cutover("differing", verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
    assert "Stopped before the switch (verify): This was meant to fail." in said


def a_delay_that_comes_back_while_comparing_is_not_switched() -> None:
    cutover = Cutover("coming_back", verify_tasks="tasks/verify.yml")
    cutover.tasks(freeze=[cutover.changing(delay=0)], verify=[cutover.changing(delay=7)])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "verify", "unfreeze"]
    assert "Stopped before the switch (recheck): The recheck gate is not ready (timeout): 1 job" in said


def not_begun(name: str, verdict: str, **job: Any) -> None:
    cutover = Cutover(name, approach_timeout=0.4, **job)
    said = cutover.run(succeeds=False)
    assert cutover.ran == []
    assert (cutover.report["outcome"], cutover.report["outage_seconds"]) == ("not_begun", None)
    assert cutover.stages() == [("approach", "failed")]
    assert cutover.report["gates"]["approach"]["verdict"] == verdict
    assert cutover.report["reason"].endswith("Nothing was frozen.")
    assert f"The approach gate is not ready ({verdict}): 1 job" in said
    assert json.loads((cutover.folder / "cutover-approach.json").read_text())["verdict"] == verdict
    assert not cutover.state_file.exists()


def approach_by_timeout() -> None:
    not_begun("approach_by_timeout", "timeout", delay=9)


def approach_by_failed() -> None:
    not_begun("approach_by_failed", "failed", status="INCRE_TRANSFER_FAILED", delay=-1)


def freeze_fails_and_a_second_run() -> None:
    cutover = Cutover("freeze_fails")
    cutover.tasks(freeze=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.stages() == [("approach", "ok"), ("freeze", "failed"), ("unfreeze", "ok")]
    assert cutover.report["outcome"] == "unfrozen"
    assert cutover.report["outage_seconds"] > 0
    assert "final" not in cutover.report["gates"]
    unfrozen = "This was meant to fail. The tasks to unfreeze the source ran and worked."
    assert f"Stopped before the switch (freeze): {unfrozen}" in said
    assert cutover.report["reason"] == unfrozen
    assert cutover.state["stage"] == "unfrozen"

    cutover.tasks(freeze=[cutover.changing(delay=0)])
    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "unfreeze", "freeze", "switch"]
    assert "before the switch and unfroze the source. It begins anew." in said
    assert cutover.report["outcome"] == "done"


def stopped_at_the_final_gate(name: str, verdict: str, freeze: Callable[[Cutover], Tasks]) -> None:
    cutover = Cutover(name, final_timeout=0.5)
    cutover.tasks(freeze=freeze(cutover))
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.stages() == [("approach", "ok"), ("freeze", "ok"), ("final", "failed"), ("unfreeze", "ok")]
    assert cutover.report["outcome"] == "unfrozen"
    assert cutover.report["gates"]["final"]["verdict"] == verdict
    assert cutover.report["outage_seconds"] > 0
    assert f"Stopped before the switch (final): The final gate is not ready ({verdict}): 1 job" in said
    assert json.loads((cutover.folder / "cutover-final.json").read_text())["verdict"] == verdict


def final_by_timeout() -> None:
    stopped_at_the_final_gate("final_by_timeout", "timeout", lambda cutover: [])


def final_by_failed() -> None:
    stopped_at_the_final_gate(
        "final_by_failed", "failed", lambda cutover: [cutover.changing(status="INCRE_TRANSFER_FAILED")]
    )


def final_by_ended() -> None:
    stopped_at_the_final_gate(
        "final_by_ended", "ended", lambda cutover: [cutover.changing(status="RELEASE_RESOURCE_STARTED")]
    )


def switch_fails_and_a_second_run() -> None:
    cutover = Cutover("switch_fails")
    cutover.tasks(freeze=[cutover.changing(delay=0)], switch=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "switch"]
    assert cutover.stages()[-1] == ("switch", "failed")
    assert cutover.report["outcome"] == "switch_failed"
    assert "The switch failed: This was meant to fail. Both sides may have been touched, so nothing was undone" in said
    assert cutover.state["stage"] == "switch"
    refused_after_the_switch(cutover)


def refused_after_the_switch(cutover: Cutover) -> None:
    ran, asked = cutover.ran, cutover.requests()
    said = cutover.run(succeeds=False)
    assert (cutover.ran, cutover.requests()) == (ran, asked)
    assert "An earlier run was interrupted, or failed, in the switch at 20" in said
    assert f"finish or undo the switch by hand, then remove {cutover.state_file}." in said


def unfreeze_fails() -> None:
    cutover = Cutover("unfreeze_fails", final_timeout=0.5)
    cutover.tasks(unfreeze=[FAIL])
    said = cutover.run(succeeds=False)
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.stages()[-1] == ("unfreeze", "failed")
    assert cutover.report["outcome"] == "frozen"
    loud = "THE TASKS TO UNFREEZE THE SOURCE FAILED TOO, so it may still be frozen: This was meant to fail."
    assert f"allowed 0 s. {loud}" in said
    assert cutover.report["reason"].endswith(loud)
    assert cutover.state["stage"] == "unfreeze"


def no_tasks_to_unfreeze_or_freeze() -> None:
    cutover = Cutover("no_unfreeze", final_timeout=0.5, unfreeze_tasks=None, freeze_tasks="", verify_tasks=None)
    said = cutover.run(succeeds=False)
    assert cutover.ran == []
    assert cutover.stages() == [("approach", "ok"), ("final", "failed")]
    assert cutover.report["outcome"] == "frozen"
    assert "No drs_cutover_unfreeze_tasks were given. The source may still be frozen." in said


def check_mode() -> None:
    cutover = Cutover("check_mode")
    said = cutover.run("--check", succeeds=True)
    assert cutover.ran == []
    assert sorted(cutover.requests()) == ["batch-progress"] * 2 + ["batch-status"] * 2
    assert "1. approach gate: delay of at most 5 s" in said
    assert f"5. switch: {cutover.folder}/tasks/switch.yml" in said
    assert "The approach gate now: ready. 1 job ready." in said
    assert "The final gate now: timeout. 1 job of 1 not ready in the one sample" in said
    assert not cutover.state_file.exists()
    assert not list(cutover.folder.glob("cutover*"))


def nobody_to_ask() -> None:
    cutover = Cutover("nobody_to_ask", confirm=True)
    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "switch"]
    assert said.count("There is no terminal, so nobody was asked.") == 2
    assert cutover.report["gates"]["recheck"]["rules"]["timeout"] == 0


FREEZE, SWITCH = "Freeze the source now?", "Switch now?"
# What is typed in the moment in which a question appears is thrown away with what was typed before.
SETTLES = 0.5


def confirmed() -> None:
    cutover = Cutover("confirmed", confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "yes\r")
        answer(run, SWITCH, "YES\r")
        assert run.end() == 0, run.stdout
    assert cutover.ran == ["freeze", "switch"]
    assert written(run).count("Confirmed.") == 2
    assert cutover.report["outcome"] == "done"


def not_confirmed_before_the_freeze() -> None:
    cutover = Cutover("not_before_freeze", confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "no\r")
        assert run.end() != 0
    assert cutover.ran == []
    assert f"Not confirmed. All jobs have nearly caught up. {FREEZE} was not answered with yes." in written(run)
    assert cutover.report["outcome"] == "not_begun"
    assert cutover.report["reason"] == "Not confirmed. Nothing was frozen."


def not_confirmed_before_the_switch() -> None:
    cutover = Cutover("not_before_switch", confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "yes\r")
        # Neither is a y alone a yes, nor is nothing.
        answer(run, SWITCH, "y\r")
        assert run.end() != 0
    assert cutover.ran == ["freeze", "unfreeze"]
    assert cutover.report["outcome"] == "unfrozen"
    assert "Stopped before the switch (confirmation): Not confirmed." in written(run)


def enter_alone_is_no_answer() -> None:
    cutover = Cutover("enter_alone", confirm=True)
    with cutover.start(terminal=True) as run:
        answer(run, FREEZE, "\r")
        assert run.end() != 0
    assert cutover.ran == []
    assert "There is no terminal" not in run.stdout


def answer(run: Child, question: str, text: str) -> None:
    run.until(question)
    time.sleep(SETTLES)
    run.type(text)


def interrupted(name: str, stage: str, **tasks: Tasks) -> Cutover:
    """A cutover whose first run was killed while the user's tasks of a stage ran."""
    cutover = Cutover(name)
    cutover.tasks(**{"freeze": [cutover.changing(delay=0)], **tasks})
    with cutover.start() as run:
        while cutover.ran[-1:] != [stage]:
            assert run.process.poll() is None, run.stdout
            time.sleep(0.05)
        run.kill()
    assert cutover.state["stage"] == stage
    assert not (cutover.folder / "cutover.json").exists()
    return cutover


def interrupted_in_the_freeze_and_a_second_run() -> None:
    cutover = interrupted("interrupted_freeze", "freeze", freeze=[LINGER])
    since = cutover.state["frozen_since"]
    cutover.tasks(freeze=[cutover.changing(delay=0)])
    said = cutover.run(succeeds=True)
    assert cutover.ran == ["freeze", "freeze", "switch"]
    assert "An earlier run was interrupted in the stage freeze at 20" in said
    assert f"The source may be frozen since {since[:19]}. It begins anew, and freezes again." in said
    assert cutover.report["outcome"] == "done"
    # The outage goes on since the first run.
    seconds = {stage["name"]: stage["seconds"] for stage in cutover.report["stages"]}
    assert cutover.report["outage_seconds"] > seconds["approach"] + seconds["freeze"] + seconds["final"]
    assert cutover.state["frozen_since"] == since


def interrupted_in_the_freeze_and_not_begun_again() -> None:
    cutover = interrupted("interrupted_again", "freeze", freeze=[LINGER])
    cutover.change(delay=99)
    said = cutover.run(succeeds=False, approach_timeout=0.3)
    assert cutover.ran == ["freeze"]
    # What the first run froze is not made good by not beginning.
    assert "Nothing was frozen." not in said
    assert "may still be frozen" in cutover.report["reason"]
    assert cutover.state["stage"] == "freeze"


def interrupted_in_the_switch_and_a_second_run() -> None:
    cutover = interrupted("interrupted_switch", "switch", switch=[LINGER])
    assert cutover.ran == ["freeze", "switch"]
    refused_after_the_switch(cutover)


def two_cutovers_in_a_play() -> None:
    first, second = Cutover("first_of_two"), Cutover("second_of_two", delay=99, approach_timeout=0.3)
    for name in ("freeze", "switch", "unfreeze"):
        first.options[f"{name}_tasks"] = str(first.folder / "tasks" / f"{name}.yml")
        second.options[f"{name}_tasks"] = str(second.folder / "tasks" / f"{name}.yml")
    plays = [{**first.play(), "tasks": [*first.play()["tasks"], *second.play()["tasks"]]}]
    with child(plays, FOLDER) as run:
        assert run.end() != 0
    assert (first.ran, first.report["outcome"]) == (["freeze", "switch"], "done")
    assert (second.ran, second.report["outcome"]) == ([], "not_begun")
    # Nothing of the first is left in the second.
    assert second.report["outage_seconds"] is None
    assert list(second.report["gates"]) == ["approach"]


def options_that_cannot_work() -> None:
    cutover = Cutover("bad_options")
    said = cutover.run(succeeds=False, switch_tasks="there-is-none.yml")
    assert f"drs_cutover_switch_tasks: there is no file {cutover.folder}/there-is-none.yml." in said
    said = cutover.run(succeeds=False, reports=["cutover.pdf"])
    assert "drs_cutover_reports: cutover.pdf must end in .json, .html, .md, .xml or .prom." in said
    assert cutover.ran == []
    assert cutover.requests() == []


def errors_that_the_play_ignores_open_no_gate() -> None:
    cutover = Cutover("ignored", approach_timeout=0.3, final_timeout=0.5)
    cutover.keywords = {"ignore_errors": True, "ignore_unreachable": True}
    cutover.change(delay=99)
    cutover.run(succeeds=False)
    assert (cutover.ran, cutover.report["outcome"]) == ([], "not_begun")
    cutover.change(delay=3)
    cutover.tasks()
    cutover.run(succeeds=False)
    assert (cutover.ran, cutover.report["outcome"]) == (["freeze", "unfreeze"], "unfrozen")


def an_include_that_finds_nothing_unfreezes_too() -> None:
    cutover = Cutover("not_found")
    for missing in ({"ansible.builtin.include_tasks": "nowhere.yml"}, {"ansible.builtin.include_role": {"name": "no"}}):
        (cutover.folder / "ran").unlink(missing_ok=True)
        cutover.tasks(freeze=[missing])
        said = cutover.run(succeeds=False)
        assert cutover.ran == ["freeze", "unfreeze"]
        assert cutover.report["outcome"] == "unfrozen"
        assert "Stopped before the switch (freeze): " in said


def a_recording_opens_no_gate() -> None:
    cutover = Cutover("replayed")
    recording = cutover.folder / "recording.jsonl"
    cutover.run(succeeds=True, record=str(recording))
    cutover.state_file.unlink()
    cutover.change(delay=900)
    said = cutover.run("-e", f"drs_wait_replay={recording}", succeeds=False)
    assert cutover.ran == ["freeze", "switch"]
    assert "Nobody asked the service, this is a replay. A cutover needs samples of now." in said
    assert cutover.report["outcome"] == "not_begun"


def options_of_a_command_line_are_texts() -> None:
    cutover = Cutover("texts", verify_tasks="tasks/verify.yml")
    for option in ("jobs", "reports"):
        del cutover.options[option]
    reports = f"{cutover.folder}/cutover.json,{cutover.folder}/cutover.html"
    texts = {"jobs": cutover.job, "confirm": "false", "reports": reports, "stats": "yes"}
    given = [word for name, value in texts.items() for word in ("-e", f"drs_cutover_{name}={value}")]
    cutover.run(*given, succeeds=True)
    assert cutover.ran == ["freeze", "verify", "switch"]
    assert cutover.state["jobs"] == [cutover.job]
    assert (cutover.folder / "cutover.html").exists()


def tasks_that_cannot_be_loaded_are_found_before_anything_runs() -> None:
    cutover = Cutover("unloadable")
    for name, content in (("switch", "- no.such.module: {}"), ("unfreeze", "- not: [closed")):
        cutover.tasks()
        cutover.write(name, content)
        cutover.run(succeeds=False)
        assert cutover.ran == []
    assert cutover.requests() == []
    assert not cutover.state_file.exists()


def to_load_the_tasks_is_not_to_run_them() -> None:
    cutover = Cutover("loaded", delay=99, approach_timeout=0.3)
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


def check_mode_by_a_keyword() -> None:
    cutover = Cutover("keyword")
    cutover.keywords = {"check_mode": True}
    cutover.tasks(freeze=[{**cutover.changing(delay=0), "check_mode": False}])
    said = cutover.run(succeeds=True)
    assert cutover.ran == []
    assert "1. approach gate: delay of at most 5 s" in said
    assert "drs_cutover_outcome" not in said


def a_state_that_says_nothing_of_these_jobs_stops_everything() -> None:
    cutover = Cutover("foreign")
    others = {"schema": 1, "stage": "done", "jobs": ["others"]}
    for content in ("[]", "{", json.dumps(others), '{"schema": 99, "phase": "switch"}'):
        cutover.state_file.write_text(content, encoding="utf-8")
        said = cutover.run(succeeds=False)
        assert f"{cutover.state_file} is not the state of a cutover of these jobs, {cutover.job}: it is damaged" in said
    assert cutover.ran == []
    assert cutover.requests() == []


def two_hosts_do_not_cut_over_the_same_jobs() -> None:
    cutover = Cutover("two_hosts")
    cutover.keywords = {"hosts": "all", "connection": "local"}
    said = cutover.run("-i", "one,two,", succeeds=False)
    assert "two would cut over the same jobs at the same time. Run the role on one host" in said
    assert (cutover.ran, cutover.requests()) == ([], [])


if __name__ == "__main__":
    tests = (
        errors_that_the_play_ignores_open_no_gate,
        an_include_that_finds_nothing_unfreezes_too,
        a_recording_opens_no_gate,
        options_of_a_command_line_are_texts,
        tasks_that_cannot_be_loaded_are_found_before_anything_runs,
        to_load_the_tasks_is_not_to_run_them,
        check_mode_by_a_keyword,
        a_state_that_says_nothing_of_these_jobs_stops_everything,
        two_hosts_do_not_cut_over_the_same_jobs,
        success_and_a_second_run,
        data_that_agree_are_switched,
        data_that_differ_are_not_switched,
        a_delay_that_comes_back_while_comparing_is_not_switched,
        switch_fails_and_a_second_run,
        freeze_fails_and_a_second_run,
        interrupted_in_the_freeze_and_a_second_run,
        interrupted_in_the_freeze_and_not_begun_again,
        interrupted_in_the_switch_and_a_second_run,
        two_cutovers_in_a_play,
        options_that_cannot_work,
        approach_by_timeout,
        approach_by_failed,
        final_by_timeout,
        final_by_failed,
        final_by_ended,
        unfreeze_fails,
        no_tasks_to_unfreeze_or_freeze,
        check_mode,
        nobody_to_ask,
        confirmed,
        not_confirmed_before_the_freeze,
        not_confirmed_before_the_switch,
        enter_alone_is_no_answer,
    )
    chosen = [test for test in tests if not sys.argv[3:] or test.__name__ in sys.argv[3:]]
    sys.exit(run_all({test.__name__: test for test in chosen}, 3))
