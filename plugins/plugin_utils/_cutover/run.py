# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a cutover, as a task of the role drs_cutover takes them, one process for each."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._cutover import journal_json
from ...module_utils._cutover.decide import AGAIN_AFTER
from ...module_utils._cutover.end_only import EndOnly, end_only
from ...module_utils._cutover.journal import Next, Outcome, Plan
from ...module_utils._cutover.preflight import NEEDS_WATCH, databases, limits, of_gates
from ...module_utils._cutover.result import About, nothing_begun
from ...module_utils._cutover.stages import STAGES
from ...module_utils._cutover.wording import LOOK, frozen_by, told_by_guard
from ...module_utils._gate.rules import check_can_open
from ...module_utils._job.details import DetailRecord
from ...module_utils._job.errors import DrsError, configuration_error
from ...module_utils._job.text import printable, sentence
from ...module_utils._service.jobs.comparisons import kinds_of
from ...module_utils._service.login.remembered import Remembered, using
from ...module_utils._stop.decide import cannot_be_resumed
from ...module_utils._stop.loop import details_of
from ...module_utils._stop.loop import run as stop
from ...module_utils._wait.comparing import known_comparisons, wait_for_comparisons
from ...module_utils._wait.loop import run as wait
from ...module_utils._wait.options import rules_of
from ...module_utils._wait.screen import Screen
from .. import _controller
from .._guard import client
from .._guard.alive import MARK, in_container
from .._guard.protocol import (
    Answer,
    EnterStage,
    JobsStopped,
    Judged,
    KeepLogins,
    Look,
    Request,
    StepFailed,
    SwitchCompleted,
)
from .._guard.store import StoreError, is_database, open_store
from .._question import ask_person
from .._report.untrusted import epoch
from .._role_variables import other_hosts, variables_of
from . import waves
from .evidence import Evidence, moved_since, positions_of
from .failed_task import ended_by_others, failure, message_of, what_failed
from .options import DEFAULT_TITLE, GATES, Options, check_files
from .options import read as read_options
from .play import left_out, typed_vault_password
from .step import Step

# A machine under load may take longer for a sample than its verdict can be trusted.
_RECHECKS = 3
_TYPED = (
    "The guard cannot use a vault password typed at a prompt, so the unfreeze tasks run without it, and so does their rehearsal. "
    "Use --vault-password-file."
)


