# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the role drs_wait, beside the wait itself: its own options, reports, statistics and the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._arguments import checked
from ..module_utils._gate.gate import Verdict
from ..module_utils._job.errors import DrsError
from ..module_utils._wait.recording import REPLAY
from ._report.summary import summary
from ._report.untrusted import fields
from ._report.write import TITLE, beside, write_each, wrong_suffixes
from ._role_variables import as_list, given, other_hosts, variables_of

STEPS = ("begin", "publish", "summary", "open")
PREFIX = "drs_wait_"
_READY, _ERROR = Verdict.READY.value, Verdict.ERROR.value
# The registered result of the first step.
BEGUN = "_drs_wait_begun"
# And of the step that writes the reports.
WRITTEN = "drs_wait_written"
OPTIONS: dict[str, dict[str, Any]] = {
    "reports": {"type": "list", "elements": "path", "default": []},
    "title": {"type": "str", "default": TITLE},
    "stats": {"type": "bool", "default": True},
    "fail": {"type": "bool", "default": True},
}


class WaitStep:
    """One step, on one host."""

    def __init__(self, action: Any, task_vars: Mapping[str, Any]) -> None:
        self._action = action
        self._vars = task_vars
        self._host = str(task_vars.get("inventory_hostname", "localhost"))
        self._options = _options(task_vars, action._templar)

    def take(self, name: str) -> dict[str, Any]:
        """Take the step, which is a method of this name, and return the task's result."""
        result: dict[str, Any] = getattr(self, name)()
        return result

    def begin(self) -> dict[str, Any]:
        """Check the options of the reports, and forget the result of another wait."""
        paths = self._options["reports"]
        wrong = wrong_suffixes(paths)
        if wrong:
            raise AnsibleActionFail(f"{PREFIX}reports: {wrong}")
        # The fact is of another wait in the same play, if there was one.
        return {
            "ansible_facts": {f"{PREFIX}result": {}},
            "host": self._host,
            "reports": paths,
            "msg": "The options of the reports are valid.",
        }

    def publish(self) -> dict[str, Any]:
        """Write the reports and publish the verdict; what could not be written is a warning and joins the message."""
        result = self._result()
        paths, moved = self._paths()
        given = (paths, result, self._options["title"])
        written, problems = write_each(*given, check_mode=self._action._task.check_mode)
        problems = moved + problems
        answer: dict[str, Any] = {"written": written, "problems": problems, "msg": str(result.get("reason") or "")}
        if problems:
            answer["warnings"] = problems
        if self._options["stats"]:
            answer["ansible_stats"] = {"data": self._statistics(result), "per_host": False, "aggregate": False}
        return answer

    def _paths(self) -> tuple[list[str], list[str]]:
        """Return the reports to write; one that another host writes too gets this host's name, so that none is lost."""
        taken: set[str] = set()
        for host in other_hosts(self._vars, self._host):
            begun = fields(variables_of(self._vars, host).get(BEGUN))
            if begun.get("host") == host:
                taken.update(begun.get("reports") or ())
        paths, problems = [], []
        for path in self._options["reports"]:
            own = beside(path, self._host) if path in taken else path
            if own != path:
                problems.append(f"Another host writes {path} too, so the report of {self._host} is {own}.")
            paths.append(own)
        return paths, problems

    def _statistics(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return what set_stats would: ready only if every host of the play is, with the verdict of each."""
        own = _published(result)
        verdicts = {self._host: own}
        alive = set(self._vars.get("ansible_play_hosts") or ())
        for host in other_hosts(self._vars, self._host):
            other = fields(variables_of(self._vars, host).get(f"{PREFIX}result"))
            if other.get("verdict"):
                verdicts[host] = _published(other)
            elif host not in alive:
                # It failed before it had a verdict. A host that lives and has none does not wait, or not yet.
                verdicts[host] = _ERROR
        worst = next((verdict for verdict in verdicts.values() if verdict != _READY), _READY)
        return {
            "drs_wait_ready": worst == _READY,
            "drs_wait_verdict": worst if own == _READY else own,
            "drs_wait_verdicts": dict(sorted(verdicts.items())),
        }

    def summary(self) -> dict[str, Any]:
        """Return what a person wants to know now; the reason only if no failure follows that has it."""
        result = self._result()
        written = self._vars.get(WRITTEN) or {}
        fails = result.get("ready") is not True and self._options["fail"]
        lines = summary(result, written.get("written") or (), with_reason=not fails)
        # Shown as a task of ansible.builtin.debug shows its message.
        return {"msg": lines, "_ansible_verbose_always": True}

    def open(self) -> dict[str, Any]:
        """Fail unless the gate is open."""
        result = self._result()
        if result.get("ready") is True or not self._options["fail"]:
            return {"msg": str(result.get("msg") or result.get("reason") or "")}
        reason = result.get("reason") or result.get("msg") or "no reason is known"
        problems = (self._vars.get(WRITTEN) or {}).get("problems") or []
        mark = f"{REPLAY}: " if result.get("replay") is not None else ""
        said = " ".join([f"{mark}Not ready ({result.get('verdict') or _ERROR}): {reason}", *problems])
        return {"failed": True, "msg": said}

    def _result(self) -> Mapping[str, Any]:
        return fields(self._vars.get(f"{PREFIX}result"))


def _published(result: Mapping[str, Any]) -> str:
    """Return the verdict for whoever acts on it elsewhere: ``replay`` if it is not evidence of now."""
    if result.get("replay") is not None:
        return "replay"
    verdict = str(result.get("verdict") or _ERROR)
    return _ERROR if verdict == _READY and result.get("ready") is not True else verdict


def _options(task_vars: Mapping[str, Any], templar: Any) -> dict[str, Any]:
    try:
        chosen = given((PREFIX,), OPTIONS, task_vars, templar)
        if "reports" in chosen:
            chosen["reports"] = as_list(chosen["reports"])
        return checked(OPTIONS, chosen, PREFIX.__add__)
    except DrsError as error:
        raise AnsibleActionFail(str(error)) from None
