# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a cutover, as a task of the role drs_cutover takes them, one process for each."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._cutover import journal_json as encoding
from ...module_utils._cutover.result import nothing_begun
from ...module_utils._cutover.stages import STAGES, Next, Outcome, Plan, Role
from ...module_utils._cutover.wording import LOOK
from ...module_utils._gate.gate import Verdict
from ...module_utils._job.errors import DrsError, configuration_error
from ...module_utils._service.connection import connect
from ...module_utils._service.jobs.names import asked_jobs, resolve_names
from ...module_utils._stop.decide import cannot_be_resumed
from ...module_utils._stop.loop import run as stop
from ...module_utils._stop.loop import targets_of
from ...module_utils._wait.loop import run as wait
from .. import _controller as _process
from .._guard import client as _steps
from .._question import ask_person
from . import options as _cutover_options
from .failed_task import what_failed
from .step import BEGUN, Step, failure, leads_to


@dataclass(frozen=True)
class Targets:
    """The jobs whose target is read-only until they have ended, and a sentence if that is not known of all."""

    readonly: tuple[str, ...] = ()
    warning: str = ""


class CutoverRun(Step):
    """A step of the run that cuts over."""

    def step(self, name: str, stage: str | None) -> dict[str, Any]:
        """Take the step and return the task's result."""
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "begin": lambda: _led(self._begin()),
            "enter": lambda: self._enter(str(stage)),
            "completed": self._completed,
            "failed": self._failed,
            "unfrozen": self._unfrozen,
            "unfreeze_failed": self._unfreeze_failed,
        }
        try:
            return steps[name]()
        except DrsError as error:
            return failure(str(error))

    def _begin(self) -> dict[str, Any]:
        """Check everything that can be checked, start the guard, and say which stages follow. Never fails."""
        nothing: dict[str, Any] = {"stages": [], "load": [], "guard": None, "host": self._host, "check_mode": False}
        # By which other hosts know whether a result is that of this cutover.
        nothing["run"] = secrets.token_hex(8)
        # Of an earlier cutover in the same play, if there was one.
        self._begun = {}
        try:
            options = self._options()
            _cutover_options.check_files(options, self._action._loader)
            if self._task.check_mode:
                return {**nothing, **self._plan_only(options)}
            started = self._start(options)
        except (DrsError, AnsibleError, OSError) as error:
            message = error.message if isinstance(error, AnsibleError) else str(error)
            return {**nothing, "refused": True, "msg": message}
        answer, guard = started
        begun = {
            **nothing,
            "guard": guard,
            "jobs": list(options.jobs),
            "files": dict(options.files),
            "reports": list(options.values["reports"]),
            "title": options.values["title"],
            "stats": options.values["stats"],
            "plan": plan_lines(options),
            "journal_found": answer["journal"],
            "msg": answer["message"],
        }
        if answer["next"] != Next.PROCEED.value:
            return {**begun, "refused": answer["next"] != Next.STOP.value, "msg": self._not_begun(answer, options)}
        stages = [{"name": name, "title": STAGES[name].title, "file": _file_of(name)} for name in options.stages]
        msg = answer["message"] or f"Plan: {', '.join(options.stages)}."
        answer = {**begun, "refused": False, "stages": stages, "load": list(options.files.values()), "msg": msg}
        if guard["cannot"]:
            lacking = " and ".join(guard["cannot"])
            answer["warnings"] = [
                f"If this run dies, the guard unfreezes without {lacking}. Give it by a file instead."
            ]
        return answer

    def _targets(self, options: _cutover_options.Options) -> Targets:
        """Find out which targets are read-only until their jobs have ended, and refuse a switch to one of those."""
        self._use_environment()
        found, warning = targets_of({**options.connection(), "jobs": options.jobs}, os.environ, _process.CLOCK)
        readonly = tuple(job for job in options.jobs if found.get(job))
        if readonly and options.stop_jobs in ("never", "after_switch"):
            raise configuration_error(
                f"drs_cutover_stop_jobs is {options.stop_jobs}, but until its job has ended the target is read-only: "
                f"{', '.join(readonly)}. The application would be switched to a database that refuses its writes. Set it to "
                "before_switch, or to by_switch_tasks if your switch tasks stop the jobs."
            )
        needed = options.stop_jobs in ("never", "after_switch")
        return Targets(readonly, (warning or "") if needed else "")

    def _not_begun(self, answer: Mapping[str, Any], options: _cutover_options.Options) -> str:
        """Say why nothing begins, and what to do."""
        journal = answer["journal"] or {}
        if answer["next"] == Next.STOP.value:
            return (
                f"This cutover was done at {journal['at']}, with an outage of {journal['outage_seconds']} s. Nothing runs "
                f"again. Remove {options.state_file} to cut over once more. {answer['message']}".rstrip()
            )
        if journal.get("outcome") == Outcome.SWITCH_FAILED.value or journal.get("stage") == "switch":
            return (
                f"An earlier run was interrupted, or failed, in the switch at {journal['at']}. Both sides may have been "
                f"changed, so nothing runs automatically. {LOOK} Finish or undo the switch by hand, then remove {options.state_file}."
            )
        return f"{answer['message'].rstrip('.')}. Nothing was changed."

    def _options(self) -> _cutover_options.Options:
        return _cutover_options.read(
            self._vars, self._action._templar, self._defaults, can_ask=_process.can_ask(), ids_of=self._ids_of
        )

    def _ids_of(self, values: Mapping[str, Any]) -> list[str]:
        """Return the ids of jobs that are given by name: looked up once, when the cutover begins."""
        if self._begun.get("jobs"):
            return list(self._begun["jobs"])
        self._use_environment()
        with connect(values, os.environ) as client:
            return resolve_names(client, list(asked_jobs(values).names))

    def _start(self, options: _cutover_options.Options) -> tuple[dict[str, Any], dict[str, Any]]:
        values = options.values
        plan = Plan(options.jobs, options.stages, options.files.get("unfreeze", ""), values["max_outage"])
        guard = {"journal": str(options.state_file), "plan": encoding.encode_plan(plan)}
        told = {
            **guard,
            "jobs": list(options.jobs),
            "recover": False,
            "reports": self._paths(values["reports"]),
            "title": values["title"],
            "plan_lines": plan_lines(options),
        }
        return self.guarded(guard, told, Role.RUN)

    def _paths(self, paths: list[str]) -> list[str]:
        # Absolute, since the guard may write them from another folder.
        return [str(Path.cwd() / path) for path in paths]

    def _plan_only(self, options: _cutover_options.Options) -> dict[str, Any]:
        """Take one real sample for each gate, and change nothing."""
        targets = self._targets(options)
        gates = {gate: self._wait(options, gate, one_sample=True) for gate in ("approach", "final")}
        says = [f"The {gate} gate now: {judged['verdict']}. {judged['reason']}" for gate, judged in gates.items()]
        failed = gates["approach"]["verdict"] == Verdict.ERROR.value
        return {
            "check_mode": True,
            "refused": failed,
            "msg": [
                "Check mode: nothing was changed.",
                *plan_lines(options, targets),
                *([targets.warning] if targets.warning else []),
                *says,
            ],
            "result": {
                **nothing_begun(
                    gates["approach"]["reason"]
                    if failed
                    else "Check mode: each gate took one sample, and nothing was changed."
                ),
                "plan": plan_lines(options, targets),
                "gates": gates,
                "started_at": gates["approach"]["started_at"],
                "finished_at": gates["final"]["finished_at"],
            },
        }

    def _enter(self, stage: str) -> dict[str, Any]:
        """Begin a stage; a gate is waited for here, the user's files are returned for the role to include."""
        options = self._options()
        guard = self._begun["guard"]
        more: dict[str, Any] = {}
        targets = Targets()
        if stage == "approach":
            self._refuse_shared(options)
            targets = self._targets(options)
            more["plan_lines"] = plan_lines(options, targets)
        if stage in ("freeze", "final"):
            # What was registered since belongs to the variables that the unfreeze tasks see.
            more["handover"] = self.handover()
        answer = self._asked(guard, "enter", stage=stage, **more)
        if answer["next"] == Next.SAMPLE.value:
            gate = "approach" if stage == "freeze" else "final"
            refused = self._judge(options, guard, gate, "recheck", one_sample=True)
            if refused:
                return failure(refused)
            answer = self._asked(guard, "enter", stage=stage)
        if answer["next"] != Next.PROCEED.value:
            return failure(answer["message"])
        if STAGES[stage].gate:
            refused = self._judge(options, guard, stage, stage, one_sample=False)
            warnings = {"warnings": [targets.warning]} if targets.warning else {}
            return {**(failure(refused) if refused else {"files": []}), **warnings}
        if stage == "stop":
            refused = self._stop(options, guard, answer["journal"])
            return failure(refused) if refused else {"files": []}
        if stage.startswith("confirm_"):
            return self._confirm(options, stage)
        return {"files": [options.files[stage]], "msg": f"{STAGES[stage].title}: {options.files[stage]}"}

    def _asked(self, guard: Mapping[str, Any], event: str, **more: Any) -> dict[str, Any]:
        try:
            return _steps.ask(guard, event, **more)
        except _steps.GuardGoneError as error:
            message = (
                f"The guard of this cutover is gone ({error}), so nothing would unfreeze the source if the run died."
            )
            return {"next": Next.REFUSE.value, "message": message}

    def _judge(
        self, options: _cutover_options.Options, guard: Mapping[str, Any], gate: str, name: str, *, one_sample: bool
    ) -> str:
        """Wait at a gate and tell the guard; why it is not ready, empty if it is."""
        judged = self._wait(options, gate, one_sample=one_sample)
        valid_until = judged["valid_until"]
        # Positive evidence only: a verdict without a request says nothing of now.
        ready = judged["ready"] is True and judged["requests"] > 0 and valid_until is not None
        reason = f"The {name} gate is not ready ({judged['verdict']}): {judged['reason']}"
        answer = self._asked(
            guard,
            "judged",
            gate=name,
            ready=ready,
            reason=reason,
            valid_until=datetime.fromisoformat(valid_until.replace("Z", "+00:00")).timestamp() if ready else None,
            result=judged,
        )
        return "" if ready and answer["next"] == Next.PROCEED.value else answer["message"] or reason

    def _wait(self, options: _cutover_options.Options, gate: str, *, one_sample: bool) -> dict[str, Any]:
        action = self._action
        self._use_environment()
        of_gate, limited = _process.within_the_task(options.of_gate(gate), self._task)
        judged = wait(
            of_gate,
            os.environ,
            one_sample=one_sample,
            say=_process.lines(self._task, options.values.get("progress", True)),
            clock=_process.CLOCK,
            folder=action._loader.get_basedir(),
        )
        if limited and not judged["ready"]:
            judged["reason"] = f"{judged['reason']} {limited}"
        return judged

    def _stop(self, options: _cutover_options.Options, guard: Mapping[str, Any], journal: Mapping[str, Any]) -> str:
        """Stop the jobs and tell the guard; why not all of them ended, empty if they did."""
        self._use_environment()
        remaining = None if options.stop_jobs == "after_switch" else journal["deadline"] - time.time()
        of_stop, limited = _process.within_the_task(options.of_stop(remaining), self._task)
        ended = stop(
            of_stop,
            os.environ,
            check_mode=False,
            say=_process.lines(self._task, options.values.get("progress", True)),
            clock=_process.CLOCK,
        )
        # A job that is being released cannot be resumed either.
        gone = [*ended["stopped"], *ended["already_ended"]]
        gone += [job["id"] for job in ended["jobs"] if job["id"] not in gone and cannot_be_resumed(job.get("status"))]
        reason = f"{ended['msg']} {limited}".rstrip() if ended["failed"] else ""
        answer = self._asked(guard, "stopped", jobs=gone, reason=reason)
        return "" if not reason and answer["next"] == Next.PROCEED.value else answer["message"] or reason

    def _use_environment(self) -> None:
        _process.use_environment(self._task, self._action._templar)

    def _refuse_shared(self, options: _cutover_options.Options) -> None:
        """Refuse another host of the play that cuts over the same jobs or writes the same reports."""
        hostvars = self._vars.get("hostvars") or {}
        batch = self._vars.get("ansible_play_batch") or ()
        for host in self._vars.get("ansible_play_hosts_all") or ():
            other = (hostvars[host].get(BEGUN) if host in hostvars else None) or {}
            if host == self._host or other.get("host") != host:
                continue
            # One that was refused has already failed, and so left the batch.
            if host not in batch and not other.get("refused"):
                continue
            if set(other.get("jobs") or ()) & set(options.jobs):
                raise AnsibleError(
                    f"{host} would cut over the same jobs at the same time. Run the role on one host, such as localhost, "
                    "or give each host jobs of its own."
                )
            shared = set(other.get("reports") or ()) & set(options.values["reports"])
            if shared:
                raise AnsibleError(
                    f"drs_cutover_reports: {host} would write {', '.join(sorted(shared))} too. Put {{{{ inventory_hostname }}}} "
                    "into the path."
                )

    def _confirm(self, options: _cutover_options.Options, stage: str) -> dict[str, Any]:
        question = {
            "confirm_freeze": "All jobs have nearly caught up. Freeze the source now?",
            "confirm_switch": "The source is frozen and all jobs have caught up. Switch now?",
        }[stage]
        answer = ask_person(question, options.values["confirm_timeout"])
        shown = {"files": [], "msg": answer["msg"], "_ansible_verbose_always": True}
        return shown if answer["confirmed"] else failure(answer["msg"])

    def _completed(self) -> dict[str, Any]:
        if not self._begun.get("stages"):
            return {"msg": "Nothing ran."}
        answer = self._asked(self._begun["guard"], "completed")
        return {"msg": "The cutover is complete."} if answer["next"] == Next.STOP.value else failure(answer["message"])

    def _failed(self) -> dict[str, Any]:
        guard = self._begun.get("guard")
        if not guard:
            return leads_to([])
        stage = _steps.stage(guard)
        reason = what_failed(self._vars, self._begun["files"].get(stage, ""))
        answer = _steps.report_failure(guard, "failed", reason)
        files = [guard["plan"]["unfreeze_tasks"]] if answer["next"] == Next.UNFREEZE.value else []
        return {**leads_to(files), "msg": reason}

    def _unfrozen(self) -> dict[str, Any]:
        journal = _steps.report_unfrozen(self._begun["guard"])["journal"]
        return {"msg": "The source accepts writes again.", "journal": journal}

    def _unfreeze_failed(self) -> dict[str, Any]:
        guard = self._begun["guard"]
        reason = what_failed(self._vars, guard["plan"]["unfreeze_tasks"])
        _steps.report_failure(guard, "unfreeze_failed", reason)
        return {"msg": f"THE TASKS TO UNFREEZE THE SOURCE FAILED: {reason}"}


