# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role drs_cutover, read from its variables and checked before anything runs."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._arguments import checked
from ...module_utils._cutover.stages import stages_of
from ...module_utils._gate.rules import Goal, check_can_open
from ...module_utils._job.errors import configuration_error
from ...module_utils._job.ranges import LONGEST, SECONDS, SOME_SECONDS, Range, check_ranges
from ...module_utils._service.jobs.names import asked_jobs
from ...module_utils._service.options import COMPARE_KINDS, CONNECTION_OPTIONS, CONNECTION_RANGES
from ...module_utils._stop.options import STOP_OPTIONS
from ...module_utils._wait.options import WAIT_OPTIONS, rules_of
from .._files import is_file, is_there
from .._guard.store import is_database
from .._report.write import wrong_suffixes
from .._role_variables import as_list, given
from .play import folder_of

PREFIX = "drs_cutover_"
DEFAULT_TITLE = "DRS cutover"
# What the role itself publishes, and what a runner hands on as variables.
_RESULTS = frozenset({"result", "status", "outcome", "outcomes", "outage_seconds", "facts"})
# The environment names that stand in for options of the role.
CUTOVER_ENVIRONMENT = {"journal": "DRS_CUTOVER_JOURNAL", "unwatched": "DRS_CUTOVER_UNWATCHED"}
_OF_A_GATE = {
    name: spec
    for name, spec in WAIT_OPTIONS.items()
    if name not in ("max_delay", "timeout", "replay", "role_prefixes", "series")
}
_USER_FILES = ("freeze", "verify", "switch", "unfreeze")
_JOBS = ("jobs", "job_names")
_OWN: dict[str, dict[str, Any]] = {
    **{f"{name}_tasks": {"type": "path"} for name in _USER_FILES},
    "without_unfreeze": {"type": "bool", "default": False},
    "approach_max_delay": {"type": "int", "default": 5, "range": Range()},
    "max_delay": {"type": "int", "default": 0},
    "approach_timeout": {"type": "float", "range": SECONDS},
    # With 0 a gate takes one sample and needs no streak: too little to switch on.
    "final_timeout": {"type": "float", "range": SOME_SECONDS},
    "timeout": {"type": "float", "range": SOME_SECONDS},
    # Of a gate and of a stop.
    "final_interval": {"type": "float", "default": 1.0, "range": Range(0.01, LONGEST)},
    "max_outage": {"type": "float", "default": 3600.0, "range": SOME_SECONDS},
    "stop_jobs": {
        "type": "str",
        "default": "never",
        "choices": ["never", "before_switch", "after_switch", "by_switch_tasks"],
    },
    "stop_timeout": {"type": "float", "default": 900.0, "range": Range(1, LONGEST)},
    "compare": {"type": "list", "elements": "str", "default": [], "choices": [*COMPARE_KINDS]},
    "compare_timeout": {"type": "float", "default": 600.0, "range": SOME_SECONDS},
    "confirm": {"type": "str", "default": "never"},
    "confirm_timeout": {"type": "float", "default": 300.0, "range": SOME_SECONDS},
    "unfreeze_vars": {"type": "dict", "default": {}, "no_log": True},
    "keep": {"type": "dict", "default": {}},
    "rehearse_unfreeze": {"type": "bool", "default": True},
    "unfreeze_timeout": {"type": "float", "default": 600.0, "range": SOME_SECONDS},
    "unfreeze_for": {"type": "float", "default": 3600.0, "range": SECONDS},
    # The URL of a database may hold a password.
    "journal": {"type": "str", "no_log": True},
    # Shorter, a renewal that is a little late would end a cutover.
    "lease": {"type": "float", "default": 30.0, "range": Range(3, LONGEST)},
    "unwatched": {"type": "bool", "default": False},
    "watch_timeout": {"type": "float", "default": 86400.0, "range": SOME_SECONDS},
    "recover_wait": {"type": "float", "default": 60.0, "range": SECONDS},
    "missing_journal": {"type": "str", "choices": ["fail", "ok"]},
    "reports": {"type": "list", "elements": "path", "default": []},
    "index": {"type": "path"},
    "go_on_after_failure": {"type": "bool", "default": False},
    "title": {"type": "str", "default": DEFAULT_TITLE},
    "stats": {"type": "bool", "default": True},
}
OPTIONS = {**_OF_A_GATE, **CONNECTION_OPTIONS, **_OWN}
# What a gate, a stop and a connection have too is checked by their own ranges.
RANGES: Mapping[str, Range] = {
    **{name: spec["range"] for name, spec in _OWN.items() if "range" in spec},
    # A verdict that cannot be trusted for a moment begins no stage.
    "valid_for": SOME_SECONDS,
}
_CONFIRM = {
    **dict.fromkeys(("never", "false", "no", "off", "0"), "never"),
    **dict.fromkeys(("always", "true", "yes", "on", "1"), "always"),
    "terminal": "terminal",
}
# For each gate the options that are named otherwise here. In the final one each second is outage.
_OWN_AT = {
    "approach": {"max_delay": "approach_max_delay"},
    "final": {"interval": "final_interval", "near_interval": "final_interval"},
}
_DEFAULT_TIMEOUTS = {"approach": 3600.0, "final": 600.0}
GATES = tuple(_DEFAULT_TIMEOUTS)