class CutoverRun(Step):
    """A step of the run that cuts over."""

    def __init__(self, action: Any, task_vars: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        super().__init__(action, task_vars, defaults)
        self._logins = Remembered({})
        self._evidence = Evidence.of(self._vars, self._begun.get("run"))

    def begin(self) -> dict[str, Any]:
        """Check everything that can be checked, start the guard, and say which stages follow. Never fails."""
        nothing: dict[str, Any] = {"stages": [], "socket": "", "host": self._host}
        nothing.update(then="not_begun", title="Say why nothing runs", refused=True)
        # By which other hosts know whether a result is that of this cutover.
        nothing["run"] = secrets.token_hex(8)
        nothing["wave"] = waves.wave_of(self._vars)
        # Of an earlier cutover in the same play, if there was one.
        self._begun = {}
        try:
            options = self._options()
            check_files(options, self._action._loader)
            self._refuse_what_leaves_out_stages()
            if not options.values["go_on_after_failure"] and not self._task.check_mode:
                self._refuse_after_failure()
            self._refuse_what_cannot_open_in_the_task(options)
            self._tell_of_frozen(options)
            begun = {**nothing, **self._known(options)}
            if self._task.check_mode:
                title = "Find out whether the cutover could run now"
                return {**begun, "refused": False, "then": "preflight", "title": title}
            answer = self._start(options, nothing["run"])
        except (DrsError, AnsibleError, OSError) as error:
            return {**nothing, "msg": message_of(error)}
        begun.update(socket=answer.socket, journal_found=answer.journal, msg=answer.message)
        if answer.next is not Next.GO_ON:
            refused = answer.next is not Next.ENDED
            return {**begun, "refused": refused, "msg": self._not_begun(answer, options)}
        stages = [
            {"name": name, "title": STAGES[name].title, "yours": name in options.files} for name in options.stages
        ]
        msg = answer.message or f"Plan: {', '.join(options.stages)}."
        warnings = [_TYPED] if typed_vault_password() else []
        warnings += waves.too_few_forks(self._vars)
        begun.update(refused=False, then="run", title="Cut over", stages=stages, msg=msg)
        return {**begun, **({"warnings": warnings} if warnings else {})}

    def _known(self, options: Options) -> dict[str, Any]:
        """Return what later steps, and those of other hosts, know of this cutover. Whoever raises the verbosity reads it."""
        return {
            "jobs": list(options.jobs),
            "files": dict(options.files),
            "reports": list(options.values["reports"]),
            "index": options.values["index"] or "",
            "stats": options.values["stats"],
            "report_title": options.values["title"],
            "plan": plan_lines(options),
        }

    def _tell_of_frozen(self, options: Options) -> None:
        """Say at once that the source is frozen, if the journal says so: the guard may watch its owner for a while first."""
        with suppress(StoreError, ValueError):
            found = self.stored(options.journal, options.jobs)
            if found is not None and (said := frozen_by(found)):
                self.show(f"drs_cutover FROZEN {printable(said)}.")

    def _refuse_what_cannot_open_in_the_task(self, options: Options) -> None:
        """Refuse a streak that the keyword ``timeout`` of task or play leaves no time for."""
        for gate in GATES:
            limit, _text = _controller.limit_of(self._task, options.timeout_of(gate))
            if limit is not None:
                rules = replace(rules_of(options.of_gate(gate)), timeout=limit)
                check_can_open(rules, options.named_at(gate, "the keyword timeout leaves"))

    def _refuse_after_failure(self) -> None:
        """Refuse to begin a wave after one in which a host did not end well; Ansible does so with the strategy linear only."""
        for other in waves.others(self._vars, self._host):
            if not other.in_wave_of(self._host, waves.wave_of(self._vars)) and (outcome := other.ended_badly()):
                raise configuration_error(
                    f"{other.host}, a host of an earlier wave, ended as {outcome}, so this wave does not begin. Find out why, then "
                    "run again: what is done is left alone. Set drs_cutover_go_on_after_failure to true to go on all the same."
                )

    def _refuse_what_leaves_out_stages(self) -> None:
        if option := left_out():
            raise configuration_error(f"{option} would leave out stages of the cutover. Run it without {option}.")

    def _end_only(self, options: Options) -> tuple[EndOnly, list[DetailRecord]]:
        """Find out what only the end of the jobs completes, by their details."""
        with self._service():
            details, unknown = details_of(options.of_service(), os.environ, _controller.CLOCK)
        found = end_only(details, options.stop_jobs)
        return replace(found, warnings=(unknown, *found.warnings)) if unknown else found, details

    def _not_begun(self, answer: Answer, options: Options) -> str:
        """Say why nothing begins, and what to do."""
        journal = answer.journal or {}
        again = (
            f"remove {options.journal}"
            if not is_database(options.journal)
            else "remove the row of these jobs from the journal"
        )
        if answer.next is Next.ENDED:
            return (
                f"This cutover was completed at {journal['at']} (outage {journal['outage_seconds']} s), so this run does "
                f"nothing. To repeat it, {again}. {answer.message}".rstrip()
            )
        if journal.get("outcome") == Outcome.SWITCH_FAILED.value or journal.get("stage") == "switch":
            return (
                f"An earlier run was interrupted, or failed, in the switch at {journal['at']}. Both sides may have been "
                f"changed, so nothing runs automatically. {LOOK} Finish or undo the switch by hand, then {again}."
            )
        return f"{sentence(answer.message)} Nothing was changed."

    def _options(self) -> Options:
        return read_options(
            self._vars, self._action._templar, self._defaults, can_ask=_controller.can_ask(), ids_of=self.ids_of
        )

    def ids_of(self, values: Mapping[str, Any]) -> list[str]:
        """Look them up once, when the cutover begins."""
        if self._begun.get("jobs"):
            return list(self._begun["jobs"])
        with self._service():
            return super().ids_of(values)

    def _start(self, options: Options, cutover: str) -> Answer:
        values = options.values
        plan = Plan(
            cutover=cutover,
            jobs=options.jobs,
            stages=options.stages,
            host=self._host,
            folder=self._folder,
            unfreeze_tasks=values["unfreeze_tasks"],
            max_outage=values["max_outage"],
            lease=values["lease"],
            unfreeze_for=values["unfreeze_for"],
            rehearses=values["rehearse_unfreeze"],
        )
        return self.start_guard(
            "run",
            options,
            plan=journal_json.encode_value(plan),
            needs_watch=self._needs_watch(options),
            # Absolute, since the guard may write them from another folder.
            reports=[str(Path.cwd() / path) for path in values["reports"]],
            index=str(Path.cwd() / values["index"]) if values["index"] else "",
            title=values["title"],
            plan_lines=plan_lines(options),
            logins=self._logins.states,
        )

    def preflight(self) -> dict[str, Any]:
        """Find out whether the cutover would fail now, with one real sample for each gate, and change nothing."""
        run = {"run": self._begun["run"]}
        try:
            return {**run, **self._found_before()}
        except (DrsError, AnsibleError) as error:
            return {**run, **failure(message_of(error))}

    def _found_before(self) -> dict[str, Any]:
        options = self._options()
        self._refuse_shared(options)
        begun = self._start(options, "preflight")
        problems = [] if begun.next is Next.GO_ON else [self._not_begun(begun, options)]
        found, details = self._end_only(options)
        problems += [found.refusal] if found.refusal else []
        if options.values["compare"]:
            try:
                self._known_comparisons(options)
            except DrsError as error:
                problems.append(str(error))
        gates = {gate: self._wait(options, gate, gate, one_sample=True) for gate in GATES}
        problems += of_gates(gates)
        says = [f"The {gate} gate now: {judged['verdict']}. {judged['reason']}" for gate, judged in gates.items()]
        names = {record.id: record.name for record in details if record.name}
        plan = [databases(options.jobs, names), *plan_lines(options), *found.planned, *self._limits(options)]
        said = "Check mode: each gate took one sample, and nothing was changed."
        said = f"The cutover would fail: {' '.join(problems)}" if problems else said
        return {
            "refused": bool(problems),
            "msg": said,
            "shown": ["Check mode: nothing was changed.", *plan, *says],
            "result": {
                **nothing_begun(said, options.jobs, About(gates, plan, found.warnings, found.engines)),
                "started_at": gates["approach"]["started_at"],
                "finished_at": gates["final"]["finished_at"],
            },
        }

    def _limits(self, options: Options) -> list[str]:
        journal = "a database"
        with suppress(StoreError):
            journal = open_store(options.journal, options.jobs).name
        gates = {gate: options.timeout_of(gate) for gate in GATES}
        lines = limits(gates=gates, stages=options.stages, values=options.values, journal=journal)
        return [*lines, *([NEEDS_WATCH] if self._needs_watch(options) else [])]

    def _needs_watch(self, options: Options) -> bool:
        """Tell whether only a watch elsewhere would survive this run."""
        return not options.values["unwatched"] and in_container(self._environment)

    def enter(self) -> dict[str, Any]:
        """Begin a stage; a gate is waited for here, the user's files are for the role to include."""
        stage = str(self._task.args["stage"])
        self.tell_of_hosts_left_behind()
        options = self._options()
        found = EndOnly()
        if stage == "approach":
            self._refuse_shared(options)
            self._logins.states.update(self._asked(Look()).logins)
            found, _details = self._end_only(options)
            if found.refusal:
                raise configuration_error(found.refusal)
            for warning in found.warnings:
                self._say(options)(f"drs_cutover WARNING {printable(warning)}")
        frozen_from = "freeze" if "freeze" in options.stages else "final"
        if options.values["compare"] and stage == frozen_from:
            # The latest moment at which nothing is frozen: what is in the list now began before the freeze.
            self._evidence = replace(self._evidence, known=self._known_comparisons(options))
        request = EnterStage(stage, warnings=list(found.warnings), engines=dict(found.engines), facts=self.facts()[0])
        if stage == "approach":
            request = replace(request, plan_lines=[*plan_lines(options), *found.planned])
        if stage == "final":
            # What the freeze found is known from its end on.
            request = replace(request, handover=vars(self.handover(options)), keep=options.values["keep"])
        answer = self._asked(request)
        self._logins.states.update(answer.logins)
        for _try in range(_RECHECKS):
            if answer.next is not Next.SAMPLE:
                break
            gate = "approach" if stage == "freeze" else "final"
            refused = self._judge(options, gate, "recheck", one_sample=True)
            if refused:
                return failure(refused)
            answer = self._asked(EnterStage(stage))
        if answer.next is not Next.GO_ON:
            return failure(answer.message)
        if STAGES[stage].gate:
            refused = self._judge(options, stage, stage, one_sample=False)
            warnings = {"warnings": list(found.warnings)} if found.warnings else {}
            return {**(failure(refused) if refused else {}), **warnings, **self._evidence.as_facts()}
        if stage == "compare":
            return self._compare(options, answer.outage_left)
        if stage == "stop":
            refused, changed = self._stop(options, answer.outage_left)
            return {**(failure(refused) if refused else {}), "changed": changed}
        if stage.startswith("confirm_"):
            return self._confirm(options, stage)
        mark = {"environment": {MARK: f"{self._begun['run']}:{stage}"}}
        shown = {"msg": f"{STAGES[stage].title}: {options.files[stage]}"}
        return {"files": [options.files[stage]], **mark, **shown, **self._evidence.as_facts()}

    def _known_comparisons(self, options: Options) -> dict[str, list[str]]:
        try:
            with self._service():
                return known_comparisons(options.of_service(), os.environ, _controller.CLOCK)
        except DrsError as error:
            raise configuration_error(
                f"drs_cutover_compare is set, but nobody could tell which comparison began after the freeze. {error}"
            ) from None

    def _compare(self, options: Options, outage_left: float | None) -> dict[str, Any]:
        """Wait for comparisons that began after the freeze; anything but consistent ends the cutover."""
        kinds = kinds_of(options.values["compare"])
        named = ", ".join(kind.value for kind in kinds)
        timeout = options.values["compare_timeout"]
        timeout = timeout if outage_left is None else max(1.0, min(timeout, outage_left))
        self.show(
            f"drs_compare START Start a comparison ({named}) of each job in the console now, within {timeout:.0f} s."
        )
        limit, _text = _controller.limit_of(self._task, timeout)
        with self._service():
            found, refused = wait_for_comparisons(
                options.of_service(),
                os.environ,
                kinds,
                self._evidence.known,
                timeout if limit is None else limit,
                say=self._say(options),
                clock=_controller.CLOCK,
            )
        self._evidence = replace(self._evidence, comparisons=found)
        facts = self._evidence.as_facts()
        return {**(failure(refused) if refused else {"msg": found["summary"]}), **facts}

    def _asked(self, request: Request) -> Answer:
        """Ask the guard, and wait while it rehearses; a guard that is gone refuses."""
        try:
            return client.ask_until_done(str(self._begun["socket"]), request, self.show)
        except client.GuardGoneError as error:
            message = (
                f"The guard of this cutover is gone ({error}), so nothing would unfreeze the source if the run died."
            )
            return Answer(Next.REFUSED, message)

    def _judge(self, options: Options, gate: str, name: str, *, one_sample: bool) -> str:
        """Wait at a gate and tell the guard; why it is not ready, empty if it is."""
        judged = self._wait(options, gate, name, one_sample=one_sample)
        valid_until = epoch(judged["valid_until"])
        if gate == "final" and one_sample and options.values["require_quiet"] and judged["ready"]:
            moved = moved_since(judged, self._evidence.at)
            judged = {**judged, "ready": not moved, "reason": moved or judged["reason"]}
        # Positive evidence only: a verdict without a request says nothing of now.
        ready = judged["ready"] is True and judged["requests"] > 0 and valid_until is not None
        reason = f"The {name} gate is not ready ({judged['verdict']}): {judged['reason']}"
        # As a length of time: the guard's clock may be another one.
        valid_for = 0.0 if valid_until is None else valid_until - time.time()
        if gate == "final" and not one_sample:
            at = {job["id"]: job["src_offset"] for job in judged["jobs"]}
            self._evidence = replace(self._evidence, positions=positions_of(judged), at=at)
        answer = self._asked(Judged(name, ready, reason, valid_for, judged))
        return "" if ready and answer.next is Next.GO_ON else answer.message or reason

    def _wait(self, options: Options, gate: str, name: str, *, one_sample: bool) -> dict[str, Any]:
        of_gate = options.of_gate(gate)
        limit, limited = _controller.limit_of(self._task, of_gate["timeout"])
        if one_sample:
            # It compares nothing. Whether a position moved since the final gate is looked at afterwards.
            of_gate["require_quiet"] = False
        with self._service():
            judged = wait(
                of_gate,
                os.environ,
                one_sample=one_sample,
                say=self._say(options),
                clock=_controller.CLOCK,
                folder=self._action._loader.get_basedir(),
                limit=limit,
                named=options.named_at(gate),
                screen=self._screen(options, name),
            )
        if limited and not judged["ready"]:
            judged["reason"] = f"{judged['reason']} {limited}"
        return judged

    def _say(self, options: Options) -> Callable[[str], None]:
        return _controller.lines(self._task, options.values["progress"])

    def _screen(self, options: Options, part: str) -> Screen:
        title = options.values["title"]
        return _controller.screen(self._vars, "" if title == DEFAULT_TITLE else title, part)

    def _stop(self, options: Options, outage_left: float | None) -> tuple[str, bool]:
        """Stop the jobs and tell the guard; why not all of them ended, empty if they did, and whether any was stopped."""
        remaining = None if options.stop_jobs == "after_switch" else outage_left or 0.0
        of_stop, limited = _controller.within_the_task(options.of_stop(remaining), self._task)
        with self._service():
            ended = stop(
                of_stop,
                os.environ,
                check_mode=False,
                say=self._say(options),
                clock=_controller.CLOCK,
                screen=self._screen(options, ""),
            )
        # A job that is being released cannot be resumed either.
        gone = [*ended["stopped"], *ended["already_ended"]]
        gone += [job["id"] for job in ended["jobs"] if job["id"] not in gone and cannot_be_resumed(job.get("status"))]
        reason = f"{ended['msg']} {limited}".rstrip() if ended["failed"] else ""
        answer = self._asked(JobsStopped(gone, reason))
        refused = "" if not reason and answer.next is Next.GO_ON else answer.message or reason
        return refused, ended["changed"] is True

    @contextmanager
    def _service(self) -> Iterator[None]:
        """Talk to the service in the environment of the play, with the login of the step before."""
        _controller.use_environment(self._task, self._action._templar)
        before = dict(self._logins.states)
        with using(self._logins):
            yield
        if self._logins.states != before and self._begun.get("socket"):
            self._asked(KeepLogins(self._logins.states))

    def _refuse_shared(self, options: Options) -> None:
        """Refuse another host of the play that cuts over the same jobs or writes the same reports."""
        batch = self._vars.get("ansible_play_batch") or ()
        for other in waves.others(self._vars, self._host):
            # One that was refused has already failed, and so left the batch.
            if not other.cuts_over or not (other.host in batch or other.begun.get("refused")):
                continue
            if set(other.begun.get("jobs") or ()) & set(options.jobs):
                raise AnsibleError(
                    f"{other.host} would cut over the same jobs at the same time. Run the role on one host, such as localhost, "
                    "or give each host jobs of its own."
                )
            shared = set(other.begun.get("reports") or ()) & set(options.values["reports"])
            if shared:
                raise AnsibleError(
                    f"drs_cutover_reports: {other.host} would write {', '.join(sorted(shared))} too. Put {{{{ inventory_hostname }}}} "
                    "into the path."
                )

    def _confirm(self, options: Options, stage: str) -> dict[str, Any]:
        question = {
            "confirm_freeze": "All jobs have nearly caught up. Freeze the source now?",
            "confirm_switch": f"The source is frozen and all jobs have caught up. {self._evidence.question()} Switch now?",
        }[stage]
        answer = ask_person(question, options.values["confirm_timeout"])
        shown = {"msg": answer["msg"], "_ansible_verbose_always": True}
        return shown if answer["confirmed"] else failure(answer["msg"])

    def completed(self) -> dict[str, Any]:
        """Tell the guard that the switch tasks, and a stop after them, ran to their end."""
        answer = self._asked(SwitchCompleted(self.facts()[0]))
        return {"msg": "The cutover is complete."} if answer.next is Next.ENDED else failure(answer.message)

    def failed(self) -> dict[str, Any]:
        """Tell the guard what failed, and wait until it has unfrozen what is frozen, showing what that prints."""
        where = str(self._begun.get("socket") or "")
        if not self._begun.get("stages"):
            return {"msg": "Nothing was frozen."}
        try:
            stage = str((client.ask(where, Look()).journal or {}).get("stage", ""))
            file = self._begun["files"].get(stage, "")
            # What became of an earlier wave ends no host of this one.
            others = {
                host: variables_of(self._vars, host)
                for host in other_hosts(self._vars, self._host)
                if host in self._begun["wave"]
            }
            reason = ended_by_others(self._vars, stage, file, others) or what_failed(self._vars, file)
            answer = client.ask_until_done(where, StepFailed(reason, self.facts()[0]), self.show)
            if answer.lost:
                return self._by_another_guard("Another guard has taken over.")
            return {"msg": _how_it_ended(answer) or reason}
        except client.GuardGoneError as error:
            return self._by_another_guard(f"The guard of this cutover is gone ({error}).")

    def _by_another_guard(self, why: str) -> dict[str, Any]:
        """Unfreeze as recover does: the one that was to do it is gone."""
        try:
            options = self._options()
            answer = self.start_watch(
                "guard",
                options,
                # That guard may be unfreezing still.
                wait=options.values["lease"] * 2 + AGAIN_AFTER,
                # Of a run that ended its guard knew, and undid all that its tasks had done.
                acted_in=str(self._begun["run"]) if os.getppid() == self._run else "",
            )
        except (DrsError, AnsibleError, client.GuardGoneError) as error:
            return {"msg": f"{why} Another one could not be started: {message_of(error)}"}
        return {"msg": f"{why} {answer.message}"}


def _how_it_ended(answer: Answer) -> str:
    journal = answer.journal
    if journal is None:
        return answer.message
    try:
        return told_by_guard(journal_json.decode(journal))
    except ValueError:
        return answer.message


def plan_lines(options: Options) -> list[str]:
    """Return the plan of a cutover for people."""
    values, files = options.values, options.files
    texts = {
        "approach": f"approach gate: delay of at most {values['approach_max_delay']} s",
        "confirm_freeze": "ask before the freeze",
        "freeze": f"freeze: {files.get('freeze', 'no tasks')}",
        "final": f"final gate: delay of at most {values['max_delay']} s, stable",
        "verify": f"verify: {files.get('verify', 'no tasks')}",
        "compare": (
            f"wait for a comparison ({', '.join(values['compare'])}) that began after the freeze, for at most "
            f"{values['compare_timeout']:g} s; start it in the console"
        ),
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
    return [*numbered, *filter(None, (unfreeze, jobs))]
