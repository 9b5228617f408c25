# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is documented is what is returned: every key of an entry, and every word of a closed list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.action.drs_cutover_step import STEPS
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Outcome, Role
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES, UNFREEZE
from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Verdict
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Rule
from ansible_collections.cutover.drs.plugins.module_utils._job.comparisons import (
    CompareKind,
    CompareVerdict,
    Comparison,
)
from ansible_collections.cutover.drs.plugins.module_utils._job.engines import Family
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import ProgressRecord, StatusRecord
from ansible_collections.cutover.drs.plugins.module_utils._job.status_table import Phase, State
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.comparisons import Compared
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.lists import ListedJob
from ansible_collections.cutover.drs.plugins.modules import (
    drs_cutover_step,
    drs_job_compare_info,
    drs_job_info,
    drs_job_progress,
    drs_job_status,
    drs_job_stop,
    drs_job_wait,
)
from ansible_collections.cutover.drs.plugins.plugin_utils._report.wording import _OF_VERDICTS
from ansible_collections.cutover.drs.tests.unit.reports.results import wait_result
from ansible_collections.cutover.drs.tests.unit.stop.service import Task, stopped

ROOT = Path(__file__).resolve().parents[3]


def returned(module: ModuleType, *path: str) -> dict[str, Any]:
    """Return the documented keys at a path in a module's result."""
    found: dict[str, Any] = yaml.safe_load(module.RETURN)
    for key in path:
        found = found[key]["contains"]
    return found


# Of each module an entry of ``jobs`` as it gives it.
ENTRIES: dict[ModuleType, Iterable[str]] = {
    drs_job_status: {"name", *StatusRecord("a").as_dict()},
    drs_job_progress: {"name", *ProgressRecord("a").as_dict()},
    drs_job_wait: wait_result()["jobs"][0],
    drs_job_stop: {"name", *stopped(Task()).result["jobs"][0]},
    drs_job_compare_info: {"name", *Compared("a", {}).as_dict()},
    drs_job_info: {"target_readonly", *ListedJob("a").as_dict()},
}


@pytest.mark.parametrize("module", ENTRIES)
def test_every_key_of_an_entry_is_documented(module: ModuleType) -> None:
    assert set(returned(module, "jobs")) == set(ENTRIES[module])


def test_every_key_of_a_comparison_is_documented_and_every_kind_a_choice() -> None:
    assert set(COMPARISON) == set(Comparison(CompareVerdict.MISSING).as_dict())
    options = yaml.safe_load(drs_job_compare_info.DOCUMENTATION)["options"]
    assert options["kinds"]["choices"] == [kind.value for kind in CompareKind]


def test_every_key_of_the_result_of_a_wait_is_documented() -> None:
    of_ansible = {"changed", "failed", "warnings"}
    assert set(returned(drs_job_wait)) == {"connection", "ran_by", "replay", *wait_result()} - of_ansible


def test_every_step_of_a_cutover_is_a_documented_choice() -> None:
    assert set(yaml.safe_load(drs_cutover_step.DOCUMENTATION)["options"]["step"]["choices"]) == set(STEPS)


@pytest.mark.parametrize("module", [drs_job_status, drs_job_stop])
def test_every_key_of_a_failure_is_documented(module: ModuleType) -> None:
    assert set(returned(module, "failure")) == set(DrsError(Kind.NETWORK, "It broke.").failure())


def words(description: str | list[str]) -> list[str]:
    """Return the values that a description names, each once."""
    text = description if isinstance(description, str) else " ".join(description)
    return list(dict.fromkeys(re.findall(r"\bV\((\w+)\)", text)))


def of_schema(name: str, *path: str | int) -> list[str]:
    """Return the values that a schema allows at a path."""
    found: Any = json.loads((ROOT / f"docs/schemas/{name}.schema.json").read_text(encoding="utf-8"))
    for key in path:
        found = found[key]
    return [value for value in found["enum"] if value is not None]


JOB = returned(drs_job_wait, "jobs")
COMPARISON = returned(drs_job_compare_info, "jobs", "comparisons", "rows")
WAIT, CUTOVER = "wait-result", "cutover-result"
LISTS: list[tuple[str, list[str], type[Enum]]] = [
    ("verdict, documented", words(returned(drs_job_wait)["verdict"]["description"]), Verdict),
    ("verdict, in reports", [*_OF_VERDICTS], Verdict),
    ("verdict, in its schema", of_schema(WAIT, "properties", "verdict"), Verdict),
    ("verdict, recorded", of_schema("recording-line", "oneOf", 3, "properties", "verdict"), Verdict),
    ("comparison, documented", words(COMPARISON["verdict"]["description"]), CompareVerdict),
    ("state, documented", words(JOB["state"]["description"]), State),
    ("engine family, documented", words(returned(drs_job_info, "jobs")["engine_family"]["description"]), Family),
    # Of jobs that were read.
    ("state, read", [*words(returned(drs_job_status, "jobs")["state"]["description"]), "unread"], State),
    ("state, in its schema", of_schema(WAIT, "$defs", "job", "properties", "state"), State),
    ("state, of a subtask", [*of_schema(WAIT, "$defs", "subtask", "properties", "state"), "unread"], State),
    ("phase, in its schema", of_schema(WAIT, "$defs", "job", "properties", "phase"), Phase),
    ("phase, of a subtask", of_schema(WAIT, "$defs", "subtask", "properties", "phase"), Phase),
    ("hold, documented", words(JOB["holds"]["contains"]["rule"]["description"]), Rule),
    ("hold, in its schema", of_schema(WAIT, "$defs", "hold", "properties", "rule"), Rule),
    ("goal, in its schema", of_schema(WAIT, "properties", "goal"), Goal),
    ("kind, documented", words(returned(drs_job_status, "failure")["kind"]["description"]), Kind),
    ("kind, in its schema", of_schema(WAIT, "$defs", "failure", "properties", "kind"), Kind),
    ("outcome, in its schema", of_schema(CUTOVER, "properties", "outcome"), Outcome),
    ("who unfroze it, in its schema", of_schema(CUTOVER, "properties", "unfrozen_by"), Role),
]


@pytest.mark.parametrize(("listed", "known"), [case[1:] for case in LISTS], ids=[case[0] for case in LISTS])
def test_a_closed_list_has_every_word_wherever_it_is_written(listed: list[str], known: type[Enum]) -> None:
    assert sorted(listed) == sorted(each.value for each in known)


def test_the_schema_of_a_cutover_has_every_stage() -> None:
    assert set(of_schema(CUTOVER, "properties", "stages", "items", "properties", "name")) == {*STAGES, UNFREEZE}


# Return values that one of the modules describes in its own words, because they mean something else there.
OWN_WORDS = {
    "drs_job_wait": {"jobs.name", "jobs.found", "jobs.state", "jobs.status"},
    "drs_job_info": {"jobs.id", "jobs.name", "jobs.subtasks"},
}


def described(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    """The description of each value below the top of a result: there each module says what happened to which jobs."""
    found = {path + name: value["description"] for name, value in values.items() if path}
    for name, value in values.items():
        found.update(described(value.get("contains", {}), f"{path}{name}."))
    return found


def test_a_return_value_that_several_modules_have_is_described_alike() -> None:
    homes: dict[str, tuple[str, Any]] = {}
    for module in ENTRIES:
        name = module.__name__.rpartition(".")[2]
        for value, description in described(returned(module)).items():
            home, words = homes.setdefault(value, (name, description))
            assert (description != words) is (value in OWN_WORDS.get(name, ())), f"{value}: {home} and {name}"