@dataclass(frozen=True)
class Options:
    """The options of one cutover, checked.

    In ``values`` the file with the unfreeze tasks is relative to the playbook's folder, and what is kept is plain JSON.
    ``named`` returns the variable by which an option was set, or is to be set. Of a run ``files`` has the absolute path of
    each of the user's files that is given, and ``asks`` is whether a person is asked.
    """

    values: Mapping[str, Any]
    jobs: tuple[str, ...]
    journal: str
    named: Callable[[str], str]
    files: Mapping[str, str] = field(default_factory=dict)
    asks: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages that this cutover has, in order."""
        return self._stages(self.files)

    @property
    def planned(self) -> tuple[str, ...]:
        """The same for people, with those that have no tasks: a plan says so."""
        return self._stages([*self.files, "freeze", "verify"])

    def _stages(self, files: Collection[str]) -> tuple[str, ...]:
        return stages_of(files, asks=self.asks, stop_jobs=self.stop_jobs, compares=bool(self.values["compare"]))

    @property
    def stop_jobs(self) -> str:
        """When the jobs are stopped."""
        return str(self.values["stop_jobs"])

    def of_service(self) -> dict[str, Any]:
        """Return the options of a client, and the jobs."""
        connection = {name: self.values[name] for name in CONNECTION_OPTIONS}
        return {**connection, "jobs": list(self.jobs), "job_names": None}

    def of_stop(self, remaining: float | None) -> dict[str, Any]:
        """Return the options of a stop; ``remaining`` is how long the outage may still last (seconds), None after the switch."""
        timeout = self.values["stop_timeout"]
        return {
            # What a stop and a gate both have, such as max_delay, is that of the final gate.
            **{name: self.values.get(name, spec.get("default")) for name, spec in STOP_OPTIONS.items()},
            **self.of_service(),
            # Before the switch only what is ready may be stopped; after it a job that goes on only does harm.
            "require_ready": remaining is not None,
            "force": False,
            "wait": True,
            "timeout": timeout if remaining is None else max(1.0, min(timeout, remaining)),
            "interval": self.values["final_interval"],
        }

    def _own(self, gate: str) -> dict[str, str]:
        """Return which options here are options of a wait at this gate, where their names differ."""
        timeout = f"{gate}_timeout"
        if self.values[timeout] is None and self.values["timeout"] is not None:
            timeout = "timeout"
        return {"timeout": timeout, **_OWN_AT[gate]}

    def timeout_of(self, gate: str) -> float:
        """Return the time limit of a gate (seconds)."""
        timeout: float | None = self.values[self._own(gate)["timeout"]]
        return _DEFAULT_TIMEOUTS[gate] if timeout is None else timeout

    def named_at(self, gate: str, limit: str = "") -> Callable[[str], str]:
        """Return what gives the variable for an option of a wait at this gate; ``limit`` is what limits its time in place of that."""
        own = self._own(gate)
        return lambda option: limit if limit and option == "timeout" else self.named(own.get(option, option))

    def of_gate(self, gate: str) -> dict[str, Any]:
        """Return the options of a wait at this gate, ``approach`` or ``final``."""
        own = self._own(gate)
        options = {name: self.values[own.get(name, name)] for name in (*_OF_A_GATE, "max_delay")}
        options.update(**self.of_service(), replay=None, role_prefixes=None, series=True, timeout=self.timeout_of(gate))
        if gate == "approach":
            # Before the freeze everybody writes.
            options["require_quiet"] = False
        return options


def read(
    task_vars: Mapping[str, Any],
    templar: Any,
    defaults: Mapping[str, Any],
    *,
    can_ask: bool | None,
    ids_of: Callable[[Mapping[str, Any]], list[str]],
) -> Options:
    """Return the options; ``defaults`` are those of ``module_defaults``, ``can_ask`` whether there is a terminal.

    ``ids_of`` gives the ids of jobs that are given by name, from the options. The journal is kept for the ids.
    Files are looked at by :func:`check_files`, once: what happens to them during a cutover must not end it here.
    Raises :class:`DrsError` of kind ``configuration``, or AnsibleActionFail, with one sentence about what is wrong.
    """
    values, named = _given_values(task_vars, templar, defaults)
    confirm = _CONFIRM.get(values["confirm"].lower())
    if confirm is None:
        raise configuration_error("drs_cutover_confirm must be never, always or terminal.")
    if confirm == "always" and can_ask is False:
        raise configuration_error(
            "drs_cutover_confirm: there is no terminal, so nobody can be asked. Set it to terminal, or to never."
        )
    asks = confirm == "always" or (confirm == "terminal" and can_ask is not False)
    if not values["jobs"] and not values["job_names"]:
        raise configuration_error(
            "drs_cutover_jobs: there are no jobs. Set their ids in this variable, because the journal is kept for them."
        )
    folder = Path(folder_of(task_vars))
    files = _files(values, folder)
    _check_reports(values["reports"], values["index"])
    values.update(_unfreeze(values, folder))
    asked = asked_jobs(values, named)
    options = Options(values, asked.ids, "", named, files, asks)
    _check_gates(options)
    # Last, since it may ask the service.
    jobs = asked.ids or tuple(ids_of(values))
    options = replace(options, jobs=jobs, journal=_journal(values["journal"], folder, jobs))
    _check_written(options)
    return options


def _check_gates(options: Options) -> None:
    """Refuse gates that could never open, before the first one begins. Raises :class:`DrsError`."""
    for gate in GATES:
        rules = rules_of(options.of_gate(gate), options.named_at(gate))
    longest, named = options.values["max_outage"], options.named("max_outage")
    streak = {"stable_for": rules.stable_for, "quiet_for": rules.quiet_for if rules.require_quiet else 0.0}
    for option, seconds in streak.items():
        if rules.goal in (Goal.AUTO, Goal.CAUGHT_UP) and seconds >= longest:
            raise configuration_error(
                f"{options.named(option)} ({seconds:g} s) leaves no time before {named} ({longest:g} s), so the guard would "
                "unfreeze before the final gate could open. Shorten the one, or lengthen the other."
            )
    # The final gate ends with the outage at the latest.
    check_can_open(replace(rules, timeout=longest), options.named_at("final", named))


def _check_written(options: Options) -> None:
    """Refuse one file for two purposes: what is written would take the place of what is read. Raises :class:`DrsError`."""
    named = {options.named(f"{name}_tasks"): file for name, file in options.files.items()}
    named.update({f"{options.named('reports')} ({path})": path for path in options.values["reports"]})
    if not is_database(options.journal):
        named[options.named("journal")] = options.journal
    named.update(
        {options.named(name): options.values[name] for name in ("record", "hold_file", "index") if options.values[name]}
    )
    first: dict[str, str] = {}
    for variable, name in named.items():
        path = os.path.realpath(name)
        if path in first:
            raise configuration_error(
                f"{first[path]} and {variable} are the same file, {path}. Give each a file of its own."
            )
        first[path] = variable


def read_watching(
    task_vars: Mapping[str, Any],
    templar: Any,
    defaults: Mapping[str, Any],
    *,
    ids_of: Callable[[Mapping[str, Any]], list[str]],
) -> Options:
    """Return the options of ``watch``, ``recover`` and ``status``, as :func:`read` does for a run."""
    values, named = _given_values(task_vars, templar, defaults)
    asked = asked_jobs(values, named) if values["jobs"] or values["job_names"] else None
    jobs = () if asked is None else asked.ids or tuple(ids_of(values))
    if not jobs and (not values["journal"] or is_database(values["journal"])):
        way_out = ": a database has many journals" if values["journal"] else ", or drs_cutover_journal to its journal"
        raise configuration_error(
            f"drs_cutover_jobs is not set, so nobody knows which cutover is meant. Set it{way_out}."
        )
    folder = Path(folder_of(task_vars))
    journal = _journal(values["journal"], folder, jobs)
    return Options({**values, **_unfreeze(values, folder)}, jobs, journal, named)


def journal_of(task_vars: Mapping[str, Any], templar: Any, folder: Path, jobs: Sequence[str]) -> str:
    """Return where the journal of these jobs is kept, whatever became of other options: a path, or the URL of a database.

    Raises :class:`DrsError`.
    """
    journal = given((PREFIX,), ("journal",), task_vars, templar).get("journal")
    journal = journal or os.environ.get(CUTOVER_ENVIRONMENT["journal"])
    return _journal(journal and str(journal), folder, jobs)


def check_unfreeze(options: Options, folder: Path) -> None:
    """Check that the file is there which would be run, if one is named. Raises :class:`DrsError` of kind ``configuration``."""
    file = folder / options.values["unfreeze_tasks"]
    if options.values["unfreeze_tasks"] and not is_file(file):
        raise configuration_error(f"{PREFIX}unfreeze_tasks: there is no file {file}.")


def _unfreeze(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the options of the unfreeze as another machine can use them."""
    keep = values["keep"]
    try:
        # Plain values: what a journal holds, and another machine reads.
        keep = json.loads(json.dumps(keep, allow_nan=False))
    except (TypeError, ValueError):
        raise configuration_error(
            f"{PREFIX}keep holds a value that JSON cannot: give texts, numbers, lists and dictionaries."
        ) from None
    for option in ("unfreeze_vars", "keep"):
        for name in values[option]:
            if not str(name).isidentifier():
                raise configuration_error(f"{PREFIX}{option}: {name!r} is not a valid name of a variable.")
    path = values["unfreeze_tasks"] or ""
    if path:
        path = str(Path(path).expanduser())
        if Path(path).is_absolute() and folder in Path(path).parents:
            path = str(Path(path).relative_to(folder))
    return {"unfreeze_tasks": path, "keep": keep}


