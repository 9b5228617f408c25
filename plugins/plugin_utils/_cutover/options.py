# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role drs_cutover, read from its variables and checked before anything runs."""

from __future__ import annotations

import difflib
import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._cutover.stages import stages_of
from ...module_utils._job.errors import configuration_error
from ...module_utils._service.jobs.names import asked_jobs
from ...module_utils._service.options import CONNECTION_OPTIONS
from ...module_utils._stop.options import STOP_OPTIONS
from ...module_utils._wait.options import WAIT_OPTIONS
from .._report.write import wrong_suffixes
from .._role_variables import as_list, checked, given

PREFIX = "drs_cutover_"
# What the role itself publishes, and what a runner hands on as variables.
_RESULTS = frozenset({"result", "outcome", "outage_seconds"})
_OF_A_GATE = {
    name: spec
    for name, spec in WAIT_OPTIONS.items()
    if name not in ("max_delay", "timeout", "replay", "role_prefixes", "series")
}
_USER_FILES = ("freeze", "verify", "switch", "unfreeze")
_JOBS = ("jobs", "job_names")
_LISTS = (*_JOBS, "reports")
STOP_JOBS = ("never", "before_switch", "after_switch", "by_switch_tasks")
_OWN: dict[str, dict[str, Any]] = {
    **{f"{name}_tasks": {"type": "path"} for name in _USER_FILES},
    "without_unfreeze": {"type": "bool", "default": False},
    "approach_max_delay": {"type": "int", "default": 5},
    "max_delay": {"type": "int", "default": 0},
    "approach_timeout": {"type": "float"},
    "final_timeout": {"type": "float"},
    "timeout": {"type": "float"},
    "final_interval": {"type": "float", "default": 1.0},
    "max_outage": {"type": "float", "default": 3600.0},
    "stop_jobs": {"type": "str", "default": "never", "choices": [*STOP_JOBS]},
    "stop_timeout": {"type": "float", "default": 900.0},
    "confirm": {"type": "str", "default": "never"},
    "confirm_timeout": {"type": "float", "default": 300.0},
    "state_file": {"type": "path"},
    "reports": {"type": "list", "elements": "path", "default": []},
    "title": {"type": "str", "default": "DRS cutover"},
    "stats": {"type": "bool", "default": True},
}
OPTIONS = {**_OF_A_GATE, **CONNECTION_OPTIONS, **_OWN}
_CONFIRM = {
    **dict.fromkeys(("never", "false", "no", "off", "0"), "never"),
    **dict.fromkeys(("always", "true", "yes", "on", "1"), "always"),
    "terminal": "terminal",
}
_DEFAULT_TIMEOUTS = {"approach": 3600.0, "final": 600.0}


