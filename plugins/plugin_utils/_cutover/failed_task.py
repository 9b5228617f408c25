# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed task of the user says: file, task and loop item, and never what ``no_log`` hides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._job.text import printable
from .._report.untrusted import fields, mappings

_LONGEST = 1000
# The number of other hosts that a sentence names.
_MOST_HOSTS = 3
_OWN_STEPS = ("drs_cutover_step", "drs_cutover_unfrozen")
_OF_A_COMMAND = "non-zero return code"


def failure(message: str) -> dict[str, Any]:
    """Return the result of a step that failed."""
    return {"failed": True, "msg": message}


def message_of(error: Exception) -> str:
    """Return what an error says to people."""
    return error.message if isinstance(error, AnsibleError) else str(error)


def what_failed(task_vars: Mapping[str, Any], file: str) -> str:
    """Return a sentence about the task that led to a rescue; ``file`` is the user's file of the stage, empty if none."""
    failed = fields(task_vars.get("ansible_failed_result"))
    task = fields(task_vars.get("ansible_failed_task"))
    if str(task.get("action", "")).endswith(_OWN_STEPS):
        return _text(failed.get("msg"))
    of_file = f" of {PurePath(file).name}" if file else ""
    if not task:
        # An include that finds no file has no task, and tells a rescue nothing.
        return f"An include{of_file} failed: see the error that Ansible shows above."
    where = f"The task '{task.get('name') or task.get('action')}'{of_file}"
    if task.get("no_log") is True or failed.get("_ansible_no_log") or failed.get("censored"):
        return f"{where} failed; its result is hidden by no_log."
    # A module may return anything under this name; of a loop it is a list.
    item = next((entry for entry in mappings(failed.get("results")) if entry.get("failed")), None)
    if item is not None:
        label = item.get("_ansible_item_label", item.get(item.get("ansible_loop_var", "item")))
        if item.get("_ansible_no_log"):
            return f"{where} failed for an item; its result is hidden by no_log."
        return f"{where} failed for the item {_text(label)}: {_said(item)}"
    return f"{where} failed: {_said(failed)}"


def ended_by_others(
    task_vars: Mapping[str, Any], stage: str, file: str, others: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return which other hosts ended this one, and why, if no task of its own failed; else an empty text.

    ``any_errors_fatal`` and a task with ``run_once`` end hosts on which nothing failed. ``others`` has the variables of the
    other hosts of the play.
    """
    if task_vars.get("ansible_failed_task"):
        return ""
    failed = {
        host: what_failed(of_host, file) for host, of_host in others.items() if of_host.get("ansible_failed_task")
    }
    alive = set(task_vars.get("ansible_play_hosts") or ())
    failed.update(
        {host: "It failed, or cannot be reached." for host in others if host not in alive and host not in failed}
    )
    if not failed:
        return ""
    texts = [f"{host}: {said.rstrip('.')}." for host, said in [*failed.items()][:_MOST_HOSTS]]
    more = f" And {len(failed) - _MOST_HOSTS} more." if len(failed) > _MOST_HOSTS else ""
    return f"Ansible ended this host in the stage {stage} because another one failed. {' '.join(texts)}{more}"


def _said(result: Mapping[str, Any]) -> str:
    said = _text(result.get("msg") or result.get("reason") or result.get("stderr") or "no reason is known")
    written = str(result.get("stderr") or "").strip().splitlines()
    # All that a command's own message says is that it failed.
    return f"{said} {result.get('rc')}: {_text(written[-1])}" if said == _OF_A_COMMAND and written else said


def _text(value: Any) -> str:
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