def _given_values(
    task_vars: Mapping[str, Any], templar: Any, defaults: Mapping[str, Any]
) -> tuple[dict[str, Any], Callable[[str], str]]:
    """Return the value of each option, in its range, and what returns the variable that it comes from, or is to be set by."""
    _refuse_unknown(task_vars)
    chosen = given((PREFIX,), OPTIONS, task_vars, templar)
    # Of a wait's own variables only what says where and as whom, and the jobs: its rules are those of another gate.
    shared = given(("drs_wait_",), (*CONNECTION_OPTIONS, *_JOBS), task_vars, templar)
    if any(name in chosen for name in _JOBS):
        shared = {name: value for name, value in shared.items() if name not in _JOBS}
    variables = {name: name for name in defaults}
    variables.update({name: f"drs_wait_{name}" for name in shared})
    variables.update({name: f"{PREFIX}{name}" for name in chosen})
    chosen = {**defaults, **shared, **chosen}
    chosen.update({name: as_list(value) for name, value in chosen.items() if OPTIONS[name]["type"] == "list"})
    for name, variable in CUTOVER_ENVIRONMENT.items():
        if name not in chosen and os.environ.get(variable):
            chosen[name], variables[name] = os.environ[variable], variable
    chosen["confirm"] = str(chosen.get("confirm", "never"))

    def named(option: str) -> str:
        return variables.get(option, f"{PREFIX}{option}")

    values = checked(OPTIONS, chosen, named)
    check_ranges({**RANGES, **CONNECTION_RANGES}, values, named)
    return values, named


