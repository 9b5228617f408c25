# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role says of a task of the user that failed, whatever the module returned."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.failed_task import ended_by_others, what_failed

TASK = {"name": "Lock the tables", "action": "command"}


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        ({"msg": "locked"}, "failed: locked"),
        ({"stderr": "denied"}, "failed: denied"),
        (
            {"msg": "non-zero return code", "rc": 4, "stderr": "dialling\nno route to host\n"},
            "failed: non-zero return code 4: no route to host",
        ),
        ({"msg": "non-zero return code", "rc": 4, "stderr": " \n"}, "failed: non-zero return code"),
        ({"msg": "non-zero return code", "rc": 4, "stderr": None}, "failed: non-zero return code"),
        ({}, "failed: no reason is known"),
        ({"results": [{"failed": False}, {"failed": True, "item": "db1", "msg": "x"}]}, "failed for the item db1: x"),
        # A module is free to return anything under any name.
        ({"msg": "odd", "results": 5}, "failed: odd"),
        ({"msg": "odd", "results": "text"}, "failed: odd"),
        ({"msg": "odd", "results": [None, 3, "text"]}, "failed: odd"),
        ({"msg": "odd", "results": {"failed": True}}, "failed: odd"),
        ({"msg": ["a", {"b": None}]}, "failed: ['a', {'b': None}]"),
        ({"msg": "f\udcfcr\x1b[2J root"}, "failed: f?r?[2J root"),
        ({"msg": "x" * 5000}, f"failed: {'x' * 1000}..."),
        ("text", "failed: no reason is known"),
    ],
)
def test_a_failed_task_is_named_with_its_file_and_reason(failed: Any, said: str) -> None:
    told = what_failed({"ansible_failed_result": failed, "ansible_failed_task": TASK}, "/play/tasks/freeze.yml")
    assert told == f"The task 'Lock the tables' of freeze.yml {said}"


@pytest.mark.parametrize("forgotten", [{}, {"ansible_failed_task": {}, "ansible_failed_result": {}}])
def test_of_an_include_that_fails_ansible_says_nothing_to_a_rescue(forgotten: Any) -> None:
    said = "An include of freeze.yml failed: see the error that Ansible shows above."
    assert what_failed(forgotten, FILE) == said
    alive = {"ansible_play_hosts": ["one", "two"]}
    ended = ended_by_others({**alive, **forgotten}, "freeze", FILE, {"two": forgotten, "gone": {}})
    assert ended == f"{ENDED} gone: It failed, or cannot be reached."


FAILED = {"ansible_failed_task": TASK, "ansible_failed_result": {"msg": "locked"}}
FILE = "/play/tasks/freeze.yml"
ENDED = "Ansible ended this host in the stage freeze because another one failed."


@pytest.mark.parametrize(
    ("own", "others", "said"),
    [
        ({}, {"two": FAILED, "three": {}}, f"{ENDED} two: The task 'Lock the tables' of freeze.yml failed: locked."),
        ({}, {"gone": {}}, f"{ENDED} gone: It failed, or cannot be reached."),
        ({}, {"three": {}}, ""),
        (FAILED, {"two": FAILED}, ""),
    ],
)
def test_a_host_that_others_ended_says_which_ones(own: Any, others: Any, said: str) -> None:
    alive = {"ansible_play_hosts": ["one", "two", "three"]}
    assert ended_by_others({**alive, **own}, "freeze", FILE, others) == said


def test_of_many_hosts_that_failed_the_first_are_named() -> None:
    alive = {"ansible_play_hosts": ["one"]}
    said = ended_by_others(alive, "freeze", FILE, {f"db-{number}": {} for number in range(9)})
    assert said.count("It failed") == 3
    assert said.endswith(" And 6 more.")