@dataclass(frozen=True)
class Options:
    """The options of one cutover, checked. ``files`` has the absolute path of each of the user's files that is given."""

    values: Mapping[str, Any]
    jobs: tuple[str, ...]
    files: Mapping[str, str]
    state_file: Path
    confirm: str

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages that this cutover has, in order."""
        return self._stages(self.files)

    @property
    def planned(self) -> tuple[str, ...]:
        """The same for people, with those that have no tasks: a plan says so."""
        return self._stages([*self.files, "freeze", "verify"])

    def _stages(self, files: Collection[str]) -> tuple[str, ...]:
        return stages_of(files, asks=self.confirm == "always", stop_jobs=self.stop_jobs)

    @property
    def stop_jobs(self) -> str:
        """When the jobs are stopped, one of :data:`STOP_JOBS`."""
        return str(self.values["stop_jobs"])

    def connection(self) -> dict[str, Any]:
        """Return the options of a client."""
        return {name: self.values.get(name) for name in CONNECTION_OPTIONS}

    def of_stop(self, remaining: float | None) -> dict[str, Any]:
        """Return the options of a stop; ``remaining`` is how long the outage may still last (seconds), None after the switch."""
        timeout = self.values["stop_timeout"]
        # What a stop and a gate both have, such as max_delay, is that of the final gate.
        shared = {name: self.values[name] for name in STOP_OPTIONS if name in self.values}
        return {
            **{name: spec.get("default") for name, spec in STOP_OPTIONS.items()},
            **shared,
            **self.connection(),
            "jobs": list(self.jobs),
            "job_names": None,
            # Before the switch only what is ready may be stopped; after it a job that goes on only does harm.
            "require_ready": remaining is not None,
            "force": False,
            "wait": True,
            "timeout": timeout if remaining is None else max(1.0, min(timeout, remaining)),
            "interval": self.values["final_interval"],
        }

    def of_gate(self, gate: str) -> dict[str, Any]:
        """Return the options of a wait at this gate, ``approach`` or ``final``."""
        values = self.values
        options = {name: values.get(name) for name in (*_OF_A_GATE, *CONNECTION_OPTIONS)}
        timeout = values.get(f"{gate}_timeout")
        timeout = values.get("timeout") if timeout is None else timeout
        options.update(
            jobs=list(self.jobs),
            job_names=None,
            replay=None,
            role_prefixes=None,
            series=True,
            max_delay=values["approach_max_delay"] if gate == "approach" else values["max_delay"],
            timeout=_DEFAULT_TIMEOUTS[gate] if timeout is None else timeout,
        )
        if gate == "final":
            # Each second is outage.
            options.update(interval=values["final_interval"], near_interval=values["final_interval"])
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
    _refuse_unknown(task_vars)
    chosen = given((PREFIX,), OPTIONS, task_vars, templar)
    # Of a wait's own variables only what says where and as whom, and the jobs: its rules are those of another gate.
    shared = given(("drs_wait_",), (*CONNECTION_OPTIONS, *_JOBS), task_vars, templar)
    if any(name in chosen for name in _JOBS):
        shared = {name: value for name, value in shared.items() if name not in _JOBS}
    chosen = {**defaults, **shared, **chosen}
    for name in _LISTS:
        if name in chosen:
            chosen[name] = as_list(chosen[name])
    confirm = _CONFIRM.get(str(chosen.get("confirm", "never")).lower())
    chosen["confirm"] = str(chosen.get("confirm", "never"))
    values = checked(PREFIX, OPTIONS, chosen)
    if confirm is None:
        raise configuration_error("drs_cutover_confirm must be never, always or terminal.")
    if confirm == "always" and can_ask is False:
        raise configuration_error(
            "drs_cutover_confirm: there is no terminal, so nobody can be asked. Set it to terminal, or to never."
        )
    if confirm == "terminal":
        confirm = "never" if can_ask is False else "always"
    if not values.get("jobs") and not values.get("job_names"):
        raise configuration_error(
            "drs_cutover_jobs: there are no jobs. Set their ids in this variable, because the journal is kept for them."
        )
    asked = asked_jobs(values)
    jobs = list(asked.ids) or ids_of(values)
    folder = Path(str(task_vars["playbook_dir"]))
    files = _files(values, folder)
    _check_reports(values["reports"])
    return Options(values, tuple(jobs), files, _state_file(values, folder, jobs), confirm)


def _refuse_unknown(task_vars: Mapping[str, Any]) -> None:
    for name in task_vars:
        option = name.removeprefix(PREFIX)
        if option != name and option not in OPTIONS and option not in _RESULTS:
            near = difflib.get_close_matches(option, [*OPTIONS], 1)
            advice = f" Did you mean {PREFIX}{near[0]}?" if near else ""
            raise configuration_error(f"{name} is not an option of the role drs_cutover.{advice}")


def _files(values: Mapping[str, Any], folder: Path) -> dict[str, str]:
    # Beside the playbook, not in the role or wherever the command was started.
    given_files = {name: values.get(f"{name}_tasks") for name in _USER_FILES}
    files = {name: str(folder / Path(path).expanduser()) for name, path in given_files.items() if path}
    if "switch" not in files:
        raise configuration_error(f"{PREFIX}switch_tasks is required: a file with the tasks that switch to the target.")
    if "freeze" in files and "unfreeze" not in files and not values["without_unfreeze"]:
        raise configuration_error(
            f"{PREFIX}freeze_tasks is set and {PREFIX}unfreeze_tasks is not, so a run that fails would leave the source "
            f"frozen. Set it, or set {PREFIX}without_unfreeze to true if there is nothing to undo."
        )
    return files


def _check_reports(paths: list[str]) -> None:
    wrong = wrong_suffixes(paths)
    if wrong:
        raise configuration_error(f"{PREFIX}reports: {wrong}")


def _state_file(values: Mapping[str, Any], folder: Path, jobs: list[str]) -> Path:
    path = folder / Path(values.get("state_file") or default_state_file(jobs)).expanduser()
    if path.suffix != ".json":
        raise configuration_error(f"{PREFIX}state_file: {path} must end in .json.")
    return path


def check_files(options: Options, loader: Any) -> None:
    """Check that the user's files are there, that they have tasks, and that journal and reports can be written.

    Raises :class:`DrsError` of kind ``configuration``.
    """
    for name, file in options.files.items():
        if not Path(file).is_file():
            raise configuration_error(f"{PREFIX}{name}_tasks: there is no file {file}.")
        if not _has_tasks(file, loader):
            # Ansible accepts that: the stage would count as done, though nothing was.
            raise configuration_error(f"{PREFIX}{name}_tasks: {file} has no tasks.")
    written = [("state_file", options.state_file), *(("reports", Path(path)) for path in options.values["reports"])]
    for option, path in written:
        nearest = Path(os.path.realpath(path)).parent
        while not nearest.exists():
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
        return bool(loader.load_from_file(file, cache="none"))
    except AnsibleError:
        # Where the mistake is, Ansible itself says when it loads the file for the play.
        return True


def default_state_file(jobs: list[str]) -> str:
    """Return the name of the journal of these jobs if none is given."""
    return f".drs_cutover.{hashlib.sha256(','.join(sorted(jobs)).encode()).hexdigest()[:12]}.json"