def _refuse_unknown(task_vars: Mapping[str, Any]) -> None:
    for name in task_vars:
        option = name.removeprefix(PREFIX)
        if option != name and option not in OPTIONS and option not in _RESULTS:
            near = difflib.get_close_matches(option, [*OPTIONS], 1)
            advice = f" Did you mean {PREFIX}{near[0]}?" if near else ""
            raise configuration_error(f"{name} is not an option of the role drs_cutover.{advice}")


def _files(values: Mapping[str, Any], folder: Path) -> dict[str, str]:
    # Beside the playbook, not in the role or wherever the command was started.
    given_files = {name: values[f"{name}_tasks"] for name in _USER_FILES}
    files = {name: str(folder / Path(path).expanduser()) for name, path in given_files.items() if path}
    if "switch" not in files:
        raise configuration_error(f"{PREFIX}switch_tasks is required: a file with the tasks that switch to the target.")
    if "freeze" in files and "unfreeze" not in files and not values["without_unfreeze"]:
        raise configuration_error(
            f"{PREFIX}freeze_tasks is set and {PREFIX}unfreeze_tasks is not, so a run that fails would leave the source "
            f"frozen. Set it, or set {PREFIX}without_unfreeze to true if there is nothing to undo."
        )
    return files


def _check_reports(paths: list[str], index: str | None) -> None:
    wrong = wrong_suffixes(paths)
    if wrong:
        raise configuration_error(f"{PREFIX}reports: {wrong}")
    if not index:
        return
    if Path(index).suffix.lower() != ".html":
        raise configuration_error(f"{PREFIX}index: {index} must end in .html.")
    folder = Path(index).absolute().parent
    if not any(Path(path).suffix == ".json" and Path(path).absolute().parent == folder for path in paths):
        wanted = Path(index).with_name("{{ inventory_hostname }}.json")
        raise configuration_error(
            f"{PREFIX}index lists the .json reports of its folder, and this cutover writes none there. Add {wanted} to {PREFIX}reports."
        )