def plan_lines(options: _cutover_options.Options, targets: Targets = Targets()) -> list[str]:
    """Return the plan of a cutover for people."""
    values, files = options.values, options.files
    texts = {
        "approach": f"approach gate: delay of at most {values['approach_max_delay']} s",
        "confirm_freeze": "ask before the freeze",
        "freeze": f"freeze: {files.get('freeze', 'no tasks')}",
        "final": f"final gate: delay of at most {values['max_delay']} s, stable",
        "verify": f"verify: {files.get('verify', 'no tasks')}",
        "confirm_switch": "ask before the switch",
        "stop": f"stop the jobs, within {values['stop_timeout']:g} s; a job that was stopped cannot be resumed",
        "switch": f"switch: {files['switch']}",
    }
    stages = options.planned
    numbered = [f"{number}. {texts[stage]}" for number, stage in enumerate(stages, start=1)]
    fails = f"If step {stages.index('freeze') + 1} to {stages.index('switch')} fails"
    unfreeze = f"{fails}, unfreeze: {files.get('unfreeze', 'no tasks')}"
    jobs = {
        "never": "The jobs are not stopped (drs_cutover_stop_jobs is never).",
        "by_switch_tasks": "Your switch tasks stop the jobs.",
    }.get(options.stop_jobs)
    readonly = (
        f"Read-only until its job has ended: the target of {', '.join(targets.readonly)}" if targets.readonly else ""
    )
    return [*numbered, *filter(None, (unfreeze, jobs, readonly))]


def _led(begun: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the first step with what the role includes next."""
    if begun["stages"]:
        return {**begun, "file": "_drs_cutover_run.yml", "heading": "Cut over"}
    ending = "Show the plan" if begun["check_mode"] else "Say why nothing runs"
    return {**begun, "file": "_drs_cutover_not_begun.yml", "heading": "Change nothing", "ending": ending}


def _file_of(stage: str) -> str:
    works = STAGES[stage].own or stage.startswith("confirm_")
    return f"_drs_cutover_{'step' if works else 'stage'}.yml"