def _journal(wanted: str | None, folder: Path, jobs: Sequence[str]) -> str:
    wanted = wanted or default_journal(jobs)
    if is_database(wanted):
        return wanted
    path = folder / Path(wanted).expanduser()
    if path.suffix != ".json":
        raise configuration_error(f"{PREFIX}journal: {path} must end in .json, or be the URL of a database.")
    return str(path)


def check_files(options: Options, loader: Any) -> None:
    """Check that the user's files are there, that they have tasks, and that journal and reports can be written.

    Raises :class:`DrsError` of kind ``configuration``.
    """
    for name, file in options.files.items():
        if not is_file(file):
            raise configuration_error(f"{PREFIX}{name}_tasks: there is no file {file}.")
        if not _has_tasks(file, loader):
            # Ansible accepts that: the stage would count as done, though nothing was.
            raise configuration_error(f"{PREFIX}{name}_tasks: {file} has no tasks.")
    written = [] if is_database(options.journal) else [("journal", options.journal)]
    written += [("reports", path) for path in options.values["reports"]]
    if options.values["record"]:
        written.append(("record", options.values["record"]))
    for option, name in written:
        path = Path(name)
        nearest = Path(os.path.realpath(path)).parent
        while not is_there(nearest):
            nearest = nearest.parent
        try:
            # Tried, not asked for: permissions say little about a read-only or full disk.
            if path.is_dir():
                raise IsADirectoryError
            with tempfile.NamedTemporaryFile(dir=nearest, prefix=".drs_cutover.") as probe:
                probe.write(b"0")
        except OSError:
            raise configuration_error(
                f"{PREFIX}{option}: {path} cannot be written. Set it to a file that can."
            ) from None


def _has_tasks(file: str, loader: Any) -> bool:
    try:
        content = loader.load_from_file(file, cache="none")
        return isinstance(content, list) and bool(content)
    except AnsibleError:
        # Where the mistake is, Ansible itself says when it loads the file for the play.
        return True


def default_journal(jobs: Sequence[str]) -> str:
    """Return the name of the journal of these jobs if none is given."""
    return f".drs_cutover.{hashlib.sha256(','.join(sorted(jobs)).encode()).hexdigest()[:12]}.json"
